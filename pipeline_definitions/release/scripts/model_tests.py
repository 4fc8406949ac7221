"""Steps TestDev, TestStaging and VerifyProduction: ask an endpoint as its callers do, and report what was found.

Suites
  dev         golden records; the contract: good requests answered, bad ones refused, never a 5xx
  staging     golden records; latency under a stated load; challenger against champion on one hold-out, as a whole and
              by slice; calibration
  production  golden records; the variant that answered

Reads   --contract FILE                      the model's settings and schema, merged
        the package's metadata               S3 URIs: `golden_records`, and `holdout` (the challenger's own)
        --production-endpoint                its variant `champion` leads to the package that serves now
Writes  output/report/report.json, .html     every check with its outcome and numbers; the page is for people
        output/report/comparison.json        staging: losses of both models, for the plan of the experiment

The challenger is asked over its endpoint, the champion scored with the code in its own archive: production is not put
under load. A difference is the challenger's log loss minus the champion's, row by row, so positive is worse. A gate on
it fails only when the whole 95 % interval lies beyond the margin; over slices the intervals hold together (Bonferroni).

Source: InvokeEndpoint's errors (ModelError with OriginalStatusCode and OriginalMessage) and its 6 MiB body are those of
the service model of botocore 1.44.5, read 2026-11-23. That AWS answers 413 or cuts the connection to a longer body is
nowhere documented: here either counts as refused.
"""

import argparse
import csv
import html
import importlib.util
import io
import json
import math
import os
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
import botocore.session
import numpy as np
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, CredentialProvider, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from scipy import stats
from sklearn.metrics import roc_auc_score

Array = np.ndarray[Any, Any]
Facts = Mapping[str, Any]

SLOT: Final = "champion"
CSV: Final = "text/csv"
JSON: Final = "application/json"
PASSED: Final = "passed"
FAILED: Final = "failed"
SKIPPED: Final = "skipped"
MESSAGE_MAX_BYTES: Final = 1024
SESSION_NAME_MAX: Final = 64
PAYLOAD_MAX_BYTES: Final = 6 * 1024 * 1024
CONTAINER_MAX_S: Final = 60
ROWS_ASKED_AT_ONCE: Final = 500
SLICE_ROWS_MIN: Final = 50
BINS: Final = 10
CONFIDENCE: Final = 0.95
SHOWN: Final = 160
"""So much of a body is shown."""
NOT_SERVING: Final = frozenset({"Creating", "Deleting", "Failed", "OutOfService"})
GONE: Final = frozenset({"NoSuchKey", "NoSuchBucket", "AccessDenied"})
"""S3 answers AccessDenied for a missing object to who may not list the whole bucket (S3 API reference, GetObject)."""
CONTENT_TYPES: Final = {".json": JSON, ".html": "text/html; charset=utf-8"}


class UntestableError(RuntimeError):
    """Something that a test needs is not there or not usable. The message names it and says what to do."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        said: in words, what was expected and what was found.
        facts: the numbers, or what was sent and what came.
    """

    group: str
    name: str
    outcome: str
    said: str
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What an endpoint answered.

    Attributes:
        status: the container's own if it answered, else the service's; 0 if nobody did.
    """

    status: int
    body: str
    content_type: str = ""
    variant: str = ""
    seconds: float = 0.0

    @property
    def in_short(self) -> str:
        """For people."""
        return f"{self.status or 'no answer'} {shortened(self.body.strip())}"


@dataclass(frozen=True)
class Request:
    """A request of the contract's tests, and what was agreed about it.

    Attributes:
        agreed: `answered`, `refused`, or `either`: never a 5xx.
        told: what a refusal's message has to name.
    """

    name: str
    body: bytes
    content_type: str
    agreed: str
    told: str = ""
    predictions: tuple[float, ...] = ()


@dataclass(frozen=True)
class Paired:
    """Row by row differences of two losses. `low` and `high` bound their mean."""

    mean: float
    sd: float
    n: int
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class Bin:
    """Rows with alike predictions. The gap is between what was predicted and what happened."""

    rows: int
    predicted: float
    observed: float


@dataclass(frozen=True)
class Scored:
    """A model's predictions on the hold-out. Shape: rows; float64."""

    package_arn: str
    predictions: Array
    losses: Array


@dataclass(frozen=True)
class Holdout:
    """Rows that the challenger's training never saw, as text.

    Attributes:
        names: the features, in order.
        labels: Shape: rows; float64 of 0 and 1.
    """

    names: list[str]
    rows: list[list[str]]
    labels: Array

    def column(self, name: str) -> Array:
        """One feature. Shape: rows; str."""
        place = self.names.index(name)
        return np.array([row[place] for row in self.rows])


@dataclass
class Report:
    """What a suite found; its fields are those of report.json."""

    suite: str
    endpoint: str
    model_package_arn: str
    job_arn: str
    champion_arn: str = ""
    checks: list[Check] = field(default_factory=list)
    latency_ms: list[float] = field(default_factory=list)
    latency_budget_ms: dict[str, float] = field(default_factory=dict)
    calibration: dict[str, list[Bin]] = field(default_factory=dict)
    comparison: dict[str, Any] | None = None

    @property
    def failed(self) -> list[Check]:
        """The checks that stop a release."""
        return [check for check in self.checks if check.outcome == FAILED]


# ---- what is right: plain functions over values ------------------------------------------------------------------


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


def judge_answer(request: Request, answer: Answer) -> Check:
    """Hold an answer against what was agreed."""
    fault = answer_fault(request, answer)
    expected = {
        "answered": counted(len(request.predictions), "probability", "probabilities"),
        "refused": "refused with a 4xx" + (f" that names {request.told!r}" if request.told else ""),
        "either": "an answer or a 4xx, no 5xx",
    }[request.agreed]
    sent = shortened(request.body.decode("utf-8", "replace")) or "(nothing)"
    facts = {"sent": f"{request.content_type}: {sent}", "expected": expected, "came": answer.in_short}
    said = f"sent {sent!r} as {request.content_type}, expected {expected}, came {answer.in_short!r}"
    if fault:
        said = f"{fault}: {said}"
    return Check("contract", request.name, FAILED if fault else PASSED, said, facts)


