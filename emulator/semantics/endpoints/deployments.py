"""How an update of an endpoint goes: its steps, its waits, and what AWS does not let begin.

AWS_NAME: DeploymentConfig (blue/green all at once, canary, linear; rolling)
SOURCE: deployment-guardrails-blue-green{,-all-at-once,-canary,-linear}.html, deployment-guardrails-rolling.html,
    deployment-guardrails-exclusions.html (same variant names; no rolling with serverless or several variants),
    API_TrafficRoutingConfig, API_RollingUpdatePolicy (canary at most 50 %, linear 10-50 %, rolling batch 5-50 % of the
    instances), API_BlueGreenUpdatePolicy, read 2026-11
DIFFERS: the wording of these refusals is ours. A percentage of too few instances is one instance with that share of
    the traffic. An alarm that does not exist is refused; AWS does not say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_BOUNDS = {"CanarySize": (0, 50), "LinearStepSize": (10, 50), "MaximumBatchSize": (5, 50)}
_PERCENT = "CAPACITY_PERCENT"


@dataclass(frozen=True)
class Stage:
    """Traffic reaches this much of the new fleet, in percent of its capacity; then alarms are watched for a while.

    `setting` is the field that sets the wait, `capacity` what AWS calls the capacity with traffic.
    """

    percent: float
    wait_s: int
    setting: str
    capacity: str

    @property
    def is_last(self) -> bool:
        return self.percent >= 100

    def instances(self, total: int) -> int:
        """How many of `total` instances have traffic."""
        return max(1, min(total, int(total * self.percent / 100 + 1e-9)))

    @property
    def share(self) -> float:
        """Of the traffic, between 0 and 1."""
        return min(1.0, self.percent / 100)


@dataclass(frozen=True)
class Deployment:
    """An update to be carried out. `batch` is set for a rolling one: how many instances are replaced at a time."""

    stages: tuple[Stage, ...]
    alarms: tuple[str, ...] = ()
    timeout_s: int | None = None
    batch: int | None = None
    rollback_batch: int | None = None


def plan(config: Mapping[str, Any] | None, total: int) -> Deployment:
    """The stages that a DeploymentConfig asks for; `total` is how many instances the (smallest) variant has."""
    config = config or {}
    alarms = tuple(item["AlarmName"] for item in (config.get("AutoRollbackConfiguration") or {}).get("Alarms", ()))
    if "RollingUpdatePolicy" in config:
        return _rolling(config["RollingUpdatePolicy"], alarms, total)
    policy = config.get("BlueGreenUpdatePolicy") or {}
    termination_s = policy.get("TerminationWaitInSeconds", 0)
    last = Stage(100, termination_s, "TerminationWaitInSeconds", "full")
    shifting = _shifting(policy.get("TrafficRoutingConfiguration") or {}, total)
    return Deployment((*shifting, last), alarms, policy.get("MaximumExecutionTimeoutInSeconds"))


def refusal(config: Mapping[str, Any], old: Sequence[str], new: Mapping[str, int], is_serverless: bool) -> str | None:
    """Why AWS does not begin; `old` are names of variants, `new` their instance counts by name. None when it does."""
    if not config:
        return None
    rolling, policy = config.get("RollingUpdatePolicy"), config.get("BlueGreenUpdatePolicy")
    if rolling and policy:
        return (
            "Only one update policy can be specified in DeploymentConfig: BlueGreenUpdatePolicy, RollingUpdatePolicy."
        )
    if (rolling or policy) and set(old) != new.keys():
        return (
            "The variant names of the new endpoint configuration must be the same as those of the old one to use "
            f"deployment guardrails: {sorted(new)}, expected {sorted(old)}."
        )
    if rolling and is_serverless:
        return "RollingUpdatePolicy is not supported for serverless endpoints."
    if rolling and len(new) > 1:
        return "RollingUpdatePolicy is not supported for endpoints with multiple production variants."
    return _size_refusal(rolling, (policy or {}).get("TrafficRoutingConfiguration") or {}, min(new.values(), default=1))


def _size_refusal(rolling: Mapping[str, Any] | None, routing: Mapping[str, Any], total: int) -> str | None:
    if rolling:
        return _out_of_bounds("MaximumBatchSize", rolling["MaximumBatchSize"], total)
    needed = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}.get(routing.get("Type", ""))
    given = [field for field in ("CanarySize", "LinearStepSize") if field in routing]
    if given != ([needed] if needed else []):
        return f"TrafficRoutingConfiguration of type {routing.get('Type')} takes {needed or 'no size'}, found {given}."
    return _out_of_bounds(needed, routing[needed], total) if needed else None


def _out_of_bounds(field: str, size: Mapping[str, Any], total: int) -> str | None:
    low, high = _BOUNDS[field]
    percent = _percent(size, total)
    if low <= percent <= high:
        return None
    return f"{field} must be between {low} and {high} percent of the instances of a variant ({total}), is {percent:g}."


def _percent(size: Mapping[str, Any], total: int) -> float:
    return float(size["Value"]) if size["Type"] == _PERCENT else 100.0 * size["Value"] / max(total, 1)


def _shifting(routing: Mapping[str, Any], total: int) -> list[Stage]:
    """The stages before the last."""
    wait_s = routing.get("WaitIntervalInSeconds", 0)
    if routing.get("Type") == "CANARY":
        return [Stage(_percent(routing["CanarySize"], total), wait_s, "WaitIntervalInSeconds", "canary")]
    if routing.get("Type") == "LINEAR":
        step = _percent(routing["LinearStepSize"], total)
        count = int((100 - 1e-9) // step)
        return [Stage(step * (at + 1), wait_s, "WaitIntervalInSeconds", "partial") for at in range(count)]
    return []


def _rolling(policy: Mapping[str, Any], alarms: tuple[str, ...], total: int) -> Deployment:
    batch = _batch(policy["MaximumBatchSize"], total)
    back = policy.get("RollbackMaximumBatchSize")
    done = [min(total, batch * (at + 1)) for at in range(-(-total // batch))]
    stages = tuple(
        Stage(100.0 * at / total, policy["WaitIntervalInSeconds"], "WaitIntervalInSeconds", "rolling") for at in done
    )
    timeout_s = policy.get("MaximumExecutionTimeoutInSeconds")
    return Deployment(stages, alarms, timeout_s, batch, _batch(back, total) if back else total)


def _batch(size: Mapping[str, Any], total: int) -> int:
    return max(1, int(_percent(size, total) * total / 100 + 1e-9))
