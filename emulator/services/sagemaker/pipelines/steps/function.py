"""Lambda step: invoke the function with the arguments as its event, take the declared keys of its answer.

AWS_NAME: Lambda step
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html#step-type-lambda, read 2026-11
DIFFERS: the time limit is the function's own; AWS's default for the step (120 s) is not applied on top.
"""

from __future__ import annotations

import json
from typing import Any

from emulator.semantics.pipelines.resolution import text_of
from emulator.services.sagemaker.pipelines.step_run import StepFailure, StepResult, StepRun


def perform(run: StepRun) -> StepResult:
    arn = str(run.resolved(run.step.keys["FunctionArn"]))
    event = run.resolved(dict(run.step.arguments))
    run.executing({"Lambda": {"Arn": arn}})
    request = {"FunctionName": arn, "InvocationType": "RequestResponse", "Payload": json.dumps(event).encode()}
    answer = run.invoke("lambda", "Invoke", request)
    body = answer.get("Payload") or b"null"
    if answer.get("FunctionError"):
        raise StepFailure(f"ClientError: Lambda function {arn} failed: {_told(body)}", {"Lambda": {"Arn": arn}})
    outputs = _outputs(run.step.keys.get("OutputParameters") or (), json.loads(body))
    shown = [{"Name": name, "Value": text_of(value)[:1024]} for name, value in outputs.items()]
    result = StepResult(
        properties={"OutputParameters": outputs}, metadata={"Lambda": {"Arn": arn, "OutputParameters": shown}}
    )
    return StepResult("Stopped", metadata=result.metadata) if run.is_stopping() else result


def _outputs(declared: Any, answer: Any) -> dict[str, Any]:
    """The declared outputs that the function returned; nested values become JSON text."""
    found = answer if isinstance(answer, dict) else {}
    chosen = {item["OutputName"]: found[item["OutputName"]] for item in declared if item["OutputName"] in found}
    return {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in chosen.items()}


def _told(body: bytes) -> str:
    try:
        error = json.loads(body)
        return f"{error['errorType']}: {error['errorMessage']}"
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace")
