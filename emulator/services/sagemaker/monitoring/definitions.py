"""Job definitions of the four kinds of monitors: alike but for the names of their fields."""

from __future__ import annotations

from functools import partial

from emulator.kernel.errors import AwsError, validation
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.kernel.store import Row
from emulator.semantics.monitoring import definitions
from emulator.semantics.monitoring.definitions import Definition
from emulator.services.sagemaker import listing, names, tags

KIND = names.JOB_DEFINITION
_RESOURCES = {
    definitions.DATA_QUALITY: "data-quality-job-definition",
    definitions.MODEL_QUALITY: "model-quality-job-definition",
    definitions.MODEL_BIAS: "model-bias-job-definition",
    definitions.MODEL_EXPLAINABILITY: "model-explainability-job-definition",
}


def create(kind: str, params: Params, ctx: Context) -> Params:
    kernel, name = ctx.kernel, params["JobDefinitionName"]
    reason = definitions.refusal(definitions.of_kind(kind, params))
    if reason:
        raise validation(reason)
    arn = names.lower_arn(kernel, _RESOURCES[kind], name)
    request = {key: value for key, value in params.items() if key != "Tags"}
    with kernel.store.transaction():
        if kernel.store.get(KIND, _key(kind, name)):
            raise AwsError("ResourceInUse", f"Job definition {arn} already exists.")
        kernel.store.put(
            KIND, _key(kind, name), {**request, "JobDefinitionArn": arn, "CreationTime": kernel.clock.now()}
        )
        tags.put(kernel, arn, params.get("Tags"))
    return {"JobDefinitionArn": arn}


def describe(kind: str, params: Params, ctx: Context) -> Params:
    return existing(ctx.kernel, kind, params["JobDefinitionName"])


def delete(kind: str, params: Params, ctx: Context) -> Params:
    """A schedule locks its definition, as the SDK says where it waits for the schedule to be gone."""
    kernel = ctx.kernel
    with kernel.store.transaction():
        row = existing(kernel, kind, params["JobDefinitionName"])
        for schedule in kernel.store.rows(names.MONITORING_SCHEDULE):
            config = schedule["MonitoringScheduleConfig"]
            if (config.get("MonitoringType"), config.get("MonitoringJobDefinitionName")) == (
                kind,
                row["JobDefinitionName"],
            ):
                raise validation(
                    f"Job definition {row['JobDefinitionArn']} is used by monitoring schedule "
                    f"{schedule['MonitoringScheduleName']}."
                )
        kernel.store.delete(KIND, _key(kind, row["JobDefinitionName"]))
        tags.forget(kernel, row["JobDefinitionArn"])
    return {}


def list_(kind: str, params: Params, ctx: Context) -> Params:
    rows = listing.keep(ctx.kernel.store.rows(KIND, f"{kind}/"), params, "JobDefinitionName")
    found = [_summary(kind, row) for row in rows]
    if params.get("EndpointName"):
        found = [item for item in found if item["EndpointName"] == params["EndpointName"]]
    page = listing.page(found, params, listing.by(params, "MonitoringJobDefinitionName"), is_descending=True)
    return listing.answer("JobDefinitionSummaries", page)


def existing(kernel: Kernel, kind: str, name: str) -> Row:
    """A stored definition.

    Raises:
        AwsError: ResourceNotFound.
    """
    row = kernel.store.get(KIND, _key(kind, name))
    if row is None:
        arn = names.lower_arn(kernel, _RESOURCES[kind], name)
        raise AwsError("ResourceNotFound", f"Could not find job definition {arn}.")
    return row


def of_schedule(kernel: Kernel, config: Params) -> Definition:
    """What a schedule's config says to run, its own job or a definition by name.

    Raises:
        AwsError: neither or both are said, or there is no such definition.
    """
    inline, name, kind = (
        config.get(field) for field in ("MonitoringJobDefinition", "MonitoringJobDefinitionName", "MonitoringType")
    )
    if bool(inline) == bool(name):
        raise validation("Exactly one of MonitoringJobDefinition and MonitoringJobDefinitionName must be given.")
    if inline:
        if kind not in (None, definitions.DATA_QUALITY):
            raise validation(f"MonitoringType {kind} needs a MonitoringJobDefinitionName.")
        return definitions.of_schedule(inline)
    if not kind:
        raise validation("MonitoringType is required with MonitoringJobDefinitionName.")
    try:
        return definitions.of_kind(kind, existing(kernel, kind, str(name)))
    except AwsError as error:
        raise validation(error.message) from error


def _summary(kind: str, row: Row) -> Row:
    return {
        "MonitoringJobDefinitionName": row["JobDefinitionName"],
        "MonitoringJobDefinitionArn": row["JobDefinitionArn"],
        "CreationTime": row["CreationTime"],
        "EndpointName": definitions.of_kind(kind, row).endpoint or "",
    }


def _key(kind: str, name: str) -> str:
    return f"{kind}/{name}"


OPERATIONS: dict[str, Operation] = {
    f"{verb}{kind}JobDefinition{plural}": partial(operation, kind)
    for kind in definitions.KINDS
    for verb, operation, plural in (
        ("Create", create, ""),
        ("Describe", describe, ""),
        ("Delete", delete, ""),
        ("List", list_, "s"),
    )
}
