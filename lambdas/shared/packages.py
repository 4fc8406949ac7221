"""Model packages: what the registry says about one, with the persons who decided over it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lambdas.shared.errors import Permanent

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

_UNKNOWN = ("ValidationException", "ResourceNotFound")


@dataclass(frozen=True)
class Package:
    """A model package as the registry has it now.

    Attributes:
        status: PendingManualApproval, Approved or Rejected.
        who: who changed it last: a user profile, an identity, or `unknown`.
        why: the approval description; empty if nobody gave one.
        batch_id: the batch it was trained on, as its metadata say; empty if they do not.
        attempt: which attempt on that batch made it; 1 if its metadata do not say.
        data_uri: the rows it was made from; empty if its metadata do not say.
        fresh_until: up to when captured requests are among them; `none` if no captured request is.
    """

    arn: str
    status: str
    who: str
    why: str
    modified_at: datetime | None
    batch_id: str
    attempt: int
    data_uri: str = ""
    fresh_until: str = "none"


def describe(sagemaker: "SageMakerClient", arn: str) -> Package:
    """Ask the registry.

    Raises:
        Permanent: there is no such package.
    """
    try:
        answer = sagemaker.describe_model_package(ModelPackageName=arn)
    except ClientError as exc:
        if exc.response["Error"]["Code"] in _UNKNOWN:
            raise Permanent(arn, f"the registry has no such package ({exc}); was it deleted?") from exc
        raise
    metadata = answer.get("CustomerMetadataProperties", {})
    attempt = metadata.get("attempt", "")
    return Package(
        arn=arn,
        status=answer.get("ModelApprovalStatus", "PendingManualApproval"),
        who=_who(answer.get("LastModifiedBy") or answer.get("CreatedBy") or {}),
        why=answer.get("ApprovalDescription", ""),
        modified_at=answer.get("LastModifiedTime"),
        batch_id=metadata.get("batch_id", ""),
        attempt=int(attempt) if attempt.isdecimal() else 1,
        data_uri=metadata.get("data", ""),
        fresh_until=metadata.get("fresh_until", "none"),
    )


def _who(context: Mapping[str, Any]) -> str:
    """Studio users have a profile; everyone else has the identity that signed the call."""
    identity: Mapping[str, str] = context.get("IamIdentity") or {}
    return context.get("UserProfileName") or identity.get("Arn") or identity.get("PrincipalId") or "unknown"
