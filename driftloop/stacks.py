"""What is deployed: the loop's stacks, found by their outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from driftloop.errors import UserError
from driftloop.target import Target

_MODEL_OUTPUTS = frozenset(
    {
        "Endpoint",
        "PackageGroup",
        "TrainPipeline",
        "RetrainPipeline",
        "ReleasePipeline",
        "RollbackPipeline",
        "WatchPipeline",
        "DataUri",
        "ArtifactBucket",
    }
)


@dataclass(frozen=True)
class Model:
    """One deployed model: where its data goes and what its parts are called.

    Attributes:
        endpoint_account: where production serves, if that is another account than the one that is asked; else empty.
    """

    name: str
    stack: str
    data_uri: str
    package_group: str
    train_pipeline: str
    retrain_pipeline: str
    release_pipeline: str
    rollback_pipeline: str
    watch_pipeline: str
    endpoint: str
    people_topic_arn: str
    ledger: str
    artifact_bucket: str
    endpoint_account: str = ""

    @property
    def pipelines(self) -> tuple[str, ...]:
        """Those that make and release versions."""
        return (self.train_pipeline, self.retrain_pipeline, self.release_pipeline, self.rollback_pipeline)

    @property
    def raw_bucket(self) -> str:
        return self.data_uri.removeprefix("s3://").split("/")[0]

    @property
    def data_prefix(self) -> str:
        return self.data_uri.removeprefix("s3://").split("/", 1)[1]


def models(target: Target) -> list[Model]:
    """Every deployed model, by name."""
    pages = target.client("cloudformation").get_paginator("describe_stacks").paginate()
    stacks = [stack for page in pages for stack in page["Stacks"]]
    outputs = {stack["StackName"]: _outputs(stack) for stack in stacks}
    ledgers = [found["LedgerTable"] for found in outputs.values() if "LedgerTable" in found]
    found = [
        _model(name, values, ledgers[0] if ledgers else "")
        for name, values in outputs.items()
        if values.keys() >= _MODEL_OUTPUTS
    ]
    return sorted(found, key=lambda model: model.name)


def model(target: Target, name: str | None) -> Model:
    """The model called `name`, or the only one.

    Raises:
        UserError: there is none, or more than one and no name.
    """
    found = models(target)
    if not found:
        raise UserError("no model is deployed; deploy with `driftloop deploy`")
    names = ", ".join(item.name for item in found)
    if name is None:
        if len(found) > 1:
            raise UserError(f"several models are deployed; name one of: {names}")
        return found[0]
    chosen = [item for item in found if item.name == name]
    if not chosen:
        raise UserError(f"no model '{name}' is deployed; there are: {names}")
    return chosen[0]


def live(target: Target, model: Model) -> str:
    """ARN of the package that production serves, as the ledger knows it; empty before the first release."""
    key = {"pk": {"S": f"RELEASE#{model.name}"}, "sk": {"S": "state"}}
    row = target.client("dynamodb").get_item(TableName=model.ledger, Key=key, ConsistentRead=True).get("Item", {})
    return str(row.get("live", {}).get("S", ""))


def _outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _model(stack: str, outputs: dict[str, str], ledger: str) -> Model:
    return Model(
        name=outputs["DataUri"].rstrip("/").rsplit("/", 1)[1],
        stack=stack,
        data_uri=outputs["DataUri"],
        package_group=outputs["PackageGroup"],
        train_pipeline=outputs["TrainPipeline"],
        retrain_pipeline=outputs["RetrainPipeline"],
        release_pipeline=outputs["ReleasePipeline"],
        rollback_pipeline=outputs["RollbackPipeline"],
        watch_pipeline=outputs["WatchPipeline"],
        endpoint=outputs["Endpoint"],
        people_topic_arn=outputs["PeopleTopicArn"],
        ledger=ledger,
        artifact_bucket=outputs["ArtifactBucket"],
        endpoint_account=outputs.get("EndpointAccount", ""),
    )
