"""How large things may be."""

import json

import pytest

from emulator.semantics.lambda_ import limits

LAYER = "arn:aws:lambda:us-east-1:123456789012:layer:"


@pytest.mark.parametrize(
    ("layers_bytes", "code_bytes", "problem"),
    [
        (limits.UNZIPPED_BYTES, 0, None),
        (limits.UNZIPPED_BYTES + 1, 0, "Layers consume more than the available size of 262144000 bytes"),
        (limits.UNZIPPED_BYTES, 1, "Function code combined with layers exceeds the maximum allowed size of 262144000"),
    ],
)
def test_layers_and_code_have_250_megabytes_together(layers_bytes: int, code_bytes: int, problem: str | None) -> None:
    found = limits.layers_problem([f"{LAYER}a:1"], layers_bytes, code_bytes)

    assert (found or "").startswith(problem or "")
    assert bool(found) is bool(problem)


def test_code_alone_has_250_megabytes() -> None:
    assert limits.code_problem(limits.UNZIPPED_BYTES) is None
    assert limits.code_problem(limits.UNZIPPED_BYTES + 1) == "Unzipped size must be smaller than 262144000 bytes"


def test_an_answer_of_the_limit_is_whole() -> None:
    assert limits.answer_problem(b"x" * limits.ANSWER_BYTES) is None
    problem = limits.answer_problem(b"x" * (limits.ANSWER_BYTES + 1))
    assert json.loads(problem or b"{}")["errorType"] == "Function.ResponseSizeTooLarge"
