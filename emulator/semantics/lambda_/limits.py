"""How large events, answers, environments and code may be, and which variables are Lambda's own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

AWS_NAME = "Lambda quotas of payloads, environment variables, code and layers"
SOURCE = (
    "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, configuration-envvars.html and "
    "https://aws.amazon.com/about-aws/whats-new/2025/10/aws-lambda-payload-size-256-kb-1-mb-invocations/ "
    "(read 2026-11-23); the messages are those that users of AWS published"
)
DIFFERS = (
    "a request that is too large has the error code RequestEntityTooLargeException, which AWS was seen to send, and "
    "not the RequestTooLargeException of its API reference; the account's 75 GB of code are not counted"
)

SYNC_BYTES, ASYNC_BYTES, ANSWER_BYTES = 6_291_456, 1_048_576, 6_291_556
ZIPPED_BYTES, UNZIPPED_BYTES, LAYERS_MAX = 52_428_800, 262_144_000, 5
_VARIABLES_BYTES = 4096
_RESERVED = frozenset(
    {
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
    }
)


def payload_problem(size_bytes: int, kind: str) -> str | None:
    """Why an event of `kind` (Event or RequestResponse) is too large."""
    limit = ASYNC_BYTES if kind == "Event" else SYNC_BYTES
    if size_bytes <= limit:
        return None
    return f"{size_bytes} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"


def answer_problem(answer: bytes) -> bytes | None:
    """What the caller gets instead of an answer that is too large."""
    if len(answer) <= ANSWER_BYTES:
        return None
    message = f"Response payload size exceeded maximum allowed payload size ({ANSWER_BYTES} bytes)."
    return json.dumps({"errorMessage": message, "errorType": "Function.ResponseSizeTooLarge"}).encode()


def variables_problem(variables: Mapping[str, str]) -> str | None:
    """Why a function may not have these environment variables."""
    unable = (
        "Lambda was unable to configure your environment variables because the environment variables you have provided"
    )
    reserved = sorted(_RESERVED & variables.keys())
    if reserved:
        return (
            f"{unable} contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    measured = json.dumps(dict(variables), separators=(",", ":"))
    if len(measured.encode()) > _VARIABLES_BYTES:
        return f"{unable} exceeded the 4KB limit. String measured: {measured}"
    return None


def code_problem(unzipped_bytes: int) -> str | None:
    """Why code of this size is refused, by itself."""
    return f"Unzipped size must be smaller than {UNZIPPED_BYTES} bytes" if unzipped_bytes > UNZIPPED_BYTES else None


def layers_problem(arns: Sequence[str], layers_bytes: int, code_bytes: int) -> str | None:
    """Why a function may not have these layers: their number, two of one layer, or their size with the code's."""
    if len(arns) > LAYERS_MAX:
        return f"Cannot reference more than {LAYERS_MAX} layers."
    seen: dict[str, str] = {}
    for arn in arns:
        layer = arn.rsplit(":", 1)[0]
        if layer in seen:
            return (
                "Two different versions of the same layer are not allowed to be referenced in the same function. "
                f"{seen[layer]} and {arn} are versions of the same layer."
            )
        seen[layer] = arn
    if layers_bytes > UNZIPPED_BYTES:
        return f"Layers consume more than the available size of {UNZIPPED_BYTES} bytes"
    if layers_bytes + code_bytes > UNZIPPED_BYTES:
        return (
            f"Function code combined with layers exceeds the maximum allowed size of {UNZIPPED_BYTES} bytes. "
            f"The actual size is {layers_bytes + code_bytes} bytes."
        )
    return None
