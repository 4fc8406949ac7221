"""What an alarm does when its state changes: topics told, functions called, policies set to work, each by itself."""

from __future__ import annotations

import json
from functools import partial
from typing import Protocol

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Kernel
from emulator.semantics.cloudwatch import alarm_events
from emulator.semantics.cloudwatch.alarm_events import State
from emulator.services.cloudwatch import history
from emulator.services.cloudwatch.records import Row

LISTS = {"OK": "OKActions", "ALARM": "AlarmActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
_RUN = frozenset({"sns", "lambda", "autoscaling"})
RETRY_DELAYS_S = (60, 120, 300, 600)
_PERMANENT = frozenset({"NotFound", "ResourceNotFoundException", "AccessDenied", "AccessDeniedException"})


def check(arns: list[str]) -> None:
    """Refuse actions that would not be run.

    Raises:
        EmulatorError: naming the ARN.
    """
    for arn in arns:
        service = arn.split(":")[2] if arn.count(":") >= 5 else arn
        if service not in _RUN:
            raise EmulatorError(f"cloudwatch: action '{arn}': only SNS, Lambda and scaling policies are emulated yet")


def run(kernel: Kernel, alarm: Row, before: State, after: State) -> None:
    """Start every action of the alarm's new state."""
    if not alarm["ActionsEnabled"]:
        return
    for arn in alarm[LISTS[after.value]]:
        kernel.dispatcher.post(f"alarm {alarm['AlarmName']} -> {arn}", partial(_act, kernel, alarm, arn, before, after))


def _act(kernel: Kernel, alarm: Row, arn: str, before: State, after: State, attempt: int = 0) -> None:
    try:
        _call(kernel, alarm, arn, before, after)
    except AwsError as error:
        if error.code not in _PERMANENT and attempt < len(RETRY_DELAYS_S):
            again = partial(_act, kernel, alarm, arn, before, after, attempt + 1)
            kernel.dispatcher.post(f"alarm retry {arn}", again, RETRY_DELAYS_S[attempt])
            return
        kernel.journal.append("cloudwatch.action.failed", alarm["AlarmName"], action=arn, error=str(error))
        history.action(kernel, alarm, arn, after.value, error.message)
        return
    kernel.journal.append("cloudwatch.action", alarm["AlarmName"], action=arn, state=after.value)
    history.action(kernel, alarm, arn, after.value)


class ScalingPolicies(Protocol):
    """Where the actions of alarms on scaling policies go: Application Auto Scaling's engine."""

    def act(self, policy_arn: str, alarm_name: str) -> None: ...


def _call(kernel: Kernel, alarm: Row, arn: str, before: State, after: State) -> None:
    if arn.split(":")[2] == "autoscaling":
        policies: ScalingPolicies = kernel.engines["application-autoscaling"]
        policies.act(arn, alarm["AlarmName"])
        return
    if arn.split(":")[2] == "sns":
        message = alarm_events.sns_message(alarm, before, after, kernel.account_id, kernel.region)
        subject = alarm_events.sns_subject(alarm, after, kernel.region)
        kernel.calls("sns", "Publish", {"TopicArn": arn, "Message": message, "Subject": subject})
        return
    payload = alarm_events.lambda_payload(alarm, before, after, kernel.account_id, kernel.region)
    body = json.dumps(payload, separators=(",", ":")).encode()
    kernel.calls("lambda", "Invoke", {"FunctionName": arn, "InvocationType": "Event", "Payload": body})
