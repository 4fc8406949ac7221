"""Running functions: execution environments kept warm, output into CloudWatch Logs, one engine for all callers."""

from __future__ import annotations

import math
import platform
import threading
import time
from pathlib import Path
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel, Outcome, Sandbox, SandboxSpec

IMAGE_ENVIRONMENT = {"LANG": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin", "TZ": ":UTC"}
"""What the runtime itself sets."""


class Engine:
    """The running side of Lambda, one per kernel."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._idle: dict[str, list[Environment]] = {}
        self._lock = threading.Lock()

    @staticmethod
    def of(kernel: Kernel) -> Engine:
        """The kernel's engine; made at the first call."""
        engine: Engine = kernel.engines.setdefault("lambda", Engine(kernel))
        return engine

    def invoke(self, row: dict[str, Any], payload: bytes, request_id: str) -> tuple[Outcome, list[str]]:
        """Run the function once; answers its outcome and its log lines."""
        with self._kernel.dispatcher.busy(f"function {row['FunctionName']}"):
            return self._run(row, payload, request_id)

    def _run(self, row: dict[str, Any], payload: bytes, request_id: str) -> tuple[Outcome, list[str]]:
        environment = self._take(row)
        environment.begin(request_id)
        began = time.perf_counter()
        outcome = environment.sandbox.invoke(request_id, payload, row["Timeout"])
        duration_ms = (time.perf_counter() - began) * 1000
        lines = environment.finish(request_id, duration_ms, row["MemorySize"])
        self._give_back(environment, outcome)
        self._measure(row["FunctionName"], duration_ms, bool(outcome.error))
        facts: dict[str, Any] = {"duration_ms": round(duration_ms, 2), "error": outcome.error}
        self._kernel.journal.append("lambda.invoked", row["FunctionName"], request_id=request_id, **facts)
        return outcome, lines

    def _measure(self, name: str, duration_ms: float, has_failed: bool) -> None:
        measured = {"Invocations": (1, "Count"), "Errors": (int(has_failed), "Count")}
        for metric, (value, unit) in {**measured, "Duration": (duration_ms, "Milliseconds")}.items():
            self._kernel.measure("AWS/Lambda", metric, {"FunctionName": name}, value, unit)

    def _take(self, row: dict[str, Any]) -> Environment:
        with self._lock:
            idle = self._idle.setdefault(row["FunctionName"], [])
            while idle:
                environment = idle.pop()
                if environment.revision == row["RevisionId"]:
                    return environment
                environment.sandbox.close()
        return Environment(self._kernel, row)

    def forget(self, name: str) -> None:
        """Close the environments of a deleted function; those at work close with their invocation's end."""
        with self._lock:
            idle = self._idle.pop(name, [])
        for environment in idle:
            environment.sandbox.close()

    def _give_back(self, environment: Environment, outcome: Outcome) -> None:
        with self._lock:
            idle = self._idle.get(environment.name)
            is_kept = idle is not None and not outcome.is_environment_lost
            if idle is not None and is_kept:
                idle.append(environment)
        if not is_kept:
            environment.sandbox.close()


class Environment:
    """One execution environment with its log stream."""

    def __init__(self, kernel: Kernel, row: dict[str, Any]) -> None:
        began = time.perf_counter()
        self.name, self.revision = row["FunctionName"], row["RevisionId"]
        self._kernel = kernel
        self._lines: list[tuple[int, str]] = []
        self._lock = threading.Lock()
        self._group = row.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{self.name}"
        now = kernel.clock.now()
        self._stream = f"{now:%Y/%m/%d}/[$LATEST]{kernel.ids.uuid().replace('-', '')}"
        self._has_stream = False
        self._write(f"INIT_START Runtime Version: {row['Runtime']} (local approximation: {platform_python()})")
        self.sandbox: Sandbox = kernel.sandboxes.start(
            SandboxSpec(Path(row["CodeDir"]), row["Handler"], row["FunctionArn"], self._environ(row), self._write)
        )
        self._init_ms: float | None = (time.perf_counter() - began) * 1000

    def begin(self, request_id: str) -> None:
        self._write(f"START RequestId: {request_id} Version: $LATEST")

    def finish(self, request_id: str, duration_ms: float, memory_mb: int) -> list[str]:
        """Send what was written to CloudWatch Logs, closed by the REPORT line; answers the lines."""
        self._write(f"END RequestId: {request_id}")
        self._write(report_line(request_id, duration_ms, memory_mb, self._init_ms))
        self._init_ms = None
        with self._lock:
            lines, self._lines = self._lines, []
        self._kernel.dispatcher.post(f"logs of {self.name}", lambda: self._send(lines))
        return [text for _, text in lines]

    def _send(self, lines: list[tuple[int, str]]) -> None:
        if not self._has_stream:
            self._make_stream()
            self._has_stream = True
        events = [{"timestamp": at, "message": text or " "} for at, text in lines]
        call = {"logGroupName": self._group, "logStreamName": self._stream, "logEvents": events}
        self._kernel.calls("logs", "PutLogEvents", call)

    def _make_stream(self) -> None:
        for operation, params in (
            ("CreateLogGroup", {"logGroupName": self._group}),
            ("CreateLogStream", {"logGroupName": self._group, "logStreamName": self._stream}),
        ):
            try:
                self._kernel.calls("logs", operation, params)
            except AwsError as error:
                if error.code != "ResourceAlreadyExistsException":
                    raise

    def _write(self, line: str) -> None:
        with self._lock:
            self._lines.append((int(self._kernel.clock.now().timestamp() * 1000), line))

    def _environ(self, row: dict[str, Any]) -> dict[str, str]:
        session = f"{self.name}-{self._kernel.ids.alnum(8)}"
        return {
            **row["Environment"].get("Variables", {}),
            **self._kernel.credentials(row["Role"], session),
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(row["MemorySize"]),
            "AWS_LAMBDA_LOG_GROUP_NAME": self._group,
            "AWS_LAMBDA_LOG_STREAM_NAME": self._stream,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{row['Runtime']}",
            **IMAGE_ENVIRONMENT,
        }


def platform_python() -> str:
    """What really runs every Python function, whatever runtime it declares."""
    return f"Python {platform.python_version()} of this machine"


def report_line(request_id: str, duration_ms: float, memory_mb: int, init_ms: float | None = None) -> str:
    """The line that closes an invocation in the log; the first of an environment tells how long that took to make."""
    billed_ms = math.ceil(duration_ms)
    init = "" if init_ms is None else f"\tInit Duration: {init_ms:.2f} ms"
    return (
        f"REPORT RequestId: {request_id}\tDuration: {duration_ms:.2f} ms\t"
        f"Billed Duration: {billed_ms} ms\tMemory Size: {memory_mb} MB{init}"
    )
