"""Alarms on what the monitors find and on the monitors themselves. One of them, the composite, asks for retraining.

AWS's Model Monitor publishes each feature's drift and no summary of it, stamps it with the begin of what it looked at,
and knows a quality's threshold only from the version's own constraints. So where it watches, drift is the farthest
feature by metric math, alarms look back over two runs, and the reconciler tells whether quality was violated.
"""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.names import ModelNames
from infra.settings import ModelSettings

DATA, MODEL = "aws/sagemaker/Endpoints/data-metrics", "aws/sagemaker/Endpoints/model-metrics"
_BIAS, _EXPLAINABILITY = "aws/sagemaker/Endpoints/bias-metrics", "aws/sagemaker/Endpoints/explainability-metrics"
_RECONCILER = "Driftloop"
_IGNORE = cloudwatch.TreatMissingData.IGNORE
"""A monitor speaks once a run: what it said holds until the next. Runs that fail to come have alarms of their own."""
_ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
_BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
_RUNS_MISSED = 2
RUNS_LOOKED_BACK = 2
"""By alarms on what Model Monitor publishes: it is a run old when it comes."""
_MATH_METRICS_MAX = 10
"""Of one alarm. Source: CloudWatch user guide, "Limits that apply to alarms based on metric math expressions"."""


class MonitorAlarms(Construct):
    """The champion's drift, quality, labels and captures, and whether anybody looks."""

    def __init__(self, scope: Construct, construct_id: str, *, model: ModelSettings, names: ModelNames) -> None:
        super().__init__(scope, construct_id)
        self._model, self._names = model, names
        self.all: list[cloudwatch.IAlarm] = []
        self._people = actions.SnsAction(sns.Topic.from_topic_arn(self, "People", names.shared.people_topic_arn))
        self._retrain(self._drift(), self._quality())
        self._features()
        self._asked_for()
        self._monitors()

    def metric(self, namespace: str, name: str) -> cloudwatch.Metric:
        """The champion's; the largest of a time in which there is one run."""
        dimensions = {"Endpoint": self._names.endpoint, "MonitoringSchedule": self._schedule(namespace)}
        period = Duration.hours(self._model.monitoring.every_h if self._is_model_monitor else 1)
        if namespace == _RECONCILER:
            dimensions = {"Model": self._names.model}
            period = Duration.minutes(max(60, 2 * self._model.retraining.reconcile_every_min))
        return cloudwatch.Metric(
            namespace=namespace,
            metric_name=name,
            dimensions_map=dimensions,
            statistic="Maximum",
            period=period,
        )

    @property
    def compared(self) -> list[str]:
        """The features whose distribution is looked at."""
        features = [column.name for column in self._model.schema.columns if column.role == "feature"]
        return [name for name in features if name not in self._model.monitoring.drift.ignore]

    @property
    def _runs(self) -> int:
        """So many runs back an alarm on a monitor's metric looks."""
        return RUNS_LOOKED_BACK if self._is_model_monitor else 1

    @property
    def _is_model_monitor(self) -> bool:
        return self._model.monitoring.is_model_monitor

    def _schedule(self, namespace: str) -> str:
        """The dimension MonitoringSchedule."""
        if not self._is_model_monitor:
            return self._names.of("champion")
        return self._names.data_quality_schedule if namespace == DATA else self._names.model_quality_schedule

    def _drift(self) -> cloudwatch.AlarmBase:
        told = "At least one feature of what production is asked is distributed otherwise than the training data."
        if self._is_model_monitor:
            return self._any("Drift", self._names.drift_alarm, told, self._drift_parts(told))
        return self._alarm("Drift", self._names.drift_alarm, told, self.metric(DATA, "monitor_drift"), _ABOVE, 1)

    def _drift_parts(self, told: str) -> list[cloudwatch.Alarm]:
        parts = [self.compared[at : at + _MATH_METRICS_MAX] for at in range(0, len(self.compared), _MATH_METRICS_MAX)]
        return [
            self._alarm(
                f"Drift-{number}",
                self._names.of(f"drift-part-{number}"),
                told,
                self._farthest(part),
                _ABOVE,
                1,
                runs=self._runs,
            )
            for number, part in enumerate(parts, 1)
        ]

    def _farthest(self, features: Sequence[str]) -> cloudwatch.MathExpression:
        """The largest distance, in parts of its feature's threshold."""
        drift, name = self._model.monitoring.drift, "feature_baseline_drift_"
        thresholds = [drift.features.get(feature, drift.threshold) for feature in features]
        metrics = {f"f{place}": self.metric(DATA, f"{name}{feature}") for place, feature in enumerate(features)}
        terms = ", ".join(f"f{place} / {threshold}" for place, threshold in enumerate(thresholds))
        return cloudwatch.MathExpression(
            expression=f"MAX([{terms}])", using_metrics=metrics, period=Duration.hours(self._model.monitoring.every_h)
        )

    def _quality(self) -> cloudwatch.Alarm:
        told = "Measured by what came to pass, production's answers are worse than they were on the hold-out."
        metric = self.metric(MODEL, "monitor_violations")
        if self._is_model_monitor:
            metric = self.metric(_RECONCILER, "monitor_quality_violated")
        return self._alarm("Quality", self._names.quality_alarm, told, metric, _ABOVE, 0)

    def _retrain(self, *reasons: cloudwatch.AlarmBase) -> None:
        """Only this one starts anything, and people hear of it once whatever the number of its reasons."""
        told = f"{self._names.model} should be trained anew: inputs or answers are not what they were."
        composite = self._any("Retrain", self._names.retrain_alarm, told, reasons)
        composite.add_alarm_action(self._people)
        composite.add_ok_action(self._people)

    def _any(
        self, construct_id: str, name: str, told: str, alarms: Sequence[cloudwatch.AlarmBase]
    ) -> cloudwatch.CompositeAlarm:
        standing = (cloudwatch.AlarmRule.from_alarm(alarm, cloudwatch.AlarmState.ALARM) for alarm in alarms)
        composite = cloudwatch.CompositeAlarm(
            self,
            construct_id,
            composite_alarm_name=name,
            alarm_description=told,
            alarm_rule=cloudwatch.AlarmRule.any_of(*standing),
        )
        self.all.insert(0, composite)
        return composite

    def _features(self) -> None:
        for feature, threshold in self._model.monitoring.drift.features.items():
            metric = self.metric(DATA, f"feature_baseline_drift_{feature}")
            told = f"The feature {feature} is distributed otherwise than in the training data."
            name = self._names.of(f"drift-{feature}")
            alarm = self._alarm(f"Feature-{feature}", name, told, metric, _ABOVE, threshold, runs=self._runs)
            alarm.add_alarm_action(self._people)

    def _asked_for(self) -> None:
        """What people are told of, and no run is started for: neither says that more data would help."""
        monitoring, of = self._model.monitoring, self._names.of
        alarms = []
        if bias := monitoring.bias:
            group = f"{bias.facet} {', '.join(bias.facet_values)}"
            told = f"Production treats {group} otherwise than it did on the hold-out. See the report of its last run."
            alarms.append(self._alarm("Bias", of("bias"), told, self.metric(_BIAS, "monitor_violations"), _ABOVE, 0))
        if attribution := monitoring.attribution:
            told = "Other features matter to the answers than on the hold-out. See the report of the last run."
            metric = self.metric(_EXPLAINABILITY, "monitor_ndcg")
            alarms.append(self._alarm("Attribution", of("attribution"), told, metric, _BELOW, attribution.threshold))
        for alarm in alarms:
            alarm.add_alarm_action(self._people)

    def _monitors(self) -> None:
        """What keeps drift from being seen. Model Monitor's own runs fail where captures or labels do not come."""
        monitoring, names, of = self._model.monitoring, self._names, self._names.of
        age, failed = self.metric(_RECONCILER, "monitor_run_age_s"), self.metric(_RECONCILER, "monitor_failed")
        late_s = _RUNS_MISSED * monitoring.every_h * 3600
        runners = f"{names.data_quality_schedule} and {names.model_quality_schedule}"
        runners = runners if self._is_model_monitor else names.watch_pipeline
        told = f"The last look at production failed. See the executions of {runners}."
        broken = self._alarm("Failed", of("monitor-failed"), told, failed, _ABOVE, 0)
        told = f"No look at production has succeeded for {late_s // 3600} hours, or nobody counts them."
        runs = self._alarm("Runs", of("monitor-runs"), told, age, _ABOVE, late_s, cloudwatch.TreatMissingData.MISSING)
        runs.add_insufficient_data_action(self._people)  # the reconciler counts all the time: silence is news
        for alarm in (broken, runs, *([] if self._is_model_monitor else self._inputs())):
            alarm.add_alarm_action(self._people)

    def _inputs(self) -> list[cloudwatch.Alarm]:
        """What our own monitors count of what they look at."""
        labelled, files = self.metric(MODEL, "monitor_labelled"), self.metric(DATA, "monitor_files")
        least, of = self._model.monitoring.quality.labelled_min, self._names.of
        told = "Labels are due and have not come: production's quality is not known."
        labels = self._alarm("Labels", of("label-delay"), told, labelled, _BELOW, least)
        told = "Production serves and nothing was captured. Has nobody asked it, or is data capture broken?"
        return [labels, self._alarm("Captures", of("capture-gap"), told, files, _BELOW, 1)]

    def _alarm(
        self,
        construct_id: str,
        name: str,
        told: str,
        metric: cloudwatch.Metric | cloudwatch.MathExpression,
        operator: cloudwatch.ComparisonOperator,
        threshold: float,
        missing: cloudwatch.TreatMissingData = _IGNORE,
        runs: int = 1,
    ) -> cloudwatch.Alarm:
        """An alarm that any of the last `runs` periods may raise."""
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            alarm_name=name,
            alarm_description=told,
            metric=metric,
            threshold=threshold,
            comparison_operator=operator,
            evaluation_periods=runs,
            datapoints_to_alarm=1 if runs > 1 else None,
            treat_missing_data=missing,
        )
        self.all.append(alarm)
        return alarm
