"""3,000 pattern vectors, labelled by AWS's own matcher (aws/event-ruler), through TestEventPattern."""

import json
from pathlib import Path

import pytest

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel

VECTORS = Path(__file__).parents[1] / "conformance" / "event_patterns.jsonl"


def _verdict(kernel: Kernel, pattern: object, event: object) -> str:
    request = {"EventPattern": json.dumps(pattern), "Event": json.dumps(event)}
    try:
        answer = kernel.calls("events", "TestEventPattern", request)
    except AwsError as error:
        return "invalid" if error.code == "InvalidEventPatternException" else str(error)
    return "match" if answer["Result"] else "no"


def test_every_vector_gets_the_verdict_of_the_matcher_of_aws(kernel: Kernel) -> None:
    vectors = [json.loads(line) for line in VECTORS.read_text("utf-8").splitlines()]

    wrong = [v for v in vectors if _verdict(kernel, v["pattern"], v["event"]) != v["expected"]]

    assert len(vectors) == 3000
    assert wrong == []


def test_over_http_an_invalid_pattern_is_refused_with_its_place(client) -> None:  # type: ignore[no-untyped-def]
    events = client("events")

    with pytest.raises(events.exceptions.InvalidEventPatternException, match=r"Unrecognized match type foo at 'a\.b'"):
        events.test_event_pattern(EventPattern='{"a": {"b": [{"foo": 1}]}}', Event="{}")
