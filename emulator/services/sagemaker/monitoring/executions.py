"""Monitoring executions: each a processing job, or two, over what was captured in its window."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Context, Kernel, Params, Principal
from emulator.kernel.store import Row
from emulator.semantics.monitoring import expressions, jobs, statuses, windows
from emulator.semantics.monitoring.definitions import Definition
from emulator.semantics.monitoring.jobs import Execution, Place
from emulator.semantics.monitoring.statuses import NO_DATA, Ending
from emulator.services.sagemaker import engine, names
from emulator.services.sagemaker.hosting import endpoint_configs, endpoint_records
from emulator.services.sagemaker.jobs import processing
from emulator.services.sagemaker.jobs.failure import JobFailure
from emulator.services.sagemaker.jobs.objects import Objects
from emulator.services.sagemaker.monitoring import alerts, definitions

KIND = names.MONITORING_SCHEDULE
_EXECUTION = names.MONITORING_EXECUTION
_LOST = "InternalServerError: the emulator was stopped while the execution was under way"


def existing(kernel: Kernel, name: str) -> Row:
    """A stored schedule.

    Raises:
        AwsError: ResourceNotFound.
    """
    row = kernel.store.get(KIND, name)
    if row is None:
        arn = names.lower_arn(kernel, "monitoring-schedule", name)
        raise AwsError("ResourceNotFound", f"Could not find monitoring schedule {arn}.")
    return row


def begin(kernel: Kernel, schedule: str, due_at: datetime) -> None:
    """Start an execution, unless its schedule was stopped or deleted since it was due."""
    row, now = kernel.store.get(KIND, schedule), kernel.clock.now()
    if row is None or row["MonitoringScheduleStatus"] != "Scheduled":
        return
    config = row["MonitoringScheduleConfig"]
    execution = {
        "MonitoringScheduleName": schedule,
        "ScheduledTime": due_at,
        "CreationTime": now,
        "LastModifiedTime": now,
        "MonitoringExecutionStatus": "Pending",
        "MonitoringType": row["MonitoringType"],
        "EndpointName": row["EndpointName"],
        "_Key": f"{schedule}/{due_at.isoformat()}/{kernel.ids.alnum(8)}",
        **({"MonitoringJobDefinitionName": found} if (found := config.get("MonitoringJobDefinitionName")) else {}),
    }
    kernel.store.put(_EXECUTION, execution["_Key"], execution)
    kernel.journal.append("monitoring.started", row["MonitoringScheduleArn"], due=due_at)
    kernel.dispatcher.start(f"monitoring {schedule}", partial(_run, kernel, row, execution["_Key"]))


def latest(kernel: Kernel, schedule: str) -> list[Row]:
    """A schedule's executions, the one that was due last first."""
    return list(reversed(kernel.store.rows(_EXECUTION, f"{schedule}/")))


def give_up_unended(kernel: Kernel) -> None:
    """Their jobs ended with the emulator that ran them."""
    for row in kernel.store.rows(_EXECUTION):
        if row["MonitoringExecutionStatus"] not in statuses.ENDED:
            _change(kernel, row["_Key"], MonitoringExecutionStatus="Failed", FailureReason=_LOST)


def capture_of(kernel: Kernel, endpoint: Row) -> Params | None:
    """The endpoint's capture settings, if it captures."""
    config = endpoint_configs.existing(kernel, endpoint["EndpointConfigName"])
    found: Params | None = config.get("DataCaptureConfig")
    return found if found and found.get("EnableCapture", True) else None


def _run(kernel: Kernel, schedule: Row, key: str) -> None:
    """The whole life of an execution, on a thread of its own. Whatever happens, it ends in a terminal status."""
    try:
        ending = _executed(kernel, schedule, key)
    except (AwsError, JobFailure) as error:
        ending = Ending("Failed", str(error))
    except Exception as error:
        kernel.journal.append("monitoring.broken", schedule["MonitoringScheduleArn"], error=repr(error))
        ending = Ending("Failed", f"InternalServerError: {error!r}")
    reason = {"FailureReason": ending.reason[:1024]} if ending.reason else {}
    _change(kernel, key, MonitoringExecutionStatus=ending.status, **reason)
    kernel.journal.append("monitoring.ended", schedule["MonitoringScheduleArn"], status=ending.status, **reason)
    alerts.evaluate(kernel, schedule["MonitoringScheduleName"], latest(kernel, schedule["MonitoringScheduleName"]))


