"""A model's dashboard: what production is asked, how far that has drifted, how good the answers are, what it takes."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.constructs.monitor_alarms import DATA, MODEL, MonitorAlarms
from infra.names import ModelNames
from infra.settings import ModelSettings

_HALF, _HEIGHT = 12, 6
_DAY = Duration.days(1)


class Dashboard(Construct):
    """Inputs, drift, quality, traffic, latency, and what costs money."""

    def __init__(
        self, scope: Construct, construct_id: str, *, model: ModelSettings, names: ModelNames, alarms: MonitorAlarms
    ) -> None:
        super().__init__(scope, construct_id)
        self._model, self._names, self._alarms = model, names, alarms
        board = cloudwatch.Dashboard(
            self, "Board", dashboard_name=names.package_group, default_interval=Duration.days(28)
        )
        board.add_widgets(cloudwatch.AlarmStatusWidget(title="Alarms", alarms=alarms.all, width=2 * _HALF, height=3))
        board.add_widgets(self._drift(), self._quality())
        board.add_widgets(*self._looked_at())
        board.add_widgets(self._traffic(), self._latency())
        board.add_widgets(self._machines(), self._trainings())

    def _drift(self) -> cloudwatch.GraphWidget:
        return _graph("Drift: distance to the training data", self._of_features("feature_baseline_drift"))

    def _of_features(self, what: str) -> list[cloudwatch.Metric]:
        return [self._alarms.metric(DATA, f"{what}_{name}").with_(label=name) for name in self._alarms.compared]

    def _quality(self) -> cloudwatch.GraphWidget:
        metric = self._model.monitoring.quality.metric
        return _graph(f"Quality: {metric} on what came to pass", [self._alarms.metric(MODEL, metric)])

    def _looked_at(self) -> list[cloudwatch.GraphWidget]:
        """AWS's own Model Monitor counts neither requests nor labels."""
        if self._model.monitoring.is_model_monitor:
            return [_graph("Share of requests that have each feature", self._of_features("feature_non_null"))]
        return [self._inputs(), self._labels()]

    def _inputs(self) -> cloudwatch.GraphWidget:
        return _graph("Requests looked at", [self._alarms.metric(DATA, "monitor_rows")])

    def _labels(self) -> cloudwatch.GraphWidget:
        return _graph("Share of requests with a label", [self._alarms.metric(MODEL, "monitor_labelled")])

    def _traffic(self) -> cloudwatch.GraphWidget:
        names = ("Invocations", "Invocation4XXErrors", "Invocation5XXErrors")
        return _graph("Traffic", [self._endpoint(name, "Sum") for name in names])

    def _latency(self) -> cloudwatch.GraphWidget:
        return _graph(
            "Latency (µs)", [self._endpoint("ModelLatency", statistic) for statistic in ("p50", "p95", "p99")]
        )

    def _machines(self) -> cloudwatch.GraphWidget:
        """An endpoint costs by the hour and instance, whatever it is asked."""
        used = cloudwatch.Metric(
            namespace="/aws/sagemaker/Endpoints",
            metric_name="CPUUtilization",
            dimensions_map={"EndpointName": self._names.endpoint, "VariantName": "champion"},
            statistic="SampleCount",
            period=_DAY,
            label="instance minutes a day",
        )
        return _graph("Cost: machines of production", [used])

    def _trainings(self) -> cloudwatch.GraphWidget:
        """Runs cost what their jobs take; the retraining guard keeps the bill."""
        runs = [
            cloudwatch.Metric(
                namespace="AWS/SageMaker/ModelBuildingPipeline",
                metric_name="ExecutionStarted",
                dimensions_map={"PipelineName": name},
                statistic="Sum",
                period=_DAY,
                label=name,
            )
            for name in (*self._names.train_pipelines, self._names.watch_pipeline, self._names.release_pipeline)
        ]
        return _graph("Cost: runs a day", runs)

    def _endpoint(self, name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/SageMaker",
            metric_name=name,
            dimensions_map={"EndpointName": self._names.endpoint, "VariantName": "champion"},
            statistic=statistic,
            period=Duration.hours(1),
        )


def _graph(title: str, metrics: list[cloudwatch.Metric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=metrics, width=_HALF, height=_HEIGHT)
