"""The texts with which failed jobs explain themselves.

AWS_NAME: FailureReason and ExitMessage
SOURCE: API_DescribeTrainingJob and API_DescribeProcessingJob (FailureReason at most 1,024 characters, ExitMessage from
    /opt/ml/output/message), your-algorithms-training-algo-output.html (/opt/ml/output/failure), read 2026-11
DIFFERS: whether a pipeline step repeats the ExitMessage of its job is undocumented; ours does, so that the reason of a
    failed check can be read where people look first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

LENGTH_MAX = 1024
_TRACEBACK = "Traceback (most recent call last):"


def cut(text: str) -> str:
    return text if len(text) <= LENGTH_MAX else text[: LENGTH_MAX - 1] + "…"


def of_training(exit_code: int, explanation: str) -> str:
    """`explanation` is what stands in /opt/ml/output/failure."""
    tail = f", exit code: {exit_code}"
    return f"AlgorithmError: {explanation[: LENGTH_MAX - len(tail) - len('AlgorithmError: ')]}{tail}"


def of_processing(exit_code: int) -> str:
    return f"AlgorithmError: See job logs for more information, exit code: {exit_code}"


def of_step(job: Mapping[str, Any]) -> str:
    """A pipeline step's FailureReason, from the Describe response of its failed job."""
    reason = job.get("FailureReason") or "ClientError: the job gave no reason"
    message = job.get("ExitMessage")
    return cut(f"{reason}. {message}" if message else str(reason))


def error_message(lines: Sequence[str]) -> str:
    """The part of a script's last output that tells why it died: its last traceback, or its last lines."""
    starts = [index for index, line in enumerate(lines) if line.strip() == _TRACEBACK]
    found = lines[starts[-1] :] if starts else lines[-5:]
    text = "\n".join(found)
    return text if len(text) <= 700 else "…" + text[-700:]
