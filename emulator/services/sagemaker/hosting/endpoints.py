"""Operations on endpoints: they answer at once, `deployment` does the work on a thread of its own.

AWS_NAME: CreateEndpoint, UpdateEndpoint, UpdateEndpointWeightsAndCapacities, DescribeEndpoint, ListEndpoints,
    DeleteEndpoint
SOURCE: the API reference pages of these operations, read 2026-11
DIFFERS: updates are all at once; DeploymentConfig is refused by name.
"""

from __future__ import annotations

from emulator.kernel.errors import EmulatorError, validation
from emulator.kernel.ports import Context, Operation, Params
from emulator.semantics.endpoints import variants
from emulator.services.sagemaker import listing, names, tags
from emulator.services.sagemaker.hosting import deployment, endpoint_configs
from emulator.services.sagemaker.hosting import endpoint_records as records

KIND = names.ENDPOINT


def create_endpoint(params: Params, ctx: Context) -> Params:
    _refuse_deployment_config(params, "CreateEndpoint")
    kernel, name = ctx.kernel, params["EndpointName"]
    arn = names.lower_arn(kernel, "endpoint", name)
    config = endpoint_configs.existing(kernel, params["EndpointConfigName"])
    now = kernel.clock.now()
    row = {
        "EndpointName": name,
        "EndpointArn": arn,
        "EndpointConfigName": config["EndpointConfigName"],
        "EndpointStatus": "Creating",
        "CreationTime": now,
        "LastModifiedTime": now,
    }
    with kernel.store.transaction():
        if kernel.store.get(KIND, name):
            raise validation(f'Cannot create already existing endpoint "{arn}".')
        kernel.store.put(KIND, name, row)
        tags.put(kernel, arn, params.get("Tags"))
    records.announce(kernel, row)
    kernel.dispatcher.start(f"endpoint {name}", lambda: deployment.create(kernel, name, config))
    return {"EndpointArn": arn}


def update_endpoint(params: Params, ctx: Context) -> Params:
    _refuse_deployment_config(params, "UpdateEndpoint")
    kernel, name = ctx.kernel, params["EndpointName"]
    records.existing(kernel, name)
    config = endpoint_configs.existing(kernel, params["EndpointConfigName"])
    retain = bool(params.get("RetainAllVariantProperties"))
    excluded = [item["VariantPropertyType"] for item in params.get("ExcludeRetainedVariantProperties") or ()]
    row = records.move(kernel, name, "Updating", FailureReason=None)
    kernel.dispatcher.start(f"endpoint {name}", lambda: deployment.update(kernel, name, config, retain, excluded))
    return {"EndpointArn": row["EndpointArn"]}


def update_endpoint_weights_and_capacities(params: Params, ctx: Context) -> Params:
    kernel, name = ctx.kernel, params["EndpointName"]
    wanted = params["DesiredWeightsAndCapacities"]
    if any("ServerlessUpdateConfig" in item for item in wanted):
        raise EmulatorError("sagemaker: UpdateEndpointWeightsAndCapacities: ServerlessUpdateConfig is not emulated yet")
    row = records.existing(kernel, name)
    try:
        variants.rescaled(row.get("ProductionVariants", []), wanted)
    except KeyError as error:
        raise validation(f'Could not find production variant {error} in endpoint "{row["EndpointArn"]}".') from error
    records.move(kernel, name, "Updating")
    kernel.dispatcher.post(f"endpoint {name}", lambda: deployment.rescale(kernel, name, wanted))
    return {"EndpointArn": row["EndpointArn"]}


def describe_endpoint(params: Params, ctx: Context) -> Params:
    return names.public(records.existing(ctx.kernel, params["EndpointName"]))


def list_endpoints(params: Params, ctx: Context) -> Params:
    name, status = "EndpointName", "EndpointStatus"
    rows = [names.public(row) for row in listing.keep(ctx.kernel.store.rows(KIND), params, name, status)]
    return listing.answer("Endpoints", listing.page(rows, params, listing.by(params, name, status), is_descending=True))


def delete_endpoint(params: Params, ctx: Context) -> Params:
    kernel, name = ctx.kernel, params["EndpointName"]
    records.move(kernel, name, "Deleting")
    kernel.dispatcher.start(f"endpoint {name}", lambda: deployment.delete(kernel, name))
    return {}


def _refuse_deployment_config(params: Params, operation: str) -> None:
    for field in ("DeploymentConfig", "RetainDeploymentConfig"):
        if params.get(field):
            raise EmulatorError(f"sagemaker: {operation}: {field} is not emulated yet; updates are all at once")


OPERATIONS: dict[str, Operation] = {
    "CreateEndpoint": create_endpoint,
    "UpdateEndpoint": update_endpoint,
    "UpdateEndpointWeightsAndCapacities": update_endpoint_weights_and_capacities,
    "DescribeEndpoint": describe_endpoint,
    "ListEndpoints": list_endpoints,
    "DeleteEndpoint": delete_endpoint,
}
