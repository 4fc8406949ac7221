"""A small world around the functions: moto for what it does well, a fake SageMaker for what it does not.

The fake starts executions idempotently by ClientRequestToken, as AWS does, and lists the steps that a test gives it.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws

from lambdas.answer_waits.handler import AnswerWaits
from lambdas.answer_waits.handler import build as build_answer_waits
from lambdas.change_endpoint.handler import ChangeEndpoint
from lambdas.decide_release.handler import DecideRelease
from lambdas.decide_release.handler import build as build_decide_release
from lambdas.reconcile.handler import ReconcileFunction
from lambdas.reconcile.handler import build as build_reconcile
from lambdas.shared.clients import LazyClients
from lambdas.shared.ledger.table import Table
from lambdas.shared.settings import (
    AnswerWaitsSettings,
    ChangeEndpointSettings,
    DecideReleaseSettings,
    ExperimentSettings,
    GuardRails,
    Machines,
    ModelMonitor,
    MonitoringSchedules,
    ReconcileSettings,
    RetrainingPolicy,
    Scaling,
    SharedSettings,
    StartRetrainingSettings,
    StartTrainingSettings,
    Traffic,
)
from lambdas.start_retraining.handler import StartRetraining
from lambdas.start_retraining.handler import build as build_start_retraining
from lambdas.start_training.books import open_books
from lambdas.start_training.handler import StartTraining

MODEL = "flights"
RAW, ARTIFACTS, LEDGER = "driftloop-raw", "driftloop-artifacts", "driftloop-ledger"
ARN = "arn:aws:sagemaker:us-east-1:123456789012"
START = datetime(2026, 3, 1, 6, tzinfo=UTC)
DAY_S = 86_400


EXPERIMENT = ExperimentSettings(
    mode="paired",
    metric="log_loss",
    minimum_effect=0.5,
    alpha=0.05,
    power=0.8,
    start_weight=0.2,
    ramp=(),
    duration_max_s=6 * 3600,
    look_every_s=3600,
    guard_rails=GuardRails(requests_min=100, error_rate_max=0.02, p95_ms_max=1000.0, null_rate_max=0.01),
)


POLICY = RetrainingPolicy(
    cooldown_s=DAY_S,
    per_day_max=1,
    runs_max=3,
    budget_usd=50.0,
    budget_days=30,
    history_share=0.5,
    label_delay_s=7 * DAY_S,
    window_s=DAY_S,
)


def retraining_settings(shared: SharedSettings, policy: RetrainingPolicy = POLICY) -> StartRetrainingSettings:
    """What the retraining guard of the model knows."""
    return StartRetrainingSettings(
        shared=shared,
        retrain_alarm="driftloop-flights-retrain",
        drift_alarm="driftloop-flights-drift",
        quality_alarm="driftloop-flights-quality",
        train_pipeline="driftloop-flights-train",
        retrain_pipeline="driftloop-flights-retrain",
        policy=policy,
    )


def _could_not_find(kind: str, name: str) -> ClientError:
    error = {"Error": {"Code": "ValidationException", "Message": f'Could not find {kind} "{name}".'}}
    return ClientError(error, "Describe")  # type: ignore[arg-type]


def _exists(kind: str, name: str) -> ClientError:
    error = {"Error": {"Code": "ValidationException", "Message": f'Cannot create already existing {kind} "{name}".'}}
    return ClientError(error, "Create")  # type: ignore[arg-type]


def _monitor_error(code: str, message: str) -> ClientError:
    error = {"Error": {"Code": code, "Message": message}}
    return ClientError(error, "MonitoringSchedule")  # type: ignore[arg-type]


@dataclass
class FakeSageMaker:
    """Executions, packages and endpoints, as far as the functions ask for them."""

    started: list[dict[str, Any]] = field(default_factory=list)
    steps: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    packages: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)
    by_token: dict[str, str] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    endpoints: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    configs: dict[str, dict[str, Any]] = field(default_factory=dict)
    changes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    statuses: dict[str, str] = field(default_factory=dict)
    ends: dict[str, datetime] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    begun: dict[str, datetime] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    definitions: dict[str, dict[str, Any]] = field(default_factory=dict)
    schedules: dict[str, dict[str, Any]] = field(default_factory=dict)
    looks: list[dict[str, Any]] = field(default_factory=list)

    def create_data_quality_job_definition(self, **request: Any) -> dict[str, Any]:
        return self._define(request)

    def create_model_quality_job_definition(self, **request: Any) -> dict[str, Any]:
        return self._define(request)

    def _define(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["JobDefinitionName"] in self.definitions:
            raise _monitor_error("ResourceInUse", f"Job definition {request['JobDefinitionName']} already exists.")
        self.definitions[request["JobDefinitionName"]] = request
        return {}

    def describe_monitoring_schedule(self, MonitoringScheduleName: str) -> dict[str, Any]:  # noqa: N803 - AWS's own name
        if MonitoringScheduleName not in self.schedules:
            raise _monitor_error("ResourceNotFound", f"Could not find {MonitoringScheduleName}.")
        return {"MonitoringScheduleConfig": self.schedules[MonitoringScheduleName]}

    def create_monitoring_schedule(self, **request: Any) -> dict[str, Any]:
        assert request["MonitoringScheduleName"] not in self.schedules
        return self._schedule("create_monitoring_schedule", request)

    def update_monitoring_schedule(self, **request: Any) -> dict[str, Any]:
        return self._schedule("update_monitoring_schedule", request)

    def _schedule(self, change: str, request: dict[str, Any]) -> dict[str, Any]:
        assert request["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"] in self.definitions
        self.changes.append((change, request))
        self.schedules[request["MonitoringScheduleName"]] = request["MonitoringScheduleConfig"]
        return {}

    def list_monitoring_executions(self, **request: Any) -> dict[str, Any]:
        """Those of a schedule; a test lists the newest first, as was asked."""
        assert (request["SortBy"], request["SortOrder"]) == ("ScheduledTime", "Descending")
        name = request["MonitoringScheduleName"]
        return {"MonitoringExecutionSummaries": [one for one in self.looks if one["MonitoringScheduleName"] == name]}

    def list_pipeline_executions(self, **request: Any) -> dict[str, Any]:
        """Newest first, as AWS does; an execution runs until a test says how it ended."""
        arns = [run["arn"] for run in reversed(self.started) if run["pipeline"] == request["PipelineName"]]
        found = [
            {
                "PipelineExecutionArn": arn,
                "PipelineExecutionStatus": self.statuses.get(arn, "Executing"),
                "PipelineExecutionDisplayName": self.titles.get(arn, "run"),
                "StartTime": self.begun.get(arn, START),
            }
            for arn in arns
        ]
        after = request.get("CreatedAfter")
        return {"PipelineExecutionSummaries": [each for each in found if after is None or each["StartTime"] > after]}

    def describe_pipeline_execution(self, PipelineExecutionArn: str) -> dict[str, Any]:  # noqa: N803 - AWS's own name
        if PipelineExecutionArn not in {run["arn"] for run in self.started}:
            error = {"Error": {"Code": "ResourceNotFound", "Message": PipelineExecutionArn}}
            raise ClientError(error, "DescribePipelineExecution")  # type: ignore[arg-type]
        return {
            "PipelineExecutionStatus": self.statuses.get(PipelineExecutionArn, "Executing"),
            "LastModifiedTime": self.ends.get(PipelineExecutionArn, START),
        }

    def end(self, arn: str, status: str = "Succeeded", *, minute: int = 20) -> None:
        """An execution ends, and no event tells it."""
        self.statuses[arn] = status
        self.ends[arn] = START + timedelta(minutes=minute)

    def list_model_packages(self, **request: Any) -> dict[str, Any]:
        """Two a page, the newest first."""
        assert (request["SortBy"], request["SortOrder"]) == ("CreationTime", "Descending")
        newest = sorted(self.packages.values(), key=lambda row: row["ModelPackageVersion"], reverse=True)
        first = int(request.get("NextToken", 0))
        page: dict[str, Any] = {"ModelPackageSummaryList": newest[first : first + 2]}
        return page | ({"NextToken": str(first + 2)} if first + 2 < len(newest) else {})

    def describe_training_job(self, TrainingJobName: str) -> dict[str, Any]:  # noqa: N803 - AWS's own name
        return self.jobs[TrainingJobName]

    def describe_processing_job(self, ProcessingJobName: str) -> dict[str, Any]:  # noqa: N803 - AWS's own name
        return self.jobs[ProcessingJobName]

    def stand(self, name: str) -> None:
        """An endpoint is up, with a config of its own."""
        self.configs[f"{name}-v1"] = {"EndpointConfigName": f"{name}-v1", "ProductionVariants": []}
        self.endpoints[name] = {"EndpointStatus": "InService", "EndpointConfigName": f"{name}-v1"}

    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:  # noqa: N803 - AWS's own name
        if EndpointName not in self.endpoints:
            raise _could_not_find("endpoint", EndpointName)
        return self.endpoints[EndpointName]

    def create_model(self, **request: Any) -> dict[str, Any]:
        if request["ModelName"] in self.models:
            raise _exists("model", request["ModelName"])
        self.models[request["ModelName"]] = request
        return {"ModelArn": f"{ARN}:model/{request['ModelName']}"}

    def create_endpoint_config(self, **request: Any) -> dict[str, Any]:
        name = request["EndpointConfigName"]
        if name in self.configs:
            raise _exists("endpoint configuration", name)
        for variant in (*request["ProductionVariants"], *request.get("ShadowProductionVariants", [])):
            if variant["ModelName"] not in self.models:
                raise _could_not_find("model", variant["ModelName"])
        self.configs[name] = request
        return {"EndpointConfigArn": f"{ARN}:endpoint-config/{name}"}

    def describe_endpoint_config(self, EndpointConfigName: str) -> dict[str, Any]:  # noqa: N803 - AWS's own name
        if EndpointConfigName not in self.configs:
            raise _could_not_find("endpoint configuration", EndpointConfigName)
        return self.configs[EndpointConfigName]

    def delete_endpoint_config(self, EndpointConfigName: str) -> dict[str, Any]:  # noqa: N803 - AWS's own name
        if self.configs.pop(EndpointConfigName, None) is None:
            raise _could_not_find("endpoint configuration", EndpointConfigName)
        return {}

    def create_endpoint(self, **request: Any) -> dict[str, Any]:
        if request["EndpointName"] in self.endpoints:
            raise _exists("endpoint", request["EndpointName"])
        return self._serve("create_endpoint", request)

    def update_endpoint(self, **request: Any) -> dict[str, Any]:
        self.describe_endpoint(request["EndpointName"])
        return self._serve("update_endpoint", request)

    def update_endpoint_weights_and_capacities(self, **request: Any) -> dict[str, Any]:
        self.changes.append(("update_endpoint_weights_and_capacities", request))
        return {}

    def _serve(self, change: str, request: dict[str, Any]) -> dict[str, Any]:
        """Changes are over at once; every variant has the instances that its config asks for."""
        config = self.describe_endpoint_config(request["EndpointConfigName"])
        self.changes.append((change, request))
        self.endpoints[request["EndpointName"]] = {
            "EndpointStatus": "InService",
            "EndpointConfigName": request["EndpointConfigName"],
            "ProductionVariants": [
                {"VariantName": variant["VariantName"], "DesiredInstanceCount": variant["InitialInstanceCount"]}
                for variant in config["ProductionVariants"]
            ],
        }
        return {"EndpointArn": f"{ARN}:endpoint/{request['EndpointName']}"}

    def send_pipeline_execution_step_success(self, **request: Any) -> dict[str, Any]:
        return self._answer(request)

    def send_pipeline_execution_step_failure(self, **request: Any) -> dict[str, Any]:
        return self._answer(request)

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The same answer again is no error; another one is refused."""
        with self.lock:
            if self.failures:
                raise self.failures.pop()
            first = self.answers.setdefault(request["CallbackToken"], request)
            is_other = first["ClientRequestToken"] != request["ClientRequestToken"]
            if is_other or request["CallbackToken"] in self.gone:
                error = {"Error": {"Code": "ResourceNotFound", "Message": "answered already"}}
                raise ClientError(error, "SendPipelineExecutionStepSuccess")  # type: ignore[arg-type]
            assert first == request, "two answers that contradict each other"
        return {"PipelineExecutionArn": f"{ARN}:pipeline/driftloop-flights-release/execution/e0"}

    def start_pipeline_execution(self, **request: Any) -> dict[str, Any]:
        with self.lock:
            if self.failures:
                raise self.failures.pop()
            token = request["ClientRequestToken"]
            if token not in self.by_token:
                execution = f"{ARN}:pipeline/{request['PipelineName']}/execution/e{len(self.started)}"
                self.by_token[token] = execution
                parameters = {item["Name"]: item["Value"] for item in request["PipelineParameters"]}
                self.started.append({"arn": execution, "pipeline": request["PipelineName"], **parameters})
            return {"PipelineExecutionArn": self.by_token[token]}

    def list_pipeline_execution_steps(self, **request: Any) -> dict[str, Any]:
        """Two steps a page, so that paging is not only a promise."""
        steps = self.steps.get(request["PipelineExecutionArn"], [])
        first = int(request.get("NextToken", 0))
        page: dict[str, Any] = {"PipelineExecutionSteps": steps[first : first + 2]}
        return page | ({"NextToken": str(first + 2)} if first + 2 < len(steps) else {})

    def delete_endpoint(self, EndpointName: str) -> dict[str, Any]:  # noqa: N803 - AWS's own name
        self.deleted.append(EndpointName)
        self.endpoints.pop(EndpointName, None)
        return {}

    def describe_model_package(self, ModelPackageName: str) -> dict[str, Any]:  # noqa: N803 - AWS's own name
        if ModelPackageName not in self.packages:
            error = {"Error": {"Code": "ValidationException", "Message": f"{ModelPackageName} does not exist."}}
            raise ClientError(error, "DescribeModelPackage")  # type: ignore[arg-type]
        return self.packages[ModelPackageName]


