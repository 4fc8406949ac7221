"""Callback step: put a token on a queue, wait until somebody answers it, take the declared outputs of the answer.

AWS_NAME: Callback step; SendPipelineExecutionStepSuccess, SendPipelineExecutionStepFailure
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html#step-type-callback;
    API_SendPipelineExecutionStepSuccess; API_SendPipelineExecutionStepFailure, read 2026-11
DIFFERS: which error AWS gives to a token that is unknown or answered already is not documented beyond its name;
    here it is ResourceNotFound, and a repetition with the same ClientRequestToken is no error.
"""

from __future__ import annotations

import json
from typing import Any

from emulator.kernel.dispatcher import Gate
from emulator.kernel.errors import AwsError, validation
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.kernel.store import Row
from emulator.semantics.pipelines import callbacks
from emulator.services.sagemaker import engine, names
from emulator.services.sagemaker.pipelines.step_run import StepFailure, StepResult, StepRun


def perform(run: StepRun) -> StepResult:
    url = str(run.resolved(run.step.keys["SqsQueueUrl"]))
    arguments = run.resolved(dict(run.step.arguments))
    declared = run.step.keys.get("OutputParameters") or []
    token = run.kernel.ids.alnum(10)
    answered = run.kernel.dispatcher.gate()
    engine.of(run.kernel).callbacks[token] = answered
    row = {"Token": token, "PipelineExecutionArn": run.execution_arn, "SqsQueueUrl": url, "Arguments": arguments}
    run.kernel.store.put(names.CALLBACK, token, {**row, "Declared": declared, "RoleArn": run.role_arn})
    metadata = {"Callback": {"CallbackToken": token, "SqsQueueUrl": url}}
    try:
        run.invoke("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": _message(row, "Executing")})
        if not run.executing(metadata):
            _tell_stopping(run.kernel, row)
        answered.wait()
    finally:
        engine.of(run.kernel).callbacks.pop(token, None)
    return _result(run, _existing(run.kernel, token), metadata)


def stop(kernel: Kernel, step: Row) -> None:
    """Tell the queue that the execution is being stopped. The step ends when its token is answered all the same."""
    found = (step.get("Metadata") or {}).get("Callback")
    if found:
        _tell_stopping(kernel, _existing(kernel, found["CallbackToken"]))


def send_success(params: Params, ctx: Context) -> Params:
    """The answer to a token: the step succeeds with these outputs."""
    row = _existing(ctx.kernel, params["CallbackToken"])
    try:
        outputs = callbacks.outputs(row["Declared"], params.get("OutputParameters") or ())
    except callbacks.WrongOutputError as error:
        raise validation(str(error)) from error
    return _answer(ctx, params, {"Outputs": outputs})


def send_failure(params: Params, ctx: Context) -> Params:
    """The answer to a token: the step fails for this reason."""
    return _answer(ctx, params, {"FailureReason": params.get("FailureReason", "")})


def _answer(ctx: Context, params: Params, answer: Row) -> Params:
    token = params["CallbackToken"]
    with ctx.kernel.store.transaction():
        row = _existing(ctx.kernel, token)
        if "Answer" not in row:
            made = {"Answer": answer, "ClientRequestToken": params.get("ClientRequestToken")}
            ctx.kernel.store.put(names.CALLBACK, token, {**row, **made})
        elif params.get("ClientRequestToken") is None or params["ClientRequestToken"] != row["ClientRequestToken"]:
            raise _unknown(token)
    gate: Gate | None = engine.of(ctx.kernel).callbacks.get(token)
    if gate is not None:
        gate.open()
    return {"PipelineExecutionArn": row["PipelineExecutionArn"]}


def _result(run: StepRun, row: Row, metadata: Row) -> StepResult:
    answer = row["Answer"]
    if "FailureReason" in answer:
        raise StepFailure(f"ClientError: Callback failed: {answer['FailureReason']}", metadata)
    outputs: dict[str, Any] = answer["Outputs"]
    shown = [{"Name": name, "Value": str(value)} for name, value in outputs.items()]
    told = {"Callback": {**metadata["Callback"], "OutputParameters": shown}}
    status = "Stopped" if run.is_stopping() else "Succeeded"
    return StepResult(status, properties={"OutputParameters": outputs}, metadata=told)


def _tell_stopping(kernel: Kernel, row: Row) -> None:
    call = {"QueueUrl": row["SqsQueueUrl"], "MessageBody": _message(row, "Stopping")}
    try:
        kernel.calls("sqs", "SendMessage", call)
    except AwsError as error:
        kernel.journal.append("pipeline.step.stop_refused", row["PipelineExecutionArn"], error=str(error))


def _message(row: Row, status: str) -> str:
    return json.dumps(callbacks.message(row["Token"], row["PipelineExecutionArn"], row["Arguments"], status))


def _existing(kernel: Kernel, token: str) -> Row:
    row = kernel.store.get(names.CALLBACK, token)
    if row is None:
        raise _unknown(token)
    return row


def _unknown(token: str) -> AwsError:
    return AwsError("ResourceNotFound", f"Callback token '{token}' does not exist or has been answered already.")


OPERATIONS: dict[str, Operation] = {
    "SendPipelineExecutionStepSuccess": send_success,
    "SendPipelineExecutionStepFailure": send_failure,
}
