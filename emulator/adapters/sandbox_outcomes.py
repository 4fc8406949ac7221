"""What an invocation answers when the runtime did not: it ran too long, ended, or was ended.

AWS_NAME: Errors that Lambda itself answers in place of a function
SOURCE: https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html (read 2026-11-23); the wording is
    that of the open runtime interface emulator (aws/aws-lambda-runtime-interface-emulator) and of answers that users
    of AWS published
DIFFERS: a function over its memory answers Runtime.OutOfMemory, as AWS does for recent runtimes; older ones said
    Runtime.ExitError with the same message
"""

from __future__ import annotations

import json

from emulator.kernel.ports import Outcome

_SIGNALS = {
    1: "hangup",
    2: "interrupt",
    3: "quit",
    4: "illegal instruction",
    6: "aborted",
    7: "bus error",
    8: "floating point exception",
    9: "killed",
    11: "segmentation fault",
    13: "broken pipe",
    14: "alarm clock",
    15: "terminated",
}
"""As Go names them, in which AWS's supervisor is written."""


def timed_out(request_id: str, timeout_s: float) -> Outcome:
    """The function ran longer than it may."""
    return _lost("Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after {timeout_s:.2f} seconds")


def exited(request_id: str, code: int | None) -> Outcome:
    """The runtime's process ended instead of answering."""
    if code == 0:
        return _lost("Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited without providing a reason")
    how = f"signal: {_SIGNALS.get(-code, -code)}" if code is not None and code < 0 else f"exit status {code}"
    return _lost("Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited with error: {how}")


def out_of_memory(request_id: str) -> Outcome:
    """The environment used more memory than the function has."""
    message = f"RequestId: {request_id} Error: Runtime exited with error: signal: killed"
    return _lost("Runtime.OutOfMemory", message)


def no_entry_point(request_id: str) -> Outcome:
    """A custom runtime without a program to start."""
    tried = "[/var/runtime/bootstrap /var/task/bootstrap /opt/bootstrap]"
    return _lost(
        "Runtime.InvalidEntrypoint", f"RequestId: {request_id} Error: Couldn't find valid bootstrap(s): {tried}"
    )


def _lost(kind: str, message: str) -> Outcome:
    body = json.dumps({"errorType": kind, "errorMessage": message}).encode()
    return Outcome(body, "Unhandled", is_environment_lost=True)
