"""Performs executions: asks `graph.decide` what follows, starts steps on threads of their own, stores what comes.

All decisions about one execution are taken under its lock, so steps that end together are seen one after the other.
"""

from __future__ import annotations

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel
from emulator.kernel.store import Row
from emulator.semantics.containers.failures import cut
from emulator.semantics.pipelines import graph
from emulator.semantics.pipelines.definition import Definition, Step
from emulator.semantics.pipelines.errors import UnresolvedError
from emulator.services.sagemaker import engine, names
from emulator.services.sagemaker.pipelines import definitions, records
from emulator.services.sagemaker.pipelines.step_run import StepFailure, StepResult, StepRun
from emulator.services.sagemaker.pipelines.steps import HANDLERS, callback
from emulator.services.sagemaker.pipelines.steps.jobs import stop_job

PLAN = "sagemaker.execution_plan"
# Source: the text that AWS gives for any failed execution (re:Post QULfE6M9RTRqeRpKXxnlAGkg, read 2026-11)
_FAILURE = "Step failure: One or multiple steps failed."


def advance(kernel: Kernel, arn: str) -> None:
    """Start what may start now; end the execution when nothing is left."""
    with engine.of(kernel).execution_lock(arn):
        execution = kernel.store.get(names.EXECUTION, arn)
        if execution is None or execution["PipelineExecutionStatus"] not in ("Executing", "Stopping"):
            return
        definition = _plan(kernel, arn)[0]
        is_stopping = execution["PipelineExecutionStatus"] == "Stopping"
        parallel_max = (execution.get("ParallelismConfiguration") or {}).get("MaxParallelExecutionSteps")
        decision = graph.decide(definition, records.step_states(kernel, arn), is_stopping, parallel_max)
        for name in decision.start:
            _start(kernel, arn, definition.step(name))
        if decision.ends_as:
            reason = {"FailureReason": _FAILURE} if decision.ends_as == "Failed" else {}
            ended = {"PipelineExecutionStatus": decision.ends_as, "_EndTime": kernel.clock.now()}
            records.change_execution(kernel, arn, **ended, **reason)


def stop(kernel: Kernel, arn: str) -> None:
    """Start nothing more, and stop the jobs that run. The execution is Stopped when the last of them has ended."""
    with engine.of(kernel).execution_lock(arn):
        records.change_execution(kernel, arn, PipelineExecutionStatus="Stopping")
        for row in records.steps(kernel, arn):
            if row["StepStatus"] == "Executing":
                records.change_step(kernel, arn, row["StepName"], StepStatus="Stopping")
                stop_job(kernel, row)
                callback.stop(kernel, row)
    kernel.dispatcher.post(f"execution {arn}", lambda: advance(kernel, arn))


def _start(kernel: Kernel, arn: str, step: Step) -> None:
    shown = {"StepDisplayName": step.keys.get("DisplayName"), "StepDescription": step.keys.get("Description")}
    records.begin_step(kernel, arn, step.name, step.type, {key: value for key, value in shown.items() if value})
    kernel.dispatcher.start(f"step {arn}#{step.name}", lambda: _perform(kernel, arn, step))


def _perform(kernel: Kernel, arn: str, step: Step) -> None:
    """One step from Starting to its end, on its own thread. Whatever happens, it ends and the execution goes on."""
    definition, parameters = _plan(kernel, arn)
    run = StepRun(kernel, records.execution(kernel, arn), definition, step, parameters)
    try:
        result = HANDLERS[step.type](run)
    except StepFailure as failure:
        result = failure.result
    except UnresolvedError as error:
        result = StepResult("Failed", reason=f"ClientError: {error}")
    except AwsError as error:
        result = StepResult("Failed", reason=f"ClientError: {error.message}")
    except Exception as error:
        kernel.journal.append("pipeline.step.broken", f"{arn}#{step.name}", error=repr(error))
        result = StepResult("Failed", reason=f"InternalServerError: {error!r}")
    with engine.of(kernel).execution_lock(arn):
        records.change_step(kernel, arn, step.name, **_changes(kernel, result))
    advance(kernel, arn)


def _changes(kernel: Kernel, result: StepResult) -> Row:
    changes: Row = {"StepStatus": result.status, "EndTime": kernel.clock.now(), "_Properties": dict(result.properties)}
    if result.metadata:
        changes["Metadata"] = dict(result.metadata)
    if result.reason:
        changes["FailureReason"] = cut(result.reason)
    if result.outcome is not None:
        changes["_Outcome"] = result.outcome
    return changes


def _plan(kernel: Kernel, arn: str) -> tuple[Definition, Row]:
    plan = kernel.store.get(PLAN, arn)
    assert plan is not None
    return definitions.parsed(plan["PipelineDefinition"]), plan["Parameters"]
