"""What a wait is answered now, from what DescribeEndpoint shows. Pure: facts in, an answer or none out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from lambdas.answer_waits.waits import Answer, Wait
from lambdas.shared.events import parse_time

STOPPED: Final = Answer(reason="stopped")

_BROKEN: Final = frozenset({"Failed", "UpdateRollbackFailed", "OutOfService", "Deleting"})


class Pending(Enum):
    """No answer yet: something is under way, or the endpoint serves what was asked."""

    BUSY = "busy"
    UP = "up"


@dataclass(frozen=True)
class EndpointSeen:
    """An endpoint as DescribeEndpoint shows it.

    Attributes:
        instances: of each variant, shadows too; what runs now, not what is desired.
    """

    status: str
    config: str
    instances: Mapping[str, int]
    failure: str = ""


def answer_endpoint(wait: Wait, seen: EndpointSeen | None, now: datetime) -> Answer | None:
    """The answer to a wait for an endpoint; None says: wait on."""
    if not wait.config:
        return Answer({"endpoint_config": ""})
    found = look(wait, seen)
    if found is Pending.UP:
        return Answer({"endpoint_config": wait.config})
    if isinstance(found, Answer):
        return found
    return late(wait, seen) if now >= parse_time(wait.deadline_at) else None


def look(wait: Wait, seen: EndpointSeen | None) -> Answer | Pending:
    """Whether the endpoint serves what was asked, is on its way, or will never."""
    if seen is None:
        return _failure(wait, "it does not exist")
    if seen.status in _BROKEN:
        return _failure(wait, f"it is {seen.status}: {seen.failure or 'no reason given'}")
    if seen.status != "InService":
        return Pending.BUSY
    if seen.config != wait.config:
        return _failure(wait, f"expected config '{wait.config}', it serves '{seen.config}': rolled back by the service")
    if set(seen.instances) != set(wait.variants):
        found = ", ".join(sorted(seen.instances)) or "none"
        return _failure(wait, f"expected variants {', '.join(wait.variants)}, found {found}")
    return Pending.UP if all(seen.instances.values()) else Pending.BUSY


def late(wait: Wait, seen: EndpointSeen | None) -> Answer:
    """The deadline has passed."""
    found = f"{seen.status}, config '{seen.config}', instances {dict(seen.instances)}" if seen else "nothing"
    return _failure(wait, f"not up by {wait.deadline_at}; found {found}")


def _failure(wait: Wait, problem: str) -> Answer:
    return Answer(reason=f"endpoint '{wait.endpoint}': {problem}")
