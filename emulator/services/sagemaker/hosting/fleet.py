"""The model servers that run, by endpoint and variant, and what becomes of one that crashes."""

from __future__ import annotations

import shutil
import threading
from functools import partial

from emulator.kernel.ports import Kernel
from emulator.services.sagemaker.hosting import endpoint_records
from emulator.services.sagemaker.hosting.server import ModelServer, ServerPlan
from emulator.services.sagemaker.jobs.container import opening_lines
from emulator.services.sagemaker.jobs.failure import JobFailure
from emulator.services.sagemaker.logs import LogWriter

Servers = dict[str, ModelServer]
_RESTART_S = 1.0


class Fleet:
    """Holds the servers that are live."""

    def __init__(self, kernel: Kernel, logs: LogWriter) -> None:
        self._kernel = kernel
        self._logs = logs
        self._live: dict[str, Servers] = {}
        self._lock = threading.Lock()

    def stand_up(self, plans: list[ServerPlan]) -> Servers:
        """Start a server for every plan and wait until all answer; none is live yet.

        Raises:
            JobFailure: one did not come up; all of them are gone again.
        """
        servers = {plan.variant: self._new(plan) for plan in plans}
        try:
            for server in servers.values():
                server.start()
            for server in servers.values():
                server.await_ready()
        except JobFailure:
            self.take_down(servers)
            raise
        return servers

    def replace(self, endpoint: str, servers: Servers) -> Servers:
        """Make these servers the live ones; returns those that were."""
        with self._lock:
            before = self._live.pop(endpoint, {})
            if servers:
                self._live[endpoint] = servers
        for server in servers.values():
            if server.has_ended:  # after its ping and before it was live, so that nobody took note
                self._kernel.dispatcher.post("server.restart", partial(self._crashed, server))
        return before

    def take_down(self, servers: Servers) -> None:
        """Stop servers and remove their files."""
        for server in servers.values():
            server.stop()
            server.log.flush()
            shutil.rmtree(server.plan.directory.parents[1], ignore_errors=True)

    def _new(self, plan: ServerPlan) -> ModelServer:
        log = self._logs.open(
            f"/aws/sagemaker/Endpoints/{plan.endpoint}", f"{plan.variant}/i-{self._kernel.ids.alnum(17)}"
        )
        for line in opening_lines(self._kernel, plan.runner):
            log.write(line)
        return ModelServer(self._kernel, plan, log, self._crashed)

    def _crashed(self, server: ModelServer) -> None:
        """Note it, and start the same again; a server that will not come up is tried again a little later."""
        plan = server.plan
        self._kernel.journal.append("endpoint.server.crashed", f"{plan.endpoint}/{plan.variant}")
        if self._is_live(server):
            endpoint_records.note_port(self._kernel, plan.endpoint, plan.variant, None)
            self._restart(server)

    def _restart(self, old: ModelServer) -> None:
        new = self._new(old.plan)
        new.start()
        try:
            new.await_ready()
        except JobFailure as failure:
            self._kernel.journal.append("endpoint.server.restart_failed", old.plan.endpoint, error=str(failure))
            if self._is_live(old):
                self._kernel.dispatcher.post("server.restart", lambda: self._restart(old), _RESTART_S)
            return
        if not self._swap(old, new):
            new.stop()
            return
        endpoint_records.note_port(self._kernel, old.plan.endpoint, old.plan.variant, new.port)
        self._kernel.journal.append("endpoint.server.restarted", f"{old.plan.endpoint}/{old.plan.variant}")

    def _is_live(self, server: ModelServer) -> bool:
        with self._lock:
            return self._live.get(server.plan.endpoint, {}).get(server.plan.variant) is server

    def _swap(self, old: ModelServer, new: ModelServer) -> bool:
        with self._lock:
            servers = self._live.get(old.plan.endpoint, {})
            if servers.get(old.plan.variant) is not old:
                return False
            servers[old.plan.variant] = new
            return True
