"""Operations on pipeline executions.

AWS_NAME: StartPipelineExecution, StopPipelineExecution, DescribePipelineExecution, List…
SOURCE: the API reference pages of these operations, read 2026-11. The same ClientRequestToken gives the same execution.
DIFFERS: no selective execution, no versions, no retry. What the executor does not share with AWS for certain (draining
    after a failure) stands in the execution's row and in the journal.
"""

from __future__ import annotations

from emulator.kernel.errors import AwsError, EmulatorError, validation
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.kernel.store import Row
from emulator.semantics.pipelines import graph, parameters
from emulator.semantics.pipelines.definition import Scalar
from emulator.semantics.pipelines.errors import DefinitionError
from emulator.semantics.pipelines.resolution import text_of
from emulator.services.sagemaker import listing, names, people
from emulator.services.sagemaker.pipelines import definitions, executor, records

# The definition and parameters of an execution, fixed when it starts.
PLAN = executor.PLAN
_NOT_EMULATED = ("SelectiveExecutionConfig", "PipelineVersionId", "PipelineVersionAlias", "MlflowExperimentName")
_STEP_FIELDS = (
    "StepName",
    "StepDisplayName",
    "StepDescription",
    "StartTime",
    "EndTime",
    "StepStatus",
    "FailureReason",
    "Metadata",
    "AttemptCount",
)


def start_pipeline_execution(params: Params, ctx: Context) -> Params:
    for field in _NOT_EMULATED:
        if field in params:
            raise EmulatorError(f"sagemaker: StartPipelineExecution: {field} is not emulated yet")
    store, name = ctx.kernel.store, names.short(params["PipelineName"])
    token = f"StartPipelineExecution#{name}#{params['ClientRequestToken']}"
    with store.transaction():
        earlier = store.get(definitions.TOKEN, token)
        if earlier and store.get(names.EXECUTION, earlier["Arn"]):
            return {"PipelineExecutionArn": earlier["Arn"]}
        pipeline = definitions.existing(ctx.kernel, name)
        values = _bind(pipeline["PipelineDefinition"], params)
        row = _new_execution(pipeline, params, ctx)
        arn: str = row["PipelineExecutionArn"]
        store.put(names.EXECUTION, arn, row)
        store.put(PLAN, arn, {"PipelineDefinition": pipeline["PipelineDefinition"], "Parameters": values})
        store.put(definitions.TOKEN, token, {"Arn": arn})
        store.put(names.PIPELINE, name, {**pipeline, "LastRunTime": row["CreationTime"]})
    ctx.kernel.journal.append("pipeline.execution.started", arn, on_failure=graph.ON_FAILURE)
    records.announce_execution(ctx.kernel, row, None)
    ctx.kernel.dispatcher.post(f"execution {arn}", lambda: executor.advance(ctx.kernel, arn))
    return {"PipelineExecutionArn": arn}


def describe_pipeline_execution(params: Params, ctx: Context) -> Params:
    return names.public(records.execution(ctx.kernel, params["PipelineExecutionArn"]))


def describe_pipeline_definition_for_execution(params: Params, ctx: Context) -> Params:
    row = records.execution(ctx.kernel, params["PipelineExecutionArn"])
    return {"PipelineDefinition": _plan(ctx.kernel, row)["PipelineDefinition"], "CreationTime": row["CreationTime"]}


def stop_pipeline_execution(params: Params, ctx: Context) -> Params:
    arn = params["PipelineExecutionArn"]
    row = records.execution(ctx.kernel, arn)
    status = row["PipelineExecutionStatus"]
    if status == "Executing":
        executor.stop(ctx.kernel, arn)
    elif status != "Stopping":
        raise AwsError(
            "ConflictException", f"Pipeline execution with ARN '{arn}' has status {status} and cannot be stopped."
        )
    return {"PipelineExecutionArn": arn}


