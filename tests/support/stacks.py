"""Stacks deployed through CloudFormation's API, without the CLI."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.support.waiting import eventually

Client = Callable[[str], Any]
CHANGE_SET = "c"


def ended(client: Client, stack: str) -> dict[str, Any]:
    """The stack, once nothing happens to it any more."""

    def found() -> dict[str, Any] | None:
        (only,) = client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        return None if only["StackStatus"].endswith("IN_PROGRESS") else only

    return eventually(found)


def deployed(client: Client, stack: str, resources: Mapping[str, Any], outputs: Mapping[str, Any]) -> dict[str, str]:
    """The outputs of a stack that has to be made."""
    cfn, body = client("cloudformation"), json.dumps({"Resources": resources, "Outputs": outputs})
    cfn.create_change_set(StackName=stack, ChangeSetName=CHANGE_SET, ChangeSetType="CREATE", TemplateBody=body)
    cfn.execute_change_set(StackName=stack, ChangeSetName=CHANGE_SET)
    made = ended(client, stack)
    assert made["StackStatus"] == "CREATE_COMPLETE", cfn.describe_stack_events(StackName=stack)["StackEvents"]
    return {output["OutputKey"]: output["OutputValue"] for output in made.get("Outputs", [])}
