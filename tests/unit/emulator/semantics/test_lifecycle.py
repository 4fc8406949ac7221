"""Lifecycle rules: what is due, and from when on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emulator.semantics.dynamodb import time_to_live
from emulator.semantics.s3 import lifecycle
from emulator.semantics.s3.lifecycle import Deletion, Upload, Version

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=400)


def _rule(**parts: Any) -> dict[str, Any]:
    return {"Status": "Enabled", "Filter": {"Prefix": ""}, **parts}


def _due(rule: dict[str, Any], *versions: Version, now: datetime = LATER) -> list[Deletion]:
    return lifecycle.deletions([rule], versions, [], now)


@pytest.mark.parametrize(("at", "is_due"), [("2026-01-12T23:59:59", False), ("2026-01-13T00:00:00", True)])
def test_days_are_rounded_up_to_the_next_midnight_utc(at: str, is_due: bool) -> None:
    found = _due(_rule(Expiration={"Days": 2}), Version("a", "null", NOON), now=datetime.fromisoformat(f"{at}+00:00"))

    assert found == ([Deletion("a")] if is_due else [])


def test_a_date_is_due_from_then_on() -> None:
    rule = _rule(Expiration={"Date": NOON + timedelta(days=1)})

    assert _due(rule, Version("a", "null", NOON), now=NOON) == []
    assert _due(rule, Version("a", "null", NOON), now=NOON + timedelta(days=1)) == [Deletion("a")]


@pytest.mark.parametrize(
    ("condition", "keys"),
    [
        ({"Filter": {"Prefix": "logs/"}}, ["logs/a"]),
        ({"Prefix": "raw/", "Filter": {}}, ["raw/b"]),
        ({"Filter": {"Tag": {"Key": "keep", "Value": "no"}}}, ["raw/b"]),
        ({"Filter": {"ObjectSizeGreaterThan": 10}}, ["raw/b"]),
        ({"Filter": {"And": {"Prefix": "logs/", "ObjectSizeLessThan": 11}}}, ["logs/a"]),
        ({"Status": "Disabled"}, []),
    ],
)
def test_a_rule_is_for_the_objects_that_its_filter_means(condition: dict[str, Any], keys: list[str]) -> None:
    versions = (Version("logs/a", "null", NOON, 10), Version("raw/b", "null", NOON, 11, tags={"keep": "no"}))

    found = _due(_rule(**{"Expiration": {"Days": 1}, **condition}), *versions)

    assert [deletion.key for deletion in found] == keys


def test_noncurrent_versions_count_from_when_they_stopped_being_current_and_the_newest_may_stay() -> None:
    old = [
        Version("a", f"v{n}", NOON, is_latest=False, noncurrent_since=NOON + timedelta(days=10 * (3 - n)))
        for n in range(3)
    ]
    rule = _rule(NoncurrentVersionExpiration={"NoncurrentDays": 5, "NewerNoncurrentVersions": 1})

    found = _due(rule, Version("a", "now", NOON), *old, now=NOON + timedelta(days=16))

    assert found == [Deletion("a", "v2")]


def test_a_delete_marker_goes_only_when_nothing_is_left_behind_it() -> None:
    rule = _rule(Expiration={"ExpiredObjectDeleteMarker": True})
    marker = Version("a", "m", NOON, is_delete_marker=True)
    behind = Version("a", "v1", NOON, is_latest=False, noncurrent_since=NOON)

    assert _due(rule, marker, behind) == []
    assert _due(rule, marker) == [Deletion("a", "m")]


def test_a_forgotten_upload_is_aborted() -> None:
    rule = _rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 7})

    early = lifecycle.deletions([rule], [], [Upload("a", "u", NOON)], NOON + timedelta(days=7))
    late = lifecycle.deletions([rule], [], [Upload("a", "u", NOON)], NOON + timedelta(days=8))

    assert (early, late) == ([], [Deletion("a", upload_id="u")])


@pytest.mark.parametrize(
    ("value", "has_expired"),
    [
        ({"N": str(NOON.timestamp() - 1)}, True),
        ({"N": str(NOON.timestamp() + 1)}, False),
        ({"N": str(NOON.timestamp() - 6 * 365 * 86_400)}, False),
        ({"S": "1"}, False),
    ],
)
def test_an_item_expires_by_a_number_of_seconds_that_has_passed(value: dict[str, str], has_expired: bool) -> None:
    assert time_to_live.has_expired({"id": {"S": "a"}, "ttl": value}, "ttl", NOON) is has_expired
    assert time_to_live.has_expired({"id": {"S": "a"}}, "ttl", NOON) is False