@dataclass
class FakeAutoscaling:
    """Scalable targets and their policies, by resource id."""

    targets: dict[str, dict[str, Any]] = field(default_factory=dict)
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)

    def register_scalable_target(self, **request: Any) -> dict[str, Any]:
        self.targets[request["ResourceId"]] = request
        return {}

    def put_scaling_policy(self, **request: Any) -> dict[str, Any]:
        assert request["ResourceId"] in self.targets
        self.policies[request["ResourceId"]] = request
        return {}

    def describe_scalable_targets(self, **request: Any) -> dict[str, Any]:
        return {"ScalableTargets": [found for name, found in self.targets.items() if name in request["ResourceIds"]]}

    def deregister_scalable_target(self, **request: Any) -> dict[str, Any]:
        del self.targets[request["ResourceId"]]
        self.policies.pop(request["ResourceId"], None)
        return {}


@dataclass
class FakeCloudWatch:
    """One series a metric: minute after START -> value, the challenger's; and alarms with their states."""

    series: dict[str, dict[int, float]] = field(default_factory=dict)
    alarms: dict[str, str] = field(default_factory=dict)
    published: list[dict[str, Any]] = field(default_factory=list)

    def put_metric_data(self, **request: Any) -> None:
        self.published.append(request)

    def describe_alarms(self, **request: Any) -> dict[str, Any]:
        """Alarms of the types that were asked for; composite are those whose name ends in `retrain`."""
        rows = [
            {"AlarmName": name, "StateValue": self.alarms[name], "StateUpdatedTimestamp": START}
            for name in request["AlarmNames"]
            if name in self.alarms
        ]
        composite = [row for row in rows if row["AlarmName"].endswith("retrain")]
        types = request.get("AlarmTypes", ["MetricAlarm"])
        return {
            "CompositeAlarms": composite if "CompositeAlarm" in types else [],
            "MetricAlarms": [row for row in rows if row not in composite] if "MetricAlarm" in types else [],
        }

    def get_paginator(self, operation: str) -> "FakeCloudWatch":
        assert operation == "get_metric_data"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        for query in request["MetricDataQueries"]:
            metric = query["MetricStat"]["Metric"]
            assert metric["Namespace"] == "AWS/SageMaker"
            assert {"Name": "VariantName", "Value": "challenger"} in metric["Dimensions"]
            found = self.series.get(metric["MetricName"], {})
            points = {START + timedelta(minutes=minute): value for minute, value in found.items()}
            kept = {at: value for at, value in points.items() if request["StartTime"] <= at < request["EndTime"]}
            yield {"MetricDataResults": [{"Id": query["Id"], "Timestamps": list(kept), "Values": list(kept.values())}]}


