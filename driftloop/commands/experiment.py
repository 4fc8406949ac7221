"""The demo's second release: a challenger beside the champion, on real flights whose outcome comes a day late."""

from __future__ import annotations

import csv
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from driftloop import datasets, stacks
from driftloop.client import EndpointClient
from driftloop.commands import clock
from driftloop.commands.follow import POLL_S, steps_of
from driftloop.errors import UserError
from driftloop.screen import console, table
from driftloop.target import Emulator, Target

FLIGHTS_A_DAY, DAYS, SEED = 200, 14, 20130301
_START_TIMEOUT_S = 120


@dataclass
class Rivals:
    """An experiment under way, with those who ask production and tell what came to pass."""

    target: Target
    emulator: Emulator
    model: stacks.Model
    features: list[str]
    _clients: dict[str, Any] = field(default_factory=dict)

    def run(self) -> dict[str, Any]:
        """Day after day of March, until there is a verdict; answers the report on which it was decided.

        Raises:
            UserError: the release ended without an experiment.
        """
        show_plan(self._await_start())
        client = EndpointClient(self.target.client("sagemaker-runtime"), self.target.client("sagemaker"))
        with console.status("asking production, day by day") as spinner:
            for day, flights in _days():
                truths = {self._ask(client, row, f"{day}-{number}"): row for number, row in enumerate(flights)}
                self._advance(timedelta(days=1))
                self._label(truths)
                spinner.update(f"March {day}: {len(flights)} flights asked, and their outcomes told a day later")
                if report := self._report():
                    return report
        self._advance(timedelta(days=1, hours=1))
        if report := self._report():
            return report
        raise UserError("the experiment has no verdict after its time limit; see `driftloop timeline`")

    def _await_start(self) -> dict[str, Any]:
        """Wait until the experiment has begun; answers its plan."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            if plan := self._plan():
                return plan
            steps = steps_of(self.target, self.model.release_pipeline)
            if failed := [step for step in steps.values() if step["StepStatus"] == "Failed"]:
                raise UserError(f"the release failed before its experiment: {failed[0].get('FailureReason')}")
            time.sleep(POLL_S)
        raise UserError("the experiment did not start; see `driftloop timeline`")

    def _plan(self) -> dict[str, Any] | None:
        found = self.target.client("dynamodb").query(
            TableName=self.model.ledger,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"EXPERIMENT#{self.model.name}"}},
        )["Items"]
        plan: dict[str, Any] | None = json.loads(found[-1]["plan"]["S"]) if found else None
        return plan

    def _ask(self, client: EndpointClient, row: dict[str, str], name: str) -> str:
        body = ",".join(row[feature] for feature in self.features)
        return client.invoke(self.model.endpoint, body, key=row["carrier"], inference_id=name).inference_id

    def _label(self, truths: dict[str, dict[str, str]]) -> None:
        """Model Monitor's ground truth records, under the hour at which they are collected."""
        now = datetime.fromisoformat(clock.ask(self.emulator, "clock")["now"])
        lines = [json.dumps(_label(name, float(row["arr_delay"]) > 15)) for name, row in truths.items()]
        key = f"{self.model.name}/labels/{now:%Y/%m/%d/%H}/{now:%M%S}.jsonl"
        self.target.client("s3").put_object(Bucket=self.model.artifact_bucket, Key=key, Body="\n".join(lines).encode())

    def _advance(self, span: timedelta) -> None:
        now = datetime.fromisoformat(clock.ask(self.emulator, "clock")["now"])
        for _ in clock.steps(self.emulator, now + span):
            continue

    def _report(self) -> dict[str, Any] | None:
        verdict = steps_of(self.target, self.model.release_pipeline)["Verdict"]
        outputs = {one["Name"]: one["Value"] for one in verdict["Metadata"]["Callback"].get("OutputParameters", [])}
        if "report_uri" not in outputs:
            return None
        bucket, key = outputs["report_uri"].removeprefix("s3://").split("/", 1)
        found: dict[str, Any] = json.loads(self.target.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
        return found


def show_plan(plan: dict[str, Any]) -> None:
    """What the experiment can detect, before it detects anything."""
    sample = f"{plan['challenger_n']:,} labelled flights of the challenger"
    console.print(
        f"Planned ({plan['mode']}): {sample}; detects an improvement of the log loss by {plan['detectable']:.4f} "
        f"with power {plan['power']:g}, and promotes a model that is no better with probability {plan['alpha']:g}"
    )


def show(report: dict[str, Any]) -> None:
    """The table on which it was decided."""
    rows = [
        (name, f"{entry['n']:,}", f"{entry['mean']:.4f}", f"{entry['sd']:.4f}")
        for name, entry in report["total"].items()
    ]
    console.print(table("Log loss on March", ("variant", "flights", "mean", "standard deviation"), rows))
    console.print(f"Verdict: [bold]{report['verdict']}[/bold]: {report['reason']}")


def _days() -> Iterator[tuple[int, list[dict[str, str]]]]:
    """A seeded sample of the flights of each day of March that were flown."""
    flown = [
        row for row in csv.DictReader(datasets.flights(3).decode().splitlines()) if row["arr_delay"] not in ("", "NA")
    ]
    draw = random.Random(SEED)
    for day in range(1, DAYS + 1):
        yield day, draw.sample([row for row in flown if row["day"] == str(day)], FLIGHTS_A_DAY)


def _label(inference_id: str, is_late: bool) -> dict[str, Any]:
    return {
        "groundTruthData": {"data": str(int(is_late)), "encoding": "CSV"},
        "eventMetadata": {"eventId": inference_id},
        "eventVersion": "0",
    }
