"""What is right, as plain functions over values: golden records, latency, the champion, slices, calibration."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from sklearn.metrics import roc_auc_score

from pipeline_definitions.release.scripts.model_tests.report import FAILED, PASSED, SKIPPED, Answer, Bin, Check, number
from pipeline_definitions.shared.scripts.registry import SLOT, Facts, UntestableError
from pipeline_definitions.shared.scripts.scoring import CONFIDENCE, Array, Holdout, Paired, Scored, in_words, paired

SLICE_ROWS_MIN: Final = 50
BINS: Final = 10


def golden_check(records: Sequence[Facts], answers: Sequence[Answer], tolerance: float) -> Check:
    """The answers given when the model was judged, given again."""
    gaps = [
        abs(number(answer.body) - record["prediction"]) if answer.status == 200 else math.inf
        for record, answer in zip(records, answers, strict=True)
    ]
    wrong = [place for place, gap in enumerate(gaps) if not gap <= tolerance]
    known = [gap for gap in gaps if math.isfinite(gap)]
    facts = {
        "records": len(records),
        "differ": len(wrong),
        "largest gap": max(known, default=None),
        "tolerance": tolerance,
    }
    if not wrong:
        said = f"{len(records)} golden records answered within {tolerance:g}"
        return Check("golden records", "same answers as when the model was judged", PASSED, said, facts)
    record, answer = records[wrong[0]], answers[wrong[0]]
    said = (
        f"{len(wrong)} of {len(records)} golden records differ by more than {tolerance:g}; "
        f"for {record['input']!r} expected {record['prediction']}, found {answer.in_short!r}"
    )
    return Check("golden records", "same answers as when the model was judged", FAILED, said, facts)


def variant_check(answers: Sequence[Answer]) -> Check:
    """Who answered: after a promotion there is nobody but the champion."""
    found = sorted({answer.variant for answer in answers})
    outcome = PASSED if found == [SLOT] else FAILED
    said = f"expected every answer from variant '{SLOT}', found {found}"
    return Check(
        "production", "invoked variant", outcome, said, {"variants": ", ".join(found), "answers": len(answers)}
    )


def champion_check(challenger: Scored, champion: Scored, labels: Array, margin: float) -> Check:
    """The whole hold-out: is the challenger surely worse than the champion by more than the margin?"""
    found = paired(challenger.losses - champion.losses)
    facts = {
        "rows": found.n,
        "challenger's log loss": float(challenger.losses.mean()),
        "champion's log loss": float(champion.losses.mean()),
        "challenger's AUC": auc(labels, challenger.predictions),
        "champion's AUC": auc(labels, champion.predictions),
        **difference_facts(found),
        "margin": margin,
    }
    outcome = FAILED if found.low > margin else PASSED
    said = f"on {found.n} rows the challenger's log loss is {in_words(found)}; margin {margin:g}"
    return Check("champion and challenger", "challenger against champion", outcome, said, facts)


def slice_checks(holdout: Holdout, names: Sequence[str], margin: float, models: Sequence[Scored]) -> list[Check]:
    """The same question for each value of each column.

    Args:
        models: the challenger, and the champion if there is one.

    Raises:
        UntestableError: the hold-out has no such column.
    """
    unknown = [name for name in names if name not in holdout.names]
    if unknown:
        raise UntestableError(
            f"slices {', '.join(unknown)}: expected features of the model ({', '.join(holdout.names)}); "
            "change release.tests.slices in the model's settings"
        )
    slices = [
        (f"{name} = {value!r}", holdout.column(name) == value)
        for name in names
        for value in sorted(set(map(str, holdout.column(name))), key=natural)
    ]
    judged = [(title, rows) for title, rows in slices if rows.sum() >= SLICE_ROWS_MIN]
    confidence = 1 - (1 - CONFIDENCE) / max(len(judged), 1)
    checks = [slice_check(title, rows, margin, models, confidence) for title, rows in judged]
    left = len(slices) - len(judged)
    if left:
        said = f"{left} of {len(slices)} values have fewer than {SLICE_ROWS_MIN} rows and were not judged"
        checks.append(Check("slices", "small slices", SKIPPED, said))
    return checks


def slice_check(title: str, rows: Array, margin: float, models: Sequence[Scored], confidence: float) -> Check:
    """One value of one column."""
    challenger, *rest = (model.losses[rows] for model in models)
    facts: dict[str, Any] = {"rows": int(rows.sum()), "challenger's log loss": float(challenger.mean())}
    if not rest:
        return Check("slices", title, SKIPPED, "no champion to compare with", facts)
    found = paired(challenger - rest[0], confidence)
    facts |= {"champion's log loss": float(rest[0].mean()), **difference_facts(found), "margin": margin}
    said = f"on {found.n} rows the challenger's log loss is {in_words(found)}; margin {margin:g}"
    return Check("slices", title, FAILED if found.low > margin else PASSED, said, facts)


def calibration_bins(labels: Array, predictions: Array) -> list[Bin]:
    """Ten bins of equal width; those without rows are left out."""
    places = np.minimum((predictions * BINS).astype(int), BINS - 1)
    return [
        Bin(int(rows.sum()), float(predictions[rows].mean()), float(labels[rows].mean()))
        for rows in (places == place for place in range(BINS))
        if rows.any()
    ]


def calibration_gap(bins: Sequence[Bin]) -> float:
    """Mean distance between predicted and observed frequency, weighted by rows."""
    rows = sum(group.rows for group in bins)
    return sum(group.rows * abs(group.predicted - group.observed) for group in bins) / rows


def calibration_check(bins: Sequence[Bin], gap_max: float) -> Check:
    """Whether a predicted 30 % happens in about 30 % of the cases."""
    gap = calibration_gap(bins)
    facts = {"gap": gap, "largest allowed": gap_max, "rows": sum(group.rows for group in bins), "bins": len(bins)}
    said = f"predicted and observed frequency are {gap:.3g} apart, weighted over {len(bins)} bins; allowed {gap_max:g}"
    return Check("calibration", "challenger", PASSED if gap <= gap_max else FAILED, said, facts)


def latency_checks(answers: Sequence[Answer], budget_ms: Mapping[str, float]) -> list[Check]:
    """Errors, and the percentiles of what callers waited, errors included."""
    failed = [answer for answer in answers if answer.status != 200]
    said = f"{len(failed)} of {len(answers)} requests were not answered"
    if failed:
        said += f"; the first: {failed[0].in_short!r}"
    facts = {"requests": len(answers), "not answered": len(failed)}
    checks = [Check("latency", "every request answered", FAILED if failed else PASSED, said, facts)]
    waited_ms = [1000 * answer.seconds for answer in answers]
    for name, budget in budget_ms.items():
        found = float(np.percentile(waited_ms, float(name.removeprefix("p"))))
        said = f"{name} is {found:.1f} ms over {len(answers)} requests; budget {budget:g} ms"
        times: dict[str, float] = {"found (ms)": found, "budget (ms)": budget}
        checks.append(Check("latency", name, PASSED if found <= budget else FAILED, said, times))
    return checks


def difference_facts(found: Paired) -> dict[str, Any]:
    """A paired difference as a report shows it."""
    return {
        "worse by": found.mean,
        "sd of the difference": found.sd,
        "interval from": found.low,
        "interval to": found.high,
        "p value": found.p_value,
    }


def natural(text: str) -> tuple[float, str]:
    """Sorts 9 before 10, and text after numbers."""
    found = number(text)
    return (math.inf if math.isnan(found) else found, text)


def auc(labels: Array, predictions: Array) -> float | None:
    """Chance that a positive row scores above a negative one; None if one class is absent."""
    return float(roc_auc_score(labels, predictions)) if len(set(labels)) == 2 else None
