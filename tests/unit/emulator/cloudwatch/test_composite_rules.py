"""Alarm rules of composite alarms."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.semantics.cloudwatch import composite_rules
from emulator.semantics.cloudwatch.composite_rules import RuleError

STATES = {"a": "ALARM", "b": "OK", "c": "INSUFFICIENT_DATA", "with space (1)": "ALARM"}


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ("ALARM(a)", True),
        ('ALARM("a") AND OK(b)', True),
        ("ALARM(a) AND ALARM(b) OR INSUFFICIENT_DATA('c')", True),
        ("ALARM(a) AND (ALARM(b) OR OK(c))", False),
        ("NOT ALARM(b) AND NOT (OK(a))", True),
        ('ALARM("with space (1)")', True),
        ("TRUE AND NOT FALSE", True),
        ("ALARM(unknown)", False),
        ("NOT ALARM(a) OR TRUE", True),
    ],
)
def test_a_rule_over_states(rule: str, holds: bool) -> None:
    assert composite_rules.evaluate(composite_rules.parse(rule), STATES) is holds


@pytest.mark.parametrize("rule", ["", "ALARM(a) AND", "ALARM(a) ALARM(b)", "(ALARM(a)", "a", "XOR(a)", "ALARM()"])
def test_a_malformed_rule_is_refused(rule: str) -> None:
    with pytest.raises(RuleError):
        composite_rules.parse(rule)


def test_children_are_named_once_in_their_order() -> None:
    rule = composite_rules.parse("ALARM(b) OR NOT (ALARM(a) AND OK(b))")

    assert composite_rules.children(rule) == ["b", "a"]


def test_more_than_a_hundred_alarms_are_refused() -> None:
    with pytest.raises(RuleError, match="100"):
        composite_rules.parse(" OR ".join(f"ALARM(a{number})" for number in range(101)))


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(RuleError):
        composite_rules.children(composite_rules.parse(text))
