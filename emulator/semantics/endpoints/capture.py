"""Data capture: which requests are kept, how a record reads, where it lies.

AWS_NAME: DataCaptureConfig
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html (layout, record),
    API_DataCaptureConfig, API_CaptureContentTypeHeader (base64 unless a content type is listed), stored outputs of
    aws/amazon-sagemaker-examples, aws/sagemaker-python-sdk issue 2629 (inferenceId), read 2026-11
DIFFERS: AWS does not say whether requests that end in an error are captured; here those that the model answered with a
    status below 400 are. A shadow variant's record has an eventId of its own; inferenceId is the caller's in both.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Capture:
    """An endpoint's capture settings; `role_arn` is who writes the records."""

    sampling_percentage: int
    destination_uri: str
    has_input: bool
    has_output: bool
    csv_types: frozenset[str]
    json_types: frozenset[str]
    role_arn: str
    kms_key_id: str = ""


@dataclass(frozen=True, slots=True)
class Captured:
    """One invocation as it was seen; bodies are raw."""

    capture: Capture
    endpoint: str
    variant: str
    at: datetime
    event_id: str
    inference_id: str
    custom_attributes: str
    content_type: str
    body: bytes
    answer_type: str
    answer: bytes


def settings(config: Mapping[str, Any], role_arn: str) -> Capture | None:
    """From an endpoint configuration; None when nothing is captured."""
    wanted = config.get("DataCaptureConfig")
    if not wanted or not wanted.get("EnableCapture", True):
        return None
    modes = {option["CaptureMode"] for option in wanted["CaptureOptions"]}
    types = wanted.get("CaptureContentTypeHeader") or {}
    return Capture(
        sampling_percentage=wanted["InitialSamplingPercentage"],
        destination_uri=wanted["DestinationS3Uri"].rstrip("/"),
        has_input=bool(modes & {"Input", "InputAndOutput"}),
        has_output=bool(modes & {"Output", "InputAndOutput"}),
        csv_types=frozenset(map(_media_type, types.get("CsvContentTypes", ()))),
        json_types=frozenset(map(_media_type, types.get("JsonContentTypes", ()))),
        role_arn=role_arn,
        kms_key_id=wanted.get("KmsKeyId", ""),
    )


def summary(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """As DescribeEndpoint shows it."""
    wanted = config.get("DataCaptureConfig")
    if not wanted:
        return None
    is_on = wanted.get("EnableCapture", True)
    return {
        "EnableCapture": is_on,
        "CaptureStatus": "Started" if is_on else "Stopped",
        "CurrentSamplingPercentage": wanted["InitialSamplingPercentage"],
        "DestinationS3Uri": wanted["DestinationS3Uri"],
        "KmsKeyId": wanted.get("KmsKeyId", ""),
    }


def is_sampled(capture: Capture | None, unit: float) -> bool:
    """Whether a request is captured; `unit` is a number in [0, 1)."""
    return capture is not None and unit * 100 < capture.sampling_percentage


def line(seen: Captured) -> str:
    """The record of one invocation, without the end of the line."""
    data: dict[str, Any] = {}
    if seen.capture.has_input:
        data["endpointInput"] = _side(seen.capture, "INPUT", seen.content_type, seen.body)
    if seen.capture.has_output:
        data["endpointOutput"] = _side(seen.capture, "OUTPUT", seen.answer_type, seen.answer)
    event: dict[str, Any] = {"eventId": seen.event_id}
    if seen.inference_id:
        event["inferenceId"] = seen.inference_id
    if seen.custom_attributes:
        event["customAttributes"] = [seen.custom_attributes]
    event["inferenceTime"] = seen.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    record = {"captureData": data, "eventMetadata": event, "eventVersion": "0"}
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False)


def prefix(seen: Captured) -> str:
    """The folder of a record: endpoint, variant, UTC hour of the invocation."""
    hour = seen.at.astimezone(UTC).strftime("%Y/%m/%d/%H")
    return f"{seen.capture.destination_uri}/{seen.endpoint}/{seen.variant}/{hour}"


def file_name(first: Captured, unique: str) -> str:
    """A file is named after its first record's minute, second and millisecond."""
    at = first.at.astimezone(UTC)
    return f"{at:%M-%S}-{at.microsecond // 1000:03d}-{unique}.jsonl"


def _side(capture: Capture, mode: str, content_type: str, data: bytes) -> dict[str, str]:
    encoding, text = _encoded(capture, content_type, data)
    return {"observedContentType": content_type, "mode": mode, "data": text, "encoding": encoding}


def _encoded(capture: Capture, content_type: str, data: bytes) -> tuple[str, str]:
    """What is listed as CSV or JSON stays text; bytes that are no text stay base64 whatever they are called."""
    kind = _media_type(content_type)
    encoding = "CSV" if kind in capture.csv_types else "JSON" if kind in capture.json_types else "BASE64"
    if encoding != "BASE64":
        try:
            return encoding, data.decode("utf-8")
        except UnicodeDecodeError:
            pass
    return "BASE64", base64.b64encode(data).decode()


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()
