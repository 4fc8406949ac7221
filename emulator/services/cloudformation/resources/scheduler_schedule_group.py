"""AWS::Scheduler::ScheduleGroup."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, picked


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    name = properties.get("Name") or deployment.physical_name(logical_id, 64)
    request = {"Name": name, "ClientToken": deployment.kernel.ids.uuid(), **picked(properties, "Tags")}
    arn = deployment.call("scheduler", "CreateScheduleGroup", request)["ScheduleGroupArn"]
    made = deployment.call("scheduler", "GetScheduleGroup", {"Name": name})
    times = {key: made[key].isoformat() for key in ("CreationDate", "LastModificationDate")}
    return Created(name, {"Arn": arn, "State": made["State"], **times})


TYPE = ResourceType("AWS::Scheduler::ScheduleGroup", frozenset({"Name", "Tags"}), create)
