"""Settings: what is right is read, what is wrong is named with its file, its field and what to do."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.fields import SettingsError
from infra.settings import load_model, parse_settings
from infra.staging import ROOT

MODELS = ROOT / "infra" / "models"


@pytest.fixture
def flights() -> dict[str, Any]:
    """The settings of the model flights, free to be spoilt."""
    document: dict[str, Any] = json.loads((MODELS / "flights.json").read_text("utf-8"))
    return document


@pytest.fixture
def schema() -> dict[str, Any]:
    """Its schema."""
    document: dict[str, Any] = json.loads((MODELS / "flights.schema.json").read_text("utf-8"))
    return document


def _write(folder: Path, model: dict[str, Any], schema: dict[str, Any]) -> Path:
    (folder / "flights.schema.json").write_text(json.dumps(schema), "utf-8")
    path = folder / "flights.json"
    path.write_text(json.dumps(model), "utf-8")
    return path


def _context(**more: Any) -> dict[str, Any]:
    return {"driftloop": {"prefix": "driftloop", "models": ["infra/models/flights.json"]}, **more}


@pytest.mark.parametrize("name", ["flights", "rainfall"])
def test_the_models_that_come_with_the_repository_are_right(name: str) -> None:
    model = load_model(MODELS / f"{name}.json")

    assert model.name == name
    assert [column.role for column in model.schema.columns].count("target") == 1


def test_flights_sees_only_what_is_known_at_schedule_time() -> None:
    model = load_model(MODELS / "flights.json")

    features = {column.name for column in model.schema.columns if column.role == "feature"}
    known_too_late = {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time", "tailnum"}
    assert not features & known_too_late


def test_the_contract_is_the_same_text_every_time() -> None:
    first, second = load_model(MODELS / "flights.json"), load_model(MODELS / "flights.json")

    assert first.contract_text() == second.contract_text()


def test_the_command_line_overrides_the_list_of_models() -> None:
    settings = parse_settings(_context(models="infra/models/rainfall.json, infra/models/flights.json"), ROOT)

    assert [model.name for model in settings.models] == ["rainfall", "flights"]


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("name", "Flights!", "'name': expected a string like"),
        ("metric", 3, "'metric': expected a string"),
        ("thresholds", {"f1": 0.5}, "'thresholds': expected a threshold for the metric 'auc'"),
        ("thresholds", {"auc": "high"}, "'thresholds.auc': expected a number, found 'high'"),
        (
            "batch",
            {"min_files": 0, "window_s": 2},
            "'batch.min_files': expected a whole number from 1 to 1000, found 0",
        ),
        ("batch", {"min_files": 1, "window_s": 301}, "'batch.window_s': expected a whole number from 0 to 300"),
        ("batch", {"min_files": 1}, "'batch.window_s': expected a value, found 'nothing'; add it"),
        ("batch", {"min_files": True, "window_s": 2}, "'batch.min_files': expected a whole number"),
        ("batch", [], "'batch': expected an object"),
        ("attempts_max", 0, "'attempts_max': expected a whole number from 1 to 10"),
        ("parameters", [], "'parameters': expected an object"),
        ("time_column", "dest_time", "'time_column': expected a schema column with role 'time'"),
        ("target", {"name": "late", "column": "hour", "greater_than": 1}, "'target.column': expected a schema column"),
        ("instances", {"processing": "big"}, "'instances.processing': expected a string like"),
        ("colour", "red", "'colour': expected one of"),
    ],
)
def test_a_wrong_setting_is_named(
    tmp_path: Path, flights: dict[str, Any], schema: dict[str, Any], field: str, value: object, expected: str
) -> None:
    path = _write(tmp_path, {**flights, field: value}, schema)

    with pytest.raises(SettingsError) as caught:
        load_model(path)

    assert str(caught.value).startswith(f"{path}: {expected}")
    assert caught.value.field.startswith(field)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"type": "text"}, "'columns[0].type'"),
        ({"role": "label"}, "'columns[0].role'"),
        ({"min": 5, "max": 1}, "'columns[0].min': expected at most max (1), found 5"),
        ({"allowed": "yes"}, "'columns[0].allowed'"),
        ({"max_length": 0}, "'columns[0].max_length'"),
        ({"nullable": "no"}, "'columns[0].nullable': expected true or false"),
        ({"name": "day"}, "'columns': expected every column once, found 'day'"),
        ({"role": "target"}, "'columns': expected one column with role 'target', found 2"),
        ({"unit": "month"}, "'columns[0].unit'"),
    ],
)
def test_a_wrong_column_is_named(
    tmp_path: Path, flights: dict[str, Any], schema: dict[str, Any], change: dict[str, Any], expected: str
) -> None:
    schema["columns"][0] |= change
    path = _write(tmp_path, flights, schema)

    with pytest.raises(SettingsError) as caught:
        load_model(path)

    assert str(caught.value).startswith(f"{tmp_path / 'flights.schema.json'}: {expected}")


def test_a_file_that_is_not_there_or_no_json_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{", "utf-8")

    for path in (tmp_path / "nowhere.json", broken):
        with pytest.raises(SettingsError, match=path.name):
            load_model(path)


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({}, "expected an object, found None"),
        ({"driftloop": {"prefix": "Drift_loop", "models": []}}, "'prefix'"),
        ({"driftloop": {"prefix": "driftloop", "models": []}}, "at least one model file"),
        ({"driftloop": {"prefix": "driftloop", "models": [], "model": 1}}, "'model'"),
        (_context(models="infra/models/flights.json,infra/models/flights.json"), "every model once, found 'flights'"),
    ],
)
def test_a_wrong_context_is_named(context: dict[str, Any], expected: str) -> None:
    with pytest.raises(SettingsError, match=r"cdk\.json context 'driftloop'") as caught:
        parse_settings(context, ROOT)

    assert expected in str(caught.value)
