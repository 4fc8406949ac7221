"""Anomaly detectors, as records: a band is learned when it is asked for (see semantics/cloudwatch/anomaly_bands)."""

from __future__ import annotations

import json
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Context, Operation, Params
from emulator.semantics.cloudwatch import anomaly_bands, statistics
from emulator.services.cloudwatch import queries
from emulator.services.cloudwatch.engine import Engine
from emulator.services.cloudwatch.records import DETECTOR, Row, page

_METRIC = ("Namespace", "MetricName", "Dimensions", "Stat")


def put_anomaly_detector(params: Params, ctx: Context) -> Params:
    key, row = _identified(params)
    row |= {name: params[name] for name in ("Configuration", "MetricCharacteristics") if params.get(name)}
    with ctx.kernel.store.transaction():
        before = ctx.kernel.store.get(DETECTOR, key)
        row["AnomalyDetectorId"] = before["AnomalyDetectorId"] if before else ctx.kernel.ids.uuid()
        ctx.kernel.store.put(DETECTOR, key, row)
    return {"AnomalyDetectorId": row["AnomalyDetectorId"]}


def _identified(params: Params) -> tuple[str, Row]:
    """The key of a detector, and its row so far."""
    single = params.get("SingleMetricAnomalyDetector") or {name: params[name] for name in _METRIC if params.get(name)}
    math = params.get("MetricMathAnomalyDetector")
    if bool(single) == bool(math):
        text = "Exactly one of a single metric and MetricMathAnomalyDetector must be specified"
        raise AwsError("InvalidParameterCombination", text)
    if math:
        queries.check(math["MetricDataQueries"])
        return json.dumps(math, sort_keys=True), {"MetricMathAnomalyDetector": math}
    for name in ("Namespace", "MetricName", "Stat"):
        if not single.get(name):
            raise AwsError("MissingParameter", f"The parameter {name} is required.")
    single = {"Dimensions": [], **single}
    return json.dumps(single, sort_keys=True), {**single, "SingleMetricAnomalyDetector": single}


def describe_anomaly_detectors(params: Params, ctx: Context) -> Params:
    rows = ctx.kernel.store.rows(DETECTOR)
    types = params.get("AnomalyDetectorTypes") or ["SINGLE_METRIC"]
    wanted = {
        "SingleMetricAnomalyDetector" if kind == "SINGLE_METRIC" else "MetricMathAnomalyDetector" for kind in types
    }
    rows = [row for row in rows if wanted & row.keys()]
    if params.get("AnomalyDetectorIds"):
        rows = [row for row in rows if row["AnomalyDetectorId"] in params["AnomalyDetectorIds"]]
    for name in ("Namespace", "MetricName", "Dimensions"):
        if params.get(name):
            rows = [row for row in rows if row.get(name) == params[name]]
    shown, more = page(rows, params, 10, "MaxResults")
    return {"AnomalyDetectors": [{**row, "StateValue": _state(row, ctx)} for row in shown], **more}


def _state(row: dict[str, Any], ctx: Context) -> str:
    if "SingleMetricAnomalyDetector" not in row:
        return "TRAINED"
    now = ctx.kernel.clock.now().timestamp()
    found = Engine.of(ctx.kernel).metrics.readings(queries.of(row), now - queries.TRAINING_S, now)
    if not found:
        return "PENDING_TRAINING"
    counted = statistics.compute("SampleCount", [reading for _, reading, _ in found]) or 0
    return "TRAINED" if counted >= anomaly_bands.LEAST_POINTS else "TRAINED_INSUFFICIENT_DATA"


def delete_anomaly_detector(params: Params, ctx: Context) -> Params:
    with ctx.kernel.store.transaction():
        if params.get("AnomalyDetectorId"):
            rows = ctx.kernel.store.rows(DETECTOR)
            row = next((row for row in rows if row["AnomalyDetectorId"] == params["AnomalyDetectorId"]), None)
            key = "" if row is None else _identified(row if "Stat" not in row else _bare(row))[0]
        else:
            key, _ = _identified(params)
        if ctx.kernel.store.get(DETECTOR, key) is None:
            raise AwsError("ResourceNotFoundException", "The anomaly detector does not exist.", 404)
        ctx.kernel.store.delete(DETECTOR, key)
    return {}


def _bare(row: Row) -> Row:
    return {"SingleMetricAnomalyDetector": row["SingleMetricAnomalyDetector"]}


OPERATIONS: dict[str, Operation] = {
    "PutAnomalyDetector": put_anomaly_detector,
    "DescribeAnomalyDetectors": describe_anomaly_detectors,
    "DeleteAnomalyDetector": delete_anomaly_detector,
}
