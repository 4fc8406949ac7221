"""Processing jobs: inputs come down, the container runs, outputs go up.

AWS_NAME: Processing jobs
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html; API_CreateProcessingJob;
    API_ProcessingS3Input; API_ProcessingS3Output, read 2026-11
DIFFERS: one instance, File mode, EndOfJob upload; the rest is refused by name. Network settings have no effect. Inputs
    of 8 MB and more cannot be written to: they are the objects' own files, mounted read-only. What an image runs by
    itself is a program that the emulator is given (docs/decisions/0008).
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from emulator.kernel.errors import EmulatorError, validation
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.kernel.store import Row
from emulator.semantics.containers import failures
from emulator.semantics.containers.training import HOST, ROOT
from emulator.services.sagemaker import engine, images, listing, names
from emulator.services.sagemaker.jobs import container, records
from emulator.services.sagemaker.jobs.failure import JobFailure
from emulator.services.sagemaker.jobs.objects import Objects
from emulator.services.sagemaker.jobs.running import Exit

KIND = names.PROCESSING_JOB
_MESSAGE_MAX = 1024


def create_processing_job(params: Params, ctx: Context) -> Params:
    _refuse_unknown(params)
    name = params["ProcessingJobName"]
    arn = names.lower_arn(ctx.kernel, "processing-job", name)
    request = {key: value for key, value in params.items() if key != "Tags"}
    row = {**request, "ProcessingJobArn": arn, "ProcessingJobStatus": "InProgress"}
    records.create(ctx, KIND, name, arn, row, params.get("Tags"))
    ctx.kernel.dispatcher.start(f"job {name}", lambda: _run(ctx.kernel, name, arn))
    return {"ProcessingJobArn": arn}


def describe_processing_job(params: Params, ctx: Context) -> Params:
    return names.public(_existing(ctx.kernel, params["ProcessingJobName"]))


def stop_processing_job(params: Params, ctx: Context) -> Params:
    name = _existing(ctx.kernel, params["ProcessingJobName"])["ProcessingJobName"]

    def stopping(row: Row) -> Row:
        records.refuse_if_ended(row["ProcessingJobStatus"], name)
        return {"ProcessingJobStatus": "Stopping"}

    records.change(ctx.kernel, KIND, name, stopping)
    records.stop(ctx.kernel, names.lower_arn(ctx.kernel, "processing-job", name))
    return {}


def list_processing_jobs(params: Params, ctx: Context) -> Params:
    name, status = "ProcessingJobName", "ProcessingJobStatus"
    rows = listing.keep(ctx.kernel.store.rows(KIND), params, name, status)
    return listing.answer("ProcessingJobSummaries", listing.page(rows, params, listing.by(params, name, status)))


def _existing(kernel: Kernel, name: str) -> Row:
    row = kernel.store.get(KIND, name)
    if row is None:
        raise validation(f"Could not find requested job with name: {name}")
    return row


def _refuse_unknown(params: Params) -> None:
    records.refuse_unless_single(params["ProcessingResources"].get("ClusterConfig", {}), "CreateProcessingJob")
    for item in params.get("ProcessingInputs") or ():
        place = f"sagemaker: CreateProcessingJob: input '{item['InputName']}'"
        s3 = item.get("S3Input")
        if s3 is None:
            raise EmulatorError(f"{place}: DatasetDefinition is not emulated yet")
        for field, known in (("S3InputMode", "File"), ("S3CompressionType", "None")):
            if s3.get(field, known) != known:
                raise EmulatorError(f"{place}: {field} '{s3[field]}' is not emulated yet")
    for item in _outputs(params):
        place = f"sagemaker: CreateProcessingJob: output '{item['OutputName']}'"
        if "S3Output" not in item:
            raise EmulatorError(f"{place}: FeatureStoreOutput is not emulated yet")
        if item["S3Output"]["S3UploadMode"] != "EndOfJob":
            raise EmulatorError(f"{place}: S3UploadMode 'Continuous' is not emulated yet")


def _outputs(row: Params) -> list[dict[str, Any]]:
    return list((row.get("ProcessingOutputConfig") or {}).get("Outputs") or ())


def _run(kernel: Kernel, name: str, arn: str) -> None:
    """The whole life of one job, on its own thread. Whatever happens, the job ends in a terminal status."""
    row = _existing(kernel, name)
    directory = kernel.state_dir / "jobs" / "processing" / name / "ml"
    try:
        changes = _execute(kernel, row, arn, directory)
    except JobFailure as failure:
        changes = {"ProcessingJobStatus": "Failed", "FailureReason": failures.cut(str(failure))}
    except Exception as error:
        kernel.journal.append("sagemaker.job.broken", arn, error=repr(error))
        changes = {"ProcessingJobStatus": "Failed", "FailureReason": failures.cut(f"InternalServerError: {error!r}")}
    records.change(kernel, KIND, name, lambda _: {**changes, "ProcessingEndTime": kernel.clock.now()})
    records.end(kernel, arn, changes["ProcessingJobStatus"])
    shutil.rmtree(directory.parent, ignore_errors=True)


def _execute(kernel: Kernel, row: Row, arn: str, directory: Path) -> dict[str, Any]:
    try:
        runner = images.find(row["AppSpecification"]["ImageUri"], kernel.runners_dir)
    except images.UnknownImageError as error:
        raise JobFailure(f"ClientError: {error}") from error
    handle = engine.of(kernel).jobs[arn]
    if not handle.await_instance():
        return {"ProcessingJobStatus": "Stopped"}
    objects = Objects(kernel, row["RoleArn"])
    _lay_out(objects, row, directory)
    if handle.is_stopping:
        return {"ProcessingJobStatus": "Stopped"}
    log = engine.of(kernel).logs.open("/aws/sagemaker/ProcessingJobs", _stream(kernel, row))
    for line in container.opening_lines(kernel, runner):
        log.write(line)
    command = container.command(kernel, _container(kernel, row, runner, (directory, objects)), log.write)
    records.change(kernel, KIND, row["ProcessingJobName"], lambda _: {"ProcessingStartTime": kernel.clock.now()})
    exit_ = handle.run(command, (row.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds"))
    log.flush()
    for item in _managed(_outputs(row)):
        s3 = item["S3Output"]
        kms_key_id = row["ProcessingOutputConfig"].get("KmsKeyId")
        objects.upload(_inside(directory, s3["LocalPath"]), s3["S3Uri"], kms_key_id)
    return _verdict(exit_, handle.is_stopping, _message(directory))


def _lay_out(objects: Objects, row: Row, directory: Path) -> None:
    for item in _managed(row.get("ProcessingInputs") or ()):
        s3 = item["S3Input"]
        target = _inside(directory, s3["LocalPath"])
        target.mkdir(parents=True, exist_ok=True)
        objects.download(s3["S3Uri"], target, s3["S3DataType"])
    for item in _managed(_outputs(row)):
        _inside(directory, item["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)
    config = directory / "config"
    for part in (config, directory / "output"):
        part.mkdir(parents=True, exist_ok=True)
    (config / "processingjobconfig.json").write_text(json.dumps(names.public(row), default=str))
    (config / "resourceconfig.json").write_text(json.dumps({"current_host": HOST, "hosts": [HOST]}))


def _managed(items: Any) -> list[dict[str, Any]]:
    """Inputs and outputs that SageMaker carries; the others are the application's own affair."""
    return [item for item in items if not item.get("AppManaged")]


