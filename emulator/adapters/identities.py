"""Who calls: access keys to principals, and roles to credentials for the processes that act as them."""

from __future__ import annotations

from emulator.adapters.moto_services import MotoServices
from emulator.kernel.ports import Kernel, Principal

ROLE_SESSION = "sts.session"


class Identities:
    """Sessions come from moto's STS; every other key is the account's root, as LocalStack and moto have it."""

    def __init__(self, kernel: Kernel, moto: MotoServices) -> None:
        self._kernel = kernel
        self._moto = moto

    def principal_of(self, access_key: str) -> Principal:
        account = self._kernel.account_id
        session = self._kernel.store.get(ROLE_SESSION, access_key) if access_key.startswith("ASIA") else None
        return Principal(session["Arn"] if session else f"arn:aws:iam::{account}:root", account)

    def credentials(self, role_arn: str, session_name: str) -> dict[str, str]:
        """The environment of a process that acts as `role_arn`."""
        role = self._moto.assume_role(role_arn, session_name[:64], self._kernel.region)
        self._kernel.store.put(ROLE_SESSION, role.access_key_id, {"Arn": role.arn})
        return {
            "AWS_ACCESS_KEY_ID": role.access_key_id,
            "AWS_SECRET_ACCESS_KEY": role.secret_access_key,
            "AWS_SESSION_TOKEN": role.session_token,
            "AWS_REGION": self._kernel.region,
            "AWS_DEFAULT_REGION": self._kernel.region,
            "AWS_ENDPOINT_URL": self._kernel.endpoint_url,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
