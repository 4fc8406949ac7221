"""Operations on endpoints: they answer at once, `deployment` does the work on a thread of its own.

AWS_NAME: CreateEndpoint, UpdateEndpoint, UpdateEndpointWeightsAndCapacities, DescribeEndpoint, ListEndpoints,
    DeleteEndpoint
SOURCE: the API reference pages of these operations, read 2026-11
DIFFERS: AWS's words for an instance count of zero are not known.
"""

from __future__ import annotations

from emulator.kernel.errors import EmulatorError, validation
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.kernel.store import Row
from emulator.semantics.endpoints import deployments, variants
from emulator.services.sagemaker import listing, names, tags
from emulator.services.sagemaker.hosting import alarms, deployment, endpoint_configs, models, scalable_targets
from emulator.services.sagemaker.hosting import endpoint_records as records

KIND = names.ENDPOINT


def create_endpoint(params: Params, ctx: Context) -> Params:
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
        "PendingDeploymentSummary": {"EndpointConfigName": config["EndpointConfigName"], "StartTime": now},
        **({"LastDeploymentConfig": params["DeploymentConfig"]} if "DeploymentConfig" in params else {}),
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
    kernel, name = ctx.kernel, params["EndpointName"]
    row = records.existing(kernel, name)
    config = endpoint_configs.existing(kernel, params["EndpointConfigName"])
    asked = deployment.Update(
        config,
        bool(params.get("RetainAllVariantProperties")),
        [item["VariantPropertyType"] for item in params.get("ExcludeRetainedVariantProperties") or ()],
        params.get("DeploymentConfig")
        or (row.get("LastDeploymentConfig") if params.get("RetainDeploymentConfig") else None),
    )
    records.check_rest(row)
    _check_update(kernel, row, asked)
    config_of = {"LastDeploymentConfig": asked.deployment_config} if asked.deployment_config else {}
    summary = {"EndpointConfigName": config["EndpointConfigName"], "StartTime": kernel.clock.now()}
    records.move(kernel, name, "Updating", FailureReason=None, PendingDeploymentSummary=summary, **config_of)
    kernel.dispatcher.start(f"endpoint {name}", lambda: deployment.update(kernel, name, asked))
    return {"EndpointArn": row["EndpointArn"]}


def update_endpoint_weights_and_capacities(params: Params, ctx: Context) -> Params:
    kernel, name = ctx.kernel, params["EndpointName"]
    wanted = params["DesiredWeightsAndCapacities"]
    if any("ServerlessUpdateConfig" in item for item in wanted):
        raise EmulatorError("sagemaker: UpdateEndpointWeightsAndCapacities: ServerlessUpdateConfig is not emulated yet")
    row = records.existing(kernel, name)
    every = [*row.get("ProductionVariants", ()), *row.get("ShadowProductionVariants", ())]
    try:
        variants.desired(every, wanted)
    except KeyError as error:
        raise validation(f'Could not find production variant {error} in endpoint "{row["EndpointArn"]}".') from error
    if any(item.get("DesiredInstanceCount") == 0 for item in wanted) and "AsyncInferenceConfig" not in row:
        raise validation("DesiredInstanceCount must be at least 1 for a production variant of a real-time endpoint.")
    records.move(kernel, name, "Updating", FailureReason=None)
    kernel.dispatcher.start(f"endpoint {name}", lambda: deployment.rescale(kernel, name, wanted))
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
    for resource_id in scalable_targets.registered(kernel, name):
        scalable_targets.deregister(kernel, resource_id, ctx.principal)
    kernel.dispatcher.start(f"endpoint {name}", lambda: deployment.delete(kernel, name))
    return {}


def _check_update(kernel: Kernel, row: Row, asked: deployment.Update) -> None:
    """What AWS refuses before anything happens."""
    config, old = asked.config, [item["VariantName"] for item in row.get("ProductionVariants", ())]
    shown = variants.from_config(
        config["ProductionVariants"], dict.fromkeys(variants.names(config), ()), kernel.clock.now()
    )
    if asked.is_retaining:
        shown = variants.retained(shown, row.get("ProductionVariants", ()), asked.excluded)
    wanted = asked.deployment_config or {}
    reason = deployments.refusal(wanted, old, variants.counts(shown), variants.is_serverless(config))
    if reason:
        raise validation(reason)
    if variants.is_serverless(config) and not all(map(variants.is_idle_kind, row.get("ProductionVariants", ()))):
        raise validation("An instance-based endpoint cannot be updated to a serverless one.")
    scalable_targets.check(kernel, row, config)
    names_of_alarms = deployments.plan(wanted, 1).alarms
    role_arn = models.existing(kernel, config["ProductionVariants"][0]["ModelName"]).get("ExecutionRoleArn", "")
    unknown = set(names_of_alarms) - alarms.states(kernel, names_of_alarms, role_arn).keys()
    if unknown:
        raise validation(f"AutoRollbackConfiguration names alarms that do not exist: {sorted(unknown)}.")


OPERATIONS: dict[str, Operation] = {
    "CreateEndpoint": create_endpoint,
    "UpdateEndpoint": update_endpoint,
    "UpdateEndpointWeightsAndCapacities": update_endpoint_weights_and_capacities,
    "DescribeEndpoint": describe_endpoint,
    "ListEndpoints": list_endpoints,
    "DeleteEndpoint": delete_endpoint,
}