def _inside(directory: Path, local_path: str) -> Path:
    """Where a container path lies outside of it. Only /opt/ml is the job's own."""
    if not f"{local_path}/".startswith(f"{ROOT}/"):
        raise JobFailure(
            f"ClientError: LocalPath '{local_path}' must lie below {ROOT}; other places are not emulated yet"
        )
    return directory / local_path.removeprefix(ROOT).lstrip("/")


def _container(kernel: Kernel, row: Row, runner: images.Runner, laid_out: tuple[Path, Objects]) -> container.Container:
    directory, objects = laid_out
    app = row["AppSpecification"]
    entry = app.get("ContainerEntrypoint") or container.own_program(kernel, runner)
    argv = (*entry, *app.get("ContainerArguments", ()))
    own = {"PROCESSING_JOB_NAME": row["ProcessingJobName"], "PROCESSING_JOB_ARN": row["ProcessingJobArn"]}
    environment = {**own, **(row.get("Environment") or {})}
    inputs = tuple(objects.handed_over)
    return container.Container(runner, directory, row["RoleArn"], "SageMaker", argv, environment, inputs=inputs)


def _stream(kernel: Kernel, row: Row) -> str:
    return f"{row['ProcessingJobName']}/{HOST}-{int(kernel.clock.now().timestamp())}"


def _message(directory: Path) -> str:
    found = directory / "output" / "message"
    return found.read_text("utf-8", "replace")[:_MESSAGE_MAX].strip() if found.is_file() else ""


def _verdict(exit_: Exit, is_stopping: bool, message: str) -> dict[str, Any]:
    told = {"ExitMessage": message} if message else {}
    if exit_.is_timed_out or is_stopping:
        return {"ProcessingJobStatus": "Stopped", **told}
    if exit_.code == 0:
        return {"ProcessingJobStatus": "Completed", **told}
    return {"ProcessingJobStatus": "Failed", "FailureReason": failures.of_processing(exit_.code), **told}


OPERATIONS: dict[str, Operation] = {
    "CreateProcessingJob": create_processing_job,
    "DescribeProcessingJob": describe_processing_job,
    "StopProcessingJob": stop_processing_job,
    "ListProcessingJobs": list_processing_jobs,
}
