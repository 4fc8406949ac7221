"""What the guard and the reconciler ask of S3, SageMaker and CloudWatch is what the emulator answers."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from emulator.kernel.ports import Kernel
from lambdas.reconcile.handler import build as build_reconcile
from lambdas.shared.events import TERMINAL_STATUSES, render_time
from lambdas.shared.ledger.releases import ReleaseState, render_state
from lambdas.shared.ledger.table import Put, Table
from lambdas.shared.prices import USD_PER_H
from lambdas.shared.settings import ReconcileSettings, RetrainingPolicy, SharedSettings, StartTrainingSettings
from lambdas.start_retraining.handler import build as build_guard
from lambdas.start_training.books import open_books
from lambdas.start_training.handler import StartTraining
from tests.support.waiting import eventually
from tests.unit.emulator.sagemaker.requests import processing_arguments
from tests.unit.lambdas.world import retraining_settings

Client = Callable[[str], Any]
POLICY = RetrainingPolicy(3600, 1, 3, 50.0, 30, 0.5, 0, 3600)
PARAMETERS = ("BatchId", "Attempt", "OutputPrefix", "HistoryUri", "HistoryShare", "FreshSince", "FreshUntil")
QUEUES = ("ingest", "release", "waits", "retraining", "dead")


@dataclass
class Place:
    """An account with what the functions need, in the emulator."""

    client: Client
    kernel: Kernel
    urls: dict[str, str] = field(default_factory=dict)

    def __getattr__(self, service: str) -> Any:
        """A client, made when it is first asked for."""
        self.__dict__[service] = self.client(service)
        return self.__dict__[service]

    def at(self, stage: str) -> "Place":
        return self

    @property
    def shared(self) -> SharedSettings:
        topic = "arn:aws:sns:us-east-1:123456789012:rec-people"
        return SharedSettings("flights", "rec-ledger", topic, self.urls["ingest"], self.urls["dead"], 1)

    @property
    def table(self) -> Table:
        return Table(self.dynamodb, "rec-ledger")

    def now(self, **later: float) -> str:
        return render_time(self.kernel.clock.now() + timedelta(**later))

    def guard(self, **later: float) -> None:
        message = {"kind": "Reconsider", "model": "flights", "time": self.now(**later)}
        guard = build_guard(retraining_settings(self.shared, POLICY), self)
        assert guard.handle_batch(_batch(message)) == {"batchItemFailures": []}

    def reconcile(self, **later: float) -> None:
        message = {"kind": "Reconcile", "model": "flights", "time": self.now(**later)}
        settings = ReconcileSettings(
            self.shared,
            "rec-flights",
            "rec-raw",
            "raw/flights/",
            "driftloop-flights-retrain",
            "rec-watch",
            *(self.urls[name] for name in ("release", "waits", "retraining")),
        )
        assert build_reconcile(settings, self).handle_batch(_batch(message)) == {"batchItemFailures": []}

    def train(self) -> None:
        """`start_training` gets what is on its queue."""
        settings = StartTrainingSettings(
            self.shared, "rec-raw", "raw/flights/", "rec-art", "rec-train", "driftloop-flights-retrain", 1, 0
        )
        function = StartTraining(settings, self, open_books(settings, self))
        assert function.handle_batch(_batch(*self.take("ingest"))) == {"batchItemFailures": []}

    def take(self, queue: str) -> list[dict[str, Any]]:
        found = self.sqs.receive_message(QueueUrl=self.urls[queue], MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in found]

    def rows(self, kind: str) -> list[Any]:
        return list(self.table.query(f"{kind}#flights"))


def _batch(*bodies: dict[str, Any]) -> dict[str, Any]:
    records = [
        {"messageId": f"m{n}", "body": json.dumps(body), "attributes": {"SentTimestamp": "1"}, "eventSource": "aws:sqs"}
        for n, body in enumerate(bodies)
    ]
    return {"Records": records}


@pytest.fixture(scope="module")
def place(client: Client, kernel: Kernel) -> Place:
    """Buckets, queues, ledger, pipelines, a package that production serves, and the alarm that asks for retraining."""
    made = Place(client, kernel)
    made.urls = {name: made.sqs.create_queue(QueueName=f"rec-{name}")["QueueUrl"] for name in QUEUES}
    made.sns.create_topic(Name="rec-people")
    for bucket in ("rec-raw", "rec-art"):
        made.s3.create_bucket(Bucket=bucket)
    made.s3.put_bucket_versioning(Bucket="rec-raw", VersioningConfiguration={"Status": "Enabled"})
    made.s3.put_object(Bucket="rec-art", Key="code/script.py", Body=b"print('trained')")
    made.dynamodb.create_table(
        TableName="rec-ledger",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    _pipelines(made)
    _production(made)
    _alarms(made)
    return made


def _pipelines(place: Place) -> None:
    work = processing_arguments("s3://rec-art/code/script.py")
    work["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"] = "s3://rec-art/result"
    steps = {
        "driftloop-flights-retrain": {"Name": "Assemble", "Type": "Processing", "Arguments": work},
        "rec-watch": {"Name": "Look", "Type": "Fail", "Arguments": {"ErrorMessage": "nothing was captured"}},
    }
    parameters = [{"Name": name, "Type": "String", "DefaultValue": "none"} for name in PARAMETERS]
    for name, step in steps.items():
        definition = {"Version": "2020-12-01", "Parameters": parameters, "Steps": [step]}
        place.sagemaker.create_pipeline(
            PipelineName=name, PipelineDefinition=json.dumps(definition), RoleArn=work["RoleArn"]
        )


def _production(place: Place) -> None:
    place.sagemaker.create_model_package_group(ModelPackageGroupName="rec-flights")
    arn = place.sagemaker.create_model_package(
        ModelPackageGroupName="rec-flights",
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties={"data": "s3://rec-art/data.csv", "fresh_until": "none"},
    )["ModelPackageArn"]
    state = ReleaseState(1, live=arn, live_since=place.now(days=-60), live_before=("old",))
    place.table.write(Put({"pk": "RELEASE#flights", "sk": "state", **render_state(state)}))


def _alarms(place: Place) -> None:
    watch = {"Namespace": "Rec", "MetricName": "drift", "Statistic": "Maximum", "Period": 60, "EvaluationPeriods": 1}
    rule = {"Threshold": 1, "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "ignore"}
    place.cloudwatch.put_metric_alarm(AlarmName="driftloop-flights-drift", **watch, **rule)
    place.cloudwatch.put_composite_alarm(
        AlarmName="driftloop-flights-retrain", AlarmRule='ALARM("driftloop-flights-drift")'
    )
    place.cloudwatch.set_alarm_state(AlarmName="driftloop-flights-drift", StateValue="ALARM", StateReason="test")

    def state() -> str:
        found = place.cloudwatch.describe_alarms(
            AlarmNames=["driftloop-flights-retrain"], AlarmTypes=["CompositeAlarm"]
        )
        return str(found["CompositeAlarms"][0]["StateValue"])

    eventually(lambda: state() == "ALARM")


def test_an_alarm_is_answered_and_its_run_settled_and_paid_without_a_single_event(place: Place) -> None:
    place.reconcile(minutes=10)
    assert [message["kind"] for message in place.take("retraining")] == ["Reconsider"]

    place.guard()
    place.train()
    execution = place.rows("LEASE")[0]["execution_arn"]
    ended = eventually(lambda: _ended(place, execution))
    place.reconcile(minutes=20)
    told = place.take("retraining")
    place.train()
    place.guard(days=2)

    assert ended["PipelineExecutionStatus"] == "Succeeded"
    assert [message["detail"]["pipelineExecutionArn"] for message in told] == [execution]
    assert place.rows("LEASE")[0]["state"] == "FREE"
    [spent] = place.rows("SPENT")
    assert 0 <= float(spent["usd"]) < USD_PER_H["ml.m5.large"]
    assert len(place.rows("WANTED")) == 1  # the second run, two days later


def _ended(place: Place, execution: str) -> Any:
    found = place.sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)
    return found if found["PipelineExecutionStatus"] in TERMINAL_STATUSES else None


def test_what_nobody_heard_of_is_told_as_aws_tells_it(place: Place) -> None:
    place.take("ingest")
    place.s3.put_object(Bucket="rec-raw", Key="raw/flights/a b+é.csv", Body=b"1,2\n")
    waiting = place.sagemaker.create_model_package(ModelPackageGroupName="rec-flights")["ModelPackageArn"]

    place.reconcile(minutes=30)

    uploads = [message for message in place.take("ingest") if message.get("detail-type") == "Object Created"]
    packages = {message["detail"]["ModelPackageArn"] for message in place.take("release")}
    stored = place.s3.head_object(Bucket="rec-raw", Key="raw/flights/a b+é.csv")
    assert [message["detail"]["object"]["version-id"] for message in uploads] == [stored["VersionId"]]
    assert uploads[0]["detail"]["object"]["key"] == "raw/flights/a b+é.csv"
    assert waiting in packages


def test_how_the_monitors_do_is_published(place: Place, kernel: Kernel) -> None:
    started = place.sagemaker.start_pipeline_execution(
        PipelineName="rec-watch", PipelineExecutionDisplayName="champion", ClientRequestToken="w" * 32
    )
    eventually(lambda: _ended(place, started["PipelineExecutionArn"]))
    before = kernel.clock.now()

    place.reconcile()

    values = {name: eventually(lambda name=name: _published(place, name, before)) for name in ("age", "failed")}  # type: ignore[misc]
    assert values == {"age": [pytest.approx(60 * 86400, rel=0.01)], "failed": [1.0]}


def _published(place: Place, name: str, since: datetime) -> list[float]:
    metric = {"age": "monitor_run_age_s", "failed": "monitor_failed"}[name]
    found = place.cloudwatch.get_metric_data(
        MetricDataQueries=[
            {
                "Id": "m",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "Driftloop",
                        "MetricName": metric,
                        "Dimensions": [{"Name": "Model", "Value": "flights"}],
                    },
                    "Period": 3600,
                    "Stat": "Maximum",
                },
            }
        ],
        StartTime=since - timedelta(hours=1),
        EndTime=since + timedelta(hours=1),
    )
    return list(found["MetricDataResults"][0]["Values"])