def list_pipeline_executions(params: Params, ctx: Context) -> Params:
    pipeline = definitions.existing(ctx.kernel, params["PipelineName"])
    after, before = params.get("CreatedAfter"), params.get("CreatedBefore")
    rows = [
        _summary(row)
        for row in ctx.kernel.store.rows(names.EXECUTION, f"{pipeline['PipelineArn']}/execution/")
        if (after is None or row["CreationTime"] > after) and (before is None or row["CreationTime"] < before)
    ]
    first = "PipelineExecutionArn" if params.get("SortBy") == "PipelineExecutionArn" else "StartTime"
    page = listing.page(rows, params, lambda row: (row[first], row["PipelineExecutionArn"]), is_descending=True)
    return listing.answer("PipelineExecutionSummaries", page)


def list_pipeline_execution_steps(params: Params, ctx: Context) -> Params:
    arn = params.get("PipelineExecutionArn")
    if arn is None:
        raise validation("PipelineExecutionArn must be provided.")
    records.execution(ctx.kernel, arn)
    page = listing.page(records.steps(ctx.kernel, arn), params, lambda row: (row["_Order"],), is_descending=True)
    items = [{key: row[key] for key in _STEP_FIELDS if key in row} for row in page.items]
    return listing.answer("PipelineExecutionSteps", listing.Page(items, page.token))


def list_pipeline_parameters_for_execution(params: Params, ctx: Context) -> Params:
    row = records.execution(ctx.kernel, params["PipelineExecutionArn"])
    values = _plan(ctx.kernel, row)["Parameters"]
    items = [
        {"Name": name, "Value": text_of(value), "_Order": order} for order, (name, value) in enumerate(values.items())
    ]
    page = listing.page(items, params, lambda item: (item["_Order"],))
    return listing.answer("PipelineParameters", listing.Page([names.public(item) for item in page.items], page.token))


def _plan(kernel: Kernel, row: Row) -> Row:
    plan = kernel.store.get(PLAN, row["PipelineExecutionArn"])
    assert plan is not None
    return plan


def _bind(definition_text: str, params: Params) -> dict[str, Scalar]:
    try:
        return parameters.bind(definitions.parsed(definition_text), params.get("PipelineParameters") or ())
    except DefinitionError as error:
        raise validation(f"Invalid pipeline parameters. {error}") from error


def _new_execution(pipeline: Row, params: Params, ctx: Context) -> Row:
    now = ctx.kernel.clock.now()
    execution_id = ctx.kernel.ids.alnum(12)
    parallelism = params.get("ParallelismConfiguration") or pipeline.get("ParallelismConfiguration")
    row = {
        "PipelineArn": pipeline["PipelineArn"],
        "PipelineExecutionArn": f"{pipeline['PipelineArn']}/execution/{execution_id}",
        "PipelineExecutionDisplayName": params.get(
            "PipelineExecutionDisplayName", f"execution-{int(now.timestamp() * 1000)}"
        ),
        "PipelineExecutionStatus": "Executing",
        "PipelineExecutionDescription": params.get("PipelineExecutionDescription"),
        "CreationTime": now,
        "LastModifiedTime": now,
        "CreatedBy": people.context(ctx.principal),
        "LastModifiedBy": people.context(ctx.principal),
        "ParallelismConfiguration": parallelism,
        "RoleArn": params.get("RoleArn", pipeline.get("RoleArn")),
        "_OnFailure": graph.ON_FAILURE,
    }
    return {key: value for key, value in row.items() if value is not None}


def _summary(row: Row) -> Row:
    fields = (
        "PipelineExecutionArn",
        "PipelineExecutionStatus",
        "PipelineExecutionDescription",
        "PipelineExecutionDisplayName",
    )
    found = {key: row[key] for key in fields if key in row}
    failed = {"PipelineExecutionFailureReason": row["FailureReason"]} if "FailureReason" in row else {}
    return {**found, **failed, "StartTime": row["CreationTime"]}


OPERATIONS: dict[str, Operation] = {
    "StartPipelineExecution": start_pipeline_execution,
    "DescribePipelineExecution": describe_pipeline_execution,
    "DescribePipelineDefinitionForExecution": describe_pipeline_definition_for_execution,
    "StopPipelineExecution": stop_pipeline_execution,
    "ListPipelineExecutions": list_pipeline_executions,
    "ListPipelineExecutionSteps": list_pipeline_execution_steps,
    "ListPipelineParametersForExecution": list_pipeline_parameters_for_execution,
}
