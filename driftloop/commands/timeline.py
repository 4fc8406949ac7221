"""What happened, in order: runs and their steps, registered versions, alarms, decisions, releases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Annotated, Any

import typer
from rich.markup import escape

from driftloop import stacks
from driftloop.options import DEFAULT_STATE, Profile, Region, State
from driftloop.screen import clock, coloured, console, seconds
from driftloop.target import Target, choose


@dataclass(frozen=True)
class Entry:
    """One line of the timeline."""

    at: datetime
    what: str
    outcome: str
    detail: str = ""
    duration_s: float | None = None


def timeline(
    model: Annotated[str | None, typer.Argument(help="The model; may be left out when there is one.")] = None,
    state: State = DEFAULT_STATE,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Tell what happened to a model, oldest first, with the reasons of what failed."""
    target = choose(state, profile, region)
    chosen = stacks.model(target, model)
    entries = sorted(collect(target, chosen), key=lambda entry: entry.at)
    if not entries:
        console.print(f"Nothing has happened to {chosen.name} yet; upload a CSV file to {chosen.data_uri}")
        return
    width = max(len(entry.what) for entry in entries)
    for day, of_day in groupby(entries, key=lambda entry: entry.at.astimezone().date()):
        console.print(f"[bold]{chosen.name}[/bold], {day:%d %B %Y}")
        for entry in of_day:
            console.print(line(entry, width), soft_wrap=True)


def collect(target: Target, model: stacks.Model) -> Iterator[Entry]:
    """Everything that AWS's APIs and the ledger's audit trail tell of a model, unordered."""
    sagemaker = target.client("sagemaker")
    for pipeline in model.pipelines:
        for run in _runs(sagemaker, pipeline):
            yield from _run(sagemaker, pipeline.rsplit("-", 1)[1], run)
    for run in _runs(sagemaker, model.watch_pipeline):
        yield from _look(sagemaker, run)
    yield from _alarms(target, model)
    yield from _audit(target, model)


def _runs(sagemaker: Any, pipeline: str) -> Iterator[dict[str, Any]]:
    for page in sagemaker.get_paginator("list_pipeline_executions").paginate(PipelineName=pipeline):
        yield from page["PipelineExecutionSummaries"]


def _look(sagemaker: Any, run: dict[str, Any]) -> Iterator[Entry]:
    """There is one a day or an hour: only one that failed is told at length, one that found something by its alarm."""
    if run["PipelineExecutionStatus"] == "Failed":
        yield from _run(sagemaker, "watch", run)


def _alarms(target: Target, model: stacks.Model) -> Iterator[Entry]:
    """The changes of its alarms, but for the first OK of each."""
    pages = (
        target.client("cloudwatch")
        .get_paginator("describe_alarm_history")
        .paginate(HistoryItemType="StateUpdate", AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    )
    prefix = f"{model.package_group}-"
    for item in (item for page in pages for item in page["AlarmHistoryItems"] if item["AlarmName"].startswith(prefix)):
        change = json.loads(item["HistoryData"])
        before, after = change["oldState"]["stateValue"], change["newState"]
        if before != "INSUFFICIENT_DATA" or after["stateValue"] == "ALARM":
            reason = after.get("stateReason", "")
            yield Entry(item["Timestamp"], item["AlarmName"].removeprefix(prefix), after["stateValue"], reason)


def _run(sagemaker: Any, pipeline: str, run: dict[str, Any]) -> Iterator[Entry]:
    arn = run["PipelineExecutionArn"]
    run_id = arn.rsplit("/", 1)[1]
    yield Entry(run["StartTime"], f"{pipeline} run", "Executing", run_id)
    pages = sagemaker.get_paginator("list_pipeline_execution_steps").paginate(PipelineExecutionArn=arn)
    for step in (step for page in pages for step in page["PipelineExecutionSteps"]):
        took_s = (step["EndTime"] - step["StartTime"]).total_seconds() if "EndTime" in step else None
        yield Entry(step["StartTime"], f"  {step['StepName']}", step["StepStatus"], _step_detail(step), took_s)
    status = run["PipelineExecutionStatus"]
    if status in ("Succeeded", "Failed", "Stopped"):
        found = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        took_s = (found["LastModifiedTime"] - run["StartTime"]).total_seconds()
        yield Entry(found["LastModifiedTime"], f"{pipeline} run", status, found.get("FailureReason", ""), took_s)


def _step_detail(step: dict[str, Any]) -> str:
    metadata = step.get("Metadata", {})
    if step.get("FailureReason"):
        return str(step["FailureReason"])
    if "Condition" in metadata:
        return f"outcome {metadata['Condition'].get('Outcome')}"
    if "RegisterModel" in metadata:
        return short(metadata["RegisterModel"]["Arn"])
    return ""


def _audit(target: Target, model: stacks.Model) -> Iterator[Entry]:
    """The ledger's own record: who decided what, why, and what the loop did about it."""
    if not model.ledger:
        return
    pages = (
        target.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=model.ledger,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"AUDIT#{model.name}"}},
        )
    )
    for item in (item for page in pages for item in page["Items"]):
        values = {name: next(iter(value.values())) for name, value in item.items()}
        if values["what"].startswith("step."):
            continue  # the pipelines tell their steps themselves
        at = datetime.fromisoformat(values["sk"].split("#")[0]).astimezone(UTC)
        facts = [short(values[name]) for name in ("subject", "why") if values.get(name)]
        who = f"by {short(values['who'])}" if values.get("who") not in (None, "", "driftloop") else ""
        yield Entry(at, values["what"], "", "  ".join(filter(None, [*facts, who])))


def short(text: str) -> str:
    """An ARN without what every ARN here starts with."""
    return text.split(":", 5)[5].removeprefix("model-package/") if text.startswith("arn:") else text


def line(entry: Entry, width: int) -> str:
    """One entry as a line: time, what (so wide), outcome, duration, detail."""
    took = seconds(entry.duration_s) if entry.duration_s is not None else ""
    padding = " " * max(0, 10 - len(entry.outcome))
    what, detail = escape(f"{entry.what:<{width}}  "), escape(entry.detail)
    return f"{clock(entry.at)}  {what}{coloured(entry.outcome)}{padding}{took:>11}  {detail}".rstrip()
