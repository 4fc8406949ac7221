"""Which steps start now, and whether the execution is over.

AWS_NAME: Pipeline execution order
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/pipelines-overview.html (edges from references), step-type-fail ("does
    not terminate until all concurrent steps are completed"), API_PipelineExecutionStep (statuses), read 2026-11
DIFFERS: whether AWS still starts unrelated steps after a failure is undocumented. Here the execution drains: running
    steps end, nothing new starts, since a failure must not be followed by a registration or a deployment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from emulator.semantics.pipelines.definition import Definition, Step

ON_FAILURE = "drain"
RUNNING = frozenset({"Starting", "Executing", "Stopping"})


@dataclass(frozen=True)
class StepState:
    """A step that has started: its status, and for a condition step that succeeded its outcome."""

    status: str
    outcome: bool | None = None


@dataclass(frozen=True)
class Decision:
    """Steps to start now, in the order written; `ends_as` is the execution's last status once it is over."""

    start: tuple[str, ...] = ()
    ends_as: str | None = None


def decide(
    definition: Definition, states: Mapping[str, StepState], is_stopping: bool = False, parallel_max: int | None = None
) -> Decision:
    """What follows from the states of the steps that have started so far."""
    running = sum(state.status in RUNNING for state in states.values())
    is_failed = any(state.status in ("Failed", "Stopped") for state in states.values())
    ready = () if is_stopping or is_failed else _ready(definition, states)
    if ready:
        free = len(ready) if parallel_max is None else max(0, parallel_max - running)
        return Decision(start=ready[:free])
    if running:
        return Decision()
    return Decision(ends_as="Stopped" if is_stopping else "Failed" if is_failed else "Succeeded")


def _ready(definition: Definition, states: Mapping[str, StepState]) -> tuple[str, ...]:
    return tuple(step.name for step in definition.steps if step.name not in states and _may_start(step, states))


def _may_start(step: Step, states: Mapping[str, StepState]) -> bool:
    if step.within is not None:
        condition = states.get(step.within.condition)
        if condition is None or condition.status != "Succeeded" or condition.outcome is not step.within.outcome:
            return False
    return all(name in states and states[name].status == "Succeeded" for name in step.needs)