def _executed(kernel: Kernel, schedule: Row, key: str) -> Ending:
    execution = _execution(kernel, schedule, key)
    objects = Objects(kernel, execution.definition.role_arn)
    hours = list(_captured(kernel, execution, objects))
    if not hours:
        return Ending("Failed", NO_DATA)
    if execution.definition.is_merging:
        merged = _merged(kernel, schedule, key, (execution, hours))
        if isinstance(merged, Ending):
            return merged
        hours = merged
    request = jobs.analysis(execution, hours, _baseline(kernel, execution.definition))
    return statuses.of_job(_job(kernel, schedule, key, request))


def _execution(kernel: Kernel, schedule: Row, key: str) -> Execution:
    row, config = kernel.store.get(_EXECUTION, key), schedule["MonitoringScheduleConfig"]
    assert row is not None
    definition = definitions.of_schedule(kernel, config)
    expression, due_at = expressions.parse(schedule["_Expression"]), row["ScheduledTime"]
    window = windows.of(expression, config.get("ScheduleConfig") or {}, definition.source, due_at)
    mark = kernel.ids.uuid().replace("-", "")[:24]
    return Execution(definition, schedule["MonitoringScheduleName"], due_at, window, mark)


def _captured(kernel: Kernel, execution: Execution, objects: Objects) -> Iterator[Place]:
    """Hours of the window in which a variant that serves has captured something."""
    endpoint = endpoint_records.existing(kernel, str(execution.definition.endpoint))
    capture = capture_of(kernel, endpoint)
    if capture is None:
        return
    prefix = str(capture["DestinationS3Uri"]).rstrip("/")
    for variant in endpoint.get("ProductionVariants", ()):
        for hour in execution.window.hours():
            path = f"{endpoint['EndpointName']}/{variant['VariantName']}/{jobs.hour_path(hour)}"
            if objects.has_objects(f"{prefix}/{path}/"):
                yield Place(prefix, path)


def _merged(kernel: Kernel, schedule: Row, key: str, found: tuple[Execution, list[Place]]) -> list[Place] | Ending:
    """The merge job's hours, or how the execution ended with it."""
    execution, hours = found
    objects = Objects(kernel, execution.definition.role_arn)
    truth_uri = str(execution.definition.ground_truth_uri).rstrip("/")
    until = windows.Window(execution.window.start, max(execution.due_at, execution.window.end))
    truth = [Place(truth_uri, jobs.hour_path(hour)) for hour in until.hours()]
    truth = [place for place in truth if objects.has_objects(f"{place.uri}/")]
    if not truth:
        return Ending("Failed", NO_DATA)
    ending = statuses.of_job(_job(kernel, schedule, key, jobs.merge(execution, hours, truth)))
    if ending.status != "Completed":
        return ending
    merged = [Place(execution.merged_uri, hour.path) for hour in hours]
    return [place for place in merged if objects.has_objects(f"{place.uri}/")] or Ending("Failed", NO_DATA)


def _job(kernel: Kernel, schedule: Row, key: str, request: Params) -> Params:
    """Run a processing job to its end. SageMaker itself starts it, so an input for each hour is not too many."""
    arn = schedule["MonitoringScheduleArn"]
    principal = Principal("sagemaker.amazonaws.com", kernel.account_id)
    ctx = Context(kernel, principal, kernel.ids.uuid())
    made = processing.create_processing_job({**request, "MonitoringScheduleArn": arn}, ctx)
    _change(kernel, key, MonitoringExecutionStatus="InProgress", ProcessingJobArn=made["ProcessingJobArn"])
    handle = engine.of(kernel).jobs.get(made["ProcessingJobArn"])
    if handle is not None:
        handle.ended.wait()
    return processing.describe_processing_job(request, ctx)


def _baseline(kernel: Kernel, definition: Definition) -> dict[str, str]:
    """URIs of the baseline's files: those that are named, else those that the baselining job wrote."""
    given, found = definition.baseline, {}
    if given.get("BaseliningJobName") and not given.get("ConstraintsResource"):
        job = kernel.store.get(names.PROCESSING_JOB, given["BaseliningJobName"])
        if job is None:
            raise JobFailure(f"ClientError: Could not find requested job with name: {given['BaseliningJobName']}")
        uri = job["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"].rstrip("/")
        found = {"constraints": f"{uri}/constraints.json", "statistics": f"{uri}/statistics.json"}
    for name, field in (("constraints", "ConstraintsResource"), ("statistics", "StatisticsResource")):
        if (given.get(field) or {}).get("S3Uri"):
            found[name] = given[field]["S3Uri"]
    return found


def _change(kernel: Kernel, key: str, **changes: Any) -> None:
    with kernel.store.transaction():
        row = kernel.store.get(_EXECUTION, key)
        assert row is not None
        kernel.store.put(_EXECUTION, key, {**row, **changes, "LastModifiedTime": kernel.clock.now()})
