"""Universal targets: `arn:aws:scheduler:::aws-sdk:<service>:<apiAction>` stands for one operation of the AWS SDK."""

from __future__ import annotations

import re

AWS_NAME = "Universal targets of EventBridge Scheduler"
SOURCE = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html (read 2026-11-23)"

_ARN = re.compile(r"arn:aws:scheduler:::aws-sdk:([a-z0-9]+):([A-Za-z0-9]+)")
_SDK_NAMES = {
    "cloudwatchlogs": "logs",
    "eventbridge": "events",
    "sfn": "stepfunctions",
    "sagemakerruntime": "sagemaker-runtime",
}
_READ_ONLY = (
    "get",
    "describe",
    "list",
    "poll",
    "receive",
    "search",
    "scan",
    "query",
    "select",
    "lookup",
    "discover",
    "validate",
    "batchGetItem",
    "transactGetItems",
)


def is_universal(arn: str) -> bool:
    return ":aws-sdk:" in arn


def operation(arn: str) -> tuple[str, str] | None:
    """botocore's names of the service and the operation; None when the ARN names none that Scheduler would call."""
    found = _ARN.fullmatch(arn)
    if not found or found[2][0].lower() + found[2][1:] in _READ_ONLY or _starts_read_only(found[2]):
        return None
    return _SDK_NAMES.get(found[1], found[1]), found[2][0].upper() + found[2][1:]


def _starts_read_only(action: str) -> bool:
    """`getObject` only reads; `getaway` would be another word."""
    return any(re.match(rf"{word}([A-Z]|$)", action[0].lower() + action[1:]) for word in _READ_ONLY)
