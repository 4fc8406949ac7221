"""AWS::IAM::Role, with its inline and managed policies."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, document, picked

_CREATED_WITH = ("Description", "MaxSessionDuration", "Path", "PermissionsBoundary", "Tags")


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    name = properties.get("RoleName") or deployment.physical_name(logical_id)
    trust = document(properties["AssumeRolePolicyDocument"])
    request = {"RoleName": name, "AssumeRolePolicyDocument": trust, **picked(properties, *_CREATED_WITH)}
    role = deployment.call("iam", "CreateRole", request)["Role"]
    for policy in properties.get("Policies", []):
        text = document(policy["PolicyDocument"])
        inline = {"RoleName": name, "PolicyName": policy["PolicyName"], "PolicyDocument": text}
        deployment.call("iam", "PutRolePolicy", inline)
    for arn in properties.get("ManagedPolicyArns", []):
        deployment.call("iam", "AttachRolePolicy", {"RoleName": name, "PolicyArn": arn})
    return Created(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


_PROPERTIES = frozenset({"AssumeRolePolicyDocument", "ManagedPolicyArns", "Policies", "RoleName", *_CREATED_WITH})
TYPE = ResourceType("AWS::IAM::Role", _PROPERTIES, create)