def answer_fault(request: Request, answer: Answer) -> str | None:
    """What is wrong with an answer, or None."""
    is_refused = 400 <= answer.status < 500
    if answer.status == 0:
        return None if len(request.body) > PAYLOAD_MAX_BYTES else "nobody answered"
    if answer.status >= 500:
        return "a server error"
    if request.agreed == "either":
        return None if is_refused else predictions_fault(answer, request.content_type, None)
    if request.agreed == "answered":
        return predictions_fault(answer, request.content_type, request.predictions)
    if not is_refused:
        return "not refused"
    return None if request.told in answer.body else f"the refusal does not name {request.told!r}"


def predictions_fault(answer: Answer, content_type: str, expected: Sequence[float] | None) -> str | None:
    """What is wrong with an answer that should hold probabilities in the request's format, or None."""
    if answer.status != 200:
        return "refused"
    if not answer.content_type.startswith(content_type):
        return f"answered as {answer.content_type!r}"
    try:
        found = parse_predictions(answer.body, content_type)
    except (ValueError, TypeError, KeyError):
        return "no predictions in the answer"
    if not all(0 <= prediction <= 1 for prediction in found):
        return "not all answers are probabilities"
    if expected is None:
        return None if found else "no predictions in the answer"
    if len(found) != len(expected):
        return f"{len(found)} predictions for {len(expected)} rows"
    return (
        None if np.allclose(found, expected, rtol=0, atol=1e-4) else "the rows are answered otherwise than one by one"
    )


def parse_predictions(body: str, content_type: str) -> list[float]:
    """The numbers in an answer.

    Raises:
        ValueError, TypeError, KeyError: it is another kind of answer.
    """
    values = body.split() if content_type == CSV else json.loads(body)["predictions"]
    return [float(value) for value in values]


def contract_requests(contract: Facts, records: Sequence[Facts]) -> list[Request]:
    """Everything that the contract's tests send."""
    features = [column for column in contract["columns"] if column["role"] == "feature"]
    rows = [next(csv.reader([str(record["input"])])) for record in records]
    base = max(rows, key=lambda row: sum(cell != "" for cell in row))
    return [
        *good_requests(features, rows, records),
        *shape_requests(features, base),
        *type_requests(features, base),
        *(request for place in range(len(features)) for request in range_requests(features, place, base)),
        *odd_requests(features, base),
    ]


def good_requests(features: Sequence[Facts], rows: Sequence[Sequence[str]], records: Sequence[Facts]) -> list[Request]:
    """What callers mean to send."""
    expected = tuple(float(record["prediction"]) for record in records)
    instances = [instance(features, row) for row in rows]
    return [
        Request("a row of CSV", to_line(rows[0]), CSV, "answered", predictions=expected[:1]),
        Request("many rows of CSV", b"\n".join(map(to_line, rows)), CSV, "answered", predictions=expected),
        Request("an instance of JSON", to_json(instances[:1]), JSON, "answered", predictions=expected[:1]),
        Request("many instances of JSON", to_json(instances), JSON, "answered", predictions=expected),
    ]


def shape_requests(features: Sequence[Facts], base: Sequence[str]) -> list[Request]:
    """A column missing, a column too many, in both formats."""
    first, last = str(features[0]["name"]), str(features[-1]["name"])
    whole = instance(features, base)
    short = {name: value for name, value in whole.items() if name != first}
    return [
        Request(f"column missing: {last}", to_line(base[:-1]), CSV, "refused", last),
        Request(f"column missing: {first}", to_json([short]), JSON, "refused", first),
        Request("a column too many", to_line([*base, "1"]), CSV, "refused"),
        Request("an unknown column", to_json([{**whole, "no_such_column": 1}]), JSON, "refused", "no_such_column"),
    ]


def type_requests(features: Sequence[Facts], base: Sequence[str]) -> list[Request]:
    """Text for a number, a number for text."""
    requests = []
    for place, column in enumerate(features):
        name = str(column["name"])
        if column["type"] != "string":
            digits = to_json([{**instance(features, base), name: 10**400}])
            requests.append(Request(f"a number of 401 digits for {name}", digits, JSON, "either"))
            requests.append(Request(f"text for {name}", to_line(changed(base, place, "abc")), CSV, "refused", name))
        wrong: object = 7 if column["type"] == "string" else "abc"
        body = to_json([{**instance(features, base), name: wrong}])
        requests.append(Request(f"{wrong!r} for {name}", body, JSON, "refused", name))
    return requests


def range_requests(features: Sequence[Facts], place: int, base: Sequence[str]) -> list[Request]:
    """Values that the schema would quarantine in a file: an endpoint may answer them, and may refuse them."""
    column = features[place]
    name, cells = str(column["name"]), {}
    if column["type"] == "string":
        if "allowed" in column or "max_length" in column:
            cells["not allowed"] = "x" * (int(column.get("max_length", 0)) + 1)
    else:
        cells["enormous"] = "1e39"
        if column.get("min") is not None:
            cells["below its minimum"] = f"{column['min'] - 1}"
        if column.get("max") is not None:
            cells["above its maximum"] = f"{column['max'] + 1}"
    return [
        Request(f"{name} {what}", to_line(changed(base, place, cell)), CSV, "either") for what, cell in cells.items()
    ]


