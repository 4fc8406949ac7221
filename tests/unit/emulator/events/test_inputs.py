"""What a target receives: parts, constants and templates, by AWS's rules about quotes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.semantics.events import inputs, json_paths
from emulator.semantics.events.inputs import Origin

EVENT: dict[str, Any] = {
    "version": "0",
    "id": "7bf73129",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "time": "2015-11-11T21:29:54Z",
    "resources": ["arn:a", "arn:b"],
    "detail": {"instance-id": "i-01", "state": "RUNNING", "count": 3, "is_new": True, "tags": [{"k": "v"}], "q": 'a"b'},
}
ORIGIN = Origin("rule", "arn:aws:events:us-east-1:123456789012:rule/rule", "2026-01-01T00:00:00Z")


def _transformed(template: str, **paths: str) -> str:
    target = {"Id": "t", "InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}}
    inputs.check(target)
    return inputs.render(target, EVENT, ORIGIN)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", EVENT),
        ("$.detail.state", "RUNNING"),
        ("$.resources[1]", "arn:b"),
        ("$.detail.tags[0].k", "v"),
        ("$['detail']['instance-id']", "i-01"),
        ("$.detail.tags[*].k", ["v"]),
        ("$.detail.tags[1]", json_paths.MISSING),
        ("$.detail.state.more", json_paths.MISSING),
    ],
)
def test_what_stands_at_a_json_path(path: str, expected: Any) -> None:
    assert json_paths.find(EVENT, path) == expected


@pytest.mark.parametrize("path", ["detail", "$..a", "$.a[", "$.a[-1]", "$.a[?(@.b)]", "$.a b", ""])
def test_what_is_no_json_path_is_refused(path: str) -> None:
    with pytest.raises(json_paths.InvalidPath):
        json_paths.parse(path)


def test_a_target_receives_the_event_a_part_of_it_or_a_constant() -> None:
    assert json.loads(inputs.render({}, EVENT, ORIGIN)) == EVENT
    assert inputs.render({"InputPath": "$.detail.tags"}, EVENT, ORIGIN) == '[{"k":"v"}]'
    assert inputs.render({"Input": '{"a": 1}'}, EVENT, ORIGIN) == '{"a": 1}'


def test_a_template_that_is_one_text_keeps_its_quotes() -> None:
    text = _transformed(
        '"<instance> is in state \\"<state>\\""', instance="$.detail.instance-id", state="$.detail.state"
    )

    assert text == '"i-01 is in state \\"RUNNING\\""'


def test_outside_quotes_a_value_is_json_and_inside_it_is_text() -> None:
    template = '{"instance": <instance>, "state": "<state>", "say": "it is \\"<state>\\"", "n": <n>, "b": <b>}'
    paths = {
        "instance": "$.detail.instance-id",
        "state": "$.detail.state",
        "n": "$.detail.count",
        "b": "$.detail.is_new",
    }

    assert json.loads(_transformed(template, **paths)) == {
        "instance": "i-01",
        "state": "RUNNING",
        "say": 'it is "RUNNING"',
        "n": 3,
        "b": True,
    }


def test_an_object_inside_quotes_loses_its_own() -> None:
    assert _transformed('{"t": "<tags>"}', tags="$.detail.tags") == '{"t": "[{k:v}]"}'


def test_a_value_with_quotes_cannot_break_out_of_its_text() -> None:
    assert json.loads(_transformed('{"q": "<q>", "r": <q>}', q="$.detail.q")) == {"q": 'a"b', "r": 'a"b'}


def test_what_the_event_lacks_is_empty() -> None:
    assert json.loads(_transformed('{"a": "<no>", "b": <no>}', no="$.detail.absent")) == {"a": "", "b": ""}


def test_reserved_variables_speak_of_the_rule_and_the_event() -> None:
    template = (
        '{"rule": "<aws.events.rule-name>", "arn": <aws.events.rule-arn>, "at": <aws.events.event.ingestion-time>,'
        ' "head": <aws.events.event>, "all": <aws.events.event.json>}'
    )

    found = json.loads(_transformed(template))

    assert (found["rule"], found["arn"], found["at"]) == (ORIGIN.rule_name, ORIGIN.rule_arn, ORIGIN.ingested_at)
    assert found["all"] == EVENT
    assert found["head"] == {key: value for key, value in EVENT.items() if key != "detail"}


def test_a_template_of_several_texts_is_delivered_line_by_line() -> None:
    assert _transformed('"<s> one"\n"<s> two"', s="$.detail.state") == '"RUNNING one"\n"RUNNING two"'


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ({"Input": "{}", "InputPath": "$"}, "Only one of"),
        ({"Input": "not json"}, "Invalid Input"),
        ({"InputPath": "detail"}, "does not start with"),
        ({"InputTransformer": {"InputTemplate": '"<x>"'}}, "invalid placeholder x"),
        ({"InputTransformer": {"InputPathsMap": {"aws.x": "$"}, "InputTemplate": '"a"'}}, "must not start with AWS"),
        ({"InputTransformer": {"InputPathsMap": {"x": "$"}, "InputTemplate": '{"a": <x>'}}, "Invalid InputTemplate"),
        ({"InputTransformer": {"InputPathsMap": {"x": "$"}, "InputTemplate": "plain <x>"}}, "Invalid InputTemplate"),
    ],
)
def test_what_cannot_be_made_is_refused(target: dict[str, Any], why: str) -> None:
    with pytest.raises(inputs.InvalidInput, match=why):
        inputs.check({"Id": "t", **target})


@given(
    st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v, max_size=3))
)
def test_whatever_stands_in_an_event_an_object_template_gives_json(name: str, value: Any) -> None:
    target = {
        "Id": "t",
        "InputTransformer": {
            "InputPathsMap": {"n": "$.detail.n", "v": "$.detail.v"},
            "InputTemplate": '{"n": "<n>", "v": <v>}',
        },
    }

    text = inputs.render(target, {**EVENT, "detail": {"n": name, "v": value}}, ORIGIN)

    assert json.loads(text) == {"n": name, "v": value}