class OneAtATime:
    """A client whose calls wait for each other: transactions are atomic in DynamoDB, in moto only in one thread."""

    def __init__(self, client: Any, lock: threading.RLock) -> None:
        self._client = client
        self._lock = lock

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._client, name)
        return attribute if name == "exceptions" else self._locked(attribute)

    def _locked(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def locked(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                return call(*args, **kwargs)

        return locked


class RecordingSqs:
    """moto's SQS that remembers what was sent, delayed messages too."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.sent: list[dict[str, Any]] = []

    def send_message(self, **request: Any) -> Any:
        answer = self._client.send_message(**request)
        self.sent.append(request)
        return answer

    def bodies(self, queue_url: str) -> list[Any]:
        return [json.loads(sent["MessageBody"]) for sent in self.sent if sent["QueueUrl"] == queue_url]


class WorldClients(LazyClients):
    """The clients of the functions, in this world."""

    def __init__(self) -> None:
        super().__init__()
        self.elsewhere: dict[str, Any] = {}
        lock = threading.RLock()
        self.fake = FakeSageMaker()
        self.__dict__["dynamodb"] = OneAtATime(boto3.client("dynamodb", "us-east-1"), lock)
        self.__dict__["s3"] = OneAtATime(boto3.client("s3", "us-east-1"), lock)
        self.metrics = FakeCloudWatch()
        self.__dict__["cloudwatch"] = self.metrics
        self.scaler = FakeAutoscaling()
        self.__dict__["autoscaling"] = self.scaler
        self.__dict__["scheduler"] = OneAtATime(boto3.client("scheduler", "us-east-1"), lock)
        self.__dict__["sns"] = OneAtATime(boto3.client("sns", "us-east-1"), lock)
        self.__dict__["sqs"] = RecordingSqs(OneAtATime(boto3.client("sqs", "us-east-1"), lock))

    @cached_property
    def sagemaker(self) -> Any:
        return self.fake

    def at(self, stage: str) -> Any:
        return self.elsewhere.get(stage, self)


@dataclass
class World:
    """An account with the resources of one model, and the functions in it."""

    clients: WorldClients
    topic_arn: str
    inbox_url: str
    ingest_url: str
    dead_letters_url: str
    _mail: list[tuple[str, str]] = field(default_factory=list)

    def start_training(self, *, min_files: int = 1, window_s: int = 0, attempts_max: int = 1) -> StartTraining:
        settings = StartTrainingSettings(
            shared=self._shared(attempts_max),
            raw_bucket=RAW,
            raw_prefix=f"raw/{MODEL}/",
            artifact_bucket=ARTIFACTS,
            train_pipeline="driftloop-flights-train",
            retrain_pipeline="driftloop-flights-retrain",
            batch_min_files=min_files,
            batch_window_s=window_s,
        )
        return StartTraining(settings, self.clients, open_books(settings, self.clients))

    def start_retraining(self, policy: RetrainingPolicy = POLICY) -> StartRetraining:
        return build_start_retraining(retraining_settings(self._shared(1), policy), self.clients)

    def reconcile(self, schedules: MonitoringSchedules | None = None) -> ReconcileFunction:
        settings = ReconcileSettings(
            shared=self._shared(1),
            package_group="driftloop-flights",
            raw_bucket=RAW,
            raw_prefix=f"raw/{MODEL}/",
            retrain_alarm="driftloop-flights-retrain",
            watch_pipeline="driftloop-flights-watch",
            release_queue_url=self.queue_url("release"),
            waits_queue_url=self.queue_url("waits"),
            retraining_queue_url=self.queue_url("retraining"),
            schedules=schedules,
        )
        return build_reconcile(settings, self.clients)

    def queue_url(self, name: str) -> str:
        """A queue by its name; made when it is first asked for."""
        return str(boto3.client("sqs", "us-east-1").create_queue(QueueName=name)["QueueUrl"])

    def decide_release(self, *, attempts_max: int = 1) -> DecideRelease:
        settings = DecideReleaseSettings(
            self._shared(attempts_max),
            release_pipeline="driftloop-flights-release",
            rollback_pipeline="driftloop-flights-rollback",
            report_uri=f"s3://{ARTIFACTS}/{MODEL}/releases",
            endpoint_prefix="driftloop-flights",
            keeps_stages=False,
        )
        return build_decide_release(settings, self.clients)

    def change_endpoint(
        self,
        *,
        mode: str = "paired",
        keeps_stages: bool = False,
        machines: Machines = Machines("ml.m5.large", 1),  # noqa: B008 - frozen
        traffic: Traffic | None = None,
        scaling: Scaling | None = None,
        monitor: ModelMonitor | None = None,
    ) -> ChangeEndpoint:
        settings = ChangeEndpointSettings(
            endpoint_prefix="driftloop-flights",
            serve_role_arn="arn:aws:iam::123456789012:role/driftloop-flights-serve",
            capture_uri=f"s3://{ARTIFACTS}/{MODEL}/capture",
            machines=dict.fromkeys(("dev", "staging", "prod"), machines),
            experiment_mode=mode,
            challenger_weight=0.2,
            keeps_stages=keeps_stages,
            traffic=traffic,
            scaling=scaling,
            monitor=monitor,
        )
        return ChangeEndpoint(settings, self.clients)

    def answer_waits(self, experiment: ExperimentSettings = EXPERIMENT) -> AnswerWaits:
        settings = AnswerWaitsSettings(
            model=MODEL,
            ledger_table=LEDGER,
            people_topic_arn=self.topic_arn,
            dead_letter_queue_url=self.dead_letters_url,
            waits_queue_arn="arn:aws:sqs:us-east-1:123456789012:driftloop-flights-waits",
            tick_prefix="driftloop-flights",
            tick_role_arn="arn:aws:iam::123456789012:role/driftloop-flights-tick",
            capture_uri=f"s3://{ARTIFACTS}/{MODEL}/capture",
            labels_uri=f"s3://{ARTIFACTS}/{MODEL}/labels",
            report_uri=f"s3://{ARTIFACTS}/{MODEL}/releases",
            deadline_s=2700,
            experiment=experiment,
        )
        return build_answer_waits(settings, self.clients)

    def schedules(self) -> dict[str, str]:
        """What ticks: name and rate."""
        names = [item["Name"] for item in self.clients.scheduler.list_schedules()["Schedules"]]
        return {name: self.clients.scheduler.get_schedule(Name=name)["ScheduleExpression"] for name in names}

    def _shared(self, attempts_max: int) -> SharedSettings:
        return SharedSettings(
            model=MODEL,
            ledger_table=LEDGER,
            people_topic_arn=self.topic_arn,
            ingest_queue_url=self.ingest_url,
            dead_letter_queue_url=self.dead_letters_url,
            attempts_max=attempts_max,
        )

    @property
    def sagemaker(self) -> FakeSageMaker:
        return self.clients.fake

    @property
    def sqs(self) -> RecordingSqs:
        sqs: RecordingSqs = self.clients.__dict__["sqs"]
        return sqs

    def rows(self, kind: str) -> list[Mapping[str, Any]]:
        """Rows of the ledger whose partition starts with a word, such as `FILE`."""
        return list(Table(self.clients.dynamodb, LEDGER).query(f"{kind}#{MODEL}"))

    def states(self) -> Counter[str]:
        """How many files are in which state."""
        return Counter(str(row["state"]) for row in self.rows("FILE"))

    def told(self) -> list[str]:
        """What kinds of notices people had so far."""
        return [kind for kind, _ in self.mail()]

    def mail(self) -> list[tuple[str, str]]:
        """Notices so far: kind and text."""
        sqs = boto3.client("sqs", "us-east-1")
        while True:
            answer = sqs.receive_message(QueueUrl=self.inbox_url, MaxNumberOfMessages=10)
            for message in answer.get("Messages", []):
                envelope = json.loads(message["Body"])
                self._mail.append((envelope["MessageAttributes"]["kind"]["Value"], envelope["Message"]))
                sqs.delete_message(QueueUrl=self.inbox_url, ReceiptHandle=message["ReceiptHandle"])
            if not answer.get("Messages"):
                return self._mail

    def write_report(self, batch_id: str, files: list[dict[str, Any]], attempt: int = 1) -> None:
        """The validation report of a run."""
        key = f"{MODEL}/batches/{batch_id}/attempt-{attempt}/validation/report.json"
        body = json.dumps({"files": files, "accepted_rows": 1000})
        self.clients.s3.put_object(Bucket=ARTIFACTS, Key=key, Body=body.encode())

    def manifest(self, batch_id: str) -> dict[str, Any]:
        """The manifest that was written for a batch."""
        key = f"{MODEL}/batches/{batch_id}/manifest.json"
        manifest: dict[str, Any] = json.loads(self.clients.s3.get_object(Bucket=ARTIFACTS, Key=key)["Body"].read())
        return manifest

    def add_package(self, version: int, status: str, **more: Any) -> str:
        """A package in the registry, or another status for it."""
        arn = package_arn(version)
        self.sagemaker.packages[arn] = {
            "ModelPackageArn": arn,
            "ModelPackageGroupName": "driftloop-flights",
            "ModelPackageVersion": version,
            "ModelApprovalStatus": status,
            "CustomerMetadataProperties": {"batch_id": f"b{version}", "attempt": "1"},
            **more,
        }
        return arn


def package_arn(version: int) -> str:
    """ARN of a package of the model."""
    return f"{ARN}:model-package/driftloop-flights/{version}"


@contextmanager
def new_world() -> Iterator[World]:
    """A fresh account."""
    with mock_aws():
        clients = WorldClients()
        boto3.client("dynamodb", "us-east-1").create_table(
            TableName=LEDGER,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        for bucket in (RAW, ARTIFACTS):
            boto3.client("s3", "us-east-1").create_bucket(Bucket=bucket)
        sqs, sns = boto3.client("sqs", "us-east-1"), boto3.client("sns", "us-east-1")
        urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("inbox", "ingest", "dead-letters")}
        topic_arn = sns.create_topic(Name="people")["TopicArn"]
        inbox_arn = sqs.get_queue_attributes(QueueUrl=urls["inbox"], AttributeNames=["QueueArn"])["Attributes"]
        sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=inbox_arn["QueueArn"])
        yield World(clients, topic_arn, urls["inbox"], urls["ingest"], urls["dead-letters"])


def batch_of(*bodies: Mapping[str, Any] | str, minute: int = 0) -> dict[str, Any]:
    """What an SQS event source calls a function with; `minute` is when the messages were sent."""
    sent_ms = int((START + timedelta(minutes=minute)).timestamp() * 1000)
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": f"r{number}",
                "body": body if isinstance(body, str) else json.dumps(body),
                "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": str(sent_ms)},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "awsRegion": "us-east-1",
            }
            for number, body in enumerate(bodies)
        ]
    }


def object_created(
    key: str, *, version: str = "v1", etag: str | None = None, size: int = 100, minute: int = 0, bucket: str = RAW
) -> dict[str, Any]:
    """S3's event for an upload; every key and version has its own content unless `etag` says otherwise."""
    return {
        "id": f"event-{key}-{version}",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "time": _time(minute),
        "detail": {
            "bucket": {"name": bucket},
            "object": {
                "key": key,
                "size": size,
                "etag": etag or f"etag-{key}-{version}",
                "version-id": version,
                "sequencer": "00",
            },
        },
    }


def start_requested(minute: int = 0) -> dict[str, Any]:
    """Our own message at the end of a batching window."""
    return {"kind": "StartRequested", "model": MODEL, "time": _time(minute)}


def execution_ended(execution_arn: str, status: str = "Succeeded", *, minute: int = 20) -> dict[str, Any]:
    """SageMaker's event for a pipeline execution."""
    return {
        "id": f"event-{execution_arn}-{status}",
        "detail-type": "SageMaker Model Building Pipeline Execution Status Change",
        "source": "aws.sagemaker",
        "time": _time(minute),
        "detail": {
            "pipelineArn": execution_arn.partition("/execution/")[0],
            "pipelineExecutionArn": execution_arn,
            "currentPipelineExecutionStatus": status,
        },
    }


def package_changed(version: int, *, minute: int = 30, status: str | None = None) -> dict[str, Any]:
    """SageMaker's event for a model package."""
    return {
        "id": f"event-package-{version}-{minute}",
        "detail-type": "SageMaker Model Package State Change",
        "source": "aws.sagemaker",
        "time": _time(minute),
        "detail": {"ModelPackageArn": package_arn(version), "ModelApprovalStatus": status},
    }


def alarm_changed(minute: int, name: str = "driftloop-flights-retrain") -> dict[str, Any]:
    """CloudWatch's event for an alarm; which state it is in, the function asks."""
    return {
        "id": f"event-{name}-{minute}",
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "time": _time(minute),
        "detail": {"alarmName": name, "state": {"value": "ALARM"}},
    }


def reconsider(minute: int) -> dict[str, Any]:
    """The reconciler's word to the guard."""
    return {"kind": "Reconsider", "model": MODEL, "time": _time(minute)}


def reconcile(minute: int) -> dict[str, Any]:
    """What the reconciler's schedule sends."""
    return {"kind": "Reconcile", "model": MODEL, "time": _time(minute)}


def failed_step(name: str, reason: str, *, is_fail_step: bool = False) -> dict[str, Any]:
    """A step as ListPipelineExecutionSteps shows it."""
    metadata = {"Fail": {"ErrorMessage": reason}} if is_fail_step else {"ProcessingJob": {"Arn": "arn"}}
    return {"StepName": name, "StepStatus": "Failed", "FailureReason": reason, "Metadata": metadata}


def _time(minute: int) -> str:
    return (START + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")
