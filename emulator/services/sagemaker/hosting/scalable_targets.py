"""Variants that Application Auto Scaling has in its hands: they stay as they are until they are deregistered.

AWS_NAME: scalable targets of an endpoint
SOURCE: endpoint-scaling.html and endpoint-auto-scaling-delete.html of the SageMaker guide (deregister before a variant
    is updated or removed), public reports of UpdateEndpoint's refusal and of DeleteEndpoint deregistering as its
    caller, read 2026-11
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import validation
from emulator.kernel.ports import Kernel, Params, Principal
from emulator.kernel.store import Row
from emulator.services.sagemaker.hosting import endpoint_configs

_SERVICE = "application-autoscaling"
_DIMENSION = "sagemaker:variant:DesiredInstanceCount"


def registered(kernel: Kernel, endpoint: str) -> list[str]:
    """The resource ids of an endpoint's variants that are registered."""
    found: list[str] = []
    request: Params = {"ServiceNamespace": "sagemaker"}
    while True:
        page = kernel.calls(_SERVICE, "DescribeScalableTargets", request)
        ids = [target["ResourceId"] for target in page["ScalableTargets"]]
        found += [item for item in ids if item.startswith(f"endpoint/{endpoint}/variant/")]
        if "NextToken" not in page:
            return found
        request = {**request, "NextToken": page["NextToken"]}


def deregister(kernel: Kernel, resource_id: str, principal: Principal) -> None:
    request = {"ServiceNamespace": "sagemaker", "ResourceId": resource_id, "ScalableDimension": _DIMENSION}
    kernel.calls(_SERVICE, "DeregisterScalableTarget", request, principal)


def check(kernel: Kernel, endpoint: Row, config: Row) -> None:
    """Refuse an update that removes a registered variant or changes its instance type.

    Raises:
        AwsError: in AWS's words.
    """
    names = {item.rpartition("/")[2] for item in registered(kernel, endpoint["EndpointName"])}
    before, after = _types(kernel, endpoint["EndpointConfigName"]), _of(config)
    stuck = sorted(name for name in names if name not in after or before.get(name, after[name]) != after[name])
    if stuck:
        raise validation(
            f'The variant(s) "[{", ".join(stuck)}]" must be deregistered as scalable targets with AWS Application Auto '
            "Scaling before they can be removed or have their instance type updated."
        )


def _types(kernel: Kernel, config_name: str) -> dict[str, Any]:
    """Instance types of a configuration; nothing is known of one that was deleted."""
    row = kernel.store.get(endpoint_configs.KIND, config_name)
    return _of(row) if row else {}


def _of(config: Row) -> dict[str, Any]:
    return {item["VariantName"]: item.get("InstanceType") for item in config["ProductionVariants"]}
