"""Metric math text into a tree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

AWS_NAME = "Metric math syntax"
SOURCE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html (read 2026-11-23)"
DIFFERS = "Metrics Insights queries (SELECT ...) and LAMBDA() are refused by name"

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"""
    r"""|"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<operator>\|\||&&|==|!=|<=|>=|[-+*/^<>(),\[\]]))"""
)
_LEVELS = (("||", "OR"), ("&&", "AND"), ("==", "!=", "<", "<=", ">", ">="), ("+", "-"), ("*", "/"))
_ALIASES = {"OR": "||", "AND": "&&"}


class MathError(ValueError):
    """The expression cannot be read or computed; the text says why."""


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Text:
    value: str


@dataclass(frozen=True)
class Name:
    """The id of another query, or a keyword such as REPEAT."""

    name: str


@dataclass(frozen=True)
class Call:
    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Array:
    items: tuple[Node, ...]


@dataclass(frozen=True)
class Negated:
    operand: Node


@dataclass(frozen=True)
class Operation:
    operator: str
    left: Node
    right: Node


Node = Number | Text | Name | Call | Array | Negated | Operation


@lru_cache(maxsize=1024)
def parse(text: str) -> Node:
    """Read an expression.

    Raises:
        MathError: it is malformed.
    """
    if text.lstrip().upper().startswith("SELECT "):
        raise MathError("Metrics Insights queries (SELECT ...) are not emulated")
    reader = _Reader(_tokens(text), text)
    try:
        found = reader.level(0)
    except RecursionError as error:
        raise MathError("Error in expression: it is nested too deeply") from error
    reader.expect_end()
    return found


def names(node: Node) -> list[str]:
    """The ids that an expression mentions, each once, in order."""
    match node:
        case Name(name):
            return [name]
        case Call(_, parts) | Array(parts):
            return list(dict.fromkeys(name for part in parts for name in names(part)))
        case Negated(operand):
            return names(operand)
        case Operation(_, left, right):
            return list(dict.fromkeys(names(left) + names(right)))
    return []


def calls(node: Node, function: str) -> list[Call]:
    """Every call of a function inside an expression."""
    match node:
        case Call(name, parts):
            inner = [call for part in parts for call in calls(part, function)]
            return [node, *inner] if name == function else inner
        case Array(parts):
            return [call for part in parts for call in calls(part, function)]
        case Negated(operand):
            return calls(operand, function)
        case Operation(_, left, right):
            return calls(left, function) + calls(right, function)
    return []


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if not match:
            raise MathError(f"Error in expression '{text}': cannot read '{text[at : at + 20].strip()}'")
        kind = str(match.lastgroup)
        found.append(("text" if kind in ("double", "single") else kind, match[kind]))
        at = match.end()
    return found


class _Reader:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[tuple[str, str]], text: str) -> None:
        self._tokens, self._text, self._at = tokens, text, 0

    def level(self, depth: int) -> Node:
        if depth == len(_LEVELS):
            return self._unary()
        left = self.level(depth + 1)
        while self._peek()[1] in _LEVELS[depth] and self._peek()[0] != "text":
            word = self._next()[1]
            left = Operation(_ALIASES.get(word, word), left, self.level(depth + 1))
        return left

    def expect_end(self) -> None:
        if self._at < len(self._tokens):
            raise self._broken()

    def _unary(self) -> Node:
        if self._peek() == ("operator", "-"):
            self._next()
            return Negated(self._unary())
        base = self._primary()
        if self._peek() == ("operator", "^"):
            self._next()
            return Operation("^", base, self._unary())
        return base

    def _primary(self) -> Node:
        kind, word = self._next()
        match kind, word:
            case "number", _:
                return Number(float(word))
            case "text", _:
                return Text(word)
            case "name", _:
                return self._name(word)
            case "operator", "[":
                return Array(self._until("]"))
            case "operator", "(":
                inner = self.level(0)
                self._expect(")")
                return inner
        raise self._broken()

    def _name(self, word: str) -> Node:
        if self._peek() != ("operator", "("):
            return Name(word)
        self._next()
        return Call(word.upper(), self._until(")"))

    def _until(self, closing: str) -> tuple[Node, ...]:
        items: list[Node] = []
        if self._peek() == ("operator", closing):
            self._next()
            return ()
        while True:
            items.append(self.level(0))
            if self._peek() != ("operator", ","):
                self._expect(closing)
                return tuple(items)
            self._next()

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        found = self._peek()
        self._at += 1
        return found

    def _expect(self, word: str) -> None:
        if self._next() != ("operator", word):
            self._at -= 1
            raise self._broken()

    def _broken(self) -> MathError:
        found = self._tokens[self._at - 1][1] if 0 < self._at <= len(self._tokens) else "the end"
        return MathError(f"Error in expression '{self._text}' [Unexpected token: '{found}']")
