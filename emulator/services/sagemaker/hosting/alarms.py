"""The CloudWatch alarms that take a deployment back."""

from __future__ import annotations

from collections.abc import Sequence

from emulator.kernel.ports import Kernel, Params, Principal


def states(kernel: Kernel, names: Sequence[str], role_arn: str) -> dict[str, str]:
    """State by name of those that exist, metric and composite alarms alike, as the execution role sees them."""
    if not names:
        return {}
    request: Params = {"AlarmNames": list(names), "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
    caller = Principal(role_arn, kernel.account_id)
    found = kernel.calls("cloudwatch", "DescribeAlarms", request, caller)
    every = [*found.get("MetricAlarms", ()), *found.get("CompositeAlarms", ())]
    return {alarm["AlarmName"]: alarm["StateValue"] for alarm in every}


def standing(kernel: Kernel, names: Sequence[str], role_arn: str) -> list[str]:
    """Those in ALARM."""
    return [name for name, state in states(kernel, names, role_arn).items() if state == "ALARM"]
