"""One instance behind a variant: a model server for each of its containers, with a directory of its own."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from emulator.kernel.ports import Kernel
from emulator.semantics.endpoints import routes
from emulator.services.sagemaker.hosting.blueprints import Blueprint, Container
from emulator.services.sagemaker.hosting.multi_model import Models
from emulator.services.sagemaker.hosting.server import ModelServer, ServerPlan
from emulator.services.sagemaker.jobs.container import opening_lines
from emulator.services.sagemaker.jobs.failure import JobFailure
from emulator.services.sagemaker.logs import LogWriter


class HostedInstance:
    """Its servers live and end together. `on_crash` is called once when one that had answered its ping ends."""

    def __init__(
        self,
        kernel: Kernel,
        logs: LogWriter,
        blueprint: Blueprint,
        home: Path,
        on_crash: Callable[[HostedInstance], None],
    ) -> None:
        self.instance_id = f"i-{kernel.ids.alnum(17)}"
        self.blueprint = blueprint
        self._kernel = kernel
        self._logs = logs
        self._home = home / self.instance_id
        self._on_crash = on_crash
        self._lock = threading.Lock()
        self._is_over = False
        self._servers = [self._server(part) for part in blueprint.containers]
        first = blueprint.containers[0]
        self._models = Models(kernel, first, self._directory(first), self._servers[0]) if first.models_uri else None

    @property
    def route(self) -> routes.Instance:
        ports = tuple(server.port for server in self._servers)
        names = tuple(part.hostname for part in self.blueprint.containers) if len(ports) > 1 else ("primary",)
        return routes.Instance(self.instance_id, ports, names, self._models.load if self._models else None)

    @property
    def is_well(self) -> bool:
        return not self._is_over and not any(server.has_ended for server in self._servers)

    def start(self) -> None:
        for server in self._servers:
            server.start()

    def await_ready(self) -> None:
        """Wait until every container has answered its ping.

        Raises:
            JobFailure: one did not.
        """
        for server in self._servers:
            server.await_ready()
        if not self.is_well:
            raise JobFailure(f"an instance of variant {self.blueprint.variant} ended as soon as it was up")

    def crash(self) -> None:
        """Its servers are killed as they are, requests in flight and all."""
        for server in self._servers:
            server.kill()

    def stop(self) -> None:
        """Requests in flight end first; the directory goes with the servers."""
        with self._lock:
            self._is_over = True
        for server in self._servers:
            server.stop()
            server.log.flush()
        shutil.rmtree(self._home, ignore_errors=True)

    def _directory(self, container: Container) -> Path:
        return self._home / container.hostname / "ml"

    def _server(self, container: Container) -> ModelServer:
        group = f"/aws/sagemaker/Endpoints/{self.blueprint.endpoint}"
        name = f"{self.blueprint.variant}/{self.instance_id}"
        log = self._logs.open(group, name if len(self.blueprint.containers) == 1 else f"{name}/{container.hostname}")
        for line in opening_lines(self._kernel, container.runner):
            log.write(line)
        directory = self._directory(container)
        shutil.copytree(container.pristine, directory, symlinks=True)
        plan = ServerPlan(
            self.blueprint.endpoint,
            self.blueprint.variant,
            container.runner,
            directory,
            container.role_arn,
            container.environment,
            self.blueprint.ready_within_s,
        )
        return ModelServer(self._kernel, plan, log, self._crashed)

    def _crashed(self) -> None:
        with self._lock:
            is_first, self._is_over = not self._is_over, True
        if is_first:
            self._on_crash(self)
