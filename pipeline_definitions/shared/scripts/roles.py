"""Acting in the account of a stage that has one of its own. Runs inside steps, with boto3 and nothing else."""

import os
from typing import Any, Final

import boto3
import botocore.session
from botocore.credentials import AssumeRoleCredentialFetcher, CredentialProvider, DeferredRefreshableCredentials

SESSION_NAME_MAX: Final = 64


class AssumedRole(CredentialProvider):
    """A role as the first place where botocore looks for credentials."""

    METHOD = "assumed-role"

    def __init__(self, fetcher: AssumeRoleCredentialFetcher) -> None:
        super().__init__()
        self._fetcher = fetcher

    def load(self) -> DeferredRefreshableCredentials:
        """Credentials that fetch themselves when they are first needed, and again before they expire."""
        return DeferredRefreshableCredentials(self._fetcher.fetch_credentials, self.METHOD)


def acting_as(session: Any, role_arn: str) -> Any:
    """A session with a role's credentials; the same session where the role is `none`.

    CloudTrail of the role's account names the job.
    """
    if role_arn == "none":
        return session
    job = os.environ.get("PROCESSING_JOB_ARN", "").rpartition("/")[2] or "a-step"
    own = botocore.session.get_session()
    fetcher = AssumeRoleCredentialFetcher(
        own.create_client, session.get_credentials(), role_arn, extra_args={"RoleSessionName": job[:SESSION_NAME_MAX]}
    )
    own.get_component("credential_provider").insert_before("env", AssumedRole(fetcher))
    return boto3.session.Session(botocore_session=own, region_name=session.region_name)
