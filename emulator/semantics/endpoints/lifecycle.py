"""The statuses of an endpoint and the moves between them.

AWS_NAME: EndpointStatus
SOURCE: API_DescribeEndpoint (meaning of each status; a failed endpoint can only be deleted); public reports
    of DeleteEndpoint answering "Cannot update in-progress endpoint" while creating, read 2026-11
DIFFERS: nothing here maintains or stops an endpoint, so SystemUpdating and OutOfService do not occur. AWS documents
    RollingBack for changes of weights and capacities only; here it is also seen while an update is taken back.
"""

from __future__ import annotations

MOVES: dict[str, frozenset[str]] = {
    "Creating": frozenset({"InService", "Failed"}),
    "InService": frozenset({"Updating", "Deleting"}),
    "Updating": frozenset({"InService", "RollingBack"}),
    "RollingBack": frozenset({"InService", "UpdateRollbackFailed"}),
    "UpdateRollbackFailed": frozenset({"Updating", "Deleting"}),
    "Failed": frozenset({"Deleting"}),
    "Deleting": frozenset(),
}
_EVENT_NAMES = {
    "Creating": "CREATING",
    "InService": "IN_SERVICE",
    "Updating": "UPDATING",
    "RollingBack": "ROLLING_BACK",
    "UpdateRollbackFailed": "UPDATE_ROLLBACK_FAILED",
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
