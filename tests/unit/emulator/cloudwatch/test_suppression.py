"""The six examples of AWS's guide, WaitPeriod 2 and ExtensionPeriod 3 time units: documented."""

from datetime import UTC, datetime, timedelta

import pytest

from emulator.semantics.cloudwatch import suppression
from emulator.semantics.cloudwatch.suppression import Held, Settings

START = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS = Settings(wait_s=2, extension_s=3)


def replay(composite: dict[int, str], suppressor: dict[int, str], until: int = 12) -> tuple[list[int], list[str]]:
    """When the composite alarm acted, and what held it back second by second.

    Args:
        composite: its state from a time on; OK before. `suppressor` likewise.
    """
    state, suppressing, held = "OK", "OK", None
    acted, by = [], []
    for second in range(until + 1):
        suppressing = suppressor.get(second, suppressing)
        has_changed = composite.get(second, state) != state
        state = composite.get(second, state)
        now = START + timedelta(seconds=second)
        step = suppression.step(SETTINGS, held, has_changed, suppressing == "ALARM", now)
        held = step.held
        acted += [second] if step.acts else []
        by.append(held.by if held else "")
    return acted, by


@pytest.mark.parametrize(
    ("composite", "suppressor", "acts_at"),
    [
        pytest.param({2: "ALARM"}, {}, [4], id="1 acts after the wait"),
        pytest.param({2: "ALARM"}, {3: "ALARM"}, [], id="2 suppressed before the wait ends"),
        pytest.param({2: "ALARM", 3: "OK"}, {}, [5], id="3 changes back while it waits"),
        pytest.param({2: "ALARM"}, {0: "ALARM"}, [], id="4 suppressed all along"),
        pytest.param({2: "ALARM"}, {3: "ALARM", 6: "OK"}, [9], id="5 acts after the extension"),
        pytest.param({2: "ALARM", 7: "OK"}, {3: "ALARM", 6: "OK"}, [9], id="6 changes back in the extension"),
    ],
)
def test_an_example_of_the_guide(composite: dict[int, str], suppressor: dict[int, str], acts_at: list[int]) -> None:
    assert replay(composite, suppressor)[0] == acts_at


def test_what_holds_back_is_named() -> None:
    _, by = replay({2: "ALARM"}, {3: "ALARM", 6: "OK"})

    assert by[2:10] == [
        "WaitPeriod",
        "Alarm",
        "Alarm",
        "Alarm",
        "ExtensionPeriod",
        "ExtensionPeriod",
        "ExtensionPeriod",
        "",
    ]


def test_no_wait_acts_at_once() -> None:
    step = suppression.step(Settings(0, 0), None, True, False, START)

    assert step == suppression.Step(True, None)


def test_nothing_held_and_nothing_changed_does_nothing() -> None:
    assert suppression.step(SETTINGS, None, False, True, START) == suppression.Step(False, None)
    waiting = Held("WaitPeriod", START + timedelta(seconds=1))
    assert suppression.step(SETTINGS, waiting, False, False, START) == suppression.Step(False, waiting)
