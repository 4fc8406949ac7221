"""Asynchronous inference: where answers go, and what people are told.

AWS_NAME: AsyncInferenceConfig
SOURCE: API_AsyncInferenceConfig, API_runtime_InvokeEndpointAsync (locations answered at once), async-inference-create-
    endpoint.html, async-inference-check-predictions.html (messages to SNS), recorded messages in public repositories
    (responseBody), async-inference.html (1 GB, 15 minutes unless told otherwise, 6 hours in the queue), read 2026-11
DIFFERS: AWS chooses how many requests an instance gets at a time where nothing is said; here it is 4. The metrics of
    the backlog are not published.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

DEFAULT_CONCURRENCY = 4
PAYLOAD_MAX = 1024**3
TIMEOUT_S, TTL_S = 900.0, 21_600.0
_RESPONSE_MAX = 128 * 1024
_HINT = "Check S3 path location(if configured) or Cloudwatch for additional details."


@dataclass(frozen=True)
class Asynchronous:
    """An endpoint's settings; `role_arn` is who reads and writes."""

    output_uri: str
    failure_uri: str | None
    success_topic: str | None
    error_topic: str | None
    with_response: frozenset[str]
    kms_key_id: str | None
    concurrency: int
    role_arn: str


@dataclass(frozen=True)
class Task:
    """One request that waits, or is answered."""

    endpoint: str
    inference_id: str
    input_uri: str
    output_uri: str
    failure_uri: str | None
    content_type: str | None
    accept: str | None
    received_at: datetime
    custom_attributes: str | None = None
    timeout_s: float = TIMEOUT_S
    ttl_s: float = TTL_S


def settings(config: Mapping[str, Any], role_arn: str) -> Asynchronous | None:
    """From an endpoint configuration; None when it is not asynchronous."""
    wanted = config.get("AsyncInferenceConfig")
    if not wanted:
        return None
    output = wanted["OutputConfig"]
    notified = output.get("NotificationConfig") or {}
    client = wanted.get("ClientConfig") or {}
    failure = output.get("S3FailurePath")
    return Asynchronous(
        output_uri=output["S3OutputPath"].rstrip("/"),
        failure_uri=failure.rstrip("/") if failure else None,
        success_topic=notified.get("SuccessTopic"),
        error_topic=notified.get("ErrorTopic"),
        with_response=frozenset(notified.get("IncludeInferenceResponseIn", ())),
        kms_key_id=output.get("KmsKeyId"),
        concurrency=client.get("MaxConcurrentInvocationsPerInstance", DEFAULT_CONCURRENCY),
        role_arn=role_arn,
    )


def locations(wanted: Asynchronous, unique: str) -> tuple[str, str | None]:
    """Where the answer will lie, and where a failure would."""
    failure = f"{wanted.failure_uri}/{unique}-error.out" if wanted.failure_uri else None
    return f"{wanted.output_uri}/{unique}.out", failure


def notice(task: Task, region: str, now: datetime, answer: Answered | Failed, has_body: bool) -> str:
    """The message to the topic of success or of errors."""
    asked = {"accept": task.accept, "contentType": task.content_type, "endpointName": task.endpoint}
    message: dict[str, Any] = {
        "awsRegion": region,
        "eventTime": _time(now),
        "receivedTime": _time(task.received_at),
        "invocationStatus": "Completed" if isinstance(answer, Answered) else "Failed",
        **({"failureReason": f"ClientError: {answer.reason}"} if isinstance(answer, Failed) else {}),
        "requestParameters": {**{k: v for k, v in asked.items() if v is not None}, "inputLocation": task.input_uri},
    }
    if isinstance(answer, Answered):
        message["responseParameters"] = {"contentType": answer.content_type, "outputLocation": task.output_uri}
    if has_body and len(answer.body) <= _RESPONSE_MAX:
        content = base64.b64encode(answer.body).decode()
        message["responseBody"] = {"content": content, "message": _HINT, "encoding": "BASE64"}
    tail = {"inferenceId": task.inference_id, "eventVersion": "1.0", "eventSource": "aws:sagemaker"}
    return json.dumps({**message, **tail, "eventName": "InferenceResult"}, separators=(",", ":"))


@dataclass(frozen=True)
class Answered:
    """What the container said."""

    content_type: str
    body: bytes


@dataclass(frozen=True)
class Failed:
    """Why there is no answer; `body` is what the container said, if it did."""

    reason: str
    body: bytes = b""


def _time(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
