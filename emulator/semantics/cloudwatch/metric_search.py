"""SEARCH expressions: which metrics a search text finds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

AWS_NAME = "Search expression syntax"
SOURCE = (
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html (read 2026-11-23)"
)
DIFFERS = "partial terms match a word's beginning as AWS's tokens do, without AWS's splitting of digits from letters"

_TOKEN = re.compile(
    r"""\s*(?:(?P<key>[\w.:-]+)\s*=\s*(?P<value>"[^"]*"|[^\s()]+|\([^)]*\))"""
    r"""|"(?P<exact>[^"]*)"|(?P<word>[^\s()"]+)|(?P<bracket>[()]))"""
)
_SCHEMA = re.compile(r"""\s*\{((?:[^{}"]|"[^"]*")*)\}(.*)""", re.DOTALL)
Test = Callable[["Found"], bool]


class SearchError(ValueError):
    """The search text cannot be read."""


@dataclass(frozen=True)
class Found:
    """A metric that a search looks at."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]


@lru_cache(maxsize=256)
def compile_search(text: str) -> Test:
    """A test for metrics.

    Raises:
        SearchError: the text is malformed.
    """
    match = _SCHEMA.fullmatch(text)
    schema, terms = (match[1], match[2]) if match else (None, text)
    tests = [] if schema is None else [_schema_test(schema)]
    if terms.strip():
        try:
            tests.append(_Terms(terms).read())
        except RecursionError as error:
            raise SearchError("SEARCH: nested too deeply") from error
    return lambda metric: all(test(metric) for test in tests)


def _schema_test(schema: str) -> Test:
    names = [part.strip().strip('"') for part in re.findall(r'"[^"]*"|[^,]+', schema) if part.strip()]
    if not names:
        raise SearchError("SEARCH: the schema names no namespace")
    wanted = (names[0], set(names[1:]))
    return lambda metric: (metric.namespace, set(metric.dimensions)) == wanted


class _Terms:
    """Recursive descent over search terms: OR, AND (also by standing beside each other), NOT, brackets."""

    def __init__(self, text: str) -> None:
        self._tokens = [match for match in _TOKEN.finditer(text) if match.lastgroup]
        self._at = 0

    def read(self) -> Test:
        found = self._either()
        if self._at < len(self._tokens):
            raise SearchError(f"SEARCH: unexpected '{self._tokens[self._at][0].strip()}'")
        return found

    def _either(self) -> Test:
        tests = [self._both()]
        while self._word() == "OR":
            self._at += 1
            tests.append(self._both())
        return lambda metric: any(test(metric) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._word() not in (None, "OR", ")"):
            if self._word() == "AND":
                self._at += 1
            tests.append(self._one())
        return lambda metric: all(test(metric) for test in tests)

    def _one(self) -> Test:
        token = self._take()
        if token["bracket"] == "(":
            inner = self._either()
            if self._take()["bracket"] != ")":
                raise SearchError("SEARCH: ')' is missing")
            return inner
        if token["word"] == "NOT":
            inner = self._one()
            return lambda metric: not inner(metric)
        if token["key"]:
            return _keyed(token["key"], token["value"])
        if token["exact"] is not None:
            return _term(token["exact"], is_exact=True)
        word = token["word"]
        if word.startswith("-") and len(word) > 1:
            refused = _term(word[1:], is_exact=False)
            return lambda metric: not refused(metric)
        return _term(word, is_exact=False)

    def _word(self) -> str | None:
        if self._at >= len(self._tokens):
            return None
        token = self._tokens[self._at]
        return token["word"] or token["bracket"] or ""

    def _take(self) -> re.Match[str]:
        if self._at >= len(self._tokens):
            raise SearchError("SEARCH: a term is missing at the end")
        self._at += 1
        return self._tokens[self._at - 1]


def _keyed(key: str, given: str) -> Test:
    """`MetricName="x"`, `Dimension=part`, `Dimension=(a OR b)`."""
    if given.startswith("("):
        options = [_keyed(key, part.strip()) for part in re.split(r"\bOR\b", given[1:-1])]
        return lambda metric: any(option(metric) for option in options)
    is_exact = given.startswith('"')
    wanted = given.strip('"')

    def test(metric: Found) -> bool:
        held = {"Namespace": metric.namespace, "MetricName": metric.name}.get(key, metric.dimensions.get(key))
        return held is not None and _matches(held, wanted, is_exact)

    return test


def _term(wanted: str, is_exact: bool) -> Test:
    def test(metric: Found) -> bool:
        held = [metric.namespace, metric.name, *metric.dimensions, *metric.dimensions.values()]
        return any(_matches(text, wanted, is_exact) for text in held)

    return test


def _matches(held: str, wanted: str, is_exact: bool) -> bool:
    if is_exact:
        return held == wanted
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", held)
    folded = wanted.casefold()
    return (
        folded == held.casefold()
        or any(word.casefold().startswith(folded) for word in words)
        or (len(folded) > 2 and folded in re.sub(r"[^a-z0-9]", "", held.casefold()))
    )
