"""Settings: what is right is read, what is wrong is named with its file, its field and what to do."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.fields import SettingsError
from infra.release_settings import (
    Experiment,
    GuardRails,
    Machines,
    ModelTests,
    ReleaseSettings,
    Scaling,
    Traffic,
)
from infra.settings import load_model, parse_settings
from infra.staging import ROOT
from lambdas.answer_waits.records import LOSSES

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


def test_a_model_that_says_nothing_of_releases_has_the_defaults(
    tmp_path: Path, flights: dict[str, Any], schema: dict[str, Any]
) -> None:
    for written in ({}, {"release": {}}, {"release": {"tests": {}, "experiment": {"guard_rails": {}}}}):
        said = {name: value for name, value in flights.items() if name != "release"}
        model = load_model(_write(tmp_path, {**said, **written}, schema))

        assert model.release == ReleaseSettings(
            keep_stages=False,
            deadline_s=2700,
            tests=ModelTests(250, 1000, 200, 4, (), 0.05, 0.02, 0.1),
            experiment=Experiment(
                *("paired", "log_loss", 0.01, 0.05, 0.8, 0.1, (), 259_200, 3600), GuardRails(100, 0.02, 1000, 0.01)
            ),
        )


def test_what_is_said_of_releases_is_read_and_the_rest_keeps_its_default(
    tmp_path: Path, flights: dict[str, Any], schema: dict[str, Any]
) -> None:
    release = {
        "keep_stages": True,
        "deadline_s": 60,
        "tests": {"p95_ms": 400, "slices": ["origin"]},
        "experiment": {"mode": "split", "start_weight": 0.5, "guard_rails": {"error_rate_max": 0}},
    }

    model = load_model(_write(tmp_path, {**flights, "release": release}, schema))

    assert model.release == ReleaseSettings(
        keep_stages=True,
        deadline_s=60,
        tests=ModelTests(p95_ms=400, slices=("origin",)),
        experiment=Experiment(mode="split", start_weight=0.5, guard_rails=GuardRails(error_rate_max=0)),
    )


def test_how_traffic_shifts_and_production_scales_is_read(
    tmp_path: Path, flights: dict[str, Any], schema: dict[str, Any]
) -> None:
    release = {
        "stages": {"dev": {"instance_type": "ml.t2.medium"}, "prod": {"instance_count": 2}},
        "traffic": {"shifting": "linear", "step_percent": 50, "wait_s": 60},
        "scaling": {"instances_min": 2, "instances_max": 8, "invocations_per_instance": 600},
        "experiment": {"mode": "split", "start_weight": 0.05, "ramp": [0.1, 0.25]},
    }

    model = load_model(_write(tmp_path, {**flights, "release": release}, schema))

    machines = [model.machines(stage) for stage in ("dev", "staging", "prod")]
    assert machines == [Machines("ml.t2.medium", 1), Machines("ml.m5.large", 1), Machines("ml.m5.large", 2)]
    assert model.release.traffic == Traffic("linear", 50, 60, rollback_alarms=True)
    assert model.release.traffic.duration_s == 120
    assert model.release.scaling == Scaling(2, 8, 600)
    assert model.release.experiment.ramp == (0.1, 0.25)


@pytest.mark.parametrize("metric", sorted(LOSSES))
def test_an_experiment_may_compare_what_has_a_value_a_record(
    tmp_path: Path, flights: dict[str, Any], schema: dict[str, Any], metric: str
) -> None:
    model = load_model(_write(tmp_path, {**flights, "release": {"experiment": {"metric": metric}}}, schema))

    assert model.release.experiment.metric == metric


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ([], "'release': expected an object, found []"),
        (
            {"keep_stage": True},
            "'release.keep_stage': expected one of deadline_s, experiment, keep_stages, scaling, stages, te",
        ),
        ({"keep_stages": "no"}, "'release.keep_stages': expected true or false, found 'no'"),
        ({"deadline_s": 59}, "'release.deadline_s': expected a whole number from 60 to 86400, found 59"),
        ({"tests": {"p50_ms": 0}}, "'release.tests.p50_ms': expected a number above 0, found 0"),
        ({"tests": {"p95_ms": "fast"}}, "'release.tests.p95_ms': expected a number, found 'fast'"),
        ({"tests": {"requests": 0}}, "'release.tests.requests': expected a whole number from 1 to 100000"),
        ({"tests": {"concurrency": 65}}, "'release.tests.concurrency': expected a whole number from 1 to 64"),
        ({"tests": {"slices": "origin"}}, "'release.tests.slices': expected a list of strings, found 'origin'"),
        ({"tests": {"slices": ["orign"]}}, "'release.tests.slices': expected columns of the schema, found ['orign']"),
        ({"tests": {"slice_margin": None}}, "'release.tests.slice_margin': expected a number, found None"),
        ({"tests": {"calibration_max": 1.5}}, "'release.tests.calibration_max': expected a number from 0 to 1"),
        ({"tests": {"p99_ms": 5}}, "'release.tests.p99_ms': expected one of"),
        ({"traffic": {"shifting": "slowly"}}, "'release.traffic.shifting': expected a string like all_at_once|canary"),
        ({"traffic": {"shifting": "linear", "step_percent": 5}}, "'release.traffic.step_percent': expected a whole nu"),
        ({"traffic": {"step_percent": 51}}, "'release.traffic.step_percent': expected a whole number from 1 to 50"),
        (
            {"traffic": {"wait_s": 1800}},
            "'release.traffic': expected waits shorter than deadline_s (2700 s), found",
        ),
        ({"stages": {"test": {}}}, "'release.stages.test': expected one of dev, prod, staging"),
        ({"stages": {"dev": {"instance_type": "m5.large"}}}, "'release.stages.dev.instance_type': expected a string"),
        ({"scaling": {"instances_min": 2, "instances_max": 1}}, "'release.scaling.instances_max': expected a whole nu"),
        ({"experiment": {"mode": "split", "ramp": [0.05]}}, "'release.experiment.ramp': expected shares that rise"),
        ({"experiment": {"ramp": [0.5]}}, "'release.experiment.ramp': expected mode split: nothing else has shares"),
        ({"experiment": {"mode": "split", "ramp": [1]}}, "'release.experiment.ramp': expected a list of numbers betw"),
        ({"experiment": {"mode": "off"}}, "'release.experiment.mode': expected a string like paired|split|none"),
        ({"experiment": {"metric": "auc"}}, "'release.experiment.metric': expected a string like log_loss|"),
        ({"experiment": {"minimum_effect": 0}}, "'release.experiment.minimum_effect': expected a number above 0"),
        ({"experiment": {"alpha": 1}}, "'release.experiment.alpha': expected a number between 0 and 1, found 1"),
        ({"experiment": {"power": 0}}, "'release.experiment.power': expected a number between 0 and 1, found 0"),
        ({"experiment": {"start_weight": 1.0}}, "'release.experiment.start_weight': expected a number between"),
        (
            {"experiment": {"duration_max_s": 10}},
            "'release.experiment.duration_max_s': expected a whole number from 60",
        ),
        ({"experiment": {"look_every_s": 59}}, "'release.experiment.look_every_s': expected a whole number from 60"),
        ({"experiment": {"weight": 0.1}}, "'release.experiment.weight': expected one of"),
        (
            {"experiment": {"guard_rails": {"requests_min": 0}}},
            "'release.experiment.guard_rails.requests_min': expected a whole number from 1",
        ),
        (
            {"experiment": {"guard_rails": {"error_rate_max": 2}}},
            "'release.experiment.guard_rails.error_rate_max': expected a number from 0 to 1, found 2",
        ),
        (
            {"experiment": {"guard_rails": {"p95_ms_max": -1}}},
            "'release.experiment.guard_rails.p95_ms_max': expected a number above 0",
        ),
        (
            {"experiment": {"guard_rails": {"null_rate_max": -0.1}}},
            "'release.experiment.guard_rails.null_rate_max': expected a number from 0 to 1",
        ),
        ({"experiment": {"guard_rails": {"p95": 1}}}, "'release.experiment.guard_rails.p95': expected one of"),
    ],
)
def test_a_wrong_setting_of_the_release_is_named(
    tmp_path: Path, flights: dict[str, Any], schema: dict[str, Any], release: object, expected: str
) -> None:
    path = _write(tmp_path, {**flights, "release": release}, schema)

    with pytest.raises(SettingsError) as caught:
        load_model(path)

    assert str(caught.value).startswith(f"{path}: {expected}")
    assert str(caught.value).rpartition("; ")[2].startswith(("correct", "put", "leave", "wait"))


@pytest.mark.parametrize(
    ("monitoring", "expected"),
    [
        ({"engine": "clarify"}, "'monitoring.engine': expected a string like pipeline|model-monitor"),
        ({"engine": "model-monitor", "window_s": 7200}, "'monitoring.window_s': expected 86400, as long as every_h"),
        ({"engine": "model-monitor", "label_delay_s": 90}, "'monitoring.label_delay_s': expected whole hours"),
        (
            {"engine": "model-monitor", "window_s": 86400, "attribution": {}},
            "'monitoring.attribution': expected nothing with engine model-monitor",
        ),
        ({"bias": {"facet": "tailnum", "facet_values": ["x"]}}, "'monitoring.bias.facet': expected a feature"),
        ({"bias": {"facet": "origin", "facet_values": []}}, "'monitoring.bias.facet_values': expected at least one"),
        (
            {"bias": {"facet": "origin", "facet_values": ["LGA"], "metrics": ["PPL"]}},
            "'monitoring.bias.metrics': expected some of CI, ",
        ),
        ({"attribution": {"threshold": 2}}, "'monitoring.attribution.threshold': expected a number from 0 to 1"),
    ],
)
def test_a_wrong_setting_of_monitoring_is_named(
    tmp_path: Path, flights: dict[str, Any], schema: dict[str, Any], monitoring: object, expected: str
) -> None:
    path = _write(tmp_path, {**flights, "monitoring": monitoring}, schema)

    with pytest.raises(SettingsError) as caught:
        load_model(path)

    assert str(caught.value).startswith(f"{path}: {expected}")


def test_the_contract_says_what_is_asked_for_with_its_defaults(
    tmp_path: Path, flights: dict[str, Any], schema: dict[str, Any]
) -> None:
    monitoring = {"window_s": 7200, "bias": {"facet": "origin", "facet_values": ["LGA"]}, "attribution": {}}

    model = load_model(_write(tmp_path, {**flights, "monitoring": monitoring}, schema))

    found = json.loads(model.contract_text())["monitoring"]
    bias = {"facet": "origin", "facet_values": ["LGA"], "margin": 0.1, "metrics": ["DPPL", "AD"]}
    assert found == {"window_s": 7200, "bias": bias, "attribution": {"threshold": 0.9}}


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
