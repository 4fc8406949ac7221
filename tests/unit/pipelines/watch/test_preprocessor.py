"""What Model Monitor makes of a captured request of ours, in whichever format it came."""

from types import SimpleNamespace
from typing import Any

import pytest

from pipeline_definitions.watch import preprocessor


@pytest.fixture(autouse=True)
def _features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preprocessor, "FEATURES", ("wind", "dew point"))


def _record(data: str, encoding: str) -> Any:
    return SimpleNamespace(endpoint_input=SimpleNamespace(data=data, encoding=encoding))


def test_rows_of_csv_have_the_features_names_in_the_order_of_the_baseline() -> None:
    found = preprocessor.preprocess_handler(_record("3,1.5\n4,\n", "CSV"))

    assert [list(row.items()) for row in found] == [
        [("dew point", "1.5"), ("wind", "3")],
        [("dew point", None), ("wind", "4")],
    ]


def test_instances_of_json_are_rows_too() -> None:
    found = preprocessor.preprocess_handler(_record('{"instances": [{"wind": 3, "dew point": 1.5}]}', "JSON"))

    assert found == [{"dew point": 1.5, "wind": 3}]


@pytest.mark.parametrize(
    ("data", "encoding"),
    [("1,2,3", "CSV"), ("no json", "JSON"), ('{"rows": []}', "JSON"), ('{"instances": [{"wind": 3}]}', "JSON")],
)
def test_a_request_that_the_model_refuses_is_left_out(data: str, encoding: str) -> None:
    assert preprocessor.preprocess_handler(_record(data, encoding)) == []
