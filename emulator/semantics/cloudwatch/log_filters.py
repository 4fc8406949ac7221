"""Filter patterns of CloudWatch Logs: which log events match, and what a pattern extracts from them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

AWS_NAME = "Filter pattern syntax for metric filters"
SOURCE = (
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html "
    "(read 2026-11-23)"
)
DIFFERS = (
    "regular expressions (%...%) are Python's; in space-delimited patterns one `...` stands for any number of fields"
)

Fields = Mapping[str, Any]
Matcher = Callable[[str], "Fields | None"]
"""Takes a log message; answers None, or what `$name` and `$.path` may refer to."""

_WORD = re.compile(r'(?P<sign>[-?]?)(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s"]+))')
_TEST = re.compile(
    r"""\s*(?:(?P<path>\$[.\[][^\s=<>!()]*)\s*(?:(?P<word>IS\s+NULL|IS\s+TRUE|IS\s+FALSE|NOT\s+EXISTS)"""
    r"""|(?P<operator>!=|>=|<=|=|>|<)\s*(?P<value>"(?:[^"\\]|\\.)*"|%[^%]*%|[^\s&|()]+))|(?P<token>&&|\|\||\(|\)|!))"""
)


class PatternError(ValueError):
    """The filter pattern cannot be read."""


@lru_cache(maxsize=256)
def compile_pattern(text: str) -> Matcher:
    """Read a filter pattern.

    Raises:
        PatternError: it is malformed.
    """
    text = text.strip()
    if text.startswith("{"):
        try:
            return _json_pattern(text)
        except RecursionError as error:
            raise PatternError("Invalid metric filter pattern: it is nested too deeply") from error
    if text.startswith("["):
        return _fields_pattern(text)
    return _terms_pattern(text)


def metric_value(expression: str, fields: Fields) -> float | None:
    """What a metric transformation's MetricValue (`1`, `$.latency`, `$size`) gives for a match; None when no number."""
    found = look_up(fields, expression) if expression.startswith("$") else expression
    if isinstance(found, bool):
        return None
    try:
        return float(found) if isinstance(found, str | int | float) else None
    except ValueError:
        return None


def look_up(fields: Fields, expression: str) -> Any:
    """`$.a.b[0]` in a JSON event, `$name` in a space-delimited one; None when absent."""
    if not expression.startswith(("$.", "$[")):
        return fields.get(expression[1:])
    found: Any = fields
    for name, index in re.findall(r"\.?([^.\[\]]+)|\[(\d+)\]", re.sub(r'\["?([^\]"]*)"?\]', _step, expression[1:])):
        if name:
            found = found.get(name) if isinstance(found, Mapping) else None
        else:
            found = found[int(index)] if isinstance(found, list) and int(index) < len(found) else None
    return found


def _step(match: re.Match[str]) -> str:
    return f"[{match[1]}]" if match[1].isdigit() else f".{match[1]}"


def _terms_pattern(text: str) -> Matcher:
    """Terms: all of them, none of the `-` ones, one of the `?` ones."""
    if text.startswith("%") and text.endswith("%") and len(text) > 2:
        searched = _regex(text)
        return lambda message: {} if searched.search(message) else None
    words = [(match["sign"], _unquoted(match)) for match in _WORD.finditer(text)]
    every = [word for sign, word in words if not sign]
    none = [word for sign, word in words if sign == "-"]
    some = [word for sign, word in words if sign == "?"]

    def matches(message: str) -> Fields | None:
        holds = all(word in message for word in every) and not any(word in message for word in none)
        return {} if holds and (not some or bool(every) or any(word in message for word in some)) else None

    return matches


def _unquoted(match: re.Match[str]) -> str:
    return re.sub(r"\\(.)", r"\1", match["quoted"]) if match["quoted"] is not None else match["bare"]


def _regex(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text[1:-1])
    except re.error as error:
        raise PatternError(f"Invalid metric filter pattern: {error}") from error


_Test = Callable[[Fields], bool]


def _json_pattern(text: str) -> Matcher:
    if not text.endswith("}"):
        raise PatternError("Invalid metric filter pattern: '}' is missing")
    test = _JsonReader(text[1:-1]).read()

    def matches(message: str) -> Fields | None:
        try:
            event = json.loads(message)
        except ValueError:
            return None
        return event if isinstance(event, dict) and test(event) else None

    return matches


class _JsonReader:
    """Recursive descent over `$.a = "x" && ($.b > 1 || $.c IS NULL)`."""

    def __init__(self, text: str) -> None:
        self._tokens: list[re.Match[str]] = []
        at, end = 0, len(text.rstrip())
        while at < end:
            match = _TEST.match(text, at)
            if not match:
                raise PatternError(f"Invalid metric filter pattern near '{text[at:].strip()[:40]}'")
            self._tokens.append(match)
            at = match.end()
        self._at = 0

    def read(self) -> _Test:
        found = self._either()
        if self._at < len(self._tokens):
            raise PatternError(f"Invalid metric filter pattern near '{self._tokens[self._at][0].strip()}'")
        return found

    def _either(self) -> _Test:
        tests = [self._both()]
        while self._skips("||"):
            tests.append(self._both())
        return lambda event: any(test(event) for test in tests)

    def _both(self) -> _Test:
        tests = [self._one()]
        while self._skips("&&"):
            tests.append(self._one())
        return lambda event: all(test(event) for test in tests)

    def _one(self) -> _Test:
        if self._skips("!"):
            refused = self._one()
            return lambda event: not refused(event)
        if self._skips("("):
            found = self._either()
            if not self._skips(")"):
                raise PatternError("Invalid metric filter pattern: ')' is missing")
            return found
        if self._at >= len(self._tokens) or not self._tokens[self._at]["path"]:
            raise PatternError("Invalid metric filter pattern: a condition such as $.a = 1 is missing")
        self._at += 1
        return _json_test(self._tokens[self._at - 1])

    def _skips(self, token: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at]["token"] == token:
            self._at += 1
            return True
        return False


_ABSENT = object()


def _json_test(match: re.Match[str]) -> _Test:
    path = match["path"]
    if match["word"]:
        word = " ".join(match["word"].split())
        wanted = {"IS NULL": None, "IS TRUE": True, "IS FALSE": False}
        if word == "NOT EXISTS":
            return lambda event: _held(event, path) is _ABSENT
        return lambda event: _held(event, path) is wanted[word]
    compare = comparison(match["operator"], match["value"])
    return lambda event: _held(event, path) is not _ABSENT and compare(_held(event, path))


def _held(event: Fields, path: str) -> Any:
    """What is at the path; told apart from a null."""
    parent, _, name = path.rpartition(".")
    if "[" in name or parent == "":
        found = look_up(event, path)
        return _ABSENT if found is None else found
    holder = event if parent == "$" else look_up(event, parent)
    return holder.get(name, _ABSENT) if isinstance(holder, Mapping) else _ABSENT


def comparison(operator: str, wanted: str) -> Callable[[Any], bool]:
    """A test of one value: numbers by size, texts with `*` as a wildcard, `%...%` as a regular expression."""
    if wanted.startswith("%") and wanted.endswith("%") and len(wanted) > 2:
        searched = _regex(wanted)
        return lambda held: bool(searched.search(str(held))) == (operator == "=")
    text = re.sub(r"\\(.)", r"\1", wanted[1:-1]) if wanted.startswith('"') else wanted
    number = None if wanted.startswith('"') else _number(wanted)
    if number is not None:
        return lambda held: _compare_numbers(operator, _number(held), number)
    if operator not in ("=", "!="):
        raise PatternError(f"Invalid metric filter pattern: {operator} needs a number, found {wanted}")
    like = re.compile(".*".join(re.escape(part) for part in text.split("*")), re.DOTALL)
    return lambda held: (isinstance(held, str) and bool(like.fullmatch(held))) == (operator == "=")


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value) if isinstance(value, str | int | float) else None
    except ValueError:
        return None


