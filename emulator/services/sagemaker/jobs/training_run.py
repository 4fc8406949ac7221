"""The life of one training job, from Starting to its terminal status."""

from __future__ import annotations

import json
import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

from emulator.kernel.ports import Kernel
from emulator.kernel.store import Row
from emulator.semantics.containers import failures, metrics, toolkit
from emulator.semantics.containers.training import HOST, ROOT, channels, config_files
from emulator.services.sagemaker import engine, images, names
from emulator.services.sagemaker.jobs import archives, container, records
from emulator.services.sagemaker.jobs.failure import JobFailure
from emulator.services.sagemaker.jobs.objects import Objects, files_below
from emulator.services.sagemaker.jobs.running import Exit
from emulator.services.sagemaker.logs import LogStream

KIND = names.TRAINING_JOB
# Source: API_DescribeTrainingJob and the console's texts, read 2026-11
_MESSAGES = {
    "Starting": "Starting the training job",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
}


class MetricReader:
    """Writes lines to the log and keeps the last value of every metric found in them."""

    def __init__(self, kernel: Kernel, definitions: list[dict[str, Any]], log: LogStream) -> None:
        self._kernel = kernel
        self._patterns = metrics.compile_definitions(definitions)
        self._log = log
        self._last: dict[str, tuple[float, datetime]] = {}

    def write(self, line: str) -> None:
        self._log.write(line)
        for name, value in metrics.find(self._patterns, line):
            self._last[name] = (value, self._kernel.clock.now())

    def final(self) -> list[dict[str, Any]]:
        """FinalMetricDataList: metrics that were never seen are not in it."""
        return [{"MetricName": name, "Value": value, "Timestamp": at} for name, (value, at) in self._last.items()]


def artifact_uri(request: Any, file: str) -> str:
    """`<S3OutputPath>/<job>/output/model.tar.gz`. Source: API_ModelArtifacts, read 2026-11."""
    return f"{request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{request['TrainingJobName']}/output/{file}"


def transition(so_far: list[dict[str, Any]], status: str, now: datetime) -> dict[str, Any]:
    """The changes with which a job enters a secondary status."""
    closed = [item if "EndTime" in item else {**item, "EndTime": now} for item in so_far]
    entered: dict[str, Any] = {"Status": status, "StartTime": now, "StatusMessage": _MESSAGES[status]}
    if status in ("Completed", "Failed", "Stopped", "MaxRuntimeExceeded"):
        entered["EndTime"] = now
    return {"SecondaryStatus": status, "SecondaryStatusTransitions": [*closed, entered]}


def run(kernel: Kernel, name: str, arn: str) -> None:
    """Run a stored job on the calling thread. Whatever happens, it ends in a terminal status."""
    directory = kernel.state_dir / "jobs" / "training" / name / "ml"
    try:
        status, changes = TrainingRun(kernel, name, arn, directory).execute()
    except JobFailure as failure:
        status, changes = "Failed", {"FailureReason": failures.cut(str(failure))}
    except Exception as error:
        kernel.journal.append("sagemaker.job.broken", arn, error=repr(error))
        status, changes = "Failed", {"FailureReason": failures.cut(f"InternalServerError: {error!r}")}
    _enter(kernel, name, status, TrainingJobStatus="Stopped" if status == "MaxRuntimeExceeded" else status, **changes)
    records.end(kernel, arn, status)
    shutil.rmtree(directory.parent, ignore_errors=True)


def _enter(kernel: Kernel, name: str, status: str, **changes: Any) -> None:
    def entered(row: Row) -> Row:
        return {**transition(row["SecondaryStatusTransitions"], status, kernel.clock.now()), **changes}

    records.change(kernel, KIND, name, entered)


