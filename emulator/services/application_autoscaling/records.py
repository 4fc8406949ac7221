"""Rows of Application Auto Scaling: targets by resource, policies by resource and name, activities by id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError, validation
from emulator.kernel.ports import Kernel, Params, Principal
from emulator.semantics.events import pages

TARGET = "application-autoscaling.target"
POLICY = "application-autoscaling.policy"
ACTIVITY = "application-autoscaling.activity"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
SERVICE_ROLE = "role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com"
ROLE_NAME = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"


@dataclass(frozen=True)
class Variant:
    """The variant that a resource id names: `endpoint/<name>/variant/<name>`."""

    endpoint: str
    name: str


def service_role(kernel: Kernel) -> str:
    return f"arn:aws:iam::{kernel.account_id}:{SERVICE_ROLE}/{ROLE_NAME}"


def service(kernel: Kernel) -> Principal:
    """Application Auto Scaling as it calls SageMaker and CloudWatch."""
    return Principal(service_role(kernel), kernel.account_id)


def check_kind(params: Params, operation: str) -> None:
    """Only variants of SageMaker endpoints are scaled here.

    Raises:
        EmulatorError: naming what was asked for.
    """
    for field, only in (("ServiceNamespace", "sagemaker"), ("ScalableDimension", DIMENSION)):
        if params.get(field, only) != only:
            raise EmulatorError(f"application-autoscaling: {operation}: {field} '{params[field]}' is not emulated yet")


def variant_of(resource_id: str) -> Variant:
    """Raises:
    AwsError: no such form.
    """
    match resource_id.split("/"):
        case ["endpoint", endpoint, "variant", name] if endpoint and name:
            return Variant(endpoint, name)
    raise validation(
        f"Unsupported service namespace, resource type or scalable dimension: resource id '{resource_id}', expected "
        "endpoint/<endpoint>/variant/<variant>"
    )


def described(kernel: Kernel, resource_id: str) -> dict[str, Any]:
    """The variant as DescribeEndpoint shows it.

    Raises:
        AwsError: there is no such endpoint or variant.
    """
    variant = variant_of(resource_id)
    try:
        endpoint = kernel.calls("sagemaker", "DescribeEndpoint", {"EndpointName": variant.endpoint}, service(kernel))
    except AwsError as error:
        raise validation(error.message) from error
    for item in endpoint.get("ProductionVariants", ()):
        if item["VariantName"] == variant.name:
            return {**item, "EndpointStatus": endpoint["EndpointStatus"]}
    raise validation(f"Could not find variant {variant.name} in endpoint {variant.endpoint}.")


def target(kernel: Kernel, resource_id: str) -> dict[str, Any]:
    """Raises:
    AwsError: nothing is registered.
    """
    found = kernel.store.get(TARGET, resource_id)
    if found is None:
        raise AwsError(
            "ObjectNotFoundException",
            "No scalable target registered for service namespace: sagemaker, resource ID: "
            f"{resource_id}, scalable dimension: {DIMENSION}",
        )
    return found


def listed(rows: list[dict[str, Any]], key: str, params: Params) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """A page of rows, without what is only ours."""
    shown = [{name: value for name, value in row.items() if not name.startswith("_")} for row in rows]
    try:
        return pages.page(shown, key, params.get("MaxResults"), params.get("NextToken"))
    except pages.InvalidToken as error:
        raise AwsError("InvalidNextTokenException", str(error)) from error
