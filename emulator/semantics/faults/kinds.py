"""Ways in which AWS goes wrong that nobody can bring about by an API call, so that what depends on it can be tried.

AWS_NAME: failures of endpoints, best-effort events (fault injection)
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html (an update rolls back to the old
    fleet, and the endpoint is InService with the old configuration); repost.aws/knowledge-center/
    sagemaker-endpoint-creation-fail (capacity, in AWS's words); realtime-endpoints (an unhealthy instance is
    replaced); automating-sagemaker-with-eventbridge.html (SageMaker's events are best effort), read 2026-11
DIFFERS: an update that rolls back here leaves no FailureReason, which AWS documents for failed endpoints only; it goes
    from Updating to InService without RollingBack, which AWS documents for changes of weights and capacities only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

UPDATE_ROLLS_BACK: Final = "endpoint-update-rolls-back"
CREATION_FAILS: Final = "endpoint-creation-fails"
SERVER_CRASHES: Final = "model-server-crashes"
DROP_EVENTS: Final = "drop-events"

NO_CAPACITY: Final = "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error."


@dataclass(frozen=True)
class Kind:
    """A way to go wrong, in words for people: what a target names, and what happens when it strikes."""

    target: str
    effect: str


KINDS: Final[Mapping[str, Kind]] = {
    UPDATE_ROLLS_BACK: Kind(
        "ENDPOINT",
        "UpdateEndpoint is accepted; the endpoint is Updating, then InService with its old configuration, and no word",
    ),
    CREATION_FAILS: Kind("ENDPOINT", "the endpoint is Creating, then Failed for want of machines"),
    SERVER_CRASHES: Kind(
        "ENDPOINT/VARIANT", "at once: live model servers are killed, so many as there are times; each is replaced"
    ),
    DROP_EVENTS: Kind("SOURCE/DETAIL-TYPE", "an event that an AWS service puts on the default bus reaches nobody"),
}


def event_target(source: str, detail_type: str) -> str:
    """How an event is called as a target: `aws.sagemaker/SageMaker Endpoint State Change`."""
    return f"{source}/{detail_type}"
