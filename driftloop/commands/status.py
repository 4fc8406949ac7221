"""What is deployed, and how it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from driftloop import stacks
from driftloop.options import DEFAULT_STATE, Profile, Region, State
from driftloop.screen import clock, coloured, console, table
from driftloop.target import Target, choose


def status(state: State = DEFAULT_STATE, profile: Profile = None, region: Region = None) -> None:
    """Show each model's last runs and versions, its endpoint, its alarms, and messages that nobody could handle."""
    target = choose(state, profile, region)
    found = stacks.models(target)
    if not found:
        console.print("Nothing is deployed yet; deploy with `driftloop deploy`")
        return
    for model in found:
        _show(target, model)
    if target.emulator:
        health = target.emulator.ask("health")
        memory_mb, disk_mb = health["memory_bytes"] / 1e6, health["disk_bytes"] / 1e6
        console.print(f"\nemulator: {memory_mb:.0f} MB in memory, {disk_mb:.0f} MB in {target.emulator.state_dir}")


def _show(target: Target, model: stacks.Model) -> None:
    sagemaker = target.client("sagemaker")
    console.print(f"\n[bold]{model.name}[/bold]  data: {model.data_uri}")
    runs = [row for name in (*model.pipelines, model.watch_pipeline) for row in _runs(sagemaker, name)]
    console.print(table("runs", ("pipeline", "started", "state", "execution"), runs))
    console.print(table("versions", ("version", "approval", "package"), _versions(sagemaker, model.package_group)))
    console.print(f"endpoint {model.endpoint}: {_production(target, model)}")
    console.print(table("alarms", ("alarm", "state", "since", "meaning"), _alarms(target, model)))
    for queue, waiting in dead_letters(target, model).items():
        console.print(
            f"[red]{waiting} message(s) in {queue}-dlq[/red]; after mending the cause: driftloop replay {queue}"
        )


def _runs(sagemaker: Any, pipeline: str) -> list[tuple[str, ...]]:
    answer = sagemaker.list_pipeline_executions(
        PipelineName=pipeline, SortBy="CreationTime", SortOrder="Descending", MaxResults=3
    )
    return [
        (
            pipeline,
            clock(run["StartTime"]),
            coloured(run["PipelineExecutionStatus"]),
            run["PipelineExecutionArn"].rsplit("/", 1)[1],
        )
        for run in answer["PipelineExecutionSummaries"]
    ]


def _versions(sagemaker: Any, group: str) -> list[tuple[str, ...]]:
    answer = sagemaker.list_model_packages(
        ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending", MaxResults=5
    )
    return [
        (str(item["ModelPackageVersion"]), coloured(item["ModelApprovalStatus"]), item["ModelPackageArn"])
        for item in answer["ModelPackageSummaryList"]
    ]


def _alarms(target: Target, model: stacks.Model) -> Sequence[tuple[str, ...]]:
    """Those that stand; else one line that says how many do not."""
    pages = (
        target.client("cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(AlarmNamePrefix=f"{model.package_group}-", AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    )
    found = [alarm for page in pages for alarm in (*page["MetricAlarms"], *page["CompositeAlarms"])]
    rows = [
        (
            alarm["AlarmName"],
            coloured("ALARM"),
            f"{alarm['StateUpdatedTimestamp']:%d %B %H:%M}",
            alarm["AlarmDescription"],
        )
        for alarm in found
        if alarm["StateValue"] == "ALARM"
    ]
    return rows or [(f"none of {len(found)} stands", "", "", "")]


def _production(target: Target, model: stacks.Model) -> str:
    """How production stands, or why that cannot be seen and what the ledger knows instead."""
    if not model.endpoint_account:
        return endpoint_state(target.client("sagemaker"), model.endpoint)
    live = stacks.live(target, model) or "no version"
    return f"in account {model.endpoint_account}, which these credentials do not show; live by the ledger: {live}"


def endpoint_state(sagemaker: Any, name: str) -> str:
    """The endpoint's state and the config it serves, or that there is none yet."""
    try:
        found = sagemaker.describe_endpoint(EndpointName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        return "none yet"
    return f"{coloured(found['EndpointStatus'])} with {found['EndpointConfigName']}"


def dead_letters(target: Target, model: stacks.Model) -> dict[str, int]:
    """How many messages lie in each dead-letter queue of the model, by the queue they came from."""
    sqs = target.client("sqs")
    found: dict[str, int] = {}
    for url in sqs.list_queues(QueueNamePrefix=model.package_group).get("QueueUrls", []):
        name = url.rsplit("/", 1)[1]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])[
            "Attributes"
        ]
        waiting = int(attributes["ApproximateNumberOfMessages"])
        if name.endswith("-dlq") and waiting:
            found[name.removesuffix("-dlq")] = waiting
    return found
