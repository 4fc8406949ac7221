"""A delivery that fails: tried again or given up, by the policy of its target."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from emulator.kernel.errors import AwsError
from emulator.semantics.events import delivery
from emulator.semantics.events.delivery import GiveUp, Retry, RetryPolicy
from emulator.services import events
from tests.support.emulator import World, world
from tests.support.waiting import eventually

QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"


@pytest.mark.parametrize(
    ("code", "attempts", "age_s", "expected"),
    [
        ("Throttling", 1, 0, Retry(1)),
        ("Throttling", 4, 10, Retry(8)),
        ("Throttling", 20, 1000, Retry(300)),
        ("Throttling", 186, 1000, GiveUp("SDK_CLIENT_ERROR", "MaximumRetryAttempts")),
        ("Throttling", 5, 86_390, GiveUp("SDK_CLIENT_ERROR", "MaximumEventAgeInSeconds")),
        ("AccessDenied", 1, 0, GiveUp("NO_PERMISSIONS", None)),
        ("ResourceNotFoundException", 1, 0, GiveUp("NO_RESOURCE", None)),
    ],
)
def test_what_becomes_of_a_failure(code: str, attempts: int, age_s: float, expected: Retry | GiveUp) -> None:
    assert delivery.after_failure(RetryPolicy(), code, attempts, age_s) == expected


def test_a_target_that_wants_no_retries_gets_none() -> None:
    verdict = delivery.after_failure(RetryPolicy(attempts_max=0), "Throttling", 1, 0)

    assert verdict == GiveUp("SDK_CLIENT_ERROR", "MaximumRetryAttempts")


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[World]:
    """A bus whose queue refuses for a moment."""
    made = world(tmp_path, {"events": events.OPERATIONS})
    plain = made.kernel.calls

    def calls(service: str, operation: str, params: dict[str, Any], principal: Any = None) -> dict[str, Any]:
        if service == "sqs":
            raise AwsError("Throttling", "slow down")
        return plain(service, operation, params, principal)

    made.kernel.calls = calls
    yield made
    made.close()


def test_an_event_of_long_ago_is_as_young_as_its_delivery(aws: World) -> None:
    aws.call("events", "PutRule", {"Name": "r", "EventPattern": '{"source": ["s"]}'})
    aws.call("events", "PutTargets", {"Rule": "r", "Targets": [{"Id": "q", "Arn": QUEUE}]})
    then = datetime(2013, 1, 1, tzinfo=UTC)

    entry = {"Source": "s", "DetailType": "t", "Detail": "{}", "Time": then}
    aws.call("events", "PutEvents", {"Entries": [entry]})

    failed = eventually(lambda: aws.kernel.journal.entries("events.delivery.failed") or None)
    assert (failed[0]["target"], failed[0]["attempt"]) == (QUEUE, "1")
    eventually(lambda: len(aws.kernel.journal.entries("events.delivery.failed")) >= 2)
    assert aws.kernel.journal.entries("events.dropped") == []