def odd_requests(features: Sequence[Facts], base: Sequence[str]) -> list[Request]:
    """What no caller should send, and some caller will."""
    texts = [place for place, column in enumerate(features) if column["type"] == "string"]
    place = texts[0] if texts else 0
    name, strange = features[place]["name"], "Zürich ✈ 東京 \U0001f6eb"
    unicode_agreed = "either" if texts else "refused"
    return [
        Request(f"unicode in {name}", to_line(changed(base, place, strange)), CSV, unicode_agreed),
        Request(
            f"unicode in {name} (JSON)", to_json([{**instance(features, base), name: strange}]), JSON, unicode_agreed
        ),
        Request(f"200,000 characters in {name}", to_line(changed(base, place, "x" * 200_000)), CSV, "either"),
        Request("bytes that are not UTF-8", b"\xff\xfe\x00" + to_line(base), CSV, "refused"),
        Request("nothing", b"", CSV, "refused"),
        Request("nothing (JSON)", b"", JSON, "refused"),
        Request("broken JSON", b'{"instances": [', JSON, "refused"),
        Request("deeply nested JSON", b"[" * 100_000, JSON, "refused"),
        Request("another content type", b"a picture", "image/png", "refused", "image/png"),
        Request("more than 6 MiB", oversized(base), CSV, "refused"),
    ]


