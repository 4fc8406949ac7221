"""A season, day by day: people ask production, and a while later tell it what came to pass; the loop does the rest.

The one thing that is left to a person, the approval of a new version, is done by whoever plays the season.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from driftloop import stacks
from driftloop.commands import clock
from driftloop.season.flights import Flight, of_day
from driftloop.season.seen import Change, Release, alarm_changes
from driftloop.target import Emulator, Target

Say = Callable[[str], None]


@dataclass(frozen=True)
class Answer:
    """What was said about a flight, and what came to pass."""

    day: date
    loop: float
    frozen: float
    is_late: bool


@dataclass(frozen=True)
class Habits:
    """How a season goes.

    Attributes:
        flights_a_day: how many flights production is asked about.
        labels_after: so long after a flight its outcome is told.
        frozen: the endpoint of the model that is left alone.
    """

    features: tuple[str, ...]
    flights_a_day: int
    labels_after: timedelta
    frozen: str


@dataclass
class Season:
    """Days of 2013 in the emulator's time."""

    target: Target
    emulator: Emulator
    model: stacks.Model
    habits: Habits
    say: Say
    answers: list[Answer] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    _untold: deque[tuple[date, list[Flight]]] = field(default_factory=deque)
    _clients: dict[str, Any] = field(default_factory=dict)

    def day(self, day: date) -> None:
        """Ask about the day's flights, tell the outcomes that are known by now, let a day pass, decide what waits."""
        flights = of_day(day, self.habits.features, self.habits.flights_a_day)
        self.answers += [self._ask(day, flight) for flight in flights]
        self._untold.append((day, flights))
        while self._untold and self._untold[0][0] + self.habits.labels_after <= day:
            self._tell(self._untold.popleft()[1])
        morning = self.now()
        self._pass_time(morning + timedelta(days=1))
        self.changes += [change for change in alarm_changes(self.target, self.model, morning) if change[0] >= morning]
        self._approve()
        self._notice(morning)

    def await_morning(self) -> datetime:
        """Let time pass until six, so that each night's look falls between two days, whenever the season began."""
        six = self.now().replace(hour=6, minute=0, second=0, microsecond=0)
        self._pass_time(six if six > self.now() else six + timedelta(days=1))
        return self.now()

    def now(self) -> datetime:
        """The emulator's time."""
        return datetime.fromisoformat(clock.ask(self.emulator, "clock")["now"])

    def _pass_time(self, until: datetime) -> None:
        for _ in clock.steps(self.emulator, until):
            continue

    def _ask(self, day: date, flight: Flight) -> Answer:
        loop = self._predicted(self.model.endpoint, flight)
        return Answer(day, loop, self._predicted(self.habits.frozen, flight), flight.is_late)

    def _predicted(self, endpoint: str, flight: Flight) -> float:
        answer = self._client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, ContentType="text/csv", Body=flight.body, InferenceId=flight.name
        )
        return float(answer["Body"].read())

    def _tell(self, flights: list[Flight]) -> None:
        """Model Monitor's ground truth, under the hour at which it is collected."""
        now = self.now()
        lines = [
            json.dumps(
                {
                    "groundTruthData": {"data": str(int(flight.is_late)), "encoding": "CSV"},
                    "eventMetadata": {"eventId": flight.name},
                    "eventVersion": "0",
                }
            )
            for flight in flights
        ]
        key = f"{self.model.name}/labels/{now:%Y/%m/%d/%H}/{flights[0].name}.jsonl"
        self._client("s3").put_object(Bucket=self.model.artifact_bucket, Key=key, Body="\n".join(lines).encode())

    def _approve(self) -> None:
        found = self._client("sagemaker").list_model_packages(
            ModelPackageGroupName=self.model.package_group, ModelApprovalStatus="PendingManualApproval"
        )["ModelPackageSummaryList"]
        for item in found:
            package = item["ModelPackageArn"]
            self._client("sagemaker").update_model_package(
                ModelPackageArn=package,
                ModelApprovalStatus="Approved",
                ApprovalDescription="demo: no worse than the champion on what came to pass",
            )
            self.say(f"version {package.rpartition('/')[2]}, trained on what production saw, is approved")

    def _notice(self, morning: datetime) -> None:
        """A version that serves since today, which began at `morning`."""
        serves = self.serving()
        if serves and (not self.releases or self.releases[-1].package != serves):
            if self.releases:
                self.say(f"version {serves.rpartition('/')[2]} is production from now on")
            self.releases.append(Release(morning, serves))

    def serving(self) -> str | None:
        """The package behind production's champion."""
        sagemaker = self._client("sagemaker")
        try:
            name = sagemaker.describe_endpoint(EndpointName=self.model.endpoint)["EndpointConfigName"]
            config = sagemaker.describe_endpoint_config(EndpointConfigName=name)
            found = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
        except ClientError:
            return None  # between two configs
        containers = found.get("Containers") or [found["PrimaryContainer"]]
        return next((item["ModelPackageName"] for item in containers if "ModelPackageName" in item), None)

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self.target.client(service)
        return self._clients[service]
