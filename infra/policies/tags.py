"""Whose resource is this, and what does it cost: the tags on everything that takes tags."""

from aws_cdk import Tags
from constructs import IConstruct


def tag(scope: IConstruct, prefix: str, model: str | None = None) -> None:
    """Tag everything under `scope` with the application, and with the model if it belongs to one."""
    Tags.of(scope).add("driftloop:application", prefix)
    if model:
        Tags.of(scope).add("driftloop:model", model)
