"""Lambda's service whole, in time that a test moves, with functions that are plain Python callables."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import InitStatus, Invocation, Outcome, Params, Principal, SandboxSpec
from emulator.services import lambda_
from tests.support.clocks import FakeClock
from tests.support.dispatching import FakeDispatcher, stand_still
from tests.support.emulator import ROLE, World, world

Answer = Callable[[Any], Outcome]


def fails(event: Any) -> Outcome:
    body = {"errorMessage": "no", "errorType": "ValueError"}
    return Outcome(json.dumps(body).encode(), "Unhandled")


def echoes(event: Any) -> Outcome:
    return Outcome(json.dumps(event).encode())


@dataclass
class FakeSandboxes:
    """Environments that answer with `answer`; `invocations` is all that they were asked."""

    answer: Answer = echoes
    status: InitStatus = "success"
    closed: int = 0
    specs: list[SandboxSpec] = field(default_factory=list)
    invocations: list[Invocation] = field(default_factory=list)

    def start(self, spec: SandboxSpec) -> FakeSandboxes:
        self.specs.append(spec)
        return self

    def initialize(self, timeout_s: float) -> InitStatus:
        return self.status

    def invoke(self, invocation: Invocation) -> Outcome:
        self.invocations.append(invocation)
        return self.answer(json.loads(invocation.payload))

    def is_ready(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing is running; it is counted."""
        self.closed += 1


@dataclass
class Laboratory:
    """What a test sees: the world, its time, its functions, the calls and the measures that Lambda made."""

    world: World
    time: FakeDispatcher
    sandboxes: FakeSandboxes
    sent: list[tuple[str, str, Params]] = field(default_factory=list)
    measured: list[tuple[str, float, Mapping[str, str]]] = field(default_factory=list)
    refused: dict[str, AwsError] = field(default_factory=dict)

    def call(self, operation: str, **params: Any) -> Params:
        return self.world.call("lambda", operation, params)

    def create(self, name: str = "fn", **params: Any) -> Params:
        request = {"Runtime": "python3.13", "Role": ROLE, "Handler": "app.handler", "Code": {"ZipFile": zipped()}}
        return self.call("CreateFunction", FunctionName=name, **{**request, **params})

    def sum(self, metric: str) -> float:
        return sum(value for name, value, _ in self.measured if name == metric)

    def calls(self, service: str, operation: str, params: Params, principal: Principal | None = None) -> Params:
        """The world's services, and every other one as a list of what it was sent."""
        if service in ("lambda", "logs"):
            return self.world.call(service, operation, params, principal)
        if service in self.refused:
            raise self.refused[service]
        self.sent.append((service, operation, params))
        return {}


def zipped(text: str = "def handler(event, context): return event", name: str = "app.py") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, text)
    return packed.getvalue()


def laboratory(state_dir: Path) -> Laboratory:
    made = world(state_dir, {"lambda": lambda_.OPERATIONS})
    found = Laboratory(made, stand_still(made, FakeClock()), FakeSandboxes())
    made.kernel.sandboxes = found.sandboxes
    made.kernel.calls = found.calls
    made.kernel.measure = lambda namespace, name, dimensions, value, unit: found.measured.append(
        (name, value, dimensions)
    )
    return found
