"""Laws of retraining: whatever order, repetition and delay of alarms, run ends and reconsiderations."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.shared.ledger.releases import ReleaseState, render_state
from lambdas.shared.ledger.table import Put
from tests.unit.lambdas.memory import MemoryWorld
from tests.unit.lambdas.world import (
    MODEL,
    POLICY,
    START,
    alarm_changed,
    batch_of,
    execution_ended,
    object_created,
    package_arn,
    reconsider,
)

DAY = 24 * 60
METADATA = {"batch_id": "b", "attempt": "1", "data": "s3://artifacts/data.csv"}

HASTY = replace(POLICY, cooldown_s=2 * 3600, per_day_max=2, runs_max=3, window_s=3600, label_delay_s=0)
"""So hasty that each limit is met: the cool-down alone would keep the cap."""
OFTEN = ["alarm", "reconsider", "end"]
SOMETIMES = ["ok", "upload", "lost end", "stale"]
steps = st.lists(
    st.tuples(st.sampled_from([*OFTEN * 3, *SOMETIMES, "promote"]), st.integers(0, 10)), min_size=10, max_size=60
)
"""What happens, and how many hours later."""


@dataclass
class Loop:
    """The functions of training and of the guard, with the queue between them and runs that a test ends."""

    world: MemoryWorld = field(default_factory=lambda: MemoryWorld(policy=HASTY))
    minute: int = 0
    champion: int = 0
    ended: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.alarm("OK")
        self.promote()
        self.minute += 60 * DAY

    def alarm(self, state: str) -> None:
        self.world.clients.cloudwatch.alarms = dict.fromkeys(
            ("driftloop-flights-retrain", "driftloop-flights-drift"), state
        )

    def promote(self) -> None:
        """Production goes over to another version."""
        self.champion += 1
        arn = package_arn(self.champion)
        self.world.sagemaker.packages[arn] = {"ModelApprovalStatus": "Approved", "CustomerMetadataProperties": METADATA}
        since = (START + timedelta(minutes=self.minute)).isoformat()
        state = ReleaseState(1, live=arn, live_since=since, live_before=("old",))
        self.world.table.write(Put({"pk": f"RELEASE#{MODEL}", "sk": "state", **render_state(state)}))

    def guard(self, *bodies: Any) -> None:
        assert self.world.start_retraining.handle_batch(batch_of(*bodies)) == {"batchItemFailures": []}
        sent = [message["MessageBody"] for message in self.world.clients.sqs.messages]
        self.world.clients.sqs.messages.clear()
        for _ in range(2):  # the queue delivers at least once
            self.train(*sent)

    def train(self, *bodies: Any) -> None:
        if bodies:
            assert self.world.start_training.handle_batch(batch_of(*bodies)) == {"batchItemFailures": []}
        running = {run["arn"] for run in self.world.sagemaker.started} - self.ended
        assert len(running) <= 1, "two runs at once"

    def end(self, *, is_heard_by_guard: bool = True) -> None:
        lease = self.world.rows("LEASE")
        if lease and lease[0]["state"] == "RUNNING":
            arn = lease[0]["execution_arn"]
            self.ended.add(arn)
            event = execution_ended(arn, minute=self.minute)
            if is_heard_by_guard:
                self.guard(event)
            self.train(event, event)

    def do(self, what: str, hours: int) -> None:
        """Something happens, some time later."""
        self.minute += 60 * hours
        match what:
            case "alarm" | "ok":
                self.alarm("ALARM" if what == "alarm" else "OK")
                self.guard(*[alarm_changed(self.minute)] * 2)
            case "reconsider":
                self.guard(reconsider(self.minute))
            case "stale":
                self.guard(alarm_changed(self.minute - 5 * DAY))
            case "upload":
                self.train(object_created(f"raw/flights/{self.minute}.csv", minute=self.minute))
            case "promote":
                self.promote()
            case _:
                self.end(is_heard_by_guard=what == "end")

    def decided(self) -> list[tuple[datetime, str]]:
        """When each retraining was decided on, and in which episode."""
        entries = [row for row in self.world.rows("AUDIT") if row["what"] == "retraining.start"]
        times = [datetime.fromisoformat(row["subject"].partition("-")[0]) for row in entries]
        return sorted(zip(times, (row["why"].rpartition(" ")[2] for row in entries), strict=True))


@given(steps)
@settings(max_examples=150, deadline=None)
def test_never_two_runs_at_once_and_never_more_than_the_cap_a_day(history: list[tuple[str, int]]) -> None:
    loop = Loop()

    for what, hours in history:
        loop.do(what, hours)  # `train` asserts that a run runs alone

    times = [time for time, _ in loop.decided()]
    assert all(third - first >= timedelta(days=1) for first, third in zip(times, times[2:], strict=False))


@given(steps)
@settings(max_examples=150, deadline=None)
def test_never_more_than_k_runs_an_episode(history: list[tuple[str, int]]) -> None:
    loop = Loop()

    for what, hours in history:
        loop.do(what, hours)

    assert all(count <= HASTY.runs_max for count in Counter(episode for _, episode in loop.decided()).values())


@given(steps)
@settings(max_examples=150, deadline=None)
def test_an_alarm_that_stands_is_never_forgotten(history: list[tuple[str, int]]) -> None:
    """Whatever happened: if the alarm stands, reconsiderations alone bring a run, or a person was called."""
    loop = Loop()
    for what, hours in history:
        loop.do(what, hours)
    loop.alarm("ALARM")
    before = len(loop.world.sagemaker.started)

    for _ in range(12):
        loop.do("end", 1)
        loop.do("reconsider", 24)

    is_answered = any(run["pipeline"].endswith("-retrain") for run in loop.world.sagemaker.started[before:])
    assert is_answered or "retraining-stopped" in loop.world.told()


@given(steps)
@settings(max_examples=100, deadline=None)
def test_against_one_champion_a_person_is_called_once_an_episode(history: list[tuple[str, int]]) -> None:
    loop = Loop()

    for what, hours in history:
        loop.do(what, hours)

    stops = {row["sk"] for row in loop.world.rows("NOTICE") if row["sk"].startswith("retraining-stopped")}
    assert loop.world.told().count("retraining-stopped") == len(stops)
