"""A SageMaker PipelineSession that makes no AWS call: what the SDK would upload is recorded, anything else raises.

Deny by default, so that an SDK upgrade which adds a call fails the build instead of leaking it. The SDK reads parts of
its configuration from the environment while it is imported, so `build` prepares that before it imports this module.
"""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import boto3
from sagemaker.core.workflow.pipeline_context import PipelineSession

from pipeline_definitions.shared import tokens

_TELEMETRY_OFF = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}


class NetworkCallRefusedError(RuntimeError):
    """The SDK tried to call AWS while a definition was being composed.

    Attributes:
        operation: `service:Operation` as botocore names it.
    """

    def __init__(self, operation: str) -> None:
        self.operation = operation
        super().__init__(
            f"{operation} attempted while composing a definition; "
            "definitions are composed offline: pass the value that the SDK is looking up instead"
        )


@dataclass(frozen=True)
class RecordedPut:
    """An S3 PutObject that the SDK wanted to make: content that a deployment would have to ship."""

    url_path: str
    body: bytes


class OfflineSession(PipelineSession):  # type: ignore[misc]  # the SDK is untyped
    """The session to compose a pipeline with.

    Attributes:
        puts: S3 uploads that the SDK asked for, in order.
    """

    def __init__(self, bucket: str = tokens.ASSET_BUCKET, region: str = tokens.REGION) -> None:
        self.puts: list[RecordedPut] = []
        self._offline_bucket = bucket
        boto = boto3.session.Session(aws_access_key_id="offline", aws_secret_access_key="offline", region_name=region)
        boto.events.register("before-call", self._answer)  # type: ignore[arg-type]  # stubs: hooks may answer
        super().__init__(boto_session=boto, default_bucket=bucket, sagemaker_config=_TELEMETRY_OFF)

    def default_bucket(self) -> str:
        """The SDK's own method lists buckets, and creates one if there is none."""
        return self._offline_bucket

    def _answer(self, model: Any, params: dict[str, Any], **_: object) -> tuple[SimpleNamespace, dict[str, Any]]:
        """Stand between botocore and the network.

        Raises:
            NetworkCallRefusedError: for anything but an S3 upload.
        """
        operation = f"{model.service_model.service_name}:{model.name}"
        if operation != "s3:PutObject":
            raise NetworkCallRefusedError(operation)
        body = params["body"]
        content = body.read() if hasattr(body, "read") else bytes(body or b"")
        self.puts.append(RecordedPut(params["url_path"], content))
        return SimpleNamespace(status_code=200), {"ResponseMetadata": {"HTTPStatusCode": 200}}
