"""Processing and Training steps: create the job, wait until it has ended, take its Describe response as properties.

AWS_NAME: Processing step, Training step
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html, read 2026-11
DIFFERS: what becomes of a step whose job somebody stopped by hand is undocumented; here it fails and says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel
from emulator.kernel.store import Row
from emulator.semantics.containers import failures
from emulator.semantics.pipelines import arguments
from emulator.services.sagemaker import engine
from emulator.services.sagemaker.pipelines.step_run import StepResult, StepRun


@dataclass(frozen=True)
class _Job:
    """Names that differ between the kinds of jobs: `ProcessingJob`, `TrainingJob`."""

    noun: str

    @property
    def name(self) -> str:
        return f"{self.noun}Name"

    @property
    def arn(self) -> str:
        return f"{self.noun}Arn"


_PROCESSING, _TRAINING = _Job("ProcessingJob"), _Job("TrainingJob")


def perform_processing(run: StepRun) -> StepResult:
    return _perform(run, _PROCESSING)


def perform_training(run: StepRun) -> StepResult:
    return _perform(run, _TRAINING)


def stop_job(kernel: Kernel, step: Row) -> None:
    """Stop the job of a stored step, if it has one that still runs."""
    for job in (_PROCESSING, _TRAINING):
        found = (step.get("Metadata") or {}).get(job.noun)
        if found:
            try:
                kernel.calls("sagemaker", f"Stop{job.noun}", {job.name: found["Arn"].rpartition("/")[2]})
            except AwsError as error:
                kernel.journal.append("pipeline.step.stop_refused", found["Arn"], error=str(error))


def _perform(run: StepRun, job: _Job) -> StepResult:
    request = arguments.render(run.resolved(dict(run.step.arguments)))
    suffix = run.kernel.ids.alnum(10)
    request[job.name] = arguments.job_name(run.execution_id, run.step.name, suffix, request.get(job.name))
    arn = run.invoke("sagemaker", f"Create{job.noun}", request)[job.arn]
    metadata = {job.noun: {"Arn": arn}}
    if not run.executing(metadata):
        stop_job(run.kernel, {"Metadata": metadata})
    handle = engine.of(run.kernel).jobs.get(arn)
    if handle is not None:
        handle.ended.wait()
    return _result(run, job, run.invoke("sagemaker", f"Describe{job.noun}", {job.name: request[job.name]}), metadata)


def _result(run: StepRun, job: _Job, described: Row, metadata: Row) -> StepResult:
    match described[f"{job.noun}Status"]:
        case "Completed":
            return StepResult(properties=described, metadata=metadata)
        case "Stopped" if run.is_stopping():
            return StepResult("Stopped", metadata=metadata)
        case "Stopped":
            reason = f"ClientError: {job.noun} {described[job.name]} was stopped before it completed"
            return StepResult("Failed", metadata=metadata, reason=reason)
        case _:
            return StepResult("Failed", metadata=metadata, reason=failures.of_step(described))