def _compare_numbers(operator: str, held: float | None, wanted: float) -> bool:
    if held is None:
        return operator == "!="
    match operator:
        case "=":
            return held == wanted
        case "!=":
            return held != wanted
        case ">":
            return held > wanted
        case ">=":
            return held >= wanted
        case "<":
            return held < wanted
    return held <= wanted


def _fields_pattern(text: str) -> Matcher:
    """`[ip, user, status_code = 4*, size > 1000, ...]` over fields that spaces, quotes or brackets delimit."""
    if not text.endswith("]"):
        raise PatternError("Invalid metric filter pattern: ']' is missing")
    parts = [part.strip() for part in text[1:-1].split(",")]
    names = [re.match(r"[^\s=<>!&|]*", part) for part in parts]
    labels = [(found[0] if found else "") or f"field{index}" for index, found in enumerate(names, 1)]
    tests = [_field_test(part, label) for part, label in zip(parts, labels, strict=True)]

    def matches(message: str) -> Fields | None:
        fields = _assigned(labels, _split(message))
        return fields if fields is not None and all(test(fields) for test in tests) else None

    return matches


def _split(message: str) -> list[str]:
    return [match[1] or match[2] or match[3] for match in re.finditer(r'"([^"]*)"|\[([^\]]*)\]|(\S+)', message)]


def _assigned(labels: list[str], found: list[str]) -> dict[str, str] | None:
    if "..." in labels:
        at = labels.index("...")
        after = len(labels) - at - 1
        if len(found) < len(labels) - 1:
            return None
        head, tail = found[:at], found[len(found) - after :] if after else []
        return dict(zip(labels[:at] + labels[at + 1 :], head + tail, strict=True))
    return dict(zip(labels, found, strict=True)) if len(labels) == len(found) else None


def _field_test(part: str, label: str) -> Callable[[Mapping[str, str]], bool]:
    conditions = [
        [_field_condition(one, label) for one in re.split(r"&&", alternative)]
        for alternative in re.split(r"\|\|", part)
    ]
    return lambda fields: any(all(test(fields) for test in together) for together in conditions)


def _field_condition(text: str, label: str) -> Callable[[Mapping[str, str]], bool]:
    found = re.fullmatch(r"\s*[^\s=<>!]*\s*(?:(!=|>=|<=|=|>|<)\s*(.+?))?\s*", text)
    if not found:
        raise PatternError(f"Invalid metric filter pattern near '{text.strip()}'")
    if not found[1]:
        return lambda fields: True
    compare = comparison(found[1], found[2])
    return lambda fields: label in fields and compare(fields[label])
