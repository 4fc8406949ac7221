"""Advancing, scaling and leaping: nothing that is due is passed over, nothing real is overtaken."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.kernel import pace
from emulator.kernel.clock import KernelClock
from emulator.kernel.dispatcher import Dispatcher
from emulator.kernel.journal import Journal
from emulator.kernel.pace import Pace, Timekeeper
from emulator.kernel.timers import Timer, Timers
from tests.support.waiting import eventually

DAY = timedelta(days=1)
BUDGET_S = 30


class World:
    """A clock, a dispatcher and the one who moves time."""

    def __init__(self, path: Path) -> None:
        self.clock = KernelClock()
        self.dispatcher = Dispatcher(self.clock, Journal(path / "journal.jsonl", self.clock))
        self.timekeeper = Timekeeper(self.clock, self.dispatcher)
        self.start = self.clock.now()
        self.seen: list[tuple[str, datetime]] = []

    def note(self, name: str) -> None:
        self.seen.append((name, self.clock.now()))

    def hours(self) -> list[tuple[str, int]]:
        """What was noted, and in which hour after the start."""
        return [(name, round((at - self.start).total_seconds() / 3600)) for name, at in self.seen]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.timekeeper.set_pace(Pace())
    made.dispatcher.stop()


def test_advancing_a_day_fires_a_timer_each_time_at_its_time(world: World) -> None:
    every_six_hours = Timer(lambda after: after + timedelta(hours=6), lambda due: world.note("timer"))
    Timers(world.dispatcher).start("t", every_six_hours, world.start)

    progress = world.timekeeper.advance(world.start + DAY, BUDGET_S)

    assert progress.is_there
    assert progress.now >= world.start + DAY
    assert world.hours() == [("timer", 6), ("timer", 12), ("timer", 18), ("timer", 24)]


def test_what_work_posts_is_done_before_time_goes_on(world: World) -> None:
    def first() -> None:
        world.note("first")
        world.dispatcher.post("second", lambda: world.note("second"))
        world.dispatcher.post("retry", lambda: world.note("retry"), 3600)

    world.dispatcher.post("first", first, 3600)
    world.dispatcher.post("later", lambda: world.note("later"), 3 * 3600)

    world.timekeeper.advance(world.start + DAY, BUDGET_S)

    assert world.hours() == [("first", 1), ("second", 1), ("retry", 2), ("later", 3)]


def test_time_waits_for_a_task_and_says_for_which(world: World) -> None:
    done = threading.Event()
    world.dispatcher.start("job a", lambda: done.wait() and None)
    world.dispatcher.post("later", lambda: world.note("later"), 3600)

    stuck = world.timekeeper.advance(world.start + DAY, 0.05)
    assert (stuck.is_there, stuck.waits_for, world.seen) == (False, ["job a"], [])

    done.set()
    assert world.timekeeper.advance(world.start + DAY, BUDGET_S).is_there
    assert world.hours() == [("later", 1)]


def test_a_task_that_pauses_goes_on_when_its_time_has_come(world: World) -> None:
    def task() -> None:
        world.dispatcher.pause(2 * 3600)
        world.note("after the pause")

    world.dispatcher.start("job", task)
    world.dispatcher.post("meanwhile", lambda: world.note("meanwhile"), 3600)

    world.timekeeper.advance(world.start + DAY, BUDGET_S)

    assert world.hours() == [("meanwhile", 1), ("after the pause", 2)]


def test_a_task_behind_a_gate_does_not_hold_time_up(world: World) -> None:
    gate = world.dispatcher.gate()

    def step() -> None:
        gate.wait()
        world.note("step")

    world.dispatcher.start("step", step)
    world.dispatcher.post("job ends", gate.open, 3600)

    world.timekeeper.advance(world.start + timedelta(hours=2), BUDGET_S)

    assert world.hours() == [("step", 1)]


def test_a_pause_ends_early_when_its_gate_opens(world: World) -> None:
    stop = world.dispatcher.gate()
    told: list[bool] = []
    world.dispatcher.start("job", lambda: told.append(world.dispatcher.pause(3600, stop)))
    eventually(lambda: stop.waiters)

    stop.open()

    eventually(lambda: told)
    assert told == [True]
    assert not world.dispatcher.awaits()


def test_a_loop_that_is_watched_is_neither_outrun_nor_skipped(world: World) -> None:
    arrivals = [world.start + timedelta(hours=hour) for hour in (1, 5)]
    wake = threading.Event()

    def loop() -> None:
        while not world.dispatcher.stopping.is_set():
            wake.wait(0.05)
            wake.clear()
            while arrivals and arrivals[0] <= world.clock.now():
                world.note("received")
                arrivals.pop(0)

    world.dispatcher.watch(lambda: arrivals[0] if arrivals else None, wake.set)
    world.dispatcher.serve("poller", loop)

    world.timekeeper.advance(world.start + DAY, BUDGET_S)

    assert world.hours() == [("received", 1), ("received", 5)]


def test_leaping_passes_over_what_somebody_waits_for_and_rests_when_only_schedules_are_left(world: World) -> None:
    hourly = Timer(lambda after: after + timedelta(hours=1), lambda due: world.note("hourly"))
    Timers(world.dispatcher).start("t", hourly, world.start)
    world.dispatcher.post("retry", lambda: world.note("retry"), 3.5 * 3600)

    world.timekeeper.set_pace(Pace(leaps=True))

    eventually(lambda: ("retry", 4) in world.hours())
    assert world.hours() == [("hourly", 1), ("hourly", 2), ("hourly", 3), ("retry", 4)]
    assert not world.dispatcher.awaits()
    assert world.clock.now() < world.start + timedelta(hours=4)


def test_scaled_time_brings_what_is_due_sooner(world: World) -> None:
    world.dispatcher.post("later", lambda: world.note("later"), 3600)

    world.timekeeper.set_pace(Pace(scale=36_000))

    eventually(lambda: world.seen)
    assert world.hours() == [("later", 1)]


@settings(max_examples=25, deadline=None)
@given(delays_h=st.lists(st.integers(0, 48), max_size=12), steps_h=st.lists(st.integers(1, 30), min_size=1, max_size=4))
def test_however_time_is_advanced_each_work_runs_once_in_order_and_not_before_it_is_due(
    tmp_path_factory: pytest.TempPathFactory, delays_h: list[int], steps_h: list[int]
) -> None:
    world = World(tmp_path_factory.mktemp("world"))
    for delay_h in delays_h:
        world.dispatcher.post(str(delay_h), lambda name=str(delay_h): world.note(name), delay_h * 3600)

    for step_h in steps_h:
        assert world.timekeeper.advance(world.clock.now() + timedelta(hours=step_h), BUDGET_S).is_there

    world.dispatcher.stop()
    due = sorted(delay_h for delay_h in delays_h if delay_h == 0 or delay_h <= sum(steps_h))
    assert [int(name) for name, _ in world.seen] == due
    assert all(int(name) <= hour for name, hour in world.hours())


def test_time_leaps_over_work_that_rests_and_the_work_runs_as_soon_as_anything_does(world: World) -> None:
    rests_until = world.start + timedelta(hours=5)
    minute = world.start + timedelta(minutes=1)
    world.dispatcher.post_at("look", lambda: world.note("look"), minute, recurs=True, rests=lambda: rests_until)
    world.dispatcher.post("event", lambda: world.note("event"), 3 * 3600)

    world.timekeeper.advance(world.start + DAY, BUDGET_S)

    assert sorted(world.hours()) == [("event", 3), ("look", 3)]


def test_work_that_rests_is_done_when_its_rest_is_over(world: World) -> None:
    rests_until = world.start + timedelta(hours=5)
    minute = world.start + timedelta(minutes=1)
    world.dispatcher.post_at("look", lambda: world.note("look"), minute, recurs=True, rests=lambda: rests_until)

    world.timekeeper.advance(world.start + DAY, BUDGET_S)

    assert world.hours() == [("look", 5)]


def test_work_that_has_something_to_do_is_not_leapt_over(world: World) -> None:
    minute = world.start + timedelta(hours=1)
    world.dispatcher.post_at("look", lambda: world.note("look"), minute, recurs=True, rests=lambda: None)

    world.timekeeper.advance(world.start + DAY, BUDGET_S)

    assert world.hours() == [("look", 1)]


@pytest.mark.parametrize(("text", "expected"), [("real", Pace()), ("leap", Pace(leaps=True)), ("60x", Pace(60))])
def test_a_pace_is_read_and_written_the_same(text: str, expected: Pace) -> None:
    assert pace.parse(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize("text", ["", "fast", "0.5x", "x", "60", "-1x"])
def test_another_word_for_a_pace_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match="expected real, leap"):
        pace.parse(text)
