"""Permissions: the verb on the resource; a wildcard only with its reason beside it."""

from collections.abc import Mapping, Sequence

from aws_cdk import Aws
from aws_cdk import aws_iam as iam


class UnexplainedWildcardError(ValueError):
    """A statement that allows more than it names, and does not say why.

    Attributes:
        wildcards: the actions and resources that hold the wildcard.
    """

    def __init__(self, wildcards: Sequence[str]) -> None:
        self.wildcards = tuple(wildcards)
        super().__init__(f"wildcard in {', '.join(wildcards)}: expected a reason; name the resource, or say `because`")


def allow(
    *actions: str,
    on: str | Sequence[str],
    because: str | None = None,
    only_if: Mapping[str, Mapping[str, object]] | None = None,
) -> iam.PolicyStatement:
    """Allow actions on resources.

    Args:
        on: resource ARNs.
        because: why a wildcard is needed; without it there must be none.
        only_if: IAM conditions.

    Raises:
        UnexplainedWildcardError: an action or a resource holds `*` and nobody said why.
    """
    resources = [on] if isinstance(on, str) else list(on)
    wildcards = [text for text in (*actions, *resources) if "*" in text]
    if wildcards and not because:
        raise UnexplainedWildcardError(wildcards)
    return iam.PolicyStatement(actions=list(actions), resources=resources, conditions=only_if)


def bucket_arn(name: str) -> str:
    """ARN of a bucket by its name; the partition is the stack's."""
    return f"arn:{Aws.PARTITION}:s3:::{name}"
