"""The judge by values: plans, moments, and that guard-rails never promote."""

import json
from dataclasses import replace
from statistics import NormalDist, fmean, variance
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.answer_waits import moments
from lambdas.answer_waits.judge import Evidence, Spread, Verdict, _critical, judge, plan
from lambdas.answer_waits.moments import Moments
from lambdas.answer_waits.records import join, log_loss, read_captured
from tests.unit.lambdas.world import EXPERIMENT, START

SPREAD = Spread(champion=0.4, challenger=0.4, difference=0.1)
VALUES = st.lists(st.floats(-50, 50), min_size=1, max_size=30)
SOUND = replace(EXPERIMENT, minimum_effect=0.01, start_weight=0.1)


@given(VALUES, VALUES)
def test_moments_of_two_samples_merge_into_those_of_both(one: list[float], other: list[float]) -> None:
    both = one + other

    merged = moments.merge(moments.of(one), moments.of(other))

    mean = fmean(both)
    assert merged.n == len(both)
    assert merged.mean == pytest.approx(mean, abs=1e-9)
    assert merged.variance == pytest.approx(variance(both), abs=1e-7)
    assert merged.m3 == pytest.approx(sum((value - mean) ** 3 for value in both), abs=1e-4)


def test_the_plan_is_the_textbooks() -> None:
    z = NormalDist().inv_cdf(0.95) + NormalDist().inv_cdf(0.8)

    paired, split = plan(SOUND, SPREAD), plan(replace(SOUND, mode="split"), SPREAD)

    assert paired.challenger_n == paired.champion_n == 619 == -int(-((z * 0.1 / 0.01) ** 2) // 1)
    assert (split.champion_n, split.challenger_n) == (98_922, 10_992)
    assert paired.detectable == pytest.approx(0.01, rel=1e-3)


def test_a_large_effect_still_takes_a_hundred_pairs_or_two_hundred_records_of_an_arm() -> None:
    aim = replace(SOUND, minimum_effect=10)

    assert plan(aim, SPREAD).challenger_n == 100
    assert plan(replace(aim, mode="split"), SPREAD).challenger_n == 200
    assert plan(aim, SPREAD).detectable == pytest.approx(0.0249, abs=1e-4)


def test_a_plan_that_no_look_can_hold_is_cut_and_says_what_it_detects_then() -> None:
    cut = plan(replace(SOUND, minimum_effect=1e-5), SPREAD)

    assert cut.is_cut
    assert cut.challenger_n == 100_000
    assert cut.detectable == pytest.approx(0.00079, abs=1e-5)


@pytest.mark.parametrize(("freedom", "quantile"), [(99, 1.6604), (199, 1.6525), (1e9, 1.6449)])
def test_the_critical_value_is_students(freedom: float, quantile: float) -> None:
    assert _critical(0.05, freedom) == pytest.approx(quantile, abs=1e-4)


@given(n=st.integers(0, 5000), mean=st.floats(-5, 5), sd=st.floats(0, 5), is_time_over=st.booleans())
def test_a_guard_rail_never_promotes_and_no_look_before_the_planned_sample_does(
    n: int, mean: float, sd: float, is_time_over: bool
) -> None:
    planned = plan(SOUND, SPREAD)
    evidence = Evidence(difference=Moments(n, mean, sd**2 * max(n - 1, 0), 0.0))

    aborted = judge(planned, evidence, abort="p95", is_time_over=is_time_over)
    looked = judge(planned, evidence, abort="", is_time_over=is_time_over)

    assert aborted.verdict is Verdict.KEEP
    if n < planned.challenger_n:
        assert looked.verdict is (Verdict.INCONCLUSIVE if is_time_over else Verdict.CONTINUE)


def test_models_that_answer_alike_are_no_improvement() -> None:
    planned = plan(SOUND, SPREAD)

    found = judge(planned, Evidence(difference=Moments(1000)), abort="", is_time_over=False)

    assert found.verdict is Verdict.KEEP


def _captured(*records: tuple[str, Any], encoding: str = "CSV", inference_id: bool = True, at: str = "06:00:01") -> Any:
    lines = [
        {
            "captureData": {"endpointOutput": {"data": data, "encoding": encoding}},
            "eventMetadata": {("inferenceId" if inference_id else "eventId"): name, "eventId": name}
            | {"inferenceTime": f"2026-03-01T{at}Z"},
        }
        for name, data in records
    ]
    return read_captured([("2026/03/01/06", json.dumps(line).encode()) for line in lines], START)


def _labels(*labels: tuple[str, str], encoding: str = "CSV") -> list[tuple[str, bytes]]:
    lines = [
        {"groundTruthData": {"data": data, "encoding": encoding}, "eventMetadata": {"eventId": name}}
        for name, data in labels
    ]
    return [("2026/03/01/07", json.dumps(line).encode()) for line in lines]


def test_pairs_are_joined_by_inference_id_and_what_does_not_join_is_counted() -> None:
    champion = _captured(("a", "0.8"), ("b", "0.6"), ("c", "0.5"), ("only", "0.5"))
    challenger = _captured(("a", "0.9"), ("b", "nan"), ("c", "0.5"))
    labels = _labels(("a", "1"), ("a", "1"), ("a", "0"), ("b", "0"), ("only", "1"), ("nobody", "1"), ("c", "maybe"))

    joined = join("paired", "log_loss", champion, challenger, labels)

    assert joined.evidence.difference == Moments(1, log_loss(0.8, 1) - log_loss(0.9, 1))
    assert joined.counts == {
        "labels repeated": 1,
        "labels contradicting": 1,
        "labelled, answer null": 1,
        "labels of one variant only": 1,
        "labels without answer": 1,
        "labels unreadable": 1,
        "without label": 1,
    }


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("0.8\n0.6\n", "CSV"),
        ("0.8,0.6", "CSV"),
        ("[0.8, 0.6]", "JSON"),
        ('{"predictions": [{"score": 0.8}, {"score": 0.6}]}', "JSON"),
        ("MC44LDAuNg==", "BASE64"),
    ],
)
def test_several_rows_in_a_request_take_a_list_of_labels(data: str, encoding: str) -> None:
    champion = _captured(("a", data), ("short", data), encoding=encoding)
    challenger = _captured(("a", data), ("short", data), encoding=encoding)

    joined = join("paired", "log_loss", champion, challenger, _labels(("a", "[1, 0]"), ("short", "1")))

    assert joined.evidence.difference.n == 2
    assert joined.evidence.champion.mean == pytest.approx((log_loss(0.8, 1) + log_loss(0.6, 0)) / 2)
    assert joined.counts["labels of another length"] == 1


def test_an_answer_without_an_inference_id_is_known_by_its_event_id() -> None:
    champion = _captured(("a", "0.8"), inference_id=False)

    joined = join("split", "squared_error", champion, _captured(), _labels(("a", "1")))

    assert joined.evidence.champion == Moments(1, pytest.approx(0.04))


def test_answers_from_before_the_experiment_do_not_count_and_repeated_ones_once() -> None:
    before, twice = _captured(("a", "0.8"), at="05:59:59"), _captured(("a", "0.8"), ("a", "0.1"))

    assert (before.rows, before.counts["captured"]) == ({}, 0)
    assert (twice.rows, twice.counts["repeated"]) == ({"a": (0.8,)}, 1)


def test_a_request_that_both_variants_answered_in_mode_split_counts_for_neither() -> None:
    joined = join("split", "log_loss", _captured(("a", "0.8")), _captured(("a", "0.8")), _labels(("a", "1")))

    assert joined.evidence == Evidence()
    assert joined.counts["answered by both variants"] == 1


def test_a_line_that_is_no_record_is_counted() -> None:
    captured = read_captured([("h", b"{"), ("h", b"[]"), ("h", b'{"captureData": {}}')], START)

    assert captured.counts == {"unreadable": 3}
