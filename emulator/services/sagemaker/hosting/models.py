"""Operations on models.

AWS_NAME: CreateModel, DescribeModel, ListModels, DeleteModel
SOURCE: the API reference pages of these operations; AWS's words for model data that is not there from
    docs.aws.amazon.com/sagemaker/latest/dg/troubleshooting, read 2026-11
DIFFERS: direct invocation of one of several containers and uncompressed model data are refused by name.
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError, validation
from emulator.kernel.ports import Context, Kernel, Operation, Params, Principal
from emulator.kernel.store import Row
from emulator.semantics.state_changes import hosting as events
from emulator.services.sagemaker import listing, names, tags
from emulator.services.sagemaker.jobs.failure import JobFailure
from emulator.services.sagemaker.jobs.objects import split
from emulator.services.sagemaker.registry import packages

KIND = names.MODEL
_NOT_EMULATED = ("ModelDataSource", "AdditionalModelDataSources", "InferenceSpecificationName")


def create_model(params: Params, ctx: Context) -> Params:
    kernel, name = ctx.kernel, params["ModelName"]
    arn = names.lower_arn(kernel, "model", name)
    containers = [_resolved(kernel, container) for container in _containers(params)]
    for container in containers:
        _check_data(kernel, container, params.get("ExecutionRoleArn", ""))
    row = {
        **{key: value for key, value in params.items() if key != "Tags"},
        "ModelArn": arn,
        "CreationTime": kernel.clock.now(),
        "_Containers": containers,
    }
    with kernel.store.transaction():
        if kernel.store.get(KIND, name):
            raise validation(f'Cannot create already existing model "{arn}".')
        kernel.store.put(KIND, name, row)
        tags.put(kernel, arn, params.get("Tags"))
    _announce(kernel, row)
    return {"ModelArn": arn}


def describe_model(params: Params, ctx: Context) -> Params:
    return names.public(existing(ctx.kernel, params["ModelName"]))


def list_models(params: Params, ctx: Context) -> Params:
    rows = listing.keep(ctx.kernel.store.rows(KIND), params, "ModelName")
    page = listing.page(
        [names.public(row) for row in rows], params, listing.by(params, "ModelName"), is_descending=True
    )
    return listing.answer("Models", page)


def delete_model(params: Params, ctx: Context) -> Params:
    with ctx.kernel.store.transaction():
        row = existing(ctx.kernel, params["ModelName"])
        ctx.kernel.store.delete(KIND, row["ModelName"])
    _announce(ctx.kernel, row)
    tags.forget(ctx.kernel, row["ModelArn"])
    return {}


def existing(kernel: Kernel, name: str) -> Row:
    row = kernel.store.get(KIND, name)
    if row is None:
        raise validation(f'Could not find model "{names.lower_arn(kernel, "model", name)}".')
    return row


def _containers(params: Params) -> list[dict[str, Any]]:
    """The containers of a model, in the order in which they answer."""
    given = [params["PrimaryContainer"]] if "PrimaryContainer" in params else list(params.get("Containers") or ())
    if not given:
        raise validation("One of PrimaryContainer or Containers must be provided.")
    if (params.get("InferenceExecutionConfig") or {}).get("Mode", "Serial") != "Serial":
        raise EmulatorError("sagemaker: CreateModel: InferenceExecutionConfig Mode 'Direct' is not emulated yet")
    for container in given:
        for field in _NOT_EMULATED:
            if container.get(field):
                raise EmulatorError(f"sagemaker: CreateModel: {field} is not emulated yet")
        if (container.get("MultiModelConfig") or {}).get("ModelCacheSetting") == "Disabled":
            raise EmulatorError("sagemaker: CreateModel: ModelCacheSetting 'Disabled' is not emulated yet")
    if len(given) > 1 and any(container.get("Mode") == "MultiModel" for container in given):
        raise EmulatorError(
            "sagemaker: CreateModel: Mode 'MultiModel' in one of several Containers is not emulated yet"
        )
    return given


def _resolved(kernel: Kernel, container: dict[str, Any]) -> dict[str, Any]:
    """Image, data and environment: the container's own, or those of the package version it names."""
    if "ModelPackageName" not in container:
        if "Image" not in container:
            raise validation("Either Image or ModelPackageName must be provided for a container.")
        return container
    package = packages.existing(kernel, container["ModelPackageName"])
    found = (package.get("InferenceSpecification") or {}).get("Containers") or [{}]
    environment = {**found[0].get("Environment", {}), **container.get("Environment", {})}
    return {**found[0], "Environment": environment}


def _check_data(kernel: Kernel, container: dict[str, Any], role_arn: str) -> None:
    uri = container.get("ModelDataUrl")
    if uri is None:
        raise EmulatorError("sagemaker: CreateModel: a container without ModelDataUrl is not emulated yet")
    try:
        bucket, key = split(uri)
    except JobFailure as error:
        raise validation(str(error)) from error
    if container.get("Mode") == "MultiModel":
        return  # a prefix, under which models may come later
    try:
        kernel.calls("s3", "HeadObject", {"Bucket": bucket, "Key": key}, Principal(role_arn, kernel.account_id))
    except AwsError as error:
        raise validation(
            f'Could not access model data at {uri}. Please ensure that the role "{role_arn}" exists and that its trust '
            'relationship policy allows the action "sts:AssumeRole" for the service principal '
            '"sagemaker.amazonaws.com". Also ensure that the role has "s3:GetObject" permissions and that the object '
            f"is located in {kernel.region}."
        ) from error


def _announce(kernel: Kernel, row: Row) -> None:
    detail_type, detail = events.model(row, tags.of(kernel, row["ModelArn"]))
    kernel.publish("aws.sagemaker", detail_type, detail, [row["ModelArn"]])


OPERATIONS: dict[str, Operation] = {
    "CreateModel": create_model,
    "DescribeModel": describe_model,
    "ListModels": list_models,
    "DeleteModel": delete_model,
}
