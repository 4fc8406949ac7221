"""How many invocations may run at once: the account's pool, and what functions have reserved of it."""

from __future__ import annotations

from dataclasses import dataclass

AWS_NAME = "Reserved concurrency and the account's concurrency limit"
SOURCE = (
    "https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html, lambda-concurrency.html and "
    "API_TooManyRequestsException.html (read 2026-11-23)"
)
DIFFERS = (
    "the limits of requests per second and of how fast environments are added are not there, nor is provisioned "
    "concurrency; a new account of AWS may have far fewer than 1,000"
)

ACCOUNT_LIMIT, UNRESERVED_MIN = 1000, 100


@dataclass(frozen=True)
class Load:
    """What runs now: of this function, and of all functions that have reserved nothing; and all that is reserved."""

    of_function: int
    of_unreserved: int
    reserved_in_all: int


def throttled(reserved: int | None, load: Load) -> str | None:
    """Why one more invocation of a function is refused: AWS's Reason; None when it may run."""
    if reserved is not None:
        return "ReservedFunctionConcurrentInvocationLimitExceeded" if load.of_function >= reserved else None
    if load.of_unreserved >= ACCOUNT_LIMIT - load.reserved_in_all:
        return "ConcurrentInvocationLimitExceeded"
    return None


def reservation_problem(wanted: int, reserved_by_others: int) -> str | None:
    """Why a reservation is refused."""
    if wanted > 0 and ACCOUNT_LIMIT - reserved_by_others - wanted < UNRESERVED_MIN:
        return (
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            f"below its minimum value of [{UNRESERVED_MIN}]."
        )
    return None
