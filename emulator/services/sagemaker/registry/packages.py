"""Operations on model packages.

AWS_NAME: CreateModelPackage, DescribeModelPackage, ListModelPackages, UpdateModelPackage, DeleteModelPackage
SOURCE: the API reference pages of these operations; API_ListModelPackages (unversioned packages are listed unless a
    group or a type is asked for), read 2026-11
"""

from __future__ import annotations

from emulator.kernel.errors import validation
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.kernel.store import Row
from emulator.semantics.registry import packages
from emulator.semantics.state_changes import packages as events
from emulator.services.sagemaker import listing, names, people, tags
from emulator.services.sagemaker.registry import groups

KIND = names.PACKAGE
TOKEN = names.TOKEN


def create_model_package(params: Params, ctx: Context) -> Params:
    if "ModelPackageName" in params and "ModelPackageGroupName" in params:
        message = "Both ModelPackageName and ModelPackageGroupName are provided in the input."
        raise validation(f"{message} Cannot determine which one to use.")
    if "ModelPackageName" not in params and "ModelPackageGroupName" not in params:
        raise validation("Missing ARN.")
    token = f"CreateModelPackage#{params.get('ClientToken')}"
    with ctx.kernel.store.transaction():
        earlier = ctx.kernel.store.get(TOKEN, token)
        if earlier:
            return {"ModelPackageArn": earlier["Arn"]}
        row = _versioned(params, ctx) if "ModelPackageGroupName" in params else _unversioned(params, ctx)
        ctx.kernel.store.put(KIND, names.short(row["ModelPackageArn"]), row)
        tags.put(ctx.kernel, row["ModelPackageArn"], params.get("Tags"))
        if "ClientToken" in params:
            ctx.kernel.store.put(TOKEN, token, {"Arn": row["ModelPackageArn"]})
    _announce(ctx.kernel, row)
    return {"ModelPackageArn": row["ModelPackageArn"]}


def describe_model_package(params: Params, ctx: Context) -> Params:
    return names.public(existing(ctx.kernel, params["ModelPackageName"]))


def list_model_packages(params: Params, ctx: Context) -> Params:
    group = params.get("ModelPackageGroupName")
    kind = "Versioned" if group else params.get("ModelPackageType", "Unversioned")
    rows = [
        row
        for row in ctx.kernel.store.rows(KIND)
        if kind == "Both" or ("ModelPackageVersion" in row) is (kind == "Versioned")
    ]
    if group:
        rows = [row for row in rows if row["ModelPackageGroupName"] == names.short(group)]
    if "ModelApprovalStatus" in params:
        rows = [row for row in rows if row.get("ModelApprovalStatus") == params["ModelApprovalStatus"]]
    rows = [_summary(row) for row in listing.keep(rows, params, "ModelPackageName")]
    first = "_Name" if params.get("SortBy") == "Name" else "CreationTime"
    page = listing.page(rows, params, lambda row: (row[first], row["_Name"], row.get("ModelPackageVersion", 0)))
    items = [names.public(row) for row in page.items]
    return listing.answer("ModelPackageSummaryList", listing.Page(items, page.token))


def update_model_package(params: Params, ctx: Context) -> Params:
    with ctx.kernel.store.transaction():
        row = existing(ctx.kernel, params["ModelPackageArn"])
        row.update(packages.changes(row, params))
        row.update(LastModifiedTime=ctx.kernel.clock.now(), LastModifiedBy=people.context(ctx.principal))
        ctx.kernel.store.put(KIND, names.short(row["ModelPackageArn"]), row)
    _announce(ctx.kernel, row)
    return {"ModelPackageArn": row["ModelPackageArn"]}


def delete_model_package(params: Params, ctx: Context) -> Params:
    with ctx.kernel.store.transaction():
        row = existing(ctx.kernel, params["ModelPackageName"])
        ctx.kernel.store.delete(KIND, names.short(row["ModelPackageArn"]))
        tags.forget(ctx.kernel, row["ModelPackageArn"])
    return {}


def existing(kernel: Kernel, name_or_arn: str) -> Row:
    name = names.short(name_or_arn)
    row = kernel.store.get(KIND, name)
    if row is None:
        raise validation(f"ModelPackage {kernel.arn('sagemaker', f'model-package/{name}')} does not exist.")
    return row


def _versioned(params: Params, ctx: Context) -> Row:
    """The next version of a group. Numbers of deleted versions do not come again."""
    group = groups.existing(ctx.kernel, params["ModelPackageGroupName"])
    name, version = group["ModelPackageGroupName"], group["_LastVersion"] + 1
    ctx.kernel.store.put(names.PACKAGE_GROUP, name, {**group, "_LastVersion": version})
    own = {"ModelPackageGroupName": name, "ModelPackageName": f"{name}/{version}", "ModelPackageVersion": version}
    return {**packages.born(params, is_versioned=True), **own, **_made(ctx, f"{name}/{version}")}


def _unversioned(params: Params, ctx: Context) -> Row:
    name = params["ModelPackageName"]
    if ctx.kernel.store.get(KIND, name):
        raise validation(f"Model package already exists: {ctx.kernel.arn('sagemaker', f'model-package/{name}')}")
    return {**packages.born(params, is_versioned=False), **_made(ctx, name)}


def _made(ctx: Context, name: str) -> Row:
    now = ctx.kernel.clock.now()
    by = people.context(ctx.principal)
    arn = ctx.kernel.arn("sagemaker", f"model-package/{name}")
    return {"ModelPackageArn": arn, "CreationTime": now, "LastModifiedTime": now, "CreatedBy": by, "LastModifiedBy": by}


def _summary(row: Row) -> Row:
    """A list item; AWS gives no ModelPackageName for versions."""
    fields = (
        "ModelPackageArn",
        "ModelPackageDescription",
        "CreationTime",
        "ModelPackageStatus",
        "ModelApprovalStatus",
        "ModelLifeCycle",
        "ModelPackageRegistrationType",
    )
    own = ("ModelPackageGroupName", "ModelPackageVersion") if "ModelPackageVersion" in row else ("ModelPackageName",)
    name = row.get("ModelPackageGroupName", row["ModelPackageName"])
    return {**{key: row[key] for key in (*own, *fields) if key in row}, "_Name": name}


def _announce(kernel: Kernel, row: Row) -> None:
    facts = {"status": row.get("ModelApprovalStatus"), "by": row["LastModifiedBy"]["IamIdentity"]["Arn"]}
    kernel.journal.append("model_package.changed", row["ModelPackageArn"], **facts)
    detail_type, detail = events.package(row)
    kernel.publish("aws.sagemaker", detail_type, detail, [row["ModelPackageArn"]])


OPERATIONS: dict[str, Operation] = {
    "CreateModelPackage": create_model_package,
    "DescribeModelPackage": describe_model_package,
    "ListModelPackages": list_model_packages,
    "UpdateModelPackage": update_model_package,
    "DeleteModelPackage": delete_model_package,
}
