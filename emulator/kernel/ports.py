"""What the services need of the world, as protocols. `bootstrap.py` alone chooses who fills them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from emulator.kernel.clock import Clock
from emulator.kernel.dispatcher import Dispatcher
from emulator.kernel.errors import AwsError
from emulator.kernel.faults import Faults
from emulator.kernel.ids import Ids
from emulator.kernel.journal import Journal
from emulator.kernel.latency import INSTANT, Latency
from emulator.kernel.store import Store

Params = dict[str, Any]


@dataclass(frozen=True)
class Principal:
    """Who calls: the ARN that AWS would name in `aws:PrincipalArn`."""

    arn: str
    account_id: str


class Calls(Protocol):
    """A call to any AWS service of the emulator, in process: ours or moto's, parsed and validated alike.

    Raises:
        AwsError: the service refused.
    """

    def __call__(self, service: str, operation: str, params: Params, principal: Principal | None = None) -> Params: ...


class Publish(Protocol):
    """An event that an AWS service itself puts on the default bus. Returns at once; delivery is asynchronous."""

    def __call__(self, source: str, detail_type: str, detail: Params, resources: list[str]) -> None: ...


class Measure(Protocol):
    """A metric that an AWS service publishes about itself, such as AWS/Lambda Errors, stamped now."""

    def __call__(self, namespace: str, name: str, dimensions: Mapping[str, str], value: float, unit: str) -> None: ...


def unmeasured(namespace: str, name: str, dimensions: Mapping[str, str], value: float, unit: str) -> None:
    """Where nobody keeps metrics."""


class MeasureMany(Protocol):
    """Metrics of one thing, all stamped with one time: by metric name its unit, and its values with their counts."""

    def __call__(
        self,
        namespace: str,
        dimensions: Mapping[str, str],
        values: Mapping[str, tuple[str, Mapping[float, float]]],
        at: datetime,
    ) -> None: ...


def unmeasured_many(
    namespace: str, dimensions: Mapping[str, str], values: Mapping[str, tuple[str, Mapping[float, float]]], at: datetime
) -> None:
    """Where nobody keeps metrics."""


class Credentials(Protocol):
    """Environment variables with which a child process acts as a role and talks to this emulator."""

    def __call__(self, role_arn: str, session_name: str) -> dict[str, str]: ...


@dataclass(frozen=True)
class Mount:
    """A directory that the child sees at an absolute path of its own, such as /opt/ml; or a file over a file there."""

    source: Path
    target: str
    is_read_only: bool = False


@dataclass(frozen=True)
class Command:
    """A program to run: `env` is all of its environment; `on_line` gets each line of stdout and stderr, merged.

    `code_dirs` are directories (below a mount's source) whose text files may name mount targets literally; they are
    rewritten where the system refuses namespaces.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    on_line: Callable[[str], None]
    cwd: str = "/"
    mounts: tuple[Mount, ...] = ()
    code_dirs: tuple[Path, ...] = ()


class Process(Protocol):
    """A running child with all its descendants."""

    @property
    def pid(self) -> int: ...

    @property
    def wrappers(self) -> int:
        """How many processes of ours are above the program, the one of `pid` the first."""
        ...

    def wait(self, timeout_s: float | None = None) -> int | None:
        """The exit code (negative: ended by that signal), or None when `timeout_s` passed first."""
        ...

    def drain(self) -> None:
        """Have `on_line` get every line that the child has written until now."""
        ...

    def terminate(self) -> None:
        """SIGTERM to the program."""
        ...

    def kill(self) -> None:
        """SIGKILL to the program and everything it started."""
        ...


class Spawner(Protocol):
    """Starts programs that do not outlive the emulator, each with its own view of the mounts."""

    @property
    def isolation(self) -> str:
        """`namespace`, or `rewrite` where namespaces are refused; jobs say which in their logs."""
        ...

    def spawn(self, command: Command) -> Process: ...


class HeldFile(Protocol):
    """An object's bytes in a file that nobody changes, and that stays as long as this is referred to."""

    @property
    def path(self) -> Path: ...

    @property
    def size_bytes(self) -> int: ...


class ObjectFiles(Protocol):
    """S3 objects as files of this machine. Says nothing of permissions: ask `calls` first."""

    def hold(self, bucket: str, key: str) -> HeldFile | None:
        """The file of an object, or None when it is not in one."""
        ...

    def put(self, bucket: str, key: str, source: Path, headers: dict[str, str]) -> bool:
        """PutObject with a file's content, which is copied by the system; false when S3 refused."""
        ...


@dataclass(frozen=True)
class SandboxSpec:
    """What a function's execution environment needs: its unpacked code, handler, environment and output.

    `layers_dir` holds what the function's layers unpack to; `memory_limit_bytes` None: as much as there is.
    """

    code_dir: Path
    handler: str
    env: Mapping[str, str]
    on_line: Callable[[str], None]
    runtime: str = "python3.13"
    layers_dir: Path | None = None
    memory_limit_bytes: int | None = None


@dataclass(frozen=True)
class Invocation:
    """One event for an environment; `client_context` is JSON, or empty."""

    request_id: str
    payload: bytes
    timeout_s: float
    function_arn: str
    client_context: str = ""


@dataclass(frozen=True)
class Outcome:
    """What an invocation answered; `error` is the error type when the function failed, else None.

    `peak_bytes` is the most memory that the environment has used so far, None where that cannot be measured.
    """

    payload: bytes
    error: str | None = None
    is_environment_lost: bool = False
    peak_bytes: int | None = None


InitStatus = Literal["success", "error", "timeout"]


class Sandbox(Protocol):
    """One execution environment: serves one invocation at a time, many in a row."""

    def initialize(self, timeout_s: float) -> InitStatus:
        """Wait until the runtime asks for its first invocation. After `timeout` the environment is gone.

        After `error` every invocation is answered with what went wrong.
        """
        ...

    def invoke(self, invocation: Invocation) -> Outcome:
        """Run one invocation; an environment that was not initialized does that first, in the invocation's time."""
        ...

    def is_ready(self) -> bool:
        """Whether it would take one more invocation; false once its runtime has ended."""
        ...

    def close(self) -> None: ...


class Sandboxes(Protocol):
    """Makes execution environments."""

    def start(self, spec: SandboxSpec) -> Sandbox: ...


@dataclass
class Kernel:
    """Everything a service may use. One object, filled by `bootstrap.py`.

    `runners_dir` holds an environment per image family: `<runners_dir>/xgboost-3.2-0/bin/python`.
    `programs` are files that stand in for what images run by themselves, by the names that the images table has.
    `engines` is what a service holds in memory while it runs, by service name: processes, threads; never state.
    """

    account_id: str
    region: str
    endpoint_url: str
    state_dir: Path
    runners_dir: Path
    clock: Clock
    ids: Ids
    store: Store
    journal: Journal
    dispatcher: Dispatcher
    spawner: Spawner
    sandboxes: Sandboxes
    faults: Faults
    calls: Calls = field(init=False)
    publish: Publish = field(init=False)
    credentials: Credentials = field(init=False)
    measure: Measure = unmeasured
    measure_many: MeasureMany = unmeasured_many
    latency: Latency = INSTANT
    programs: Mapping[str, Path] = field(default_factory=dict)
    object_files: ObjectFiles | None = None
    engines: dict[str, Any] = field(default_factory=dict)

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"


@dataclass(frozen=True)
class Context:
    """One call: who makes it, its request id, and the kernel."""

    kernel: Kernel
    principal: Principal
    request_id: str


Operation = Callable[[Params, Context], Params]

__all__ = [
    "AwsError",
    "Calls",
    "Command",
    "Context",
    "Credentials",
    "HeldFile",
    "InitStatus",
    "Invocation",
    "Kernel",
    "Measure",
    "MeasureMany",
    "Mount",
    "ObjectFiles",
    "Operation",
    "Outcome",
    "Params",
    "Principal",
    "Process",
    "Publish",
    "Sandbox",
    "SandboxSpec",
    "Sandboxes",
    "Spawner",
]
