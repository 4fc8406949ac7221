"""Watch: the `watch` pipeline, its schedules, the alarms on what it finds, and the dashboard."""

import json

from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.apart import Apart
from infra.constructs.dashboard import Dashboard
from infra.constructs.model_monitor import ModelMonitor
from infra.constructs.monitor_alarms import MonitorAlarms
from infra.constructs.pipeline import CommittedPipeline, PipelineSource
from infra.constructs.queue import alarm_on, dead_letter_queue
from infra.constructs.training import asset_bucket
from infra.definition import Place
from infra.names import ModelNames
from infra.policies import watching
from infra.policies.statements import allow
from infra.settings import ModelSettings
from infra.staging import stage_file
from pipeline_definitions.shared import tokens
from pipeline_definitions.shared.definitions import AssetFile

_START = "arn:aws:scheduler:::aws-sdk:sagemaker:startPipelineExecution"
_AT = "<aws.scheduler.scheduled-time>"
_RETRIES = 20
_MINUTE = 15
"""Past the hour: captures of the last one have been delivered by then."""
_HOUR = 3
"""Of daily runs. Units: UTC."""


class Watching(Construct):
    """Looks at production on schedule."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        model: ModelSettings,
        names: ModelNames,
        registry_account: str,
        apart: Apart,
        monitor: ModelMonitor | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._model, self._names = model, names
        role = iam.Role(
            self, "Role", role_name=names.of("watch"), assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com")
        )
        for statement in watching.watch(names, role.role_arn, asset_bucket(self), registry_account, apart):
            role.add_to_policy(statement)
        for statement in monitor.run if monitor else ():
            role.add_to_policy(statement)
        CommittedPipeline(
            self,
            "Pipeline",
            name=names.watch_pipeline,
            source=self._source(role, apart),
            role=role,
            registry_account=registry_account,
        )
        if monitor is None:
            self._schedule()
        alarms = MonitorAlarms(self, "Alarms", model=model, names=names)
        Dashboard(self, "Dashboard", model=model, names=names, alarms=alarms)

    def _source(self, role: iam.Role, apart: Apart) -> PipelineSource:
        model, names = self._model, self._names
        contract = stage_file(model.contract_text().encode(), "contract.json")
        return PipelineSource(
            pipeline="watch",
            defaults={
                "CaptureUri": _token_uri(f"{model.name}/capture/{tokens.ENDPOINT}"),
                "LabelsUri": _token_uri(f"{model.name}/labels"),
                "ReportsUri": _token_uri(f"{model.name}/monitoring"),
                "SchedulePrefix": f"{names.shared.prefix}-{model.name}",
                "WindowS": model.monitoring.window_s,
                "LabelDelayS": model.monitoring.label_delay_s,
                "Bias": "on" if model.monitoring.bias else "off",
                "Attribution": "on" if model.monitoring.attribution else "off",
                "ProcessingInstanceType": model.instances.processing,
            },
            extra_files=(AssetFile("contract.json", contract),),
            places=(
                Place(tokens.ARTIFACT_BUCKET, "ArtifactBucket", names.shared.artifact_bucket),
                Place(tokens.WATCH_ROLE_ARN, "WatchRole", role.role_arn),
                Place(tokens.ENDPOINT, "Endpoint", names.endpoint),
            ),
            roles=apart.roles(("prod",)),
            output_key_arn=apart.key_arn,
        )

    def _schedule(self) -> None:
        """A run for each slot of production; the challenger's finds nobody most of the time."""
        names = self._names
        dead_letters = dead_letter_queue(self, names.of("watch-dlq"))
        told = "A look at production could not be started. Read why in the message; the next one comes by schedule."
        alarm_on(self, dead_letters, names.of("watch-dlq"), told, names.shared.people_topic_arn)
        role = iam.Role(
            self,
            "ScheduleRole",
            role_name=names.of("watch-schedule"),
            assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com"),
        )
        role.add_to_policy(allow("sagemaker:StartPipelineExecution", on=names.pipeline_arn(names.watch_pipeline)))
        role.add_to_policy(allow("sqs:SendMessage", on=dead_letters.queue_arn))
        has_challenger = self._model.release.experiment.mode != "none"
        for variant in ("champion", "challenger") if has_challenger else ("champion",):
            schedule = scheduler.CfnSchedule(
                self,
                f"Schedule-{variant}",
                name=names.of(f"watch-{variant}"),
                description=f"Looks at what came to the {variant} of {names.model}",
                schedule_expression=_cron(self._model.monitoring.every_h),
                schedule_expression_timezone="UTC",
                flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
                target=scheduler.CfnSchedule.TargetProperty(
                    arn=_START,
                    role_arn=role.role_arn,
                    input=json.dumps(_start(names.watch_pipeline, variant)),
                    dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=dead_letters.queue_arn),
                    retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                        maximum_event_age_in_seconds=3600, maximum_retry_attempts=_RETRIES
                    ),
                ),
            )
            schedule.node.add_dependency(role)


def _token_uri(path: str) -> str:
    return f"s3://{tokens.ARTIFACT_BUCKET}/{path}"


def _cron(every_h: int) -> str:
    """Source: EventBridge Scheduler user guide, schedule types, read 2026-11."""
    return f"cron({_MINUTE} {_HOUR if every_h == 24 else f'0/{every_h}'} * * ? *)"


def _start(pipeline: str, variant: str) -> dict[str, object]:
    """StartPipelineExecution; the same scheduled time starts the same run, however often it is delivered."""
    return {
        "PipelineName": pipeline,
        "PipelineExecutionDisplayName": variant,
        "ClientRequestToken": f"watch-{variant}-at-{_AT}",
        "PipelineParameters": [{"Name": "ScheduledTime", "Value": _AT}, {"Name": "Variant", "Value": variant}],
    }
