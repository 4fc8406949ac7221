"""What a season leaves in AWS's own records: alarms, runs, releases, messages that nobody could handle."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from driftloop import stacks
from driftloop.commands.status import dead_letters
from driftloop.target import Target

Change = tuple[datetime, str]
"""When the alarm changed, and to which state."""
Span = tuple[datetime, datetime | None]


@dataclass(frozen=True)
class Alarm:
    """The time during which the one alarm that asks for retraining stood.

    Attributes:
        ended_at: None while it stands.
        answer: what the loop did or why it did not; empty if it did nothing at all.
    """

    began_at: datetime
    ended_at: datetime | None
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


def look(target: Target, model: stacks.Model, releases: tuple[Release, ...], changes: Sequence[Change]) -> Seen:
    """Read the records; `changes` are those of the alarm, since CloudWatch forgets them after a month."""
    sagemaker = target.client("sagemaker")
    pages = sagemaker.get_paginator("list_pipeline_executions").paginate(PipelineName=model.retrain_pipeline)
    runs = sum(len(page["PipelineExecutionSummaries"]) for page in pages)
    decided = _decisions(target, model)
    alarms = tuple(answered(span, decided) for span in spans(changes))
    return Seen(alarms, runs, releases, dead_letters(target, model))


def alarm_changes(target: Target, model: stacks.Model, since: datetime) -> list[Change]:
    """What the alarm that asks for retraining changed to from a time on, oldest first."""
    pages = (
        target.client("cloudwatch")
        .get_paginator("describe_alarm_history")
        .paginate(
            AlarmName=f"{model.package_group}-retrain",
            AlarmTypes=["CompositeAlarm"],
            HistoryItemType="StateUpdate",
            StartDate=since,
        )
    )
    items = [item for page in pages for item in page["AlarmHistoryItems"]]
    return sorted((item["Timestamp"], json.loads(item["HistoryData"])["newState"]["stateValue"]) for item in items)


def spans(changes: Sequence[Change]) -> list[Span]:
    """From when to when the alarm stood; the last may stand yet."""
    found: list[Span] = []
    for at, state in changes:
        if state == "ALARM":
            found.append((at, None))
        elif found and found[-1][1] is None:
            found[-1] = (found[-1][0], at)
    return found


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


def answered(span: Span, decided: list[tuple[datetime, str, str]]) -> Alarm:
    """A start is the answer; else the last reason why there was none."""
    began, ended = span
    of_span = [entry for entry in decided if entry[0] >= began and (ended is None or entry[0] <= ended)]
    starts = [f"retrained ({why})" for _, what, why in of_span if what == "start"]
    others = [f"{what}: {why}" for _, what, why in of_span if what in ("wait", "stop")]
    return Alarm(began, ended, ", then ".join(starts) or next(reversed(others), ""))
