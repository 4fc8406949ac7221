"""Operations on pipelines themselves.

AWS_NAME: CreatePipeline, UpdatePipeline, DescribePipeline, DeletePipeline, ListPipelines
SOURCE: the API reference pages of these operations, read 2026-11
DIFFERS: no pipeline versions; a deleted pipeline takes its executions with it.
"""

from __future__ import annotations

from functools import lru_cache

from emulator.kernel.errors import AwsError, EmulatorError, validation
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.kernel.store import Row
from emulator.semantics.pipelines import parsing
from emulator.semantics.pipelines.definition import Definition
from emulator.semantics.pipelines.errors import DefinitionError, NotEmulated
from emulator.services.sagemaker import listing, names, people, tags

KIND = names.PIPELINE
TOKEN = names.TOKEN
_SETTABLE = ("PipelineDisplayName", "PipelineDescription", "RoleArn", "ParallelismConfiguration")


def create_pipeline(params: Params, ctx: Context) -> Params:
    name, kernel = params["PipelineName"], ctx.kernel
    arn = kernel.arn("sagemaker", f"pipeline/{name}")
    token = f"CreatePipeline#{params['ClientRequestToken']}"
    earlier = kernel.store.get(TOKEN, token)
    if earlier and earlier["Arn"] == arn and kernel.store.get(KIND, name):
        return {"PipelineArn": arn}
    text = _definition_text(params, ctx)
    if text is None:
        raise validation("Either PipelineDefinition or PipelineDefinitionS3Location must be provided.")
    with kernel.store.transaction():
        if kernel.store.get(KIND, name):
            rule = "Pipeline names must be unique within an AWS account and region."
            raise validation(f"{rule} Pipeline with name ({name}) already exists.")
        kernel.store.put(KIND, name, _new_row(params, ctx, arn, text))
        kernel.store.put(TOKEN, token, {"Arn": arn})
        tags.put(kernel, arn, params.get("Tags"))
    return {"PipelineArn": arn}


def _new_row(params: Params, ctx: Context, arn: str, text: str) -> Row:
    now, by = ctx.kernel.clock.now(), people.context(ctx.principal)
    return {
        "PipelineDisplayName": params["PipelineName"],
        **{key: params[key] for key in _SETTABLE if key in params},
        "PipelineArn": arn,
        "PipelineName": params["PipelineName"],
        "PipelineDefinition": text,
        "PipelineStatus": "Active",
        "CreationTime": now,
        "LastModifiedTime": now,
        "CreatedBy": by,
        "LastModifiedBy": by,
    }


def update_pipeline(params: Params, ctx: Context) -> Params:
    text = _definition_text(params, ctx)
    with ctx.kernel.store.transaction():
        row = existing(ctx.kernel, params["PipelineName"])
        row.update({key: params[key] for key in _SETTABLE if key in params})
        row.update({} if text is None else {"PipelineDefinition": text})
        row.update(LastModifiedTime=ctx.kernel.clock.now(), LastModifiedBy=people.context(ctx.principal))
        ctx.kernel.store.put(KIND, row["PipelineName"], row)
    return {"PipelineArn": row["PipelineArn"]}


def describe_pipeline(params: Params, ctx: Context) -> Params:
    if "PipelineVersionId" in params or "PipelineVersionAlias" in params:
        raise EmulatorError("sagemaker: DescribePipeline: pipeline versions are not emulated yet")
    return names.public(existing(ctx.kernel, params["PipelineName"]))


def delete_pipeline(params: Params, ctx: Context) -> Params:
    store = ctx.kernel.store
    with store.transaction():
        row = existing(ctx.kernel, params["PipelineName"])
        executions = store.rows(names.EXECUTION, f"{row['PipelineArn']}/execution/")
        if any(item["PipelineExecutionStatus"] in ("Executing", "Stopping") for item in executions):
            raise AwsError(
                "ConflictException", f"Pipeline '{row['PipelineArn']}' has running executions; stop them first."
            )
        store.delete(KIND, row["PipelineName"])
        tags.forget(ctx.kernel, row["PipelineArn"])
        for item in executions:
            store.delete(names.EXECUTION, item["PipelineExecutionArn"])
    return {"PipelineArn": row["PipelineArn"]}


def list_pipelines(params: Params, ctx: Context) -> Params:
    after, before = params.get("CreatedAfter"), params.get("CreatedBefore")
    rows = [
        {**row, "LastExecutionTime": row["LastRunTime"]} if "LastRunTime" in row else row
        for row in ctx.kernel.store.rows(KIND, params.get("PipelineNamePrefix", ""))
        if (after is None or row["CreationTime"] > after) and (before is None or row["CreationTime"] < before)
    ]
    page = listing.page(rows, params, listing.by(params, "PipelineName"), is_descending=True)
    return listing.answer("PipelineSummaries", page)


def existing(kernel: Kernel, name_or_arn: str) -> Row:
    name = names.short(name_or_arn)
    row = kernel.store.get(KIND, name)
    if row is None:
        arn = kernel.arn("sagemaker", f"pipeline/{name}")
        raise AwsError("ResourceNotFound", f"Pipeline '{arn}' does not exist.")
    return row


@lru_cache(maxsize=64)
def parsed(text: str) -> Definition:
    """A definition's text as frozen values; the same text is parsed once.

    Raises:
        DefinitionError, NotEmulated: see `parsing.parse`.
    """
    return parsing.parse(text)


def _definition_text(params: Params, ctx: Context) -> str | None:
    """The text given in the request or lying in S3, checked; None when the request has neither."""
    text: str | None = params.get("PipelineDefinition")
    if location := params.get("PipelineDefinitionS3Location"):
        names_ = {"Bucket": "Bucket", "ObjectKey": "Key", "VersionId": "VersionId"}
        request = {names_[key]: value for key, value in location.items()}
        text = ctx.kernel.calls("s3", "GetObject", request, ctx.principal)["Body"].decode()
    if text is None:
        return None
    try:
        parsed(text)
    except DefinitionError as error:
        raise validation(f"Unable to parse pipeline definition. {error}") from error
    except NotEmulated as error:
        raise EmulatorError(f"sagemaker: pipeline '{params['PipelineName']}' {error}") from error
    return text


OPERATIONS: dict[str, Operation] = {
    "CreatePipeline": create_pipeline,
    "UpdatePipeline": update_pipeline,
    "DescribePipeline": describe_pipeline,
    "DeletePipeline": delete_pipeline,
    "ListPipelines": list_pipelines,
}
