"""The statuses of an endpoint and the moves between them.

AWS_NAME: EndpointStatus
SOURCE: API_DescribeEndpoint (meaning of each status; a failed endpoint can only be deleted), read 2026-11
DIFFERS: AWS may delete an endpoint that is being created or updated; here it has to come to rest first.
"""

from __future__ import annotations

MOVES: dict[str, frozenset[str]] = {
    "Creating": frozenset({"InService", "Failed"}),
    "InService": frozenset({"Updating", "Deleting"}),
    "Updating": frozenset({"InService", "RollingBack"}),
    "RollingBack": frozenset({"InService"}),
    "Failed": frozenset({"Deleting"}),
    "Deleting": frozenset(),
}
_EVENT_NAMES = {
    "Creating": "CREATING",
    "InService": "IN_SERVICE",
    "Updating": "UPDATING",
    "RollingBack": "ROLLING_BACK",
    "Failed": "FAILED",
    "Deleting": "DELETING",
}


class IllegalMove(ValueError):  # noqa: N818
    """A move that is not in the table; `status` is where the endpoint stays."""

    def __init__(self, status: str, to: str) -> None:
        super().__init__(f"an endpoint cannot go from {status} to {to}")
        self.status = status


def move(status: str, to: str) -> str:
    """The new status.

    Raises:
        IllegalMove: not in the table.
    """
    if to not in MOVES[status]:
        raise IllegalMove(status, to)
    return to


def event_name(status: str) -> str:
    """As EventBridge spells it. Source: automating-sagemaker-with-eventbridge.html#eventbridge-endpoint."""
    return _EVENT_NAMES[status]
