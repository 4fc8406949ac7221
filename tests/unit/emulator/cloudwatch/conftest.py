"""CloudWatch on a kernel whose clock a test moves, with topics and functions that only listen."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Params, Principal
from emulator.services import cloudwatch
from emulator.services.cloudwatch import Engine
from tests.support.clocks import FakeClock
from tests.support.emulator import World, world

TOPIC = "arn:aws:sns:us-east-1:123456789012:people"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:pager"


@dataclass
class Listener:
    """What alarms told topics, functions and the default bus, in order."""

    told: list[tuple[str, Any]] = field(default_factory=list)
    events: list[tuple[str, Params]] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def call(self, service: str, operation: str, params: Params) -> Params:
        if params.get("TopicArn", "").endswith(":absent"):
            raise AwsError("NotFound", "Topic does not exist", 404)
        body = json.loads(params["Message"] if service == "sns" else params["Payload"])
        with self.changed:
            self.told.append((service, body))
            self.changed.notify_all()
        return {}

    def publish(self, source: str, detail_type: str, detail: Params, resources: list[str]) -> None:
        assert source == "aws.cloudwatch"
        self.events.append((detail_type, detail))

    def wait(self, number: int) -> list[tuple[str, Any]]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.told) >= number, 30), self.told
            return list(self.told)


@dataclass
class Watch:
    """CloudWatch, its clock, and who listens."""

    world: World
    clock: FakeClock
    listener: Listener
    depths: list[tuple[str, int, int, int]] = field(default_factory=list)

    @property
    def engine(self) -> Engine:
        return Engine.of(self.world.kernel)

    def __call__(self, operation: str, **params: Any) -> Params:
        return self.world.call("cloudwatch", operation, params)

    def put(self, value: float, name: str = "m", **more: Any) -> None:
        self("PutMetricData", Namespace="test", MetricData=[{"MetricName": name, "Value": value, **more}])

    def minute(self, *values: float) -> None:
        """A minute passes, with these values in it; then the engine looks."""
        for value in values:
            self.put(value)
        self.clock.advance(60)
        self.engine.tick(self.clock.now())

    def alarm(self, name: str = "a", **changes: Any) -> None:
        found = {
            "Namespace": "test",
            "MetricName": "m",
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 5.0,
            "ComparisonOperator": "GreaterThanThreshold",
            "AlarmActions": [TOPIC],
        }
        merged = {**found, **changes}
        self("PutMetricAlarm", AlarmName=name, **{key: value for key, value in merged.items() if value is not None})

    def state(self, name: str = "a") -> str:
        return str(self.row(name)["StateValue"])

    def row(self, name: str = "a") -> Params:
        found = self("DescribeAlarms", AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        return dict([*found["MetricAlarms"], *found["CompositeAlarms"]][0])


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    with watching(tmp_path) as found:
        yield found


@contextmanager
def watching(path: Path) -> Iterator[Watch]:
    """CloudWatch in a folder of its own."""
    made = world(path, {"cloudwatch": cloudwatch.OPERATIONS})
    clock, listener = FakeClock(), Listener()
    found = Watch(made, clock, listener)
    inner = made.call

    def call(service: str, operation: str, params: Params, principal: Principal | None = None) -> Params:
        if service in ("sns", "lambda"):
            return listener.call(service, operation, params)
        return inner(service, operation, params, principal)

    made.kernel.clock = clock
    made.kernel.calls = call
    made.kernel.publish = listener.publish
    made.kernel.engines["cloudwatch"] = Engine(made.kernel, lambda: found.depths)
    yield found
    made.close()
