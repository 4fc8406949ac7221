"""What Lambda itself writes to a function's log, as text or as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

AWS_NAME = "Log lines of the Lambda platform, and advanced logging controls"
SOURCE = (
    "https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html, monitoring-cloudwatchlogs-advanced.html and "
    "https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/ (read 2026-11-23)"
)
DIFFERS = (
    "of the platform's JSON events there are initStart, initReport of a failed initialization, start, runtimeDone and "
    "report; what a function prints itself is not filtered by ApplicationLogLevel, only what its runtime's logging "
    "writes is. A text REPORT line tells a Status only where Lambda itself ended the invocation: no source shows one "
    "for an exception"
)

_LEVELS = ("DEBUG", "INFO", "WARN")


@dataclass(frozen=True)
class Format:
    """LoggingConfig: text, or JSON from `level` on."""

    is_json: bool = False
    level: str = "INFO"


@dataclass(frozen=True)
class Report:
    """One invocation's end. `init_ms`: the environment was made for it; `error_type`: it failed for the platform."""

    request_id: str
    duration_ms: float
    memory_mb: int
    peak_bytes: int | None = None
    init_ms: float | None = None
    status: str = "success"
    error_type: str = ""

    @property
    def billed_ms(self) -> int:
        return math.ceil(self.duration_ms + (self.init_ms or 0))

    @property
    def peak_mb(self) -> int | None:
        """At most what the function has: above that it was ended."""
        return None if self.peak_bytes is None else min(math.ceil(self.peak_bytes / (1 << 20)), self.memory_mb)


def init_start(form: Format, runtime: str, at: datetime) -> list[str]:
    """The first line of an environment's stream."""
    record = {"initializationType": "on-demand", "phase": "init", "runtimeVersion": runtime}
    return _lines(form, lambda: f"INIT_START Runtime Version: {runtime}", ("initStart", "INFO", record), at)


def init_failed(form: Format, init_ms: float, status: str, at: datetime) -> list[str]:
    """An initialization that did not succeed."""
    record = {
        "initializationType": "on-demand",
        "phase": "init",
        "status": status,
        "metrics": {"durationMs": round(init_ms, 3)},
    }
    text = f"INIT_REPORT Init Duration: {init_ms:.2f} ms\tPhase: init\tStatus: {status}"
    return _lines(form, lambda: text, ("initReport", "WARN", record), at)


def start(form: Format, request_id: str, version: str, at: datetime) -> list[str]:
    record = {"requestId": request_id, "version": version}
    return _lines(form, lambda: f"START RequestId: {request_id} Version: {version}", ("start", "INFO", record), at)


def end(form: Format, report: Report, at: datetime) -> list[str]:
    """What closes an invocation: END and REPORT."""
    metrics: dict[str, Any] = {"durationMs": round(report.duration_ms, 3)}
    done = {"requestId": report.request_id, "status": report.status, "metrics": dict(metrics)}
    metrics |= {"billedDurationMs": report.billed_ms, "memorySizeMB": report.memory_mb}
    metrics |= {} if report.peak_mb is None else {"maxMemoryUsedMB": report.peak_mb}
    metrics |= {} if report.init_ms is None else {"initDurationMs": round(report.init_ms, 3)}
    failed = {"errorType": report.error_type} if report.error_type else {}
    whole = {"requestId": report.request_id, "status": report.status, **failed, "metrics": metrics}
    levels = ("DEBUG", "INFO") if report.status == "success" else ("WARN", "WARN")
    return [
        *_lines(form, lambda: f"END RequestId: {report.request_id}", ("runtimeDone", levels[0], done), at),
        *_lines(form, lambda: _report_text(report), ("report", levels[1], whole), at),
    ]


def failure(request_id: str, message: str, kind: str, at: datetime) -> list[str]:
    """What is written when the platform had to end an invocation. The text is in the JSON format too."""
    if kind == "Sandbox.Timedout":
        return [f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z {request_id} {message.split('Error: ')[-1]}"]
    return [message, kind]


def _report_text(report: Report) -> str:
    parts = [
        f"REPORT RequestId: {report.request_id}",
        f"Duration: {report.duration_ms:.2f} ms",
        f"Billed Duration: {report.billed_ms} ms",
        f"Memory Size: {report.memory_mb} MB",
    ]
    parts += [] if report.peak_mb is None else [f"Max Memory Used: {report.peak_mb} MB"]
    parts += [] if report.init_ms is None else [f"Init Duration: {report.init_ms:.2f} ms"]
    parts += [f"Status: {report.status}"] if report.error_type else []
    parts += [f"Error Type: {report.error_type}"] if report.error_type and report.status == "error" else []
    return "\t".join([*parts, ""])


def _lines(form: Format, text: Callable[[], str], event: tuple[str, str, dict[str, Any]], at: datetime) -> list[str]:
    if not form.is_json:
        return [text()]
    kind, level, record = event
    if _LEVELS.index(level) < _LEVELS.index(form.level):
        return []
    time = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
    return [json.dumps({"time": time, "type": f"platform.{kind}", "record": record})]