class TrainingRun:
    """Downloading, Training, Uploading of one job."""

    def __init__(self, kernel: Kernel, name: str, arn: str, directory: Path) -> None:
        row = kernel.store.get(KIND, name)
        assert row is not None
        self._kernel = kernel
        self._row = row
        self._arn = arn
        self._directory = directory
        self._objects = Objects(kernel, row["RoleArn"])
        self._handle = engine.of(kernel).jobs[arn]

    def execute(self) -> tuple[str, dict[str, Any]]:
        """The last secondary status, and what else is to be stored with it."""
        kernel, name = self._kernel, self._row["TrainingJobName"]
        try:
            runner = images.find(self._row["AlgorithmSpecification"]["TrainingImage"], kernel.runners_dir)
        except images.UnknownImageError as error:
            raise JobFailure(f"ClientError: {error}") from error
        if not self._handle.await_instance():
            return "Stopped", {}
        _enter(kernel, name, "Downloading")
        self._lay_out()
        program = self._container(runner)
        if self._handle.is_stopping:
            return "Stopped", {}
        stream = f"{name}/{HOST}-{int(kernel.clock.now().timestamp())}"
        log = engine.of(kernel).logs.open("/aws/sagemaker/TrainingJobs", stream)
        for line in container.opening_lines(kernel, runner):
            log.write(line)
        reader = MetricReader(kernel, self._row["AlgorithmSpecification"].get("MetricDefinitions") or [], log)
        command = container.command(kernel, program, reader.write)
        started = kernel.clock.now()
        _enter(kernel, name, "Training", TrainingStartTime=started)
        exit_ = self._handle.run(command, (self._row.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds"))
        log.flush()
        return self._finish(exit_, log, reader, started, " ".join(program.argv))

    def _finish(
        self, exit_: Exit, log: LogStream, reader: MetricReader, started: datetime, argv: str
    ) -> tuple[str, dict[str, Any]]:
        ended = self._kernel.clock.now()
        seconds = max(1, round((ended - started).total_seconds()))
        facts = {"TrainingEndTime": ended, "TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
        if reader.final():
            facts["FinalMetricDataList"] = reader.final()
        is_stopped = exit_.is_timed_out or self._handle.is_stopping
        if exit_.code != 0 and not is_stopped:
            self._upload("output/data", "output.tar.gz")
            return "Failed", {**facts, "FailureReason": self._reason(exit_.code, log, argv)}
        _enter(self._kernel, self._row["TrainingJobName"], "Uploading")
        self._upload("model", "model.tar.gz")
        self._upload("output/data", "output.tar.gz")
        return "MaxRuntimeExceeded" if exit_.is_timed_out else "Stopped" if is_stopped else "Completed", facts

    def _lay_out(self) -> None:
        for part in ("input/config", "input/data", "model", "output/data", "code"):
            (self._directory / part).mkdir(parents=True, exist_ok=True)
        for name, document in config_files(self._row).items():
            (self._directory / "input/config" / name).write_text(json.dumps(document))
        for channel in channels(self._row):
            source = channel["DataSource"]["S3DataSource"]
            target = self._directory / "input/data" / channel["ChannelName"]
            target.mkdir(parents=True, exist_ok=True)
            self._objects.download(source["S3Uri"], target, source["S3DataType"])

    def _container(self, runner: images.Runner) -> container.Container:
        algorithm = self._row["AlgorithmSpecification"]
        own = {"TRAINING_JOB_NAME": self._row["TrainingJobName"], "TRAINING_JOB_ARN": self._arn}
        environment = {**own, **(self._row.get("Environment") or {})}
        argv = (*algorithm.get("ContainerEntrypoint", ()), *algorithm.get("ContainerArguments", ()))
        cwd = "/"
        if not algorithm.get("ContainerEntrypoint"):
            script = toolkit.script(self._row.get("HyperParameters") or {})
            assert script is not None
            self._unpack_code(script)
            environment = {**toolkit.environment(self._row, script, os.cpu_count() or 1), **environment}
            argv, cwd = (runner.python, script.program, *script.arguments), toolkit.CODE_DIR
        return container.Container(
            runner,
            self._directory,
            self._row["RoleArn"],
            "SageMaker",
            argv,
            environment,
            cwd,
            inputs=tuple(self._objects.handed_over),
        )

    def _unpack_code(self, script: toolkit.Script) -> None:
        if not script.archive_uri.startswith("s3://"):
            found = script.archive_uri or "nothing"
            raise JobFailure(f"ClientError: sagemaker_submit_directory must be an s3:// URI of a tar.gz, found {found}")
        code = self._directory / "code"
        archives.unpack(self._objects.read(script.archive_uri), code, script.archive_uri)
        if (code / "requirements.txt").exists():
            raise JobFailure(
                f"ClientError: requirements.txt in {script.archive_uri}: installing packages is not emulated yet"
            )
        if not script.program.endswith(".py") or not (code / script.program).is_file():
            raise JobFailure(
                f"ClientError: {script.archive_uri} has no Python file '{script.program}' (sagemaker_program)"
            )

    def _upload(self, part: str, file: str) -> None:
        directory = self._directory / part
        if files_below(directory):
            kms_key_id = self._row["OutputDataConfig"].get("KmsKeyId")
            self._objects.write(artifact_uri(self._row, file), archives.pack(directory), kms_key_id)

    def _reason(self, exit_code: int, log: LogStream, argv: str) -> str:
        written = self._directory / "output" / "failure"
        if written.is_file():
            return failures.of_training(exit_code, written.read_text("utf-8", "replace").strip())
        message = failures.error_message(list(log.tail))
        return failures.of_training(
            exit_code, toolkit.failure(exit_code, message, argv.replace(str(self._directory), ROOT))
        )
