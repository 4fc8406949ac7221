"""One execution environment of a function: its sandbox, its initialization and its log stream."""

from __future__ import annotations

import json
import platform
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Invocation, Kernel, Outcome, Sandbox, SandboxSpec
from emulator.semantics.lambda_ import log_lines
from emulator.semantics.lambda_.log_lines import Format, Report
from emulator.semantics.lambda_.qualifiers import LATEST

IMAGE_ENVIRONMENT = {"LANG": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin", "TZ": ":UTC"}
"""What the runtime itself sets."""
INIT_S = 10.0
"""How long initialization may take. SOURCE: lambda/latest/dg/lambda-runtime-environment.html."""


@dataclass(frozen=True)
class Finished:
    """An invocation's end: its log lines and how long it ran."""

    lines: list[str]
    duration_ms: float


class Environment:
    """Made cold: the constructor starts the sandbox and waits until it is initialized, at most INIT_S.

    An initialization that takes longer is begun anew in the first invocation, in that invocation's time, as on AWS.
    `is_fresh` is the engine's mark: it was used since the engine last looked.
    """

    def __init__(self, kernel: Kernel, row: dict[str, Any]) -> None:
        self.row, self.revision = row, row["RevisionId"]
        self.is_fresh = True
        self._kernel = kernel
        self._lines: list[tuple[int, str]] = []
        self._lock = threading.Lock()
        logging = row.get("LoggingConfig", {})
        self._format = Format(logging.get("LogFormat") == "JSON", logging.get("SystemLogLevel", "INFO"))
        self._group = logging.get("LogGroup") or f"/aws/lambda/{row['FunctionName']}"
        self._version = row.get("Version", LATEST)
        self._stream = self._stream_name()
        self._has_stream = False
        self._write_all(
            log_lines.init_start(self._format, f"{row['Runtime']} ({substitute(row['Runtime'])})", self._now())
        )
        self._spec = SandboxSpec(
            code_dir=Path(row["CodeDir"]),
            handler=row["Handler"],
            env=self._environ(),
            on_line=self._write,
            runtime=row["Runtime"],
            layers_dir=Path(row["LayersDir"]) if row.get("LayersDir") else None,
            memory_limit_bytes=row["MemorySize"] << 20,
        )
        self._init_ms: float | None = None
        self._sandbox = self._initialized()

    def _initialized(self) -> Sandbox:
        began = time.perf_counter()
        sandbox = self._kernel.sandboxes.start(self._spec)
        status = sandbox.initialize(INIT_S)
        self._init_ms = (time.perf_counter() - began) * 1000
        if status == "success":
            return sandbox
        self._write_all(log_lines.init_failed(self._format, self._init_ms, status, self._now()))
        self._init_ms = None
        return self._kernel.sandboxes.start(self._spec) if status == "timeout" else sandbox

    def begin(self, request_id: str) -> None:
        self._write_all(log_lines.start(self._format, request_id, self._version, self._now()))

    def invoke(self, invocation: Invocation) -> Outcome:
        return self._sandbox.invoke(invocation)

    def is_ready(self) -> bool:
        return self._sandbox.is_ready()

    def close(self) -> None:
        self._sandbox.close()

    def finish(self, request_id: str, duration_ms: float, outcome: Outcome) -> Finished:
        """Send what was written to CloudWatch Logs, closed by the REPORT line; answers the lines."""
        status, kind = "success", ""
        if outcome.is_environment_lost:
            kind, message = _why(outcome.payload)
            status = "timeout" if kind == "Sandbox.Timedout" else "error"
            if message.startswith("RequestId: "):
                self._write_all(log_lines.failure(request_id, message, kind, self._now()))
        elif outcome.error:
            status = "error"
        report = Report(
            request_id, duration_ms, self.row["MemorySize"], outcome.peak_bytes, self._init_ms, status, kind
        )
        self._write_all(log_lines.end(self._format, report, self._now()))
        self._init_ms = None
        return Finished(self._flushed(), duration_ms)

    def _flushed(self) -> list[str]:
        with self._lock:
            lines, self._lines = self._lines, []
        self._kernel.dispatcher.post(f"logs of {self.row['FunctionName']}", lambda: self._send(lines))
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

    def _stream_name(self) -> str:
        """In a group of its own name the function need not be told apart; in a shared one it is named."""
        name = self.row["FunctionName"]
        prefix = "" if self._group == f"/aws/lambda/{name}" else name
        identity = self._kernel.ids.uuid().replace("-", "")
        return f"{self._now():%Y/%m/%d}/{prefix}[{self._version}]{identity}"

    def _write_all(self, lines: list[str]) -> None:
        for line in lines:
            self._write(line)

    def _write(self, line: str) -> None:
        with self._lock:
            self._lines.append((int(self._now().timestamp() * 1000), line))

    def _now(self) -> Any:
        return self._kernel.clock.now()

    def _environ(self) -> dict[str, str]:
        row, name = self.row, self.row["FunctionName"]
        session = f"{name}-{self._kernel.ids.alnum(8)}"
        logging = {
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_LEVEL": row.get("LoggingConfig", {}).get("ApplicationLogLevel", "INFO"),
        }
        return {
            **IMAGE_ENVIRONMENT,
            **row["Environment"].get("Variables", {}),
            **self._kernel.credentials(row["Role"], session),
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": self._version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(row["MemorySize"]),
            "AWS_LAMBDA_LOG_GROUP_NAME": self._group,
            "AWS_LAMBDA_LOG_STREAM_NAME": self._stream,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{row['Runtime']}",
            **(logging if self._format.is_json else {}),
        }


def _why(payload: bytes) -> tuple[str, str]:
    """The type and the message of an error; a custom runtime may say anything."""
    try:
        answer = json.loads(payload)
    except ValueError:
        answer = None
    found = answer if isinstance(answer, dict) else {}
    return str(found.get("errorType", "")), str(found.get("errorMessage", ""))


def substitute(runtime: str) -> str:
    """What really runs a runtime, whatever version it declares."""
    if runtime.startswith("python"):
        return f"local approximation: Python {platform.python_version()} of this machine"
    if runtime.startswith("nodejs"):
        return "local approximation: the Node.js shipped with the emulator, without the AWS SDK"
    return "local approximation: this machine's own system"
