"""AWS::Events::Rule, with its targets."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, document, picked

_RULE = ("Description", "EventBusName", "RoleArn", "ScheduleExpression", "State", "Tags")


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    name = properties.get("Name") or deployment.physical_name(logical_id, 64)
    request = {"Name": name, **picked(properties, *_RULE)}
    if "EventPattern" in properties:
        request["EventPattern"] = document(properties["EventPattern"])
    arn = deployment.call("events", "PutRule", request)["RuleArn"]
    if properties.get("Targets"):
        targets = {"Rule": name, "Targets": properties["Targets"], **picked(properties, "EventBusName")}
        deployment.call("events", "PutTargets", targets)
    return Created(_physical_id(name, properties), {"Arn": arn})


def _physical_id(name: str, properties: Properties) -> str:
    """What Ref answers: the name, after its bus where that is not the default one."""
    bus = str(properties.get("EventBusName", "default")).rsplit(":event-bus/", 1)[-1]
    return name if bus == "default" else f"{bus}|{name}"


TYPE = ResourceType("AWS::Events::Rule", frozenset({"Name", "EventPattern", "Targets", *_RULE}), create)
