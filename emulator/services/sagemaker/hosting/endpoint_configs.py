"""Operations on endpoint configurations.

AWS_NAME: CreateEndpointConfig, DescribeEndpointConfig, ListEndpointConfigs, DeleteEndpointConfig
SOURCE: the API reference pages of these operations, read 2026-11
DIFFERS: provisioned concurrency and inference components are refused by name.
"""

from __future__ import annotations

from emulator.kernel.errors import EmulatorError, validation
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.kernel.store import Row
from emulator.semantics.endpoints import configs, variants
from emulator.semantics.state_changes import hosting as events
from emulator.services.sagemaker import listing, names, tags
from emulator.services.sagemaker.hosting import models

KIND = names.ENDPOINT_CONFIG
_NOT_EMULATED = ("ExplainerConfig", "CrossRegionTrafficConfig")
_NOT_EMULATED_VARIANT = ("InstancePools", "ManagedInstanceScaling", "AcceleratorPartitionLayouts")


def create_endpoint_config(params: Params, ctx: Context) -> Params:
    _check(params, ctx.kernel)
    name = params["EndpointConfigName"]
    arn = names.lower_arn(ctx.kernel, "endpoint-config", name)
    request = {key: value for key, value in params.items() if key != "Tags"}
    row = {**request, "EndpointConfigArn": arn, "CreationTime": ctx.kernel.clock.now()}
    with ctx.kernel.store.transaction():
        if ctx.kernel.store.get(KIND, name):
            raise validation(f'Cannot create already existing endpoint configuration "{arn}".')
        ctx.kernel.store.put(KIND, name, row)
        tags.put(ctx.kernel, arn, params.get("Tags"))
    _announce(ctx.kernel, row)
    return {"EndpointConfigArn": arn}


def describe_endpoint_config(params: Params, ctx: Context) -> Params:
    return existing(ctx.kernel, params["EndpointConfigName"])


def list_endpoint_configs(params: Params, ctx: Context) -> Params:
    name = "EndpointConfigName"
    rows = listing.keep(ctx.kernel.store.rows(KIND), params, name)
    return listing.answer("EndpointConfigs", listing.page(rows, params, listing.by(params, name), is_descending=True))


def delete_endpoint_config(params: Params, ctx: Context) -> Params:
    with ctx.kernel.store.transaction():
        row = existing(ctx.kernel, params["EndpointConfigName"])
        ctx.kernel.store.delete(KIND, row["EndpointConfigName"])
    _announce(ctx.kernel, row)
    tags.forget(ctx.kernel, row["EndpointConfigArn"])
    return {}


def existing(kernel: Kernel, name: str) -> Row:
    row = kernel.store.get(KIND, name)
    if row is None:
        raise validation(f'Could not find endpoint configuration "{names.lower_arn(kernel, "endpoint-config", name)}".')
    return row


def _check(params: Params, kernel: Kernel) -> None:
    where = "sagemaker: CreateEndpointConfig:"
    for field in _NOT_EMULATED:
        if params.get(field):
            raise EmulatorError(f"{where} {field} is not emulated yet")
    reason = configs.refusal(params)
    if reason:
        raise validation(reason)
    for variant in variants.all_of(params):
        for field in _NOT_EMULATED_VARIANT:
            if variant.get(field):
                raise EmulatorError(f"{where} variant '{variant['VariantName']}': {field} is not emulated yet")
        if "ModelName" not in variant:
            raise EmulatorError(
                f"{where} variant '{variant['VariantName']}': inference components are not emulated yet"
            )
        if "ProvisionedConcurrency" in variant.get("ServerlessConfig", {}):
            raise EmulatorError(
                f"{where} variant '{variant['VariantName']}': ProvisionedConcurrency is not emulated yet"
            )
        reason = configs.model_refusal(variant, models.existing(kernel, variant["ModelName"])["_Containers"])
        if reason:
            raise validation(reason)


def _announce(kernel: Kernel, row: Row) -> None:
    detail_type, detail = events.endpoint_config(row, tags.of(kernel, row["EndpointConfigArn"]))
    kernel.publish("aws.sagemaker", detail_type, detail, [row["EndpointConfigArn"]])


OPERATIONS: dict[str, Operation] = {
    "CreateEndpointConfig": create_endpoint_config,
    "DescribeEndpointConfig": describe_endpoint_config,
    "ListEndpointConfigs": list_endpoint_configs,
    "DeleteEndpointConfig": delete_endpoint_config,
}
