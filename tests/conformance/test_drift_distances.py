"""Distances against the values of Deequ's own tests (KLLDistanceTest.scala), 20 of them transcribed."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline_definitions.watch.scripts.analyze import chisquare, distances

CASES = json.loads((Path(__file__).parent / "drift_distances.json").read_text())


def told(case: dict[str, Any]) -> float:
    if case["kind"] == "psi":
        return distances.psi(case["actual"], case["expected"])
    if case["kind"] == "chisquare":
        found = chisquare.test(case["sample"], case["expected"])
        return found.statistic if case["returns"] == "statistic" else found.p_value
    if case["kind"] == "numeric":
        a, b = (distances.exact(np.array(case[side], float)) for side in "ab")
        simple, n, m = distances.numeric(a, b), a.weight, b.weight
    else:
        simple, n, m = distances.categorical(case["a"], case["b"]), sum(case["a"].values()), sum(case["b"].values())
    return simple if case["method"] == "Simple" else distances.robust(simple, n, m, case.get("alpha"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['kind']}-{CASES.index(case)}")
def test_distance_is_deequs(case: dict[str, Any]) -> None:
    found = told(case)

    if case["expect"] == "NaN":
        assert math.isnan(found)
    else:
        assert found == pytest.approx(case["expect"], rel=1e-9, abs=1e-12)


def test_every_kind_of_distance_has_cases() -> None:
    assert {case["kind"] for case in CASES} == {"numeric", "categorical", "chisquare", "psi"}
