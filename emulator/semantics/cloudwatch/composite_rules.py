"""Alarm rules of composite alarms: `ALARM(a) AND NOT (OK("b") OR INSUFFICIENT_DATA(c))`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

AWS_NAME = "Alarm rule expressions of composite alarms"
SOURCE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html (read 2026-11-23)"
DIFFERS = "AT_LEAST(...) of 2025 is refused by name"

MOST_CHILDREN, MOST_ELEMENTS = 100, 500
_STATES = ("ALARM", "OK", "INSUFFICIENT_DATA")
_TOKEN = re.compile(
    r"""\s*(?:(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"(?P<double>(?:[^"\\]|\\.)+)"|'(?P<single>[^']+)'|(?P<bare>[^\s()"']+))\s*\)|(?P<word>AND|OR|NOT|TRUE|FALSE)\b|(?P<bracket>[()]))"""
)


class RuleError(ValueError):
    """The rule cannot be read; the text says where."""


@dataclass(frozen=True)
class InState:
    """An alarm, by name or ARN, is in a state."""

    alarm: str
    state: str


@dataclass(frozen=True)
class Always:
    value: bool


@dataclass(frozen=True)
class Not:
    rule: Expression


@dataclass(frozen=True)
class Joined:
    """AND or OR of two rules; AND binds tighter."""

    word: str
    left: Expression
    right: Expression


Expression = InState | Always | Not | Joined


@lru_cache(maxsize=1024)
def parse(text: str) -> Expression:
    """Read a rule.

    Raises:
        RuleError: it is malformed, or names more than 100 alarms.
    """
    tokens = list(_tokens(text))
    if len(tokens) > MOST_ELEMENTS:
        raise RuleError(f"AlarmRule must not contain more than {MOST_ELEMENTS} elements")
    try:
        found, rest = _either(tokens)
    except RecursionError as error:
        raise RuleError("AlarmRule is nested too deeply") from error
    if rest:
        raise RuleError(f"AlarmRule: unexpected '{rest[0][1]}'")
    if len(set(children(found))) > MOST_CHILDREN:
        raise RuleError(f"AlarmRule must not reference more than {MOST_CHILDREN} alarms")
    return found


def children(rule: Expression) -> list[str]:
    """Names or ARNs of the alarms that a rule mentions, in order, each once."""
    match rule:
        case InState(alarm, _):
            return [alarm]
        case Not(inner):
            return children(inner)
        case Joined(_, left, right):
            return list(dict.fromkeys(children(left) + children(right)))
    return []


def evaluate(rule: Expression, states: Mapping[str, str]) -> bool:
    """Whether the rule holds; an alarm that is not in `states` is in none."""
    match rule:
        case InState(alarm, state):
            return states.get(alarm) == state
        case Always(value):
            return value
        case Not(inner):
            return not evaluate(inner, states)
        case Joined("AND", left, right):
            return evaluate(left, states) and evaluate(right, states)
        case Joined(_, left, right):
            return evaluate(left, states) or evaluate(right, states)


_Tokens = list[tuple[str, str, str]]


def _tokens(text: str) -> Iterator[tuple[str, str, str]]:
    """(kind, text, alarm) triples."""
    at = 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if not found:
            raise RuleError(f"AlarmRule: cannot read '{text[at : at + 40].strip()}'")
        if found["state"]:
            name = found["double"] or found["single"] or found["bare"]
            yield "state", found["state"], re.sub(r"\\(.)", r"\1", name)
        else:
            yield ("word", found["word"], "") if found["word"] else ("bracket", found["bracket"], "")
        at = found.end()


def _either(tokens: _Tokens) -> tuple[Expression, _Tokens]:
    left, rest = _both(tokens)
    while rest and rest[0][1] == "OR":
        right, rest = _both(rest[1:])
        left = Joined("OR", left, right)
    return left, rest


def _both(tokens: _Tokens) -> tuple[Expression, _Tokens]:
    left, rest = _one(tokens)
    while rest and rest[0][1] == "AND":
        right, rest = _one(rest[1:])
        left = Joined("AND", left, right)
    return left, rest


def _one(tokens: _Tokens) -> tuple[Expression, _Tokens]:
    match tokens:
        case [("state", state, alarm), *rest]:
            return InState(alarm, state), rest
        case [("word", "TRUE" | "FALSE" as word, _), *rest]:
            return Always(word == "TRUE"), rest
        case [("word", "NOT", _), *rest]:
            inner, rest = _one(rest)
            return Not(inner), rest
        case [("bracket", "(", _), *rest]:
            inner, rest = _either(rest)
            if rest and rest[0][1] == ")":
                return inner, rest[1:]
            raise RuleError("AlarmRule: ')' is missing")
    raise RuleError(f"AlarmRule: expected an alarm state, found '{tokens[0][1] if tokens else 'the end'}'")
