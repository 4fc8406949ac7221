"""Monitors as their operations have them: what is refused, listed, locked, and what a restart leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulator.kernel.errors import AwsError
from emulator.services import sagemaker
from emulator.services.sagemaker import images
from tests.support.emulator import REPOSITORY, ROLE, World, world
from tests.support.waiting import eventually
from tests.unit.emulator.sagemaker.requests import job_end
from tests.unit.emulator.sagemaker.serving import advance, captures, deploy

IMAGE = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
HOURLY = "cron(0 * ? * * *)"
BASE = "/opt/ml/processing"


def inputs(endpoint: str, **more: Any) -> dict[str, Any]:
    return {"EndpointInput": {"EndpointName": endpoint, "LocalPath": f"{BASE}/input", **more}}


def outputs() -> dict[str, Any]:
    return {"MonitoringOutputs": [{"S3Output": {"S3Uri": "s3://reports/all", "LocalPath": f"{BASE}/output"}}]}


def resources(count: int = 1) -> dict[str, Any]:
    return {"ClusterConfig": {"InstanceCount": count, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}}


def definition(name: str, endpoint: str, **more: Any) -> dict[str, Any]:
    return {
        "JobDefinitionName": name,
        "DataQualityAppSpecification": {"ImageUri": IMAGE},
        "DataQualityJobInput": inputs(endpoint),
        "DataQualityJobOutputConfig": outputs(),
        "JobResources": resources(),
        "RoleArn": ROLE,
        **more,
    }


def config(endpoint: str, expression: str | None = HOURLY, **more: Any) -> dict[str, Any]:
    job = {
        "MonitoringInputs": [inputs(endpoint)],
        "MonitoringOutputConfig": outputs(),
        "MonitoringResources": resources(),
        "MonitoringAppSpecification": {"ImageUri": IMAGE},
        "RoleArn": ROLE,
        **more,
    }
    schedule = {"ScheduleConfig": {"ScheduleExpression": expression}} if expression else {}
    return {**schedule, "MonitoringJobDefinition": job}


def watched(aws: World, name: str = "e") -> str:
    """An endpoint that captures."""
    model = deploy(aws, name)
    variants = [
        {"VariantName": "champion", "ModelName": model, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    ]
    settings = {"EndpointConfigName": f"{name}-captured", "DataCaptureConfig": captures()}
    aws.sagemaker("CreateEndpointConfig", ProductionVariants=variants, **settings)
    return served(aws, name, f"{name}-captured")


def served(aws: World, name: str, config_name: str) -> str:
    aws.sagemaker("CreateEndpoint", EndpointName=name, EndpointConfigName=config_name)
    eventually(lambda: aws.sagemaker("DescribeEndpoint", EndpointName=name)["EndpointStatus"] == "InService")
    return name


def schedule(aws: World, name: str, wanted: dict[str, Any]) -> None:
    aws.sagemaker("CreateMonitoringSchedule", MonitoringScheduleName=name, MonitoringScheduleConfig=wanted)
    eventually(lambda: status(aws, name) == "Scheduled")


def until_next_hour(aws: World) -> None:
    """Just past it, so that an hour from then on one execution is due."""
    now = aws.kernel.clock.now()
    advance(aws, 3605 - now.minute * 60 - now.second)


def status(aws: World, name: str) -> str:
    return str(aws.sagemaker("DescribeMonitoringSchedule", MonitoringScheduleName=name)["MonitoringScheduleStatus"])


def test_a_job_definition_is_described_as_it_was_made_listed_by_endpoint_and_deleted(aws: World) -> None:
    made = [definition("one", "a"), definition("two", "b")]
    for item in made:
        aws.sagemaker("CreateDataQualityJobDefinition", **item, Tags=[{"Key": "k", "Value": "v"}])

    found = aws.sagemaker("DescribeDataQualityJobDefinition", JobDefinitionName="one")
    assert {key: found[key] for key in made[0]} == made[0]
    assert aws.sagemaker("ListTags", ResourceArn=found["JobDefinitionArn"])["Tags"] == [{"Key": "k", "Value": "v"}]
    listed = aws.sagemaker("ListDataQualityJobDefinitions", EndpointName="b")["JobDefinitionSummaries"]
    assert [(item["MonitoringJobDefinitionName"], item["EndpointName"]) for item in listed] == [("two", "b")]
    assert aws.sagemaker("ListModelBiasJobDefinitions")["JobDefinitionSummaries"] == []
    with pytest.raises(AwsError, match="ResourceInUse"):
        aws.sagemaker("CreateDataQualityJobDefinition", **made[0])
    aws.sagemaker("DeleteDataQualityJobDefinition", JobDefinitionName="one")
    with pytest.raises(AwsError, match="ResourceNotFound"):
        aws.sagemaker("DescribeDataQualityJobDefinition", JobDefinitionName="one")


def test_bias_and_explainability_are_defined_but_not_scheduled(aws: World) -> None:
    endpoint = watched(aws)
    app = {"ImageUri": IMAGE, "ConfigUri": "s3://b/config.json"}
    base = {"JobResources": resources(), "RoleArn": ROLE}
    truth = {"GroundTruthS3Input": {"S3Uri": "s3://b/truth"}}
    for kind, more in (("ModelBias", truth), ("ModelExplainability", {})):
        fields = {"AppSpecification": app, "JobInput": {**inputs(endpoint), **more}, "JobOutputConfig": outputs()}
        request = {f"{kind}{field}": value for field, value in fields.items()}
        aws.sagemaker(f"Create{kind}JobDefinition", JobDefinitionName="d", **request, **base)

        by_name = {"MonitoringJobDefinitionName": "d", "MonitoringType": kind}
        with pytest.raises(AwsError, match=f"CreateMonitoringSchedule: MonitoringType {kind} is not emulated yet"):
            schedule(aws, "s", {**by_name, "ScheduleConfig": {"ScheduleExpression": HOURLY}})

    assert aws.sagemaker("ListMonitoringSchedules")["MonitoringScheduleSummaries"] == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"MonitoringInputs": [inputs("nobody")]}, 'ValidationException: Could not find endpoint "arn:.*/nobody"'),
        ({"MonitoringInputs": [{}]}, "ValidationException: Exactly one of EndpointInput and BatchTransformInput"),
        ({"MonitoringResources": resources(2)}, "CreateMonitoringSchedule: InstanceCount 2 is not emulated"),
        ({"MonitoringInputs": [inputs("e", S3InputMode="Pipe")]}, "S3InputMode 'Pipe' is not emulated"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 3601}}, "MaxRuntimeInSeconds 3601 exceeds 3600"),
    ],
)
def test_what_cannot_be_monitored_is_refused_before_anything_has_happened(
    aws: World, change: dict[str, Any], said: str
) -> None:
    watched(aws)

    with pytest.raises(AwsError, match=said):
        schedule(aws, "s", config("e", **change))

    assert aws.sagemaker("ListMonitoringSchedules")["MonitoringScheduleSummaries"] == []


def test_an_endpoint_without_capture_is_refused(aws: World) -> None:
    served(aws, "silent", deploy(aws, "silent"))

    with pytest.raises(AwsError, match="has no DataCaptureConfig"):
        schedule(aws, "s", config("silent"))


def test_a_schedule_has_its_own_job_or_the_name_of_one(aws: World) -> None:
    endpoint = watched(aws)
    named = {"MonitoringJobDefinitionName": "nothing", "MonitoringType": "DataQuality"}

    with pytest.raises(AwsError, match="Exactly one of MonitoringJobDefinition"):
        schedule(aws, "s", {**config(endpoint), **named})
    with pytest.raises(AwsError, match="ValidationException: Could not find job definition"):
        schedule(aws, "s", {**named, "ScheduleConfig": {"ScheduleExpression": HOURLY}})
    with pytest.raises(AwsError, match="Invalid ScheduleExpression"):
        schedule(aws, "s", config(endpoint, "cron(1 * ? * * *)"))


def test_a_schedule_stops_starts_changes_and_goes(aws: World) -> None:
    schedule(aws, "s", config(watched(aws)))
    with pytest.raises(AwsError, match="ResourceInUse"):
        schedule(aws, "s", config("e"))

    aws.sagemaker("StopMonitoringSchedule", MonitoringScheduleName="s")
    assert status(aws, "s") == "Stopped"
    advance(aws, 3 * 3600)
    assert aws.sagemaker("ListMonitoringExecutions")["MonitoringExecutionSummaries"] == []
    until_next_hour(aws)
    aws.sagemaker("StartMonitoringSchedule", MonitoringScheduleName="s")
    advance(aws, 3600 + 1300)
    assert len(aws.sagemaker("ListMonitoringExecutions")["MonitoringExecutionSummaries"]) == 1
    changed = config("e", "cron(0 12 ? * * *)")
    aws.sagemaker("UpdateMonitoringSchedule", MonitoringScheduleName="s", MonitoringScheduleConfig=changed)
    eventually(lambda: status(aws, "s") == "Scheduled")
    found = aws.sagemaker("DescribeMonitoringSchedule", MonitoringScheduleName="s")
    assert found["MonitoringScheduleConfig"] == changed
    aws.sagemaker("DeleteMonitoringSchedule", MonitoringScheduleName="s")

    with pytest.raises(AwsError, match="ResourceNotFound"):
        status(aws, "s")
    (left,) = aws.sagemaker("ListMonitoringExecutions", MonitoringScheduleName="s")["MonitoringExecutionSummaries"]
    assert (left["MonitoringExecutionStatus"], left["FailureReason"]) == ("Failed", "Job inputs had no data")


def test_without_a_schedule_sagemaker_picks_an_hour_of_the_day(aws: World) -> None:
    until_next_hour(aws)
    schedule(aws, "s", config(watched(aws), expression=None))

    advance(aws, 2 * 86_400 + 1300)

    found = aws.sagemaker("ListMonitoringExecutions")["MonitoringExecutionSummaries"]
    assert len(found) == 2
    assert abs((found[0]["ScheduledTime"] - found[1]["ScheduledTime"]).total_seconds()) == 86_400


def test_alerts_are_asked_for_by_their_schedule(aws: World) -> None:
    schedule(aws, "s", config(watched(aws)))
    limits = {"DatapointsToAlert": 3, "EvaluationPeriod": 2}
    possible = {"DatapointsToAlert": 1, "EvaluationPeriod": 2}

    with pytest.raises(AwsError, match="DatapointsToAlert 3 exceeds EvaluationPeriod 2"):
        aws.sagemaker("UpdateMonitoringAlert", MonitoringScheduleName="s", MonitoringAlertName="s", **limits)
    with pytest.raises(AwsError, match="ResourceNotFound"):
        aws.sagemaker("ListMonitoringAlerts", MonitoringScheduleName="other")
    with pytest.raises(AwsError, match="Could not find monitoring alert nothing"):
        aws.sagemaker("UpdateMonitoringAlert", MonitoringScheduleName="s", MonitoringAlertName="nothing", **possible)


def test_an_image_that_brings_a_program_says_how_to_give_it(aws: World) -> None:
    request = {
        "AppSpecification": {"ImageUri": IMAGE},
        "ProcessingResources": resources(),
        "RoleArn": ROLE,
    }

    aws.sagemaker("CreateProcessingJob", ProcessingJobName="baseline", **request)

    job = job_end(aws, "baseline")
    assert job["ProcessingJobStatus"] == "Failed"
    assert "start it with --program model-monitor=FILE" in job["FailureReason"]


def test_the_analyzers_image_of_every_region_is_known() -> None:
    from sagemaker.core import image_uris

    config_ = image_uris.config_for_framework("model-monitor")
    regions = config_["versions"][""]["registries"]

    uris = [image_uris.retrieve("model-monitor", region) for region in regions]

    assert len(set(uris)) > 25
    assert {images.find(uri, REPOSITORY / ".runners").image.program for uri in uris} == {"model-monitor"}


def test_schedules_go_on_after_a_restart_and_what_ran_then_has_failed(tmp_path: Path) -> None:
    first = world(tmp_path, {"sagemaker": sagemaker.OPERATIONS})
    sagemaker.start(first.kernel)
    schedule(first, "s", config(watched(first)))
    first.kernel.store.put("sagemaker.monitoring_execution", "s/2026", unended(first))
    first.close()

    second = world(tmp_path, {"sagemaker": sagemaker.OPERATIONS})
    until_next_hour(second)
    sagemaker.start(second.kernel)

    (lost,) = second.sagemaker("ListMonitoringExecutions")["MonitoringExecutionSummaries"]
    assert lost["MonitoringExecutionStatus"] == "Failed"
    assert "the emulator was stopped" in lost["FailureReason"]
    advance(second, 3600 + 1300)
    assert len(second.sagemaker("ListMonitoringExecutions")["MonitoringExecutionSummaries"]) == 2
    second.close()


def unended(aws: World) -> dict[str, Any]:
    now = aws.kernel.clock.now()
    times = dict.fromkeys(("ScheduledTime", "CreationTime", "LastModifiedTime"), now)
    state = {"MonitoringExecutionStatus": "InProgress", "_Key": "s/2026"}
    return {"MonitoringScheduleName": "s", **times, **state}
