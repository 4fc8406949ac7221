"""SizeBytes of stream records."""

from typing import Any

import pytest

from emulator.semantics.dynamodb import stream_sizes

KEY: dict[str, Any] = {"Id": {"N": "101"}}
OLD = {"Message": {"S": "New item!"}, **KEY}
NEW = {"Message": {"S": "This item has changed"}, **KEY}


@pytest.mark.parametrize(
    ("change", "size"),
    [
        ({"Keys": KEY, "NewImage": OLD}, 26),
        ({"Keys": KEY, "OldImage": OLD, "NewImage": NEW}, 59),
        ({"Keys": KEY, "OldImage": NEW}, 38),
    ],
)
def test_the_examples_of_the_lambda_guide_come_out(change: dict[str, Any], size: int) -> None:
    assert stream_sizes.size_bytes(change) == size


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "ü"}, 2),
        ({"N": "-1.5"}, 3),
        ({"N": "1E5"}, 2),
        ({"B": "AP8="}, 2),
        ({"B": b"\x00\xff"}, 2),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["a", "bc"]}, 3),
        ({"L": [{"S": "a"}, {"BOOL": True}]}, 7),
        ({"M": {"k": {"S": "v"}}}, 6),
    ],
)
def test_every_type_has_its_size(value: dict[str, Any], size: int) -> None:
    assert stream_sizes.size_bytes({"Keys": {"": value}}) == size
