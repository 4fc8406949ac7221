"""What a monitor publishes to CloudWatch, under Model Monitor's namespaces, names and dimensions.

Beside them some of our own, of the monitor as a whole, so that one alarm can watch all features: `monitor_violations`,
`monitor_drift` (the largest distance in parts of its threshold: above 1 something has drifted), `monitor_rows`, and of
labels `monitor_labelled` (the share of requests that have one) and `monitor_label_delay_s` (the median).

Data carry no time: CloudWatch stamps them with its own when they arrive, so an alarm sees them in the period in which
they were published, however old the window is.

Source: stored outputs and alarms of aws/amazon-sagemaker-examples; API_MetricDatum (values within 2^360), read 2026-11.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipeline_definitions.watch.scripts.analyze import quality_file
from pipeline_definitions.watch.scripts.analyze.checks import Violation
from pipeline_definitions.watch.scripts.analyze.clarify import Measure
from pipeline_definitions.watch.scripts.analyze.columns import NUMERIC, Column
from pipeline_definitions.watch.scripts.analyze.constraints_file import Constraints
from pipeline_definitions.watch.scripts.analyze.data_quality import DataQuality
from pipeline_definitions.watch.scripts.analyze.model_quality import ModelQuality

DATA: Final = "data-metrics"
MODEL: Final = "model-metrics"
BIAS: Final = "bias-metrics"
EXPLAINABILITY: Final = "explainability-metrics"
LARGEST: Final = 2.0**360
_AT_ONCE: Final = 500
"""PutMetricData takes 1,000 data and 1 MB."""

Datum = dict[str, Any]


@dataclass(frozen=True)
class Monitor:
    """Whose metrics they are. Without an endpoint it watches a batch transform."""

    schedule: str
    endpoint: str | None = None

    def namespace(self, kind: str) -> str:
        return f"aws/sagemaker/{'Endpoints' if self.endpoint else 'ModelMonitoring'}/{kind}"

    @property
    def dimensions(self) -> list[dict[str, str]]:
        own = {"Endpoint": self.endpoint, "MonitoringSchedule": self.schedule}
        return [{"Name": name, "Value": value} for name, value in own.items() if value]


def of_data(found: DataQuality, constraints: Constraints) -> list[Datum]:
    """Of each feature its values, its completeness and its drift."""
    rules = {feature.name: feature.rules for feature in constraints.features}
    data = []
    for column in found.profile.columns:
        if rules.get(column.name, constraints.rules).emits_metrics:
            data += _of_column(column)
            drift = found.drifts.get(column.name)
            data += [_value(f"feature_baseline_drift_{column.name}", drift.distance)] if drift else []
    farthest = max((drift.times_threshold for drift in found.drifts.values()), default=None)
    summary = {
        "monitor_violations": len(found.violations),
        "monitor_drift": farthest,
        "monitor_rows": found.profile.item_count,
    }
    return [datum for datum in [*data, *of_values(summary)] if datum]


def of_quality(found: ModelQuality, violations: Sequence[Violation]) -> list[Datum]:
    """Each metric that is one number, and how much of what was captured is labelled by now."""
    summary = {
        "monitor_violations": len(violations),
        "monitor_rows": found.rows,
        "monitor_labelled": found.merged.coverage,
        "monitor_label_delay_s": found.merged.delay_median_s,
    }
    return of_values({**quality_file.values(found.metrics), **summary})


def of_measures(measures: Sequence[Measure], violations: int) -> list[Datum]:
    """Measures of bias or attribution."""
    data = []
    for measure in measures:
        own = [{"Name": name, "Value": value} for name, value in measure.dimensions.items()]
        data += [{**datum, "Dimensions": own} for datum in of_values({measure.metric: measure.value})]
    return [*data, *of_values({"monitor_violations": violations})]


def of_values(values: Mapping[str, float | None]) -> list[Datum]:
    """Plain values by name; what is none, or no number, is not published."""
    return [datum for datum in (_value(name, value) for name, value in values.items()) if datum]


def publish(cloudwatch: Any, namespace: str, monitor: Monitor, data: Sequence[Datum]) -> None:
    """PutMetricData, in parts that it takes. Dimensions of a datum's own stand beside the monitor's."""
    whole = [{**datum, "Dimensions": [*monitor.dimensions, *datum.get("Dimensions", ())]} for datum in data]
    for start in range(0, len(whole), _AT_ONCE):
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=whole[start : start + _AT_ONCE])


def _of_column(column: Column) -> list[Datum]:
    data = [_value(f"feature_non_null_{column.name}", column.completeness)]
    numbers = column.numbers if column.inferred_type in NUMERIC else None
    if numbers:
        statistics = {
            "SampleCount": float(column.present),
            "Sum": _bounded(numbers.total),
            "Minimum": _bounded(numbers.minimum),
            "Maximum": _bounded(numbers.maximum),
        }
        data.append({"MetricName": f"feature_data_{column.name}", "StatisticValues": statistics})
    return data


def _value(name: str, value: float | None) -> Datum:
    """Infinity is published as the largest number that CloudWatch takes, as AWS does."""
    return {} if value is None or math.isnan(value) else {"MetricName": name, "Value": _bounded(float(value))}


def _bounded(value: float) -> float:
    return max(-LARGEST, min(LARGEST, value))
