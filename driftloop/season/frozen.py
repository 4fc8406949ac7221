"""The model of February left alone: an endpoint beside production, for comparison."""

from __future__ import annotations

from driftloop import stacks
from driftloop.errors import UserError
from driftloop.target import Target

_TIMEOUT_S = 120


def stand_beside(target: Target, model: stacks.Model, package: str) -> str:
    """Let a package serve at an endpoint of its own, as whoever has the rights may; answers its name."""
    sagemaker = target.client("sagemaker")
    name = f"{model.package_group}-frozen"
    role = f"arn:aws:iam::{package.split(':')[4]}:role/{model.package_group}-serve"
    sagemaker.create_model(ModelName=name, Containers=[{"ModelPackageName": package}], ExecutionRoleArn=role)
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {"VariantName": "all", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        ],
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": _TIMEOUT_S}
    )
    if sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] != "InService":
        raise UserError(f"endpoint {name} did not come up")
    return name
