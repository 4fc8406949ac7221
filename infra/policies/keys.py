"""Who may use the key of the artifacts, where there is one: with stages in accounts of their own.

Source: AWS KMS developer guide, "Use aliases to control access to KMS keys" and "Allowing users in other accounts to
use a KMS key", read 2026-11: a policy names a key by its id or by a condition on its alias; another account needs a
word from the key's policy and one from a policy of its own.
"""

from typing import Final

from aws_cdk import aws_iam as iam

from infra.names import SharedNames
from infra.policies.statements import allow

READ: Final = ("kms:Decrypt",)
WRITE: Final = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey")
"""S3 needs the first to go on with an upload in parts; SageMaker asks for Encrypt where a job names an alias."""


def use_key(names: SharedNames, *actions: str) -> iam.PolicyStatement:
    """Read or write encrypted artifacts."""
    return allow(
        *actions,
        on=names.arn("kms", "key/*"),
        because="a key has no name; the condition keeps it to the one that the alias stands for",
        only_if={"ForAnyValue:StringEquals": {"kms:ResourceAliases": [names.key_alias]}},
    )
