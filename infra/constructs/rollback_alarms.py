"""Alarms that put the old version back while production's traffic shifts. They need no live endpoint to exist."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.names import ModelNames
from infra.release_settings import GuardRails

_MICROSECONDS = 1000
"""ModelLatency's unit, per millisecond."""


class RollbackAlarms(Construct):
    """Too many server errors, or a slow 95th percentile, of production's champion: the limits of the guard-rails."""

    def __init__(self, scope: Construct, construct_id: str, *, names: ModelNames, rails: GuardRails) -> None:
        super().__init__(scope, construct_id)
        self._dimensions = {"EndpointName": names.endpoint, "VariantName": "champion"}
        errors, latency = names.rollback_alarms
        share = cloudwatch.MathExpression(
            expression="errors / requests",
            using_metrics={
                "errors": self._metric("Invocation5XXErrors", "Sum"),
                "requests": self._metric("Invocations", "Sum"),
            },
            period=Duration.minutes(1),
            label="share of requests with a server error",
        )
        slow = self._metric("ModelLatency", "p95")
        self._alarm("Errors", errors, share, rails.error_rate_max)
        self._alarm("Latency", latency, slow, rails.p95_ms_max * _MICROSECONDS)

    def _metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/SageMaker",
            metric_name=name,
            dimensions_map=self._dimensions,
            statistic=statistic,
            period=Duration.minutes(1),
        )

    def _alarm(self, construct_id: str, name: str, metric: cloudwatch.IMetric, limit: float) -> None:
        cloudwatch.Alarm(
            self,
            construct_id,
            alarm_name=name,
            alarm_description="Puts the old version back while an update of production shifts its traffic.",
            metric=metric,
            threshold=limit,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            # Without requests there is neither error nor delay, and an update must not be undone for that.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
