"""Which AWS a command talks to: an emulator by its state directory, or a real account by profile and region."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.config import Config

from driftloop.errors import UserError

DUMMY_KEY: Final = "test"


@dataclass(frozen=True)
class Emulator:
    """A running emulator, as its state directory records it."""

    state_dir: Path
    port: int
    pid: int
    region: str

    @property
    def endpoint_url(self) -> str:
        return f"http://localhost:{self.port}"

    def ask(self, verb: str, timeout_s: float = 10, *, method: str = "POST", **params: Any) -> dict[str, Any]:
        """A call to the control API.

        Raises:
            UserError: nothing answers.
        """
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/_emulator/{verb}",
            json.dumps(params).encode(),
            {"Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as answer:
                found: dict[str, Any] = json.load(answer)
        except (urllib.error.URLError, OSError) as error:
            raise UserError(
                f"the emulator of '{self.state_dir}' does not answer on port {self.port} ({error}); start it with "
                f"`driftloop up --fresh --state {self.state_dir}`"
            ) from error
        return found


def find_emulator(state_dir: Path) -> Emulator:
    """The emulator that runs with this state directory.

    Raises:
        UserError: none does.
    """
    record = state_dir / "emulator.json"
    if not record.exists():
        raise UserError(f"no emulator runs with state '{state_dir}'; start one with `driftloop up --state {state_dir}`")
    found = json.loads(record.read_text("utf-8"))
    return Emulator(state_dir, found["port"], found["pid"], found["region"])


@dataclass(frozen=True)
class Target:
    """An AWS to talk to. `emulator` is None for a real account."""

    session: boto3.Session
    environment: dict[str, str]
    emulator: Emulator | None

    def client(self, service: str) -> Any:
        """A boto3 client of any service."""
        config = Config(retries={"mode": "standard"}, read_timeout=70)
        endpoint = self.emulator.endpoint_url if self.emulator else None
        make: Any = self.session.client  # typed for literal names only
        return make(service, endpoint_url=endpoint, config=config)


def emulator_environment(emulator: Emulator) -> dict[str, str]:
    """The variables with which any AWS tool talks to the emulator."""
    return {
        "AWS_ENDPOINT_URL": emulator.endpoint_url,
        "AWS_ENDPOINT_URL_SQS": emulator.endpoint_url,  # aws-cli 1.46 asks queue.amazonaws.com without it
        "AWS_ACCESS_KEY_ID": DUMMY_KEY,
        "AWS_SECRET_ACCESS_KEY": DUMMY_KEY,
        "AWS_REGION": emulator.region,
        "AWS_DEFAULT_REGION": emulator.region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def choose(state_dir: Path, profile: str | None, region: str | None) -> Target:
    """The real account when a profile or region is given, else the emulator of `state_dir`.

    Raises:
        UserError: no emulator runs there.
    """
    if profile or region:
        environment = {name: value for name, value in (("AWS_PROFILE", profile), ("AWS_REGION", region)) if value}
        return Target(boto3.Session(profile_name=profile, region_name=region), environment, None)
    emulator = find_emulator(state_dir)
    environment = emulator_environment(emulator)
    session = boto3.Session(DUMMY_KEY, DUMMY_KEY, region_name=emulator.region)
    return Target(session, environment, emulator)


def child_environment(target: Target) -> dict[str, str]:
    """The environment of a program that is to talk to `target`: ours without other AWS settings, plus its own."""
    kept = {name: value for name, value in os.environ.items() if not (target.emulator and name.startswith("AWS_"))}
    return {**kept, **target.environment}
