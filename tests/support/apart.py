"""An emulator in a process of its own, with a clock of its own."""

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.support.emulator import REPOSITORY
from tests.support.waiting import eventually


class Emulator:
    """Answers when made; `options` are those of the program."""

    def __init__(self, state: Path, *options: str, log: Path | None = None) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [sys.executable, "-m", "emulator.bootstrap", "--state", str(state), "--port", str(self.port)]
        with (log or Path(os.devnull)).open("ab") as said:
            out = said if log else None
            self.process = subprocess.Popen(
                [*command, *options], cwd=REPOSITORY, start_new_session=True, stdout=out, stderr=out
            )
        eventually(self.answers)

    def answers(self) -> bool:
        try:
            return bool(self.ask("health")["status"] == "ok")
        except (urllib.error.URLError, OSError):
            return False

    def ask(self, verb: str, **params: Any) -> dict[str, Any]:
        """A call to the control API."""
        return self.ask_at("127.0.0.1", verb, **params)

    def ask_at(self, address: str, verb: str, **params: Any) -> dict[str, Any]:
        """The same by another address of this machine."""
        url = f"http://{address}:{self.port}/_emulator/{verb}"
        headers = {"Content-Type": "application/json"}
        with urllib.request.urlopen(
            urllib.request.Request(url, json.dumps(params).encode(), headers), timeout=60
        ) as said:
            found: dict[str, Any] = json.load(said)
        return found

    def now(self) -> datetime:
        return datetime.fromisoformat(self.ask("clock")["now"])

    def advance(self, seconds: float) -> None:
        """Until it is there."""
        answer = self.ask("advance", seconds=seconds)
        while not answer["is_there"]:
            answer = self.ask("advance", until=answer["until"])

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=f"http://localhost:{self.port}",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
