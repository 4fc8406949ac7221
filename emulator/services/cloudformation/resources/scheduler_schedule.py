"""AWS::Scheduler::Schedule."""

from __future__ import annotations

from datetime import UTC, datetime

from emulator.kernel.errors import AwsError
from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, picked

_TIMES = ("EndDate", "StartDate")
_PROPERTIES = (
    "Description",
    "FlexibleTimeWindow",
    "GroupName",
    "KmsKeyArn",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "State",
    "Target",
)


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    name = properties.get("Name") or deployment.physical_name(logical_id, 64)
    request = {"Name": name, "ClientToken": deployment.kernel.ids.uuid(), **picked(properties, *_PROPERTIES)}
    request |= {key: _time(key, properties[key]) for key in _TIMES if key in properties}
    arn = deployment.call("scheduler", "CreateSchedule", request)["ScheduleArn"]
    return Created(name, {"Arn": arn})


def _time(name: str, text: str) -> datetime:
    """A date of a template: ISO 8601, in UTC unless it says otherwise."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise AwsError("ValidationException", f"{name} '{text}' is no ISO 8601 time") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


TYPE = ResourceType("AWS::Scheduler::Schedule", frozenset({"Name", *_PROPERTIES, *_TIMES}), create)
