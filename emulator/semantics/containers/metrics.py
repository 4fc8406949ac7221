"""Metrics that SageMaker reads out of a training job's log.

AWS_NAME: MetricDefinitions and FinalMetricDataList
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html; automatic-model-tuning-define-metrics-
    variables.html (first group of the regex; the last value counts), read 2026-11
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

Patterns = tuple[tuple[str, re.Pattern[str]], ...]


def compile_definitions(definitions: Sequence[dict[str, Any]]) -> Patterns:
    """MetricDefinitions ready to search a line.

    Raises:
        ValueError: a regex that does not compile, naming the metric.
    """
    return tuple((item["Name"], _compile(item["Name"], item["Regex"])) for item in definitions)


def find(patterns: Patterns, line: str) -> Iterator[tuple[str, float]]:
    """Every metric that the line reports, in the order defined."""
    for name, pattern in patterns:
        for match in pattern.finditer(line):
            try:
                yield name, float(match.group(1) if pattern.groups else match.group(0))
            except (TypeError, ValueError):
                continue


def _compile(name: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise ValueError(f"metric '{name}': regex {text!r} does not compile: {error}") from error
