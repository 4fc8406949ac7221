"""What a mapping may say."""

from typing import Any

import pytest

from emulator.semantics.lambda_ import source_settings
from emulator.semantics.lambda_.source_settings import KINDS, InvalidMapping, NotEmulated


@pytest.mark.parametrize(
    ("arn", "kind"),
    [
        ("arn:aws:sqs:us-east-1:1:q", "sqs"),
        ("arn:aws:sqs:us-east-1:1:q.fifo", "sqs-fifo"),
        ("arn:aws:kinesis:us-east-1:1:stream/s", "kinesis"),
        ("arn:aws:kinesis:us-east-1:1:stream/s/consumer/c:1", "kinesis"),
        ("arn:aws:dynamodb:us-east-1:1:table/t/stream/2026-01-01T00:00:00.000", "dynamodb"),
    ],
)
def test_an_arn_says_its_kind(arn: str, kind: str) -> None:
    assert source_settings.kind_of(arn).name == kind


@pytest.mark.parametrize("arn", ["", "nonsense", "arn:aws:dynamodb:us-east-1:1:table/t", "arn:aws:sns:us-east-1:1:t"])
def test_other_arns_are_no_event_sources(arn: str) -> None:
    with pytest.raises(InvalidMapping, match=r"Unrecognized event source\."):
        source_settings.kind_of(arn)


@pytest.mark.parametrize("service", ["kafka", "mq", "rds"])
def test_sources_of_aws_that_are_not_emulated_are_named(service: str) -> None:
    with pytest.raises(NotEmulated, match=service):
        source_settings.kind_of(f"arn:aws:{service}:us-east-1:1:cluster/c")


def test_defaults_are_those_of_the_kind() -> None:
    of_queue = source_settings.created(KINDS["sqs"], {})
    of_stream = source_settings.created(KINDS["dynamodb"], {"StartingPosition": "LATEST"})

    assert of_queue == {"BatchSize": 10, "MaximumBatchingWindowInSeconds": 0, "FunctionResponseTypes": []}
    assert (of_stream["BatchSize"], of_stream["MaximumRecordAgeInSeconds"]) == (100, -1)
    assert of_stream["DestinationConfig"] == {"OnFailure": {}}


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("sqs", {"BatchSize": 11}),
        ("sqs", {"StartingPosition": "LATEST"}),
        ("sqs", {"ParallelizationFactor": 2}),
        ("sqs-fifo", {"BatchSize": 11}),
        ("sqs-fifo", {"MaximumBatchingWindowInSeconds": 1}),
        ("kinesis", {}),
        ("kinesis", {"StartingPosition": "LATEST", "StartingPositionTimestamp": "now"}),
        ("dynamodb", {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": "now"}),
        ("dynamodb", {"StartingPosition": "LATEST", "MaximumRecordAgeInSeconds": 0}),
        (
            "dynamodb",
            {"StartingPosition": "LATEST", "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:lambda:x"}}},
        ),
    ],
)
def test_what_does_not_fit_the_kind_is_refused(kind: str, params: dict[str, Any]) -> None:
    with pytest.raises(InvalidMapping):
        source_settings.created(KINDS[kind], params)


def test_an_empty_filter_takes_the_filters_away() -> None:
    before = source_settings.created(KINDS["sqs"], {"FilterCriteria": {"Filters": [{"Pattern": '{"body": ["a"]}'}]}})

    after = source_settings.updated(KINDS["sqs"], before, {"FilterCriteria": {}})

    assert "FilterCriteria" not in after


@pytest.mark.parametrize("name", ["TumblingWindowInSeconds", "KMSKeyArn", "Topics", "SelfManagedEventSource"])
def test_what_nobody_reads_is_refused_by_name(name: str) -> None:
    with pytest.raises(NotEmulated, match=name):
        source_settings.refuse_unread({name: ["something"]})


@pytest.mark.parametrize(
    "change",
    [
        {"BatchSize": 7},
        {"MaximumBatchingWindowInSeconds": 9},
        {"ParallelizationFactor": 3},
        {"MaximumRetryAttempts": 4},
        {"MaximumRecordAgeInSeconds": 120},
        {"BisectBatchOnFunctionError": True},
        {"FunctionResponseTypes": ["ReportBatchItemFailures"]},
        {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::bucket"}}},
        {"FilterCriteria": {"Filters": [{"Pattern": '{"partitionKey": ["k"]}'}]}},
        {"MetricsConfig": {"Metrics": ["EventCount"]}},
    ],
)
def test_an_update_changes_what_it_names_and_nothing_else(change: dict[str, Any]) -> None:
    before = {"UUID": "u", **source_settings.created(KINDS["kinesis"], {"StartingPosition": "LATEST"})}

    after = source_settings.updated(KINDS["kinesis"], before, {"UUID": "u", "Enabled": False, **change})

    assert after == {**before, **change}


def test_an_update_is_judged_with_what_was_there_before() -> None:
    before = source_settings.created(KINDS["sqs"], {"BatchSize": 100, "MaximumBatchingWindowInSeconds": 5})

    with pytest.raises(InvalidMapping, match="Maximum batch window"):
        source_settings.updated(KINDS["sqs"], before, {"MaximumBatchingWindowInSeconds": 0})
