"""Operations on model package groups.

AWS_NAME: CreateModelPackageGroup, DescribeModelPackageGroup, ListModelPackageGroups, DeleteModelPackageGroup
SOURCE: the API reference pages of these operations, read 2026-11
"""

from __future__ import annotations

from emulator.kernel.errors import AwsError, EmulatorError, validation
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.kernel.store import Row
from emulator.services.sagemaker import listing, names, people, tags

KIND = names.PACKAGE_GROUP


def create_model_package_group(params: Params, ctx: Context) -> Params:
    if "ManagedConfiguration" in params:
        raise EmulatorError("sagemaker: CreateModelPackageGroup: ManagedConfiguration is not emulated yet")
    name = params["ModelPackageGroupName"]
    arn = ctx.kernel.arn("sagemaker", f"model-package-group/{name}")
    with ctx.kernel.store.transaction():
        if ctx.kernel.store.get(KIND, name):
            raise validation(f"Model Package Group already exists: {arn}")
        row = {
            **{key: value for key, value in params.items() if key != "Tags"},
            "ModelPackageGroupArn": arn,
            "CreationTime": ctx.kernel.clock.now(),
            "CreatedBy": people.context(ctx.principal),
            "ModelPackageGroupStatus": "Completed",
            "_LastVersion": 0,
        }
        ctx.kernel.store.put(KIND, name, row)
        tags.put(ctx.kernel, arn, params.get("Tags"))
    return {"ModelPackageGroupArn": arn}


def describe_model_package_group(params: Params, ctx: Context) -> Params:
    return names.public(existing(ctx.kernel, params["ModelPackageGroupName"]))


def list_model_package_groups(params: Params, ctx: Context) -> Params:
    name = "ModelPackageGroupName"
    rows = [names.public(row) for row in listing.keep(ctx.kernel.store.rows(KIND), params, name)]
    return listing.answer("ModelPackageGroupSummaryList", listing.page(rows, params, listing.by(params, name)))


def delete_model_package_group(params: Params, ctx: Context) -> Params:
    with ctx.kernel.store.transaction():
        row = existing(ctx.kernel, params["ModelPackageGroupName"])
        if ctx.kernel.store.rows(names.PACKAGE, f"{row['ModelPackageGroupName']}/"):
            message = f"Model Package Group {row['ModelPackageGroupArn']} contains model packages; delete them first."
            raise AwsError("ConflictException", message)
        ctx.kernel.store.delete(KIND, row["ModelPackageGroupName"])
        tags.forget(ctx.kernel, row["ModelPackageGroupArn"])
    return {}


def existing(kernel: Kernel, name_or_arn: str) -> Row:
    name = names.short(name_or_arn)
    row = kernel.store.get(KIND, name)
    if row is None:
        raise validation(f"ModelPackageGroup {kernel.arn('sagemaker', f'model-package-group/{name}')} does not exist.")
    return row


OPERATIONS: dict[str, Operation] = {
    "CreateModelPackageGroup": create_model_package_group,
    "DescribeModelPackageGroup": describe_model_package_group,
    "ListModelPackageGroups": list_model_package_groups,
    "DeleteModelPackageGroup": delete_model_package_group,
}
