"""The baseline: statistics.json and constraints.json, by the documented schemas and the SDK's own file classes."""

from pathlib import Path

import jsonschema
import numpy as np
import pytest

from pipeline_definitions.watch.scripts.analyze import constraints_file, statistics_file
from tests.support.analysis import CSV, PARQUET, Job, table
from tests.support.monitor_schemas import CONSTRAINTS, STATISTICS

ROWS = 3_000
RNG = np.random.default_rng(7)
FLIGHTS = table(
    {
        "delay": RNG.normal(10, 30, ROWS),
        "hour": RNG.integers(0, 24, ROWS),
        "carrier": RNG.choice(["AA", "BB", "CC"], ROWS),
        "tail": [f"N{n}" for n in range(ROWS)],
        "empty": [None] * ROWS,
    }
)


def made(tmp_path: Path, form: str = PARQUET) -> Job:
    job = Job(tmp_path)
    job.put("data/a.csv", FLIGHTS.write_csv()) if form == CSV else job.put("data/a.parquet", FLIGHTS)
    assert job.run("baseline", form=form) == 0
    return job


@pytest.mark.parametrize("form", [PARQUET, CSV])
def test_the_files_are_of_the_documented_schemas(tmp_path: Path, form: str) -> None:
    job = made(tmp_path, form)

    jsonschema.validate(job.report("statistics.json"), STATISTICS)
    jsonschema.validate(job.report("constraints.json"), CONSTRAINTS)


def test_statistics_are_those_of_the_data(tmp_path: Path) -> None:
    features = {feature["name"]: feature for feature in made(tmp_path).report("statistics.json")["features"]}

    delay = features["delay"]["numerical_statistics"]
    values = FLIGHTS["delay"].to_numpy()
    assert features["delay"]["inferred_type"] == "Fractional"
    assert (delay["mean"], delay["std_dev"]) == pytest.approx((values.mean(), values.std()))
    assert [bucket["count"] for bucket in delay["distribution"]["kll"]["buckets"]] == np.histogram(values)[0].tolist()
    kept = delay["distribution"]["kll"]["sketch"]["data"]
    assert sum(len(level) << height for height, level in enumerate(kept)) == ROWS
    assert delay["distribution"]["kll"]["sketch"]["parameters"] == {"c": 0.64, "k": 2048.0}


def test_categories_are_listed_only_while_they_are_few(tmp_path: Path) -> None:
    features = {feature["name"]: feature for feature in made(tmp_path).report("statistics.json")["features"]}

    counts = {
        b["value"]: b["count"]
        for b in features["carrier"]["string_statistics"]["distribution"]["categorical"]["buckets"]
    }
    assert counts == dict(FLIGHTS["carrier"].value_counts().iter_rows())
    assert features["tail"]["string_statistics"]["distinct_count"] == ROWS
    assert "distribution" not in features["tail"]["string_statistics"]


def test_constraints_ask_for_what_was_observed(tmp_path: Path) -> None:
    found = made(tmp_path).report("constraints.json")
    features = {feature.pop("name"): feature for feature in found["features"]}

    assert features["delay"] == {
        "inferred_type": "Fractional",
        "completeness": 1.0,
        "num_constraints": {"is_non_negative": False},
    }
    assert features["hour"]["num_constraints"] == {"is_non_negative": True}
    assert sorted(features["carrier"]["string_constraints"]["domains"]) == ["AA", "BB", "CC"]
    assert features["tail"] == {"inferred_type": "String", "completeness": 1.0}
    assert features["empty"] == {"inferred_type": "Unknown", "completeness": 0.0}
    assert found["monitoring_config"]["datatype_check_threshold"] == 1.0
    assert found["monitoring_config"]["distribution_constraints"]["comparison_method"] == "Robust"


def test_the_files_are_the_same_bytes_twice_and_read_back_as_they_were(tmp_path: Path) -> None:
    first, second = made(tmp_path / "1"), made(tmp_path / "2")

    for name in ("statistics.json", "constraints.json"):
        assert first.report(name) == second.report(name)
    statistics, constraints = first.report("statistics.json"), first.report("constraints.json")
    assert constraints_file.render(constraints_file.parse(constraints)) == constraints
    again = statistics_file.render(statistics_file.parse(statistics, {}))
    for feature in (*statistics["features"], *again["features"]):  # counts read back are those of the sketch
        feature.get("numerical_statistics", {}).get("distribution", {}).get("kll", {}).pop("buckets", None)
    assert again == statistics


def test_the_sdks_own_classes_take_the_files(tmp_path: Path) -> None:
    from sagemaker.core.model_monitor.monitoring_files import Constraints, Statistics

    job = made(tmp_path)
    statistics = Statistics(job.report("statistics.json"), "s3://bucket/statistics.json")
    constraints = Constraints(job.report("constraints.json"), "s3://bucket/constraints.json")

    constraints.set_monitoring(enable_monitoring=False, feature_name="hour")

    assert statistics.body_dict["dataset"]["item_count"] == ROWS
    edited = {feature.name: feature for feature in constraints_file.parse(constraints.body_dict).features}
    assert (edited["hour"].rules.is_evaluated, edited["delay"].rules.is_evaluated) == (False, True)
