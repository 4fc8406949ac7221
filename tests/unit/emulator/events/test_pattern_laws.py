"""A pattern with more fields never matches more; with more alternatives never less."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from emulator.semantics.events import patterns

_SCALARS = st.sampled_from(["a", "b", "ab", "", 1, 2, 300, True, False, None])
_TESTS = st.lists(
    st.one_of(
        _SCALARS,
        st.sampled_from(
            [
                {"prefix": "a"},
                {"suffix": "b"},
                {"exists": True},
                {"exists": False},
                {"anything-but": ["a"]},
                {"anything-but": {"prefix": "a"}},
                {"numeric": [">", 1, "<=", 300]},
                {"wildcard": "a*b"},
                {"equals-ignore-case": "AB"},
            ]
        ),
    ),
    min_size=1,
    max_size=3,
)
_NAMES = st.sampled_from(["source", "x", "y", "z"])
_FIELDS = st.dictionaries(
    _NAMES,
    st.one_of(
        _TESTS, st.dictionaries(_NAMES, st.one_of(_TESTS, st.dictionaries(_NAMES, _TESTS, min_size=1)), min_size=1)
    ),
    min_size=1,
    max_size=3,
)
_EVENTS = st.dictionaries(
    _NAMES,
    st.recursive(
        _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3), max_leaves=8
    ),
)


def _matches(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    return patterns.compile(json.dumps(pattern)).matches(event)


@given(_FIELDS, _FIELDS, _EVENTS)
def test_a_further_field_never_makes_a_pattern_match_more(
    pattern: dict[str, Any], more: dict[str, Any], event: dict[str, Any]
) -> None:
    longer = {**{f"{name}": value for name, value in more.items() if name not in pattern}, **pattern}

    assert not _matches(longer, event) or _matches(pattern, event)


@given(_TESTS, _TESTS, _EVENTS)
def test_a_further_alternative_never_makes_a_pattern_match_less(
    tests: list[Any], more: list[Any], event: dict[str, Any]
) -> None:
    assert not _matches({"x": tests}, event) or _matches({"x": [*tests, *more]}, event)
