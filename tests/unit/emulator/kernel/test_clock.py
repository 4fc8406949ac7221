"""The kernel's clock: the machine's, or ahead of it, never back."""

from datetime import UTC, datetime, timedelta

import pytest

from emulator.kernel.clock import KernelClock


class Machine:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_it_starts_at_the_machines_now_and_keeps_step(machine: Machine) -> None:
    clock = KernelClock(machine)
    start = clock.now()

    machine.s += 5

    assert abs((start - datetime.now(UTC)).total_seconds()) < 60
    assert clock.now() - start == timedelta(seconds=5)
    assert clock.ahead_s == 0


def test_scaled_it_runs_so_many_times_as_fast_from_then_on(machine: Machine) -> None:
    clock = KernelClock(machine)
    start = clock.now()
    machine.s += 10

    clock.run(60)
    machine.s += 2

    assert clock.now() - start == timedelta(seconds=10 + 120)
    assert clock.real_s(120) == 2
    assert clock.ahead_s == pytest.approx(118)


def test_a_leap_goes_ahead_and_never_back(machine: Machine) -> None:
    clock = KernelClock(machine)
    start = clock.now()

    clock.leap(start + timedelta(days=30))
    clock.leap(start)
    machine.s += 1

    assert clock.now() - start == timedelta(days=30, seconds=1)


@pytest.mark.parametrize("scale", [0.5, 0, -1, float("nan")])
def test_it_cannot_run_slower_than_the_machine(machine: Machine, scale: float) -> None:
    with pytest.raises(ValueError, match="only runs ahead"):
        KernelClock(machine).run(scale)
