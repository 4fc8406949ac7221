"""Captured requests as rows for AWS's Model Monitor: what the model is asked, and not what it answers.

Runs in Model Monitor's container, whose Python is AWS's business: nothing but the standard library, and nothing younger
than 3.7. `with_features` makes a model's own of it.

Source: docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-pre-and-post-processing.html; users' scripts for it (a row
or a list of rows; keys have to sort as the baseline's columns do). Read 2026-11.
"""

from __future__ import annotations

import csv
import io
import json
from typing import Any

FEATURES: tuple[str, ...] = ()
"""In the order of a CSV row."""


def preprocess_handler(inference_record: Any) -> list[dict[str, Any]]:
    """The rows of a captured request, a value by feature; none of a request that the model cannot read either."""
    body = inference_record.endpoint_input
    try:
        rows = _table(body.data) if body.encoding == "CSV" else json.loads(body.data)["instances"]
        return [{name: row[name] for name in sorted(FEATURES)} for row in rows]
    except (AttributeError, KeyError, TypeError, ValueError):
        return []


def _table(text: str) -> list[dict[str, Any]]:
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    if any(len(row) != len(FEATURES) for row in rows):
        raise ValueError("another number of cells than of features")
    return [{name: cell or None for name, cell in zip(FEATURES, row)} for row in rows]  # noqa: B905 - younger than 3.7
