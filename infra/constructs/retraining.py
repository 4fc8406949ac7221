"""Retrain: from the one alarm that asks for it to a wanted run; and the reconciler, which finds what was lost."""

import json
from dataclasses import asdict

from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.function import Feed, LoopFunction, visibility_timeout
from infra.constructs.ingest import ended_executions
from infra.constructs.monitor_alarms import RUNS_LOOKED_BACK
from infra.constructs.queue import WatchedQueue
from infra.monitoring_settings import Monitoring
from infra.names import ModelNames
from infra.policies import retraining
from infra.policies.statements import allow
from infra.settings import ModelSettings
from lambdas.shared import events as vocabulary

_LATE_S = 3600
"""A run of Model Monitor starts up to twenty minutes late and may take half an hour."""
_POLICY = (
    "cooldown_s",
    "per_day_max",
    "runs_max",
    "budget_usd",
    "budget_days",
    "history_share",
)
"""What the guard is told of the settings `retraining`."""


class Retraining(Construct):
    """The queue of alarms, and the function `start_retraining`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        model: ModelSettings,
        names: ModelNames,
        code: lambda_.Code,
        ingest_queue: sqs.Queue,
    ) -> None:
        super().__init__(scope, construct_id)
        self.watched = watched = _queue(self, names, "retraining")
        watched.take(
            "Alarms",
            name=names.of("retrain-alarm"),
            description=f"The alarm that asks for {names.model} to be trained anew",
            pattern=events.EventPattern(
                source=[vocabulary.CLOUDWATCH_SOURCE],
                detail_type=[vocabulary.ALARM_CHANGED],
                detail={"alarmName": [names.retrain_alarm]},
            ),
        )
        watched.take(
            "EndedRuns",
            name=names.of("ended-trainings"),
            description=f"Runs of {names.model} after which the alarm is looked at again",
            pattern=ended_executions(*map(names.pipeline_arn, names.train_pipelines)),
        )
        LoopFunction(
            self,
            "StartRetraining",
            name=names.of("start-retraining"),
            capability="start_retraining",
            code=code,
            feed=Feed(watched.queue, 0),
            environment={
                **books(model, names, watched, ingest_queue),
                "RETRAIN_ALARM": names.retrain_alarm,
                "DRIFT_ALARM": names.drift_alarm,
                "QUALITY_ALARM": names.quality_alarm,
                "TRAIN_PIPELINE": names.train_pipeline,
                "RETRAIN_PIPELINE": names.retrain_pipeline,
                "RETRAINING": json.dumps(_policy(model)),
            },
            permissions=[
                *retraining.guard(names),
                allow("sqs:SendMessage", on=[ingest_queue.queue_arn, watched.dead_letters.queue_arn]),
            ],
        )


class Reconciler(Construct):
    """The function `reconcile` and its schedule."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        model: ModelSettings,
        names: ModelNames,
        code: lambda_.Code,
        queues: dict[str, sqs.Queue],
    ) -> None:
        super().__init__(scope, construct_id)
        watched = _queue(self, names, "reconcile")
        urls = {f"{name}_QUEUE_URL": queue.queue_url for name, queue in queues.items()}
        told = [*(queue.queue_arn for queue in queues.values()), watched.dead_letters.queue_arn]
        LoopFunction(
            self,
            "Reconcile",
            name=names.of("reconcile"),
            capability="reconcile",
            code=code,
            feed=Feed(watched.queue, 0),
            environment={
                **books(model, names, watched, queues["INGEST"]),
                **urls,
                "PACKAGE_GROUP": names.package_group,
                "RAW_BUCKET": names.shared.raw_bucket,
                "RAW_PREFIX": names.raw_prefix,
                "RETRAIN_ALARM": names.retrain_alarm,
                "WATCH_PIPELINE": names.watch_pipeline,
                **_schedules(model, names),
            },
            permissions=[*retraining.reconcile(names, model.monitoring), allow("sqs:SendMessage", on=told)],
        )
        self._schedule(model, names, watched)

    def _schedule(self, model: ModelSettings, names: ModelNames, watched: WatchedQueue) -> None:
        role = iam.Role(
            self,
            "ScheduleRole",
            role_name=names.of("reconcile-schedule"),
            assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com"),
        )
        role.add_to_policy(allow("sqs:SendMessage", on=[watched.queue.queue_arn, watched.dead_letters.queue_arn]))
        minutes = model.retraining.reconcile_every_min
        schedule = scheduler.CfnSchedule(
            self,
            "Schedule",
            name=names.of("reconcile"),
            description=f"Looks for what lost events have left behind of {names.model}",
            schedule_expression=f"rate({minutes} minute{'s' if minutes > 1 else ''})",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=watched.queue.queue_arn,
                role_arn=role.role_arn,
                input=vocabulary.render_reconcile(names.model),
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=watched.dead_letters.queue_arn),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=3600, maximum_retry_attempts=20
                ),
            ),
        )
        schedule.node.add_dependency(role)


def books(model: ModelSettings, names: ModelNames, own: WatchedQueue, ingest_queue: sqs.Queue) -> dict[str, str]:
    """What every function that keeps the ledger is told."""
    return {
        "MODEL": model.name,
        "LEDGER_TABLE": names.shared.ledger,
        "PEOPLE_TOPIC_ARN": names.shared.people_topic_arn,
        "INGEST_QUEUE_URL": ingest_queue.queue_url,
        "DEAD_LETTER_QUEUE_URL": own.dead_letters.queue_url,
        "ATTEMPTS_MAX": str(model.attempts_max),
    }


def _queue(scope: Construct, names: ModelNames, name: str) -> WatchedQueue:
    return WatchedQueue(
        scope,
        "Queue",
        name=names.of(name),
        visibility_timeout=visibility_timeout(0),
        people_topic_arn=names.shared.people_topic_arn,
    )


def _policy(model: ModelSettings) -> dict[str, float]:
    told = {name: value for name, value in asdict(model.retraining).items() if name in _POLICY}
    return {**told, "label_delay_s": model.monitoring.label_delay_s, "window_s": _alarm_window_s(model.monitoring)}


def _alarm_window_s(monitoring: Monitoring) -> int:
    """What an alarm that stands may be about. Model Monitor's runs begin late, and their alarms look back over two."""
    if not monitoring.is_model_monitor:
        return monitoring.window_s
    return (1 + RUNS_LOOKED_BACK) * monitoring.window_s + _LATE_S


def _schedules(model: ModelSettings, names: ModelNames) -> dict[str, str]:
    """What the reconciler is told of Model Monitor's schedules."""
    monitoring = model.monitoring
    if not monitoring.is_model_monitor:
        return {}
    told = {
        "data_quality": names.data_quality_schedule,
        "model_quality": names.model_quality_schedule,
        "window_s": monitoring.window_s,
        "label_delay_s": monitoring.label_delay_s,
    }
    return {"SCHEDULES": json.dumps(told)}
