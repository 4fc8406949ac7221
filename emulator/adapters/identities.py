"""Who calls: access keys to principals, and roles to credentials for the processes that act as them."""

from __future__ import annotations

from emulator.kernel.ports import Kernel, Principal

ROLE_SESSION = "sts.session"


class Identities:
    """Sessions come from moto's STS; every other key is the account's root, as LocalStack and moto have it."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def principal_of(self, access_key: str) -> Principal:
        account = self._kernel.account_id
        session = self._kernel.store.get(ROLE_SESSION, access_key) if access_key.startswith("ASIA") else None
        return Principal(session["Arn"] if session else f"arn:aws:iam::{account}:root", account)

    def credentials(self, role_arn: str, session_name: str) -> dict[str, str]:
        """The environment of a process that acts as `role_arn`."""
        request = {"RoleArn": role_arn, "RoleSessionName": session_name[:64]}
        answer = self._kernel.calls("sts", "AssumeRole", request)
        key = answer["Credentials"]
        self._kernel.store.put(ROLE_SESSION, key["AccessKeyId"], {"Arn": answer["AssumedRoleUser"]["Arn"]})
        return {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
            "AWS_SESSION_TOKEN": key["SessionToken"],
            "AWS_REGION": self._kernel.region,
            "AWS_DEFAULT_REGION": self._kernel.region,
            "AWS_ENDPOINT_URL": self._kernel.endpoint_url,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
