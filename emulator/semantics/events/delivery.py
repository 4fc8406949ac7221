"""What becomes of a delivery that failed: tried again with growing pauses, or given to the dead-letter queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

AWS_NAME = "Retry policy and dead-letter queues of EventBridge targets"
SOURCE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html (read 2026-11-23)"
DIFFERS = "AWS's pauses and their jitter are not published; ours double from one second to five minutes"

MAX_ATTEMPTS, MAX_AGE_S = 185, 86_400
INVOCATION_REFUSED = "InvocationRefused"
"""The code of what an API destination answered, where AWS does not try again: 4xx but for 401, 407, 409 and 429."""
_PERMANENT = {
    "AccessDenied": "NO_PERMISSIONS",
    "AccessDeniedException": "NO_PERMISSIONS",
    "AWS.SimpleQueueService.NonExistentQueue": "NO_RESOURCE",
    "QueueDoesNotExist": "NO_RESOURCE",
    "NotFound": "NO_RESOURCE",
    "ResourceNotFound": "NO_RESOURCE",
    "ResourceNotFoundException": "NO_RESOURCE",
    "StateMachineDoesNotExist": "NO_RESOURCE",
    INVOCATION_REFUSED: "SDK_CLIENT_ERROR",
}


@dataclass(frozen=True)
class RetryPolicy:
    """A target's own bounds on retrying."""

    attempts_max: int = MAX_ATTEMPTS
    age_max_s: float = MAX_AGE_S


@dataclass(frozen=True)
class Retry:
    """Try again after a pause."""

    delay_s: float


@dataclass(frozen=True)
class GiveUp:
    """To the dead-letter queue, with these message attributes beside the rule's and the target's ARN."""

    error_code: str
    exhausted: str | None


def policy_of(target: Mapping[str, Any]) -> RetryPolicy:
    """The bounds that a target's RetryPolicy sets, AWS's own where it sets none."""
    bounds = target.get("RetryPolicy") or {}
    return RetryPolicy(
        bounds.get("MaximumRetryAttempts", MAX_ATTEMPTS), bounds.get("MaximumEventAgeInSeconds", MAX_AGE_S)
    )


def after_failure(policy: RetryPolicy, error_code: str, attempts: int, age_s: float) -> Retry | GiveUp:
    """Decide after the delivery has failed `attempts` times (1: the first try) over `age_s` seconds."""
    permanent = _PERMANENT.get(error_code)
    if permanent:
        return GiveUp(permanent, None)
    if attempts > policy.attempts_max:
        return GiveUp("SDK_CLIENT_ERROR", "MaximumRetryAttempts")
    delay_s = min(2.0 ** (attempts - 1), 300.0)
    if age_s + delay_s > policy.age_max_s:
        return GiveUp("SDK_CLIENT_ERROR", "MaximumEventAgeInSeconds")
    return Retry(delay_s)
