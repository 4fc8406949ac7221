"""Filter patterns of metric filters: documented."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.semantics.cloudwatch import log_filters
from emulator.semantics.cloudwatch.log_filters import PatternError

EVENT = json.dumps({"a": "x1", "b": 2, "c": {"d": [1, {"e": "deep"}], "ok": True}, "n": None, "s": "3"})
ACCESS = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'


@pytest.mark.parametrize(
    ("pattern", "message", "matches"),
    [
        ("", "anything", True),
        ("ERROR", "an ERROR here", True),
        ("ERROR", "an error here", False),
        ("ERROR Exception", "ERROR: Exception", True),
        ("ERROR -Exit", "ERROR Exit", False),
        ("?ERROR ?WARN", "a WARN", True),
        ("?ERROR ?WARN", "an INFO", False),
        ('"two words"', "here are two words", True),
        ('"two words"', "two other words", False),
        ("%err[0-9]+%", "err42", True),
        ('{ $.a = "x1" }', EVENT, True),
        ('{ $.a = "x*" && $.b > 1 }', EVENT, True),
        ("{ $.b >= 2 && $.b != 3 && $.s = 3 }", EVENT, True),
        ('{ $.a = "y" || ($.b < 1 || $.c.ok IS TRUE) }', EVENT, True),
        ("{ $.n IS NULL }", EVENT, True),
        ("{ $.zzz NOT EXISTS }", EVENT, True),
        ("{ $.a NOT EXISTS }", EVENT, False),
        ('{ $.c.d[1].e = "deep" }', EVENT, True),
        ('{ !($.a = "x1") }', EVENT, False),
        ("{ $.a = %^x[0-9]$% }", EVENT, True),
        ('{ $.zzz != "x" }', EVENT, False),
        ('{ $.a = "x1" }', "not json", False),
        ("[ip, id, user, time, request, status = 4*, size]", ACCESS, True),
        ("[ip, id, user, time, request, status = 4*, size > 2000]", ACCESS, False),
        ("[..., status = 404 || status = 500, size]", ACCESS, True),
        ("[ip, ...]", ACCESS, True),
        ("[ip, user]", ACCESS, False),
        ("[ip, id, user = frank && user != bob, time, request, status, size]", ACCESS, True),
    ],
)
def test_a_pattern_matches(pattern: str, message: str, matches: bool) -> None:
    assert (log_filters.compile_pattern(pattern)(message) is not None) is matches


@pytest.mark.parametrize("pattern", ["{ $.a = }", "{ $.a }", "{ $.a > x }", "{ ($.a = 1 }", "[a, b", "{", "%[%"])
def test_a_malformed_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        log_filters.compile_pattern(pattern)


def test_the_value_comes_from_the_pattern_or_from_the_event() -> None:
    fields = log_filters.compile_pattern("[ip, id, user, time, request, status, size]")(ACCESS)
    assert fields is not None

    assert log_filters.metric_value("1", fields) == 1
    assert log_filters.metric_value("$size", fields) == 1534
    assert log_filters.metric_value("$user", fields) is None
    assert log_filters.metric_value("$.b", json.loads(EVENT)) == 2
    assert log_filters.metric_value("$.c.d[0]", json.loads(EVENT)) == 1
    assert log_filters.metric_value("$.c.ok", json.loads(EVENT)) is None


@given(st.text(alphabet='{}[]$.ab =!<>&|()"%,*1', max_size=30), st.sampled_from([EVENT, ACCESS, "", "[1]"]))
def test_any_pattern_is_read_or_refused(pattern: str, message: str) -> None:
    with suppress(PatternError):
        log_filters.compile_pattern(pattern)(message)
