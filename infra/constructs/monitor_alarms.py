"""Alarms on what the monitors find and on the monitors themselves. One of them, the composite, asks for retraining."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.names import ModelNames
from infra.settings import ModelSettings

DATA, MODEL = "aws/sagemaker/Endpoints/data-metrics", "aws/sagemaker/Endpoints/model-metrics"
_RECONCILER = "Driftloop"
_IGNORE = cloudwatch.TreatMissingData.IGNORE
"""A monitor speaks once a run: what it said holds until the next. Runs that fail to come have alarms of their own."""
_ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
_BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
_RUNS_MISSED = 2


class MonitorAlarms(Construct):
    """The champion's drift, quality, labels and captures, and whether anybody looks."""

    def __init__(self, scope: Construct, construct_id: str, *, model: ModelSettings, names: ModelNames) -> None:
        super().__init__(scope, construct_id)
        self._model, self._names = model, names
        self.all: list[cloudwatch.IAlarm] = []
        self._people = actions.SnsAction(sns.Topic.from_topic_arn(self, "People", names.shared.people_topic_arn))
        self._retrain(self._drift(), self._quality())
        self._features()
        self._monitors()

    def metric(self, namespace: str, name: str) -> cloudwatch.Metric:
        """The champion's; the largest of an hour, in which there is one run."""
        dimensions = {"Endpoint": self._names.endpoint, "MonitoringSchedule": self._names.of("champion")}
        period = Duration.hours(1)
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

    def _drift(self) -> cloudwatch.Alarm:
        told = "At least one feature of what production is asked is distributed otherwise than the training data."
        return self._alarm("Drift", self._names.drift_alarm, told, self.metric(DATA, "monitor_drift"), _ABOVE, 1)

    def _quality(self) -> cloudwatch.Alarm:
        told = "Measured by what came to pass, production's answers are worse than they were on the hold-out."
        metric = self.metric(MODEL, "monitor_violations")
        return self._alarm("Quality", self._names.quality_alarm, told, metric, _ABOVE, 0)

    def _retrain(self, *reasons: cloudwatch.Alarm) -> None:
        """Only this one starts anything, and people hear of it once whatever the number of its reasons."""
        composite = cloudwatch.CompositeAlarm(
            self,
            "Retrain",
            composite_alarm_name=self._names.retrain_alarm,
            alarm_description=f"{self._names.model} should be trained anew: inputs or answers are not what they were.",
            alarm_rule=cloudwatch.AlarmRule.any_of(
                *(cloudwatch.AlarmRule.from_alarm(alarm, cloudwatch.AlarmState.ALARM) for alarm in reasons)
            ),
        )
        self.all.insert(0, composite)
        composite.add_alarm_action(self._people)
        composite.add_ok_action(self._people)

    def _features(self) -> None:
        for feature, threshold in self._model.monitoring.drift.features.items():
            metric = self.metric(DATA, f"feature_baseline_drift_{feature}")
            told = f"The feature {feature} is distributed otherwise than in the training data."
            alarm = self._alarm(
                f"Feature-{feature}", self._names.of(f"drift-{feature}"), told, metric, _ABOVE, threshold
            )
            alarm.add_alarm_action(self._people)

    def _monitors(self) -> None:
        """What keeps drift from being seen."""
        monitoring, of = self._model.monitoring, self._names.of
        labelled, files = self.metric(MODEL, "monitor_labelled"), self.metric(DATA, "monitor_files")
        age, failed = self.metric(_RECONCILER, "monitor_run_age_s"), self.metric(_RECONCILER, "monitor_failed")
        late_s = _RUNS_MISSED * monitoring.every_h * 3600
        told = "Labels are due and have not come: production's quality is not known."
        labels = self._alarm("Labels", of("label-delay"), told, labelled, _BELOW, monitoring.quality.labelled_min)
        told = "Production serves and nothing was captured. Has nobody asked it, or is data capture broken?"
        gap = self._alarm("Captures", of("capture-gap"), told, files, _BELOW, 1)
        told = f"The last look at production failed. See the executions of {self._names.watch_pipeline}."
        broken = self._alarm("Failed", of("monitor-failed"), told, failed, _ABOVE, 0)
        told = f"No look at production has succeeded for {late_s // 3600} hours, or nobody counts them."
        runs = self._alarm("Runs", of("monitor-runs"), told, age, _ABOVE, late_s, cloudwatch.TreatMissingData.MISSING)
        runs.add_insufficient_data_action(self._people)  # the reconciler counts all the time: silence is news
        for alarm in (labels, gap, broken, runs):
            alarm.add_alarm_action(self._people)

    def _alarm(
        self,
        construct_id: str,
        name: str,
        told: str,
        metric: cloudwatch.Metric,
        operator: cloudwatch.ComparisonOperator,
        threshold: float,
        missing: cloudwatch.TreatMissingData = _IGNORE,
    ) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            alarm_name=name,
            alarm_description=told,
            metric=metric,
            threshold=threshold,
            comparison_operator=operator,
            evaluation_periods=1,
            treat_missing_data=missing,
        )
        self.all.append(alarm)
        return alarm
