"""What a season leaves in AWS's own records: alarms, runs, releases, messages that nobody could handle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from driftloop import stacks
from driftloop.commands.status import dead_letters
from driftloop.target import Target


@dataclass(frozen=True)
class Alarm:
    """The time during which the one alarm that asks for retraining stood.

    Attributes:
        ended_at: None while it stands.
        answer: what the loop did or why it did not; empty if it did nothing at all.
    """

    began_at: datetime
    ended_at: datetime | None
    reason: str
    answer: str


@dataclass(frozen=True)
class Release:
    """A version that production began to serve."""

    at: datetime
    package: str


@dataclass(frozen=True)
class Seen:
    """A season in AWS's records."""

    alarms: tuple[Alarm, ...]
    runs: int
    releases: tuple[Release, ...]
    dead_letters: dict[str, int]

    @property
    def faults(self) -> list[str]:
        """What should not have been."""
        unanswered = [
            f"the alarm of {alarm.began_at:%d %B} was not answered" for alarm in self.alarms if not alarm.answer
        ]
        lost = [f"{count} messages in {queue}-dlq" for queue, count in self.dead_letters.items()]
        return [*unanswered, *lost]


def look(target: Target, model: stacks.Model, releases: tuple[Release, ...], since: datetime) -> Seen:
    """Read the records."""
    sagemaker = target.client("sagemaker")
    pages = sagemaker.get_paginator("list_pipeline_executions").paginate(PipelineName=model.retrain_pipeline)
    runs = sum(len(page["PipelineExecutionSummaries"]) for page in pages)
    decided = _decisions(target, model)
    alarms = tuple(answered(span, decided) for span in _spans(target, f"{model.package_group}-retrain", since))
    return Seen(alarms, runs, releases, dead_letters(target, model))


def _spans(target: Target, alarm: str, since: datetime) -> list[tuple[datetime, datetime | None, str]]:
    pages = (
        target.client("cloudwatch")
        .get_paginator("describe_alarm_history")
        .paginate(AlarmName=alarm, AlarmTypes=["CompositeAlarm"], HistoryItemType="StateUpdate", StartDate=since)
    )
    items = sorted((item for page in pages for item in page["AlarmHistoryItems"]), key=lambda item: item["Timestamp"])
    spans: list[tuple[datetime, datetime | None, str]] = []
    for item in items:
        state = json.loads(item["HistoryData"])["newState"]
        if state["stateValue"] == "ALARM":
            spans.append((item["Timestamp"], None, state.get("stateReason", "")))
        elif spans and spans[-1][1] is None:
            spans[-1] = (spans[-1][0], item["Timestamp"], spans[-1][2])
    return spans


def _decisions(target: Target, model: stacks.Model) -> list[tuple[datetime, str, str]]:
    """What the retraining guard decided, from the audit trail."""
    pages = (
        target.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=model.ledger,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"AUDIT#{model.name}"}},
        )
    )
    rows: list[dict[str, Any]] = [
        {name: next(iter(value.values())) for name, value in item.items()} for page in pages for item in page["Items"]
    ]
    return [
        (datetime.fromisoformat(row["sk"].split("#")[0]), row["what"].removeprefix("retraining."), row.get("why", ""))
        for row in rows
        if row["what"].startswith("retraining.")
    ]


def answered(span: tuple[datetime, datetime | None, str], decided: list[tuple[datetime, str, str]]) -> Alarm:
    """A start is the answer; else the last reason why there was none."""
    began, ended, reason = span
    of_span = [entry for entry in decided if entry[0] >= began and (ended is None or entry[0] <= ended)]
    starts = [f"retrained ({why})" for _, what, why in of_span if what == "start"]
    others = [f"{what}: {why}" for _, what, why in of_span if what in ("wait", "stop")]
    return Alarm(began, ended, reason, ", then ".join(starts) or next(reversed(others), ""))
