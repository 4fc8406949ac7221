"""AWS::Lambda::Permission."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType

_PROPERTIES = frozenset(
    {
        "Action",
        "EventSourceToken",
        "FunctionName",
        "FunctionUrlAuthType",
        "InvokedViaFunctionUrl",
        "Principal",
        "PrincipalOrgID",
        "SourceAccount",
        "SourceArn",
    }
)


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    statement = deployment.physical_name(logical_id)
    deployment.call("lambda", "AddPermission", {**properties, "StatementId": statement})
    return Created(statement, {"Id": statement})


TYPE = ResourceType("AWS::Lambda::Permission", _PROPERTIES, create)
