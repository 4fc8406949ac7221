"""Running functions: admission, execution environments kept warm, measures; one engine for all callers."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Invocation, Kernel, Outcome
from emulator.semantics.lambda_ import concurrency as pool
from emulator.semantics.lambda_ import limits
from emulator.semantics.lambda_.qualifiers import LATEST
from emulator.services.lambda_ import concurrency
from emulator.services.lambda_.environments import Environment, Finished

IDLE_S = 300.0
"""An environment that nobody needs is kept for one to two of these; how long AWS keeps one is not documented."""


class Throttled(AwsError):  # noqa: N818
    """No room for one more invocation."""

    def __init__(self, reason: str) -> None:
        super().__init__("TooManyRequestsException", "Rate Exceeded.", 429)
        self.reason = reason
        self.fields = {"Reason": reason, "Type": "User"}


@dataclass(frozen=True)
class Caller:
    """How a function is called: by which ARN, and with what context of the client (JSON)."""

    arn: str = ""
    client_context: str = ""
    qualifier: str | None = None


class Engine:
    """The running side of Lambda, one per kernel."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._idle: dict[str, list[Environment]] = {}
        self._running: Counter[str] = Counter()
        self._unreserved = 0
        self._is_tidying = False
        self._lock = threading.Lock()

    @staticmethod
    def of(kernel: Kernel) -> Engine:
        """The kernel's engine; made at the first call."""
        engine: Engine = kernel.engines.setdefault("lambda", Engine(kernel))
        return engine

    def invoke(
        self, row: dict[str, Any], payload: bytes, request_id: str, caller: Caller | None = None
    ) -> tuple[Outcome, list[str]]:
        """Run a version once; answers its outcome and its log lines.

        Raises:
            Throttled: TooManyRequestsException, with AWS's Reason; nothing was run.
        """
        caller = caller or Caller()
        invocation = Invocation(
            request_id, payload, row["Timeout"], caller.arn or row["FunctionArn"], caller.client_context
        )
        with self._admitted(row), self._kernel.dispatcher.busy(f"function {row['FunctionName']}"):
            outcome, finished = self._run(row, invocation)
        self._measure(row["FunctionName"], caller, finished.duration_ms, bool(outcome.error))
        facts: dict[str, Any] = {"duration_ms": round(finished.duration_ms, 2), "error": outcome.error}
        self._kernel.journal.append("lambda.invoked", row["FunctionName"], request_id=request_id, **facts)
        return outcome, finished.lines

    def _run(self, row: dict[str, Any], invocation: Invocation) -> tuple[Outcome, Finished]:
        environment = self._take(row)
        environment.begin(invocation.request_id)
        began = time.perf_counter()
        outcome = environment.invoke(invocation)
        duration_ms = (time.perf_counter() - began) * 1000
        too_large = limits.answer_problem(outcome.payload)
        if too_large:
            outcome = replace(outcome, payload=too_large, error="Unhandled")
        finished = environment.finish(invocation.request_id, duration_ms, outcome)
        self._give_back(environment, outcome)
        return outcome, finished

    @contextmanager
    def _admitted(self, row: dict[str, Any]) -> Iterator[None]:
        name, reserved = row["FunctionName"], concurrency.reserved_of(self._kernel, row)
        is_unreserved = reserved is None
        with self._lock:
            reason = pool.throttled(reserved, self._load(name))
            if not reason:
                self._running[name] += 1
                self._unreserved += is_unreserved
        if reason:
            self._metric("Throttles", 1, {"FunctionName": name})
            raise Throttled(reason)
        self._metric("ConcurrentExecutions", self._running[name], {"FunctionName": name})
        try:
            yield
        finally:
            with self._lock:
                self._running[name] -= 1
                self._unreserved -= is_unreserved

    def _load(self, name: str) -> pool.Load:
        """What runs now. All reservations are added up only where they may matter."""
        is_near = self._unreserved >= pool.UNRESERVED_MIN
        reserved = concurrency.reserved_in_all(self._kernel) if is_near else 0
        return pool.Load(self._running[name], self._unreserved, reserved)

    def _measure(self, name: str, caller: Caller, duration_ms: float, has_failed: bool) -> None:
        """As AWS does: by function, and by what was asked for when that is a version or an alias."""
        dimensions = [{"FunctionName": name}]
        if caller.qualifier:
            dimensions.append({"FunctionName": name, "Resource": f"{name}:{caller.qualifier}"})
        for found in dimensions:
            self._metric("Invocations", 1, found)
            self._metric("Errors", int(has_failed), found)
            self._kernel.measure("AWS/Lambda", "Duration", found, duration_ms, "Milliseconds")

    def _metric(self, metric: str, value: float, dimensions: dict[str, str]) -> None:
        self._kernel.measure("AWS/Lambda", metric, dimensions, value, "Count")

    def _take(self, row: dict[str, Any]) -> Environment:
        while environment := self._idle_one(row):
            if environment.revision == row["RevisionId"] and environment.is_ready():
                return environment
            environment.close()
        return Environment(self._kernel, row)

    def _idle_one(self, row: dict[str, Any]) -> Environment | None:
        with self._lock:
            idle = self._idle.setdefault(_key(row), [])
            return idle.pop() if idle else None

    def forget(self, name: str, version: str | None = None) -> None:
        """Close the environments of a deleted function or version; those at work close with their invocation's end."""
        with self._lock:
            prefix = f"{name}:" if version is None else f"{name}:{version}"
            keys = [key for key in self._idle if key == prefix or (version is None and key.startswith(prefix))]
            idle = [environment for key in keys for environment in self._idle.pop(key)]
        for environment in idle:
            environment.close()

    def _give_back(self, environment: Environment, outcome: Outcome) -> None:
        with self._lock:
            idle = self._idle.get(_key(environment.row))
            is_kept = idle is not None and not outcome.is_environment_lost
            if idle is not None and is_kept:
                environment.is_fresh = True
                idle.append(environment)
        if is_kept:
            self._tidy_later()
        else:
            environment.close()

    def _tidy_later(self) -> None:
        """Look once more; one look is enough for all, and nobody waits for it."""
        with self._lock:
            if self._is_tidying:
                return
            self._is_tidying = True
        at = self._kernel.clock.now() + timedelta(seconds=IDLE_S)
        self._kernel.dispatcher.post_at("lambda idle", self._tidy, at, recurs=True)

    def _tidy(self) -> None:
        """Close what was not used since the last look."""
        with self._lock:
            self._is_tidying = False
            spent = [environment for idle in self._idle.values() for environment in idle if not environment.is_fresh]
            for idle in self._idle.values():
                idle[:] = [environment for environment in idle if environment.is_fresh]
                for environment in idle:
                    environment.is_fresh = False
            are_left = any(self._idle.values())
        for environment in spent:
            environment.close()
        if are_left:
            self._tidy_later()


def _key(row: dict[str, Any]) -> str:
    return f"{row['FunctionName']}:{row.get('Version', LATEST)}"
