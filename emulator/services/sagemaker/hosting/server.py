"""One model server: a child process in an image's runner that answers on a port of its own."""

from __future__ import annotations

import http.client
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from emulator.kernel.ports import Kernel, Process
from emulator.services.sagemaker.images import Runner
from emulator.services.sagemaker.jobs import container
from emulator.services.sagemaker.jobs.failure import JobFailure
from emulator.services.sagemaker.logs import LogStream

_SCRIPT = str(Path(__file__).with_name("model_server.py"))
_HANDLERS = {"sagemaker-xgboost": str(Path(__file__).with_name("builtin_xgboost.py"))}
"""The image's own handlers, by its repository."""
# -P: the script's own directory is ours and stays off the module path of the user's code.
OPTIONS = ("-P", "-u")
ENVIRONMENT = {"OMP_NUM_THREADS": "1"}
"""One row at a time gains nothing from threads."""
_GRACE_S = 15.0
_ASKED_EVERY_S = 0.05
_ASKED_WITHIN_S = 60.0
_LAST_WORDS_S = 5.0  # a server that dies may still be printing why


@dataclass(frozen=True)
class ServerPlan:
    """What to serve: `directory` is /opt/ml with the model in it."""

    endpoint: str
    variant: str
    runner: Runner
    directory: Path
    role_arn: str
    environment: Mapping[str, str]
    ready_within_s: float


class ModelServer:
    """A process and its port. `on_crash` is called when a server that had answered its ping ends by itself."""

    def __init__(self, kernel: Kernel, plan: ServerPlan, log: LogStream, on_crash: Callable[[], None]) -> None:
        self.plan = plan
        self.log = log
        self.port = 0
        self._own_port = 0
        self._kernel = kernel
        self._on_crash = on_crash
        self._marker = f"model-server-{secrets.token_hex(8)}"
        self._bound_or_ended = threading.Event()
        self._ended = threading.Event()
        self._is_ready = False
        self._is_stopping = False
        self._process: Process | None = None

    @property
    def has_ended(self) -> bool:
        return self._ended.is_set()

    def start(self) -> None:
        """Start the process; `await_ready` tells how it went."""
        plan = self.plan
        environment = {**ENVIRONMENT, "SM_MODEL_DIR": "/opt/ml/model", **plan.environment}
        if own := plan.runner.serve_program:
            self._own_port = _free_port()
            environment["SAGEMAKER_BIND_TO_PORT"] = str(self._own_port)
            argv: tuple[str, ...] = (own,)
        else:
            handlers = _HANDLERS.get(plan.runner.image.repository)
            argv = (plan.runner.python, *OPTIONS, _SCRIPT, self._marker, *([handlers] if handlers else []))
        code = ("model/code", "code")
        spec = container.Container(
            plan.runner, plan.directory, plan.role_arn, "SageMaker", argv, environment, code=code
        )
        self._process = self._kernel.spawner.spawn(container.command(self._kernel, spec, self._on_line))
        self._kernel.dispatcher.serve(f"server {plan.endpoint}/{plan.variant}", self._watch)

    def await_ready(self) -> None:
        """Wait for the first answered ping.

        Raises:
            JobFailure: in AWS's words, with the last line of the log.
        """
        if self._is_up():
            self._is_ready = True
            return
        self._ended.wait(_LAST_WORDS_S)
        words = [line for line in self.log.tail if line.strip() and not line.startswith("[emulator]")]
        last = words[-1] if words else "nothing was printed"
        raise JobFailure(
            f"The primary container for production variant {self.plan.variant} did not pass the ping health check. "
            f"Please check CloudWatch logs for this endpoint. [emulator] last line of the log: {last}"
        )

    def stop(self) -> None:
        """SIGTERM lets requests in flight end; SIGKILL follows."""
        self._is_stopping = True
        if self._process is not None:
            self._process.terminate()
            if not self._ended.wait(_GRACE_S):
                self._process.kill()

    def kill(self) -> None:
        """SIGKILL, as if it had died by itself."""
        if self._process is not None:
            self._process.kill()

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """A request of ours to the container, such as to load a model: status and body.

        Raises:
            OSError: it cannot be reached.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_ASKED_WITHIN_S)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _is_up(self) -> bool:
        """Whether the ping is answered within the time allowed. A program of its own says nothing: it is asked."""
        if not self._own_port:
            self._bound_or_ended.wait(self.plan.ready_within_s)
            return bool(self.port) and self._answers_ping()
        self.port = self._own_port
        deadline = time.monotonic() + self.plan.ready_within_s
        while time.monotonic() < deadline and not self._ended.wait(_ASKED_EVERY_S):
            if self._answers_ping():
                return True
        return False

    def _answers_ping(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.plan.ready_within_s)
        try:
            connection.request("GET", "/ping")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _on_line(self, line: str) -> None:
        if line.startswith(self._marker):
            self.port = int(line.rpartition(" ")[2])
            self._bound_or_ended.set()
        else:
            self.log.write(line)

    def _watch(self) -> None:
        assert self._process is not None
        code = self._process.wait()
        self.log.write(f"[emulator] model server of variant {self.plan.variant} ended with exit code {code}")
        self._ended.set()
        self._bound_or_ended.set()
        if self._is_ready and not self._is_stopping:
            self._on_crash()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
