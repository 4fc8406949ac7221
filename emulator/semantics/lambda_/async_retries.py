"""What becomes of an asynchronous event that failed: another try, or the end."""

from __future__ import annotations

from dataclasses import dataclass

AWS_NAME = "Error handling of asynchronous invocations"
SOURCE = (
    "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html and "
    "invocation-async-configuring.html (read 2026-11-23); that an event is given up when its next try would be "
    "too late, and ZeroReservedConcurrency: answers of AWS recorded in localstack's tests/aws/services/lambda_ "
    "(read 2026-11-23)"
)
DIFFERS = (
    "an event that waits behind many others is not delayed for that; no event is delivered twice by chance; events "
    "wait in memory and end with the emulator"
)

_PAUSES_S = (60, 120)
_LONGEST_BACKOFF_S = 300


@dataclass(frozen=True)
class Policy:
    """MaximumRetryAttempts and MaximumEventAgeInSeconds."""

    retries_max: int = 2
    age_max_s: int = 21_600


@dataclass(frozen=True)
class Again:
    """Try once more, after a pause."""

    delay_s: float


@dataclass(frozen=True)
class GiveUp:
    """No further try; `condition` is what the invocation record says."""

    condition: str


def after_error(policy: Policy, tries: int, age_s: float) -> Again | GiveUp:
    """The function failed in its `tries`-th run, of an event that came `age_s` ago."""
    if tries > policy.retries_max:
        return GiveUp("RetriesExhausted")
    return _unless_too_late(policy, _PAUSES_S[tries - 1], age_s)


def after_refusal(policy: Policy, refusals: int, age_s: float, is_shut: bool) -> Again | GiveUp:
    """The function was not run: it was throttled or the service broke, for the `refusals`-th time in a row.

    `is_shut`: its reserved concurrency is zero, so that waiting is in vain.
    """
    if is_shut:
        return GiveUp("ZeroReservedConcurrency")
    return _unless_too_late(policy, min(2.0 ** (refusals - 1), _LONGEST_BACKOFF_S), age_s)


def _unless_too_late(policy: Policy, delay_s: float, age_s: float) -> Again | GiveUp:
    return GiveUp("EventAgeExceeded") if age_s + delay_s > policy.age_max_s else Again(delay_s)
