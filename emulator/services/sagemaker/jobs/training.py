"""Training jobs: channels and code come down, the script runs, the model goes up.

AWS_NAME: Training jobs
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html; API_CreateTrainingJob;
    API_DescribeTrainingJob (secondary statuses), read 2026-11
DIFFERS: one instance, File mode, script mode or an explicit ContainerEntrypoint; built-in algorithms, spot capacity,
    checkpoints, warm pools and file systems are refused by name. Network settings have no effect.
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import EmulatorError, validation
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.kernel.store import Row
from emulator.semantics.containers import metrics, toolkit
from emulator.semantics.containers.training import channels
from emulator.services.sagemaker import listing, names
from emulator.services.sagemaker.jobs import records, training_run
from emulator.services.sagemaker.jobs.objects import Objects

KIND = names.TRAINING_JOB
_NOT_EMULATED = (
    "CheckpointConfig",
    "DebugRuleConfigurations",
    "ServerlessJobConfig",
    "ModelPackageConfig",
    "RetryStrategy",
)


def create_training_job(params: Params, ctx: Context) -> Params:
    _refuse_unknown(params)
    name = params["TrainingJobName"]
    arn = names.lower_arn(ctx.kernel, "training-job", name)
    _check_inputs(params, Objects(ctx.kernel, params["RoleArn"]))
    request = {key: value for key, value in params.items() if key != "Tags"}
    row = {
        **request,
        "TrainingJobArn": arn,
        "TrainingJobStatus": "InProgress",
        "ModelArtifacts": {"S3ModelArtifacts": training_run.artifact_uri(params, "model.tar.gz")},
        **training_run.transition([], "Starting", ctx.kernel.clock.now()),
    }
    records.create(ctx, KIND, name, arn, row, params.get("Tags"))
    ctx.kernel.dispatcher.start(f"job {name}", lambda: training_run.run(ctx.kernel, name, arn))
    return {"TrainingJobArn": arn}


def describe_training_job(params: Params, ctx: Context) -> Params:
    return names.public(_existing(ctx.kernel, params["TrainingJobName"]))


def stop_training_job(params: Params, ctx: Context) -> Params:
    name = _existing(ctx.kernel, params["TrainingJobName"])["TrainingJobName"]

    def stopping(row: Row) -> Row:
        records.refuse_if_ended(row["TrainingJobStatus"], name)
        moved = training_run.transition(row["SecondaryStatusTransitions"], "Stopping", ctx.kernel.clock.now())
        return {"TrainingJobStatus": "Stopping", **moved}

    records.change(ctx.kernel, KIND, name, stopping)
    records.stop(ctx.kernel, names.lower_arn(ctx.kernel, "training-job", name))
    return {}


def list_training_jobs(params: Params, ctx: Context) -> Params:
    name, status = "TrainingJobName", "TrainingJobStatus"
    rows = listing.keep(ctx.kernel.store.rows(KIND), params, name, status)
    return listing.answer("TrainingJobSummaries", listing.page(rows, params, listing.by(params, name, status)))


def _existing(kernel: Kernel, name: str) -> Row:
    row = kernel.store.get(KIND, name)
    if row is None:
        raise validation("Requested resource not found.")
    return row


def _refuse_unknown(params: Params) -> None:
    where = "sagemaker: CreateTrainingJob:"
    algorithm = params.get("AlgorithmSpecification") or {}
    if "TrainingImage" not in algorithm:
        raise EmulatorError(f"{where} only AlgorithmSpecification.TrainingImage is emulated, not AlgorithmName")
    if not algorithm.get("ContainerEntrypoint") and toolkit.script(params.get("HyperParameters") or {}) is None:
        raise EmulatorError(
            f"{where} built-in algorithms are not emulated yet; name a script in hyperparameter sagemaker_program"
        )
    if "ResourceConfig" not in params:
        raise validation("ResourceConfig must be provided for a training job on instances.")
    records.refuse_unless_single(params["ResourceConfig"], "CreateTrainingJob")
    for field in _NOT_EMULATED:
        if params.get(field):
            raise EmulatorError(f"{where} {field} is not emulated yet")
    if params.get("EnableManagedSpotTraining"):
        raise EmulatorError(f"{where} EnableManagedSpotTraining is not emulated yet")
    if params["OutputDataConfig"].get("CompressionType", "GZIP") != "GZIP":
        raise EmulatorError(f"{where} OutputDataConfig.CompressionType 'NONE' is not emulated yet")
    for channel in channels(params):
        _refuse_unknown_channel(channel, algorithm.get("TrainingInputMode", "File"), where)


def _refuse_unknown_channel(channel: dict[str, Any], default_mode: str, where: str) -> None:
    place = f"{where} channel '{channel['ChannelName']}'"
    if "S3DataSource" not in channel["DataSource"]:
        raise EmulatorError(f"{place}: only S3DataSource is emulated")
    asked = {
        "InputMode": (channel.get("InputMode", default_mode), "File"),
        "CompressionType": (channel.get("CompressionType", "None"), "None"),
        "RecordWrapperType": (channel.get("RecordWrapperType", "None"), "None"),
    }
    for field, (value, known) in asked.items():
        if value != known:
            raise EmulatorError(f"{place}: {field} '{value}' is not emulated yet")
    if channel["DataSource"]["S3DataSource"]["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        raise EmulatorError(
            f"{place}: S3DataType '{channel['DataSource']['S3DataSource']['S3DataType']}' is not emulated yet"
        )


def _check_inputs(params: Params, objects: Objects) -> None:
    """What CreateTrainingJob itself looks at: metric expressions, and that each channel has data.

    Source: github.com/aws/amazon-sagemaker-examples issue 2433 (read 2026-11).
    """
    try:
        metrics.compile_definitions(params["AlgorithmSpecification"].get("MetricDefinitions") or ())
    except ValueError as error:
        raise validation(str(error)) from error
    for channel in channels(params):
        uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
        if not objects.has_objects(uri):
            raise validation(objects.nothing_found(uri))


OPERATIONS: dict[str, Operation] = {
    "CreateTrainingJob": create_training_job,
    "DescribeTrainingJob": describe_training_job,
    "StopTrainingJob": stop_training_job,
    "ListTrainingJobs": list_training_jobs,
}
