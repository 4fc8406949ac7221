"""AWS::IAM::Policy: an inline policy of roles."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, document


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    name = properties["PolicyName"]
    for role in properties.get("Roles", []):
        policy = {"RoleName": role, "PolicyName": name, "PolicyDocument": document(properties["PolicyDocument"])}
        deployment.call("iam", "PutRolePolicy", policy)
    return Created(name)


TYPE = ResourceType("AWS::IAM::Policy", frozenset({"PolicyDocument", "PolicyName", "Roles"}), create)