def oversized(base: Sequence[str]) -> bytes:
    """Good rows, but for the last, whose cell too many has it refused even by a service that takes more than 6 MiB."""
    line = to_line(base) + b"\n"
    return line * (PAYLOAD_MAX_BYTES // len(line) + 1) + to_line([*base, "1"])


def losses(labels: Array, predictions: Array) -> Array:
    """Surprise of each row. Shape: rows. Units: nats."""
    sure = np.clip(np.where(labels == 1, predictions, 1 - predictions), np.finfo(float).eps, None)
    surprise: Array = -np.log(sure)
    return surprise


def paired(worse_by: Array, confidence: float = CONFIDENCE) -> Paired:
    """Paired t-test of row by row differences. Shape: rows, at least two."""
    mean, sd, n = float(worse_by.mean()), float(worse_by.std(ddof=1)), len(worse_by)
    if sd == 0:  # the same model twice
        return Paired(mean, sd, n, mean, mean, 1.0 if mean == 0 else 0.0)
    test = stats.ttest_1samp(worse_by, 0.0)
    interval = test.confidence_interval(confidence)
    return Paired(mean, sd, n, float(interval.low), float(interval.high), float(test.pvalue))


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


def comparison(labels: Array, challenger: Scored, champion: Scored | None) -> dict[str, Any]:
    """comparison.json: what the experiment is planned from, whichever of the losses its metric is."""
    return {
        "rows": len(labels),
        "champion": described(labels, champion) if champion else None,
        "challenger": described(labels, challenger),
        "difference": gain(challenger.losses, champion.losses) if champion else None,
        "metric": "log_loss",
        "other_metrics": {"squared_error": squared_errors(labels, challenger, champion)},
    }


def squared_errors(labels: Array, challenger: Scored, champion: Scored | None) -> dict[str, Any]:
    """The same of the Brier score's single values."""
    of_challenger = (challenger.predictions - labels) ** 2
    of_champion = (champion.predictions - labels) ** 2 if champion else None
    return {
        "champion": None if of_champion is None else {"loss": mean_and_sd(of_champion)},
        "challenger": {"loss": mean_and_sd(of_challenger)},
        "difference": None if of_champion is None else gain(of_challenger, of_champion),
    }


def gain(challenger: Array, champion: Array) -> dict[str, float]:
    """The champion's losses minus the challenger's, row by row."""
    found = paired(champion - challenger)
    return {"mean": found.mean, "sd": found.sd, "n": found.n}


def described(labels: Array, model: Scored) -> dict[str, Any]:
    """A model in comparison.json."""
    return {
        "package_arn": model.package_arn,
        "loss": mean_and_sd(model.losses),
        "auc": auc(labels, model.predictions),
        "calibration_gap": calibration_gap(calibration_bins(labels, model.predictions)),
    }


def mean_and_sd(values: Array) -> dict[str, float]:
    """Of losses. Shape: rows, at least two."""
    return {"mean": float(values.mean()), "sd": float(values.std(ddof=1))}


def auc(labels: Array, predictions: Array) -> float | None:
    """Chance that a positive row scores above a negative one; None if one class is absent."""
    return float(roc_auc_score(labels, predictions)) if len(set(labels)) == 2 else None


def difference_facts(found: Paired) -> dict[str, Any]:
    """A paired difference as a report shows it."""
    return {
        "worse by": found.mean,
        "sd of the difference": found.sd,
        "interval from": found.low,
        "interval to": found.high,
        "p value": found.p_value,
    }


def in_words(found: Paired) -> str:
    """A paired difference in a sentence."""
    direction = "worse" if found.mean > 0 else "better"
    return (
        f"{direction} by {abs(found.mean):.4f} (interval {found.low:.4f} to {found.high:.4f}, p = {found.p_value:.2g})"
    )


# ---- text in and out ---------------------------------------------------------------------------------------------


def to_line(row: Sequence[str]) -> bytes:
    """A row as a caller would send it."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(row)
    return line.getvalue().encode()


def to_json(instances: Sequence[Any]) -> bytes:
    """Instances as a caller would send them."""
    return json.dumps({"instances": list(instances)}, ensure_ascii=False).encode()


def instance(features: Sequence[Facts], row: Sequence[str]) -> dict[str, Any]:
    """A row by name, in JSON's types."""
    return {str(column["name"]): typed(column, cell) for column, cell in zip(features, row, strict=True)}


def typed(column: Facts, cell: str) -> object:
    """A cell in JSON's types."""
    if cell == "":
        return None
    if column["type"] == "string":
        return cell
    return int(float(cell)) if column["type"] == "integer" else float(cell)


def changed(row: Sequence[str], place: int, cell: str) -> list[str]:
    """A row with another cell."""
    return [*row[:place], cell, *row[place + 1 :]]


def number(text: str) -> float:
    """A single number, or NaN."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def natural(text: str) -> tuple[float, str]:
    """Sorts 9 before 10, and text after numbers."""
    found = number(text)
    return (math.inf if math.isnan(found) else found, text)


def counted(number: int, one: str, many: str) -> str:
    """1 apple, 2 apples."""
    return f"{number} {one if number == 1 else many}"


def shortened(text: str) -> str:
    """As much of a body as a report shows."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text):,} characters)"


def read_holdout(text: str) -> Holdout:
    """Parse holdout.csv: a header, the features, and the target last."""
    header, *rows = list(csv.reader(io.StringIO(text, newline="")))
    return Holdout(header[:-1], [row[:-1] for row in rows], np.array([row[-1] for row in rows], dtype=float))


# ---- AWS ---------------------------------------------------------------------------------------------------------


class Endpoint:
    """An endpoint as its callers see it. Never asks twice: what went wrong once is what a report has to show."""

    def __init__(self, runtime: Any, name: str) -> None:
        self._runtime = runtime
        self._name = name

    def ask(self, body: bytes, content_type: str = CSV) -> Answer:
        """Send a request; what is refused is an answer too."""
        began = time.perf_counter()
        answer = self._ask(body, content_type)
        return Answer(
            answer.status, answer.body, answer.content_type, answer.variant, seconds=time.perf_counter() - began
        )

    def _ask(self, body: bytes, content_type: str) -> Answer:
        try:
            response = self._runtime.invoke_endpoint(EndpointName=self._name, ContentType=content_type, Body=body)
            text = response["Body"].read().decode("utf-8", "replace")
        except ClientError as exc:
            return refusal(exc)
        except HTTPClientError as exc:
            return Answer(0, str(exc))
        return Answer(200, text, response.get("ContentType", ""), response.get("InvokedProductionVariant", ""))


def refusal(exc: ClientError) -> Answer:
    """The container's own status where it answered at all."""
    error: Any = exc.response
    status = int(error["ResponseMetadata"]["HTTPStatusCode"])
    if error["Error"]["Code"] != "ModelError":
        return Answer(status, f"{error['Error']['Code']}: {error['Error']['Message']}")
    return Answer(
        int(error.get("OriginalStatusCode") or 0), str(error.get("OriginalMessage", error["Error"]["Message"]))
    )


class Registry:
    """Packages, what is stored beside them, and which of them production serves.

    Args:
        production: the session of production's account, where it has one of its own.
    """

    def __init__(self, session: Any, production: Any) -> None:
        self._sagemaker = session.client("sagemaker")
        self._s3 = session.client("s3")
        self._production = production.client("sagemaker")

    def package(self, arn: str) -> Facts:
        """DescribeModelPackage's answer."""
        return dict(self._sagemaker.describe_model_package(ModelPackageName=arn))

    def beside(self, package: Facts, key: str) -> str:
        """A file whose URI the package's metadata hold.

        Raises:
            UntestableError: they do not, or it is gone.
        """
        arn, uri = package["ModelPackageArn"], package.get("CustomerMetadataProperties", {}).get(key)
        if not uri:
            raise UntestableError(
                f"model package {arn}: expected an S3 URI under '{key}' in CustomerMetadataProperties, found none; "
                "register it with the train pipeline"
            )
        return self.read(str(uri)).decode()

    def read(self, uri: str) -> bytes:
        """An object.

        Raises:
            UntestableError: it is gone, as far as this job may know.
        """
        parts = urlsplit(uri)
        try:
            body: bytes = self._s3.get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"].read()
        except ClientError as exc:
            code = exc.response["Error"]["Code"]
            if code not in GONE:
                raise
            raise UntestableError(
                f"{uri}: the object is gone, or this job's role may not read it ({code}); "
                "train the model again, then release that version"
            ) from exc
        return body

    def put(self, uri: str, path: Path) -> None:
        """Upload a report."""
        parts = urlsplit(uri)
        kind = CONTENT_TYPES[path.suffix]
        self._s3.put_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"), Body=path.read_bytes(), ContentType=kind)

    def champion(self, endpoint: str) -> Facts | None:
        """The package that production serves now, or None if there is no production yet.

        Raises:
            UntestableError: its variant `champion` does not lead to a package.
        """
        found = self._endpoint(endpoint)
        if found is None or found["EndpointStatus"] in NOT_SERVING:
            return None
        config = self._production.describe_endpoint_config(EndpointConfigName=found["EndpointConfigName"])
        models = [variant["ModelName"] for variant in config["ProductionVariants"] if variant["VariantName"] == SLOT]
        arns = [arn for name in models for arn in self._packages_of(name)]
        if len(arns) != 1:
            raise UntestableError(
                f"endpoint {endpoint}: expected one model package behind variant '{SLOT}', found {arns or 'none'}; "
                "roll production back to a release, or delete the endpoint"
            )
        return self.package(arns[0])

    def _endpoint(self, name: str) -> Facts | None:
        try:
            return dict(self._production.describe_endpoint(EndpointName=name))
        except ClientError as exc:
            if "could not find" in exc.response["Error"]["Message"].lower():
                return None
            raise

    def _packages_of(self, model: str) -> list[str]:
        found = self._production.describe_model(ModelName=model)
        containers = found.get("Containers") or [found.get("PrimaryContainer") or {}]
        return [container["ModelPackageName"] for container in containers if "ModelPackageName" in container]


def score(registry: Registry, package: Facts, holdout: Holdout) -> Array:
    """A package's predictions on the hold-out, by the code in its archive. Shape: rows; float64.

    Raises:
        UntestableError: the archive is gone, or its model does not take these rows.
    """
    arn, uri = str(package["ModelPackageArn"]), str(package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"])
    content = registry.read(uri)
    try:
        with tempfile.TemporaryDirectory() as folder:
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                archive.extractall(folder, filter="data")
            found = packaged_answer(Path(folder), holdout, arn)
    except UntestableError:
        raise
    except Exception as exc:  # whatever an archive and code of another version raise
        raise UntestableError(f"model package {arn}: {uri} cannot be scored: {exc!r}") from exc
    if len(found) != len(holdout.rows) or not all(0 <= prediction <= 1 for prediction in found):
        raise UntestableError(f"model package {arn}: expected {len(holdout.rows)} probabilities, found {found[:3]}…")
    return np.array(found)


def packaged_answer(folder: Path, holdout: Holdout, arn: str) -> list[float]:
    """The archive's own handlers, from text to text."""
    features = json.loads((folder / "features.json").read_text("utf-8"))["features"]
    lines = lines_for([str(feature["name"]) for feature in features], holdout, arn)
    served = load_code(folder / "code" / "inference.py")
    model = served.model_fn(str(folder))
    answer = served.output_fn(served.predict_fn(served.input_fn(lines, CSV), model), CSV)
    return parse_predictions(answer, CSV)


def lines_for(names: Sequence[str], holdout: Holdout, package_arn: str) -> str:
    """The hold-out's rows with the columns in a model's own order.

    Raises:
        UntestableError: the model needs columns that the hold-out does not have.
    """
    missing = [name for name in names if name not in holdout.names]
    if missing:
        raise UntestableError(
            f"model package {package_arn}: needs the columns {', '.join(missing)}, which the hold-out does not "
            "have, so champion and challenger cannot be compared; keep the columns in the schema for one more version"
        )
    places = [holdout.names.index(name) for name in names]
    return b"\n".join(to_line([row[place] for place in places]) for row in holdout.rows).decode()


def load_code(path: Path) -> ModuleType:
    """Import the packaged handlers."""
    spec = importlib.util.spec_from_file_location("packaged_inference", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path}: not a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


# ---- the suites --------------------------------------------------------------------------------------------------


class Suite:
    """Runs the checks of one suite. What cannot be tested is a failed check, and the others go on."""

    def __init__(self, session: Any, options: argparse.Namespace) -> None:
        # as many connections as threads: a caller that waits for a connection is not the endpoint's latency
        config = Config(
            retries={"total_max_attempts": 1},
            read_timeout=CONTAINER_MAX_S + 10,
            max_pool_connections=max(options.concurrency, 10),
        )
        stage, production = (
            acting_as(session, role) for role in (options.endpoint_role_arn, options.production_role_arn)
        )
        self._endpoint = Endpoint(stage.client("sagemaker-runtime", config=config), options.endpoint_name)
        self.registry = Registry(session, production)
        self._options = options
        self.report = Report(
            options.suite, options.endpoint_name, options.model_package_arn, os.environ.get("PROCESSING_JOB_ARN", "")
        )

    def run(self) -> Report:
        """Run the checks."""
        parts: dict[str, list[Callable[[Facts, Sequence[Facts]], Iterable[Check]]]] = {
            "dev": [self._golden, self._contract],
            "staging": [self._golden, self._latency, self._compared],
            "production": [self._golden],
        }
        try:
            package = self.registry.package(self._options.model_package_arn)
            records = self._records(package)
        except (UntestableError, ClientError, BotoCoreError) as exc:
            self._untestable("model package", exc)
            return self.report
        for part in parts[self._options.suite]:
            try:
                self.report.checks.extend(part(package, records))
            except (UntestableError, ClientError, BotoCoreError) as exc:
                self._untestable(part.__name__.strip("_"), exc)
        return self.report

    def _records(self, package: Facts) -> list[Facts]:
        try:
            records: list[Facts] = json.loads(self.registry.beside(package, "golden_records"))
        except ValueError as exc:
            raise UntestableError(f"golden records of {package['ModelPackageArn']}: not JSON: {exc}") from exc
        if not records:
            raise UntestableError(f"golden records of {package['ModelPackageArn']}: expected some, found none")
        return records

    def _untestable(self, group: str, exc: Exception) -> None:
        self.report.checks.append(Check(group, "could be tested", FAILED, str(exc)))

    def _golden(self, _: Facts, records: Sequence[Facts]) -> list[Check]:
        answers = [self._endpoint.ask(str(record["input"]).encode()) for record in records]
        checks = [golden_check(records, answers, self._options.tolerance)]
        return [*checks, variant_check(answers)] if self._options.suite == "production" else checks

    def _contract(self, _: Facts, records: Sequence[Facts]) -> Iterable[Check]:
        contract = json.loads(self._options.contract.read_text("utf-8"))
        for request in contract_requests(contract, records):
            yield judge_answer(request, self._endpoint.ask(request.body, request.content_type))
        last = Request("a good row after all that", str(records[0]["input"]).encode(), CSV, "answered")
        expected = Request(last.name, last.body, CSV, "answered", predictions=(float(records[0]["prediction"]),))
        yield judge_answer(expected, self._endpoint.ask(expected.body, CSV))

    def _latency(self, _: Facts, records: Sequence[Facts]) -> list[Check]:
        """Single rows, so many at a time. The first of each thread opens its connection and is not counted."""
        lines = [str(record["input"]).encode() for record in records]
        options = self._options
        with ThreadPoolExecutor(options.concurrency) as threads:
            list(threads.map(self._endpoint.ask, lines[:1] * options.concurrency))
            answers = list(threads.map(self._endpoint.ask, (lines[i % len(lines)] for i in range(options.requests))))
        self.report.latency_ms = sorted(1000 * answer.seconds for answer in answers)
        self.report.latency_budget_ms = {"p50": options.p50_ms, "p95": options.p95_ms}
        return latency_checks(answers, self.report.latency_budget_ms)

    def _compared(self, package: Facts, _: Sequence[Facts]) -> Iterable[Check]:
        """Challenger and champion on the challenger's hold-out."""
        options, report = self._options, self.report
        holdout = read_holdout(self.registry.beside(package, "holdout"))
        challenger = self._challenger(holdout)
        report.calibration["challenger"] = calibration_bins(holdout.labels, challenger.predictions)
        yield calibration_check(report.calibration["challenger"], options.calibration_max)
        champion = self._champion(holdout)
        report.comparison = comparison(holdout.labels, challenger, champion)
        if champion is None:
            said = f"{options.production_endpoint} serves nobody: a first release has no champion to compare with"
            yield Check("champion and challenger", "challenger against champion", SKIPPED, said)
        else:
            report.champion_arn = champion.package_arn
            report.calibration["champion"] = calibration_bins(holdout.labels, champion.predictions)
            yield champion_check(challenger, champion, holdout.labels, options.champion_margin)
        models = [challenger, champion] if champion else [challenger]
        yield from slice_checks(holdout, options.slices, options.slice_margin, models)

    def _challenger(self, holdout: Holdout) -> Scored:
        """Asked over the endpoint: what is compared is what serves.

        Raises:
            UntestableError: it does not answer the hold-out.
        """
        predictions: list[float] = []
        for start in range(0, len(holdout.rows), ROWS_ASKED_AT_ONCE):
            rows = holdout.rows[start : start + ROWS_ASKED_AT_ONCE]
            answer = self._endpoint.ask(b"\n".join(map(to_line, rows)))
            found = [number(line) for line in answer.body.split()] if answer.status == 200 else []
            if len(found) != len(rows) or not all(0 <= prediction <= 1 for prediction in found):
                raise UntestableError(
                    f"endpoint {self._options.endpoint_name}: expected {len(rows)} probabilities for rows {start} to "
                    f"{start + len(rows) - 1} of the hold-out, found {answer.in_short!r}"
                )
            predictions += found
        values = np.array(predictions)
        return Scored(self._options.model_package_arn, values, losses(holdout.labels, values))

    def _champion(self, holdout: Holdout) -> Scored | None:
        package = self.registry.champion(self._options.production_endpoint)
        if package is None:
            return None
        values = score(self.registry, package, holdout)
        return Scored(str(package["ModelPackageArn"]), values, losses(holdout.labels, values))


# ---- the page ----------------------------------------------------------------------------------------------------

STYLE: Final = """
:root{--ink:#1b2330;--soft:#5b6675;--line:#d9dee5;--page:#fff;--good:#1a7f4b;--bad:#b3261e;--skip:#8a6d00}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:1080px;margin:2rem auto;
padding:0 1rem}
h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}
p.about{color:var(--soft);margin:.1rem 0;overflow-wrap:anywhere}
.verdict{border-left:6px solid;padding:.6rem 1rem;margin:1rem 0}.passed{color:var(--good)}.failed{color:var(--bad)}
.skipped{color:var(--skip)}.verdict *{color:var(--ink)}.verdict strong{color:inherit}
.verdict li{overflow-wrap:anywhere}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:13px}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid var(--line)}
th{color:var(--soft);font-weight:600}table.upright{width:auto;min-width:24rem}
th.n,td.n{text-align:right}th.passed{color:var(--good)}th.failed{color:var(--bad)}th.skipped{color:var(--skip)}
td.n{font-variant-numeric:tabular-nums;white-space:nowrap}
td{overflow-wrap:anywhere}svg text{font:12px system-ui,sans-serif;fill:var(--soft);
paint-order:stroke;stroke:var(--page);stroke-width:4px}svg{max-width:100%;height:auto}
"""


NOTES: Final = {
    "latency": "Measured where the caller is, in the job: the network to the endpoint and back is part of it.",
    "champion and challenger": "Worse by: the challenger's log loss minus the champion's, row by row, in nats; a "
    "negative value is a gain. It fails when the whole 95 % interval is beyond the margin.",
    "slices": "As above, for each value; the intervals are wider, so that all of them together hold with 95 %.",
    "calibration": "How far predicted and observed frequency are apart, weighted by rows, in ten bins of equal width.",
}


def page(report: Report) -> str:
    """report.html: verdict, what failed, then every group with its picture and its table."""
    verdict = FAILED if report.failed else PASSED
    groups = list(dict.fromkeys(check.group for check in report.checks))
    pictures = {"latency": latency_picture(report), "calibration": calibration_picture(report)}
    sections = [
        f"<h2>{escaped(group[:1].upper() + group[1:])}</h2>"
        f'<p class="about">{NOTES.get(group, "")}</p>{pictures.get(group, "")}{table(report, group)}'
        for group in groups
    ]
    about = {
        "Model package": report.model_package_arn,
        "Champion": report.champion_arn,
        "Endpoint": report.endpoint,
        "Job": report.job_arn,
    }
    lines = [f'<p class="about">{name}: {escaped(value)}</p>' for name, value in about.items() if value]
    title = f"Model tests: {report.suite}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title} {verdict}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>{title}</h1>{''.join(lines)}{verdict_box(report, verdict)}{''.join(sections)}</body></html>\n"
    )


def verdict_box(report: Report, verdict: str) -> str:
    """The verdict, and each reason."""
    counts = [sum(check.outcome == outcome for check in report.checks) for outcome in (PASSED, FAILED, SKIPPED)]
    reasons = "".join(
        f"<li>{escaped(check.group)}, {escaped(check.name)}: {escaped(check.said)}</li>" for check in report.failed
    )
    return (
        f'<div class="verdict {verdict}"><strong>{verdict.capitalize()}</strong> '
        f"<span>{counts[0]} checks passed, {counts[1]} failed, {counts[2]} skipped</span>"
        f"{f'<ul>{reasons}</ul>' if reasons else ''}</div>"
    )


def table(report: Report, group: str) -> str:
    """A group's checks, a row each; a check that is alone stands upright, a row each number."""
    checks = [check for check in report.checks if check.group == group]
    columns = list(dict.fromkeys(name for check in checks for name in check.facts))
    if len(checks) == 1 and columns:
        (only,) = checks
        numbers = "".join(f"<tr><td>{escaped(name)}</td>{table_cell(only.facts[name])}</tr>" for name in columns)
        head = f'<tr><th>{escaped(only.name)}</th><th class="n {only.outcome}">{only.outcome}</th></tr>'
        return f'<table class="upright"><thead>{head}</thead><tbody>{numbers}</tbody></table>'
    head = "".join(f"<th{number_class(checks, name)}>{escaped(name)}</th>" for name in ["check", "outcome", *columns])
    body = "".join(table_row(check, columns) for check in checks)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def number_class(checks: Sequence[Check], column: str) -> str:
    """Heads of numbers stand above their numbers."""
    is_number = any(isinstance(check.facts.get(column), int | float) for check in checks)
    return ' class="n"' if is_number else ""


def table_row(check: Check, columns: Sequence[str]) -> str:
    """One check."""
    cells = "".join(table_cell(check.facts.get(name, "")) for name in columns)
    name = escaped(check.name) if check.facts else f"{escaped(check.name)}: {escaped(check.said)}"
    return f'<tr><td>{name}</td><td class="{check.outcome}">{check.outcome}</td>{cells}</tr>'


def table_cell(value: object) -> str:
    """Numbers to the right, with four digits."""
    if isinstance(value, float):
        return f'<td class="n">{value:.4g}</td>'
    if isinstance(value, int):
        return f'<td class="n">{value:,}</td>'
    return f"<td>{escaped('' if value is None else str(value))}</td>"


def latency_picture(report: Report) -> str:
    """Share of requests answered within a time, on a logarithmic scale, with the budgets."""
    if not report.latency_ms:
        return ""
    width, height, left, top, bottom = 720, 240, 46, 14, 40
    budgets = report.latency_budget_ms
    low = max(min(report.latency_ms[0], *budgets.values()), 0.01) * 0.8
    high = max(report.latency_ms[-1], *budgets.values()) * 1.25

    def x(value_ms: float) -> float:
        return left + (width - left - 20) * math.log(max(value_ms, low) / low) / math.log(high / low)

    def y(share: float) -> float:
        return height - bottom - (height - top - bottom) * share

    steps = len(report.latency_ms)
    curve = " ".join(f"{x(value):.1f},{y((i + 1) / steps):.1f}" for i, value in enumerate(report.latency_ms))
    parts = [axis(x(low), y(0), x(high), y(0)), axis(x(low), y(0), x(low), y(1))]
    parts += [label(x(low) - 6, y(share) + 4, f"{share:.0%}", "end") for share in (0, 0.5, 0.95)]
    for tick in ticks(low, high):
        parts.append(axis(x(tick), y(0), x(tick), y(0) + 4))
        parts.append(label(x(tick), y(0) + 18, f"{tick:g}", "middle"))
    parts.append(label((x(low) + x(high)) / 2, height - 4, "ms as the caller waits, logarithmic", "middle"))
    for place, (name, budget) in enumerate(budgets.items()):
        share = float(name.removeprefix("p")) / 100
        parts.append(
            f'<line x1="{x(budget):.1f}" x2="{x(budget):.1f}" y1="{y(0):.1f}" y2="{y(1):.1f}" stroke="#b3261e" '
            'stroke-dasharray="4 4"/>'
        )
        parts.append(label(x(budget) - 5, y(0.35 + 0.2 * place), f"{name} budget {budget:g}", "end"))
        found = float(np.percentile(report.latency_ms, 100 * share))
        parts.append(f'<circle cx="{x(found):.1f}" cy="{y(share):.1f}" r="4" fill="#2458a6"/>')
        parts.append(label(x(found) + 8, y(share) + 12, f"{name} {found:.1f} ms", "start"))
    parts.append(f'<polyline points="{curve}" fill="none" stroke="#2458a6" stroke-width="2"/>')
    return picture(width, height, "Latency: share of requests answered within a time", parts)


def calibration_picture(report: Report) -> str:
    """Observed over predicted frequency; on the diagonal a model is calibrated."""
    if not report.calibration:
        return ""
    size, left, bottom, top = 340, 46, 40, 12
    colours = {"challenger": "#2458a6", "champion": "#c26a00"}
    span = size - left - top

    def x(value: float) -> float:
        return left + span * value

    def y(value: float) -> float:
        return size - bottom - (span - (bottom - left)) * value

    parts = [axis(x(0), y(0), x(1), y(0)), axis(x(0), y(0), x(0), y(1))]
    parts.append(f'<line x1="{x(0)}" y1="{y(0)}" x2="{x(1)}" y2="{y(1)}" stroke="#d9dee5" stroke-dasharray="4 4"/>')
    for tick in (0, 0.5, 1):
        parts += [label(x(tick), y(0) + 18, f"{tick:g}", "middle"), label(x(0) - 6, y(tick) + 4, f"{tick:g}", "end")]
    parts.append(label(x(0.5), size - 6, "predicted (across), observed (up)", "middle"))
    rows = max(sum(group.rows for group in bins) for bins in report.calibration.values())
    for place, (name, bins) in enumerate(report.calibration.items()):
        colour = colours[name]
        parts.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="'
            + " ".join(f"{x(group.predicted):.1f},{y(group.observed):.1f}" for group in bins)
            + '"/>'
        )
        parts += [
            f'<circle cx="{x(group.predicted):.1f}" cy="{y(group.observed):.1f}" '
            f'r="{3 + 9 * math.sqrt(group.rows / rows):.1f}" fill="{colour}" fill-opacity="0.45"/>'
            for group in bins
        ]
        parts.append(f'<circle cx="{x(0.06):.1f}" cy="{y(0.95 - 0.08 * place):.1f}" r="5" fill="{colour}"/>')
        parts.append(label(x(0.1), y(0.95 - 0.08 * place) + 4, name, "start"))
    return picture(size, size, "Calibration: observed over predicted frequency, area by rows", parts)


def ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 of each power of ten in between."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [digit * 10.0**power for power in powers for digit in (1, 2, 5) if low <= digit * 10.0**power <= high]


def picture(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    """An inline SVG."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escaped(title)}"><title>{escaped(title)}</title>{"".join(parts)}</svg>'
    )


def axis(x1: float, y1: float, x2: float, y2: float) -> str:
    """A thin line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#5b6675"/>'


def label(x: float, y: float, text: str, anchor: str) -> str:
    """A few words in a picture."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escaped(text)}</text>'


def escaped(text: str) -> str:
    """Text that is text, whatever a model or a caller put into it."""
    return html.escape(text)


# ---- the script --------------------------------------------------------------------------------------------------


def main() -> int:
    """Run a suite, write its reports.

    Returns:
        The exit code: 1 if a check failed.
    """
    options = _options()
    suite = Suite(boto3.session.Session(region_name=region()), options)
    report = suite.run()
    files = write_reports(report, options.base_dir / "output/report")
    print(f"{report.suite}: {len(report.checks)} checks, {len(report.failed)} failed", flush=True)
    if not report.failed:
        return 0
    message = summary(report, options.report_uri)
    try:
        for path in files:
            suite.registry.put(f"{options.report_uri}/{path.name}", path)
    except (ClientError, BotoCoreError) as exc:
        message = f"{message} (and the report could not be uploaded: {exc})"
    fail(message, options.base_dir)
    return 1


def write_reports(report: Report, folder: Path) -> list[Path]:
    """The reports, for SageMaker to upload if the job ends well."""
    folder.mkdir(parents=True, exist_ok=True)
    documents = {
        "report.json": to_text({"verdict": FAILED if report.failed else PASSED, **asdict(report)}),
        "report.html": page(report),
    }
    if report.comparison is not None:
        documents["comparison.json"] = to_text(report.comparison)
    for name, text in documents.items():
        (folder / name).write_text(text, "utf-8")
    return [folder / name for name in documents]


def to_text(document: Any) -> str:
    """JSON for programs that take no NaN."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def summary(report: Report, report_uri: str) -> str:
    """Why, for people who see only the job's ExitMessage: the count and the report's place first, reasons after."""
    reasons = "; ".join(f"{check.group}, {check.name}: {check.said}" for check in report.failed)
    counted = f"{len(report.failed)} of {len(report.checks)} {report.suite} tests failed on endpoint {report.endpoint}"
    return f"{counted} (report: {report_uri}/report.html). {reasons}"


def fail(message: str, base_dir: Path) -> None:
    """Say why to the log, and to SageMaker in the file whose first 1,024 bytes become the job's ExitMessage."""
    print(message, file=sys.stderr)
    path = base_dir.parent / "output" / "message"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(message.encode()[:MESSAGE_MAX_BYTES].decode("utf-8", errors="ignore"), "utf-8")


def region() -> str | None:
    """Where the job runs. botocore reads no AWS_REGION, and processing containers may have neither variable."""
    arn = os.environ.get("PROCESSING_JOB_ARN", "")
    from_arn = arn.split(":")[3] if arn.count(":") > 3 else None
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or from_arn


def acting_as(session: Any, role_arn: str) -> Any:
    """A session with a role's credentials, fetched when they are first needed and again before they expire; the same
    session where there is no role.

    CloudTrail of the role's account names the job.
    """
    if role_arn == "none":
        return session
    job = os.environ.get("PROCESSING_JOB_ARN", "").rpartition("/")[2] or "model-tests"
    own = botocore.session.get_session()
    fetcher = AssumeRoleCredentialFetcher(
        own.create_client, session.get_credentials(), role_arn, extra_args={"RoleSessionName": job[:SESSION_NAME_MAX]}
    )
    own.get_component("credential_provider").insert_before("env", AssumedRole(fetcher))
    return boto3.session.Session(botocore_session=own, region_name=session.region_name)


class AssumedRole(CredentialProvider):
    """A role as the first place where botocore looks for credentials."""

    METHOD = "assumed-role"

    def __init__(self, fetcher: AssumeRoleCredentialFetcher) -> None:
        super().__init__()
        self._fetcher = fetcher

    def load(self) -> DeferredRefreshableCredentials:
        """Credentials that fetch themselves."""
        return DeferredRefreshableCredentials(self._fetcher.fetch_credentials, self.METHOD)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], allow_abbrev=False)
    parser.add_argument("--base-dir", type=Path, default=Path("/opt/ml/processing"))
    parser.add_argument("--suite", required=True, choices=["dev", "staging", "production"])
    parser.add_argument("--endpoint-name", required=True, help="the endpoint under test")
    parser.add_argument("--endpoint-role-arn", default="none", help="role in the endpoint's own account, or `none`")
    parser.add_argument("--production-endpoint", required=True, help="where the champion serves, if anything does")
    parser.add_argument("--production-role-arn", default="none", help="role in production's own account, or `none`")
    parser.add_argument("--model-package-arn", required=True, help="what the endpoint should serve: the challenger")
    parser.add_argument("--contract", type=Path, required=True, help="the model's settings and schema, merged")
    parser.add_argument("--report-uri", required=True, help="s3:// prefix that gets the reports if a check failed")
    parser.add_argument("--tolerance", type=float, required=True, help="allowed difference of a golden prediction")
    parser.add_argument("--p50-ms", type=float, required=True)
    parser.add_argument("--p95-ms", type=float, required=True)
    parser.add_argument("--requests", type=int, required=True, help="how many the latency is measured over")
    parser.add_argument("--concurrency", type=int, required=True, help="how many of them at a time")
    parser.add_argument("--slices", type=_names, required=True, help="column names, comma separated, or `none`")
    parser.add_argument("--slice-margin", type=float, required=True, help="log loss, in nats")
    parser.add_argument("--champion-margin", type=float, required=True, help="log loss, in nats")
    parser.add_argument("--calibration-max", type=float, required=True)
    return parser.parse_args()


def _names(text: str) -> tuple[str, ...]:
    return () if text == "none" else tuple(name.strip() for name in text.split(",") if name.strip())


if __name__ == "__main__":
    sys.exit(main())
