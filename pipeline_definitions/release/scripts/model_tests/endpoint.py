"""An endpoint as its callers see it."""

import time
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError

from pipeline_definitions.release.scripts.model_tests.report import Answer
from pipeline_definitions.shared.scripts.scoring import CSV


class Endpoint:
    """An endpoint as its callers see it. Never asks twice: what went wrong once is what a report has to show."""

    def __init__(self, runtime: Any, name: str) -> None:
        self._runtime = runtime
        self._name = name

    def ask(self, body: bytes, content_type: str = CSV) -> Answer:
        """Send a request; what is refused is an answer too."""
        began = time.perf_counter()
        answer = self._ask(body, content_type)
        return Answer(
            answer.status, answer.body, answer.content_type, answer.variant, seconds=time.perf_counter() - began
        )

    def _ask(self, body: bytes, content_type: str) -> Answer:
        try:
            response = self._runtime.invoke_endpoint(EndpointName=self._name, ContentType=content_type, Body=body)
            text = response["Body"].read().decode("utf-8", "replace")
        except ClientError as exc:
            return refusal(exc)
        except HTTPClientError as exc:
            return Answer(0, str(exc))
        return Answer(200, text, response.get("ContentType", ""), response.get("InvokedProductionVariant", ""))


def refusal(exc: ClientError) -> Answer:
    """The container's own status where it answered at all."""
    error: Any = exc.response
    status = int(error["ResponseMetadata"]["HTTPStatusCode"])
    if error["Error"]["Code"] != "ModelError":
        return Answer(status, f"{error['Error']['Code']}: {error['Error']['Message']}")
    return Answer(
        int(error.get("OriginalStatusCode") or 0), str(error.get("OriginalMessage", error["Error"]["Message"]))
    )
