"""Which steps start next, and how an execution ends."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from emulator.semantics.pipelines import graph, parsing
from emulator.semantics.pipelines.definition import Definition
from emulator.semantics.pipelines.graph import Decision, StepState


def fail(name: str, *needs: str) -> dict[str, Any]:
    """A step without arguments of consequence; only names and dependencies matter here."""
    return {"Name": name, "Type": "Lambda", "FunctionArn": "f", "Arguments": {}, "DependsOn": list(needs)}


def define(*steps: dict[str, Any]) -> Definition:
    return parsing.parse(json.dumps({"Version": "2020-12-01", "Steps": list(steps)}))


def branch(name: str, if_steps: list[Any], else_steps: list[Any]) -> dict[str, Any]:
    judged = [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}]
    arguments = {"Conditions": judged, "IfSteps": if_steps, "ElseSteps": else_steps}
    return {"Name": name, "Type": "Condition", "Arguments": arguments}


DONE, RUNNING, FAILED = StepState("Succeeded"), StepState("Executing"), StepState("Failed")
DIAMOND = define(fail("A"), fail("B", "A"), fail("C", "A"), fail("D", "B", "C"))
FORK = define(branch("If", [fail("Yes"), branch("Inner", [fail("Deep")], [])], [fail("No")]), fail("After", "Yes"))


def test_steps_start_when_all_they_need_has_succeeded() -> None:
    assert graph.decide(DIAMOND, {}).start == ("A",)
    assert graph.decide(DIAMOND, {"A": RUNNING}) == Decision()
    assert graph.decide(DIAMOND, {"A": DONE}).start == ("B", "C")
    assert graph.decide(DIAMOND, {"A": DONE, "B": DONE, "C": RUNNING}) == Decision()
    assert graph.decide(DIAMOND, {"A": DONE, "B": DONE, "C": DONE}).start == ("D",)


def test_no_more_run_at_once_than_allowed() -> None:
    assert graph.decide(DIAMOND, {"A": DONE}, parallel_max=1).start == ("B",)
    assert graph.decide(DIAMOND, {"A": DONE, "B": RUNNING}, parallel_max=1) == Decision()


def test_only_the_branch_taken_starts_and_what_waits_for_the_other_never_does() -> None:
    assert graph.decide(FORK, {"If": StepState("Succeeded", True)}).start == ("Yes", "Inner")
    taken = {"If": StepState("Succeeded", False)}
    assert graph.decide(FORK, taken).start == ("No",)
    assert graph.decide(FORK, {**taken, "No": DONE}) == Decision(ends_as="Succeeded")


def test_after_a_failure_running_steps_end_and_nothing_new_starts() -> None:
    assert graph.decide(DIAMOND, {"A": DONE, "B": FAILED, "C": RUNNING}) == Decision()
    assert graph.decide(DIAMOND, {"A": DONE, "B": FAILED, "C": DONE}) == Decision(ends_as="Failed")


def test_a_stopping_execution_ends_stopped_once_nothing_runs() -> None:
    assert graph.decide(DIAMOND, {"A": RUNNING}, is_stopping=True) == Decision()
    assert graph.decide(DIAMOND, {"A": DONE}, is_stopping=True) == Decision(ends_as="Stopped")


@given(st.randoms(use_true_random=False), st.integers(1, 4), st.booleans())
def test_in_any_order_of_endings_every_execution_ends_and_never_breaks_its_limit(
    chance: Any, parallel_max: int, outcome: bool
) -> None:
    states: dict[str, StepState] = {}
    for definition in (DIAMOND, FORK):
        states.clear()
        for _ in range(20):
            decision = graph.decide(definition, states, parallel_max=parallel_max)
            states.update(dict.fromkeys(decision.start, RUNNING))
            running = sorted(name for name, state in states.items() if state is RUNNING)
            assert len(running) <= parallel_max
            if decision.ends_as:
                break
            states[chance.choice(running)] = StepState("Succeeded", outcome)
        assert decision.ends_as == "Succeeded"
