"""The dispatcher: by due time, then in the order of posting; a failure touches nothing else."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emulator.kernel.dispatcher import Dispatcher
from emulator.kernel.journal import Journal
from tests.support.clocks import FakeClock
from tests.support.waiting import eventually


class World:
    """A dispatcher with one worker, so that the order of starting is the order of running."""

    def __init__(self, path: Path) -> None:
        self.clock = FakeClock()
        self.journal = Journal(path / "journal.jsonl", self.clock)
        self.dispatcher = Dispatcher(self.clock, self.journal, workers=1)
        self.ran: list[str] = []

    def note(self, name: str) -> Callable[[], None]:
        return lambda: self.ran.append(name)

    def advance(self, seconds: float) -> None:
        """Move the clock; a post makes the dispatcher look at it. Returns when all that is due has run."""
        done = threading.Event()
        self.clock.advance(seconds)
        self.dispatcher.post("look", done.set, delay_s=1e-6)
        self.clock.advance(1e-3)
        self.dispatcher.post("look", lambda: None, delay_s=1e-6)
        assert done.wait(30)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.dispatcher.stop()


def test_delayed_work_runs_by_due_time_and_then_in_the_order_of_posting(world: World) -> None:
    for name, delay_s in (("late", 30.0), ("first", 10.0), ("second", 10.0), ("early", 1.0)):
        world.dispatcher.post(name, world.note(name), delay_s)

    world.advance(60)

    assert world.ran == ["early", "first", "second", "late"]


def test_nothing_runs_before_it_is_due(world: World) -> None:
    world.dispatcher.post("later", world.note("later"), 10)

    world.advance(9)
    assert world.ran == []

    world.advance(1)
    assert world.ran == ["later"]


def test_work_without_delay_runs_at_once_whatever_waits(world: World) -> None:
    world.dispatcher.post("later", world.note("later"), 10)
    world.dispatcher.post("now", world.note("now"))

    eventually(lambda: world.ran == ["now"])


def test_work_may_post_more_work(world: World) -> None:
    world.dispatcher.post("one", lambda: world.dispatcher.post("two", world.note("two"), 5))
    eventually(lambda: world.dispatcher._due)

    world.advance(5)

    assert world.ran == ["two"]


def test_a_failing_piece_of_work_is_journaled_and_touches_nothing_else(world: World) -> None:
    world.dispatcher.post("broken", lambda: {}["absent"], 1)
    world.dispatcher.post("fine", world.note("fine"), 1)

    world.advance(1)

    assert world.ran == ["fine"]
    (entry,) = world.journal.entries("dispatcher.work.failed")
    assert (entry["subject"], entry["error"]) == ("broken", "KeyError: 'absent'")


def test_a_failing_task_is_journaled_by_its_name(world: World) -> None:
    def fail() -> None:
        raise ValueError("no queue")

    world.dispatcher.start("poller", fail)

    (entry,) = eventually(lambda: world.journal.entries("dispatcher.work.failed") or None)
    assert (entry["subject"], entry["error"]) == ("poller", "ValueError: no queue")


def test_after_stop_nothing_is_released(world: World) -> None:
    world.dispatcher.post("later", world.note("later"), 10)
    world.dispatcher.stop()
    world.clock.advance(60)

    world.dispatcher.post("now", world.note("now"))

    assert world.dispatcher.stopping.is_set()
    assert world.ran == []
