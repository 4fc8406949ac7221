"""Records of data capture read and lie as AWS's do."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.semantics.endpoints import capture
from emulator.semantics.endpoints.capture import Capture, Captured

AT = datetime(2026, 3, 4, 5, 6, 7, 89_000, tzinfo=UTC)


def settings(*modes: str, **more: Any) -> Capture:
    wanted = {
        "InitialSamplingPercentage": 20,
        "DestinationS3Uri": "s3://b/p/",
        "CaptureOptions": [{"CaptureMode": mode} for mode in modes or ("InputAndOutput",)],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
        **more,
    }
    found = capture.settings({"DataCaptureConfig": wanted}, "role")
    assert found is not None
    return found


def seen(wanted: Capture, content_type: str = "text/csv", body: bytes = b"1,2\n", **more: str) -> Captured:
    ids = {"inference_id": "", "custom_attributes": "", **more}
    return Captured(
        wanted,
        "e",
        "champion",
        AT,
        "event-1",
        ids["inference_id"],
        ids["custom_attributes"],
        content_type,
        body,
        "text/csv; charset=utf-8",
        b"0.5",
    )


def test_a_record_reads_as_in_the_guide() -> None:
    assert json.loads(capture.line(seen(settings()))) == {
        "captureData": {
            "endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "data": "1,2\n", "encoding": "CSV"},
            "endpointOutput": {
                "observedContentType": "text/csv; charset=utf-8",
                "mode": "OUTPUT",
                "data": "0.5",
                "encoding": "CSV",
            },
        },
        "eventMetadata": {"eventId": "event-1", "inferenceTime": "2026-03-04T05:06:07Z"},
        "eventVersion": "0",
    }


def test_what_the_caller_said_is_in_the_event_and_only_then() -> None:
    event = json.loads(capture.line(seen(settings(), inference_id="mine", custom_attributes="c=1")))["eventMetadata"]

    assert event == {
        "eventId": "event-1",
        "inferenceId": "mine",
        "customAttributes": ["c=1"],
        "inferenceTime": "2026-03-04T05:06:07Z",
    }


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("text/csv", b"1,2", ("CSV", "1,2")),
        ("TEXT/CSV; header=present", b"1,2", ("CSV", "1,2")),
        ("application/json", "é".encode(), ("JSON", "é")),
        ("text/html", b"hi", ("BASE64", "aGk=")),
        ("text/csv", b"\xff\xfe", ("BASE64", "//4=")),
    ],
)
def test_content_types_that_are_not_listed_are_captured_in_base64(
    content_type: str, body: bytes, expected: tuple[str, str]
) -> None:
    side = json.loads(capture.line(seen(settings(), content_type, body)))["captureData"]["endpointInput"]

    assert (side["encoding"], side["data"]) == expected


def test_without_a_list_everything_is_base64() -> None:
    line = capture.line(seen(settings(CaptureContentTypeHeader={})))

    assert [side["encoding"] for side in json.loads(line)["captureData"].values()] == ["BASE64", "BASE64"]


def test_each_side_is_captured_only_if_asked_for() -> None:
    assert list(json.loads(capture.line(seen(settings("Input"))))["captureData"]) == ["endpointInput"]
    assert list(json.loads(capture.line(seen(settings("Output"))))["captureData"]) == ["endpointOutput"]
    assert len(json.loads(capture.line(seen(settings("Input", "Output"))))["captureData"]) == 2


def test_files_lie_by_endpoint_variant_and_utc_hour() -> None:
    record = seen(settings())

    assert capture.prefix(record) == "s3://b/p/e/champion/2026/03/04/05"
    assert capture.file_name(record, "u-1") == "06-07-089-u-1.jsonl"


def test_a_share_of_the_requests_is_sampled() -> None:
    assert [capture.is_sampled(settings(), unit) for unit in (0.0, 0.19, 0.2, 0.9)] == [True, True, False, False]
    assert capture.is_sampled(settings(InitialSamplingPercentage=100), 0.999999)
    assert not capture.is_sampled(settings(InitialSamplingPercentage=0), 0.0)
    assert not capture.is_sampled(None, 0.0)


def test_capture_that_is_switched_off_is_none_and_says_so() -> None:
    off = {"EnableCapture": False, "InitialSamplingPercentage": 5, "DestinationS3Uri": "s3://b", "CaptureOptions": []}

    assert capture.settings({"DataCaptureConfig": off}, "role") is None
    assert (capture.summary({"DataCaptureConfig": off}) or {})["CaptureStatus"] == "Stopped"
    assert capture.summary({}) is None
