"""A kernel for tests: the real clock, store, dispatcher and spawner; S3, logs and functions as small fakes.

Calls to services of ours are validated against botocore's models, as in the emulator.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from emulator.adapters import validation, wire
from emulator.adapters.processes import PlainSpawner
from emulator.kernel.clock import KernelClock
from emulator.kernel.dispatcher import Dispatcher
from emulator.kernel.errors import AwsError
from emulator.kernel.faults import Faults
from emulator.kernel.ids import Ids
from emulator.kernel.journal import Journal
from emulator.kernel.ports import Context, Kernel, Operation, Params, Principal, SandboxSpec
from emulator.kernel.store import Store
from emulator.semantics.faults.kinds import KINDS

REPOSITORY = Path(__file__).resolve().parents[2]
ACCOUNT_ID = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/train"
PERSON = Principal(f"arn:aws:iam::{ACCOUNT_ID}:user/ada", ACCOUNT_ID)
_spawner: list[PlainSpawner] = []


class FakeS3:
    """Objects by (bucket, key), listed a few at a time so that paging is exercised."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self.refuses = 0
        """So many of the next PutObject are refused."""

    def put(self, uri: str, body: bytes | str) -> None:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        self.objects[bucket, key] = body.encode() if isinstance(body, str) else body

    def get(self, uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return self.objects[bucket, key]

    def keys(self, bucket: str) -> list[str]:
        return sorted(key for name, key in self.objects if name == bucket)

    def __call__(self, operation: str, params: Params) -> Params:
        bucket, key = params["Bucket"], params.get("Key", "")
        match operation:
            case "PutObject" if self.refuses:
                self.refuses -= 1
                raise AwsError("AccessDenied", "Access Denied", 403)
            case "PutObject":
                self.objects[bucket, key] = params["Body"]
                return {}
            case "GetObject" | "HeadObject":
                if (bucket, key) not in self.objects:
                    raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
                return {"Body": self.objects[bucket, key]} if operation == "GetObject" else {}
            case "ListObjectsV2":
                return self._list(params)
        raise AssertionError(operation)

    def _list(self, params: Params) -> Params:
        after = params.get("ContinuationToken", "")
        found = [key for key in self.keys(params["Bucket"]) if key.startswith(params["Prefix"]) and key > after]
        page = found[: min(params.get("MaxKeys", 2), 2)]
        more = {"IsTruncated": True, "NextContinuationToken": page[-1]} if len(found) > len(page) else {}
        return {"Contents": [{"Key": key} for key in page], **more}


class FakeLogs:
    """Messages by log group; `wait` blocks until a line has arrived."""

    def __init__(self) -> None:
        self.messages: dict[str, list[str]] = {}
        self.streams: list[str] = []
        self._changed = threading.Condition()

    def __call__(self, operation: str, params: Params) -> Params:
        if operation == "CreateLogStream":
            self.streams.append(params["logStreamName"])
        if operation == "PutLogEvents":
            with self._changed:
                lines = self.messages.setdefault(params["logGroupName"], [])
                lines += [event["message"] for event in params["logEvents"]]
                self._changed.notify_all()
        return {}

    def wait(self, line: str, timeout_s: float = 60) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: any(line in found for found in self.messages.values()), timeout_s)


class Events:
    """Every event put on the default bus; `wait` blocks until one that fits has come."""

    def __init__(self) -> None:
        self.all: list[tuple[str, Params, list[str]]] = []
        self._changed = threading.Condition()

    def publish(self, source: str, detail_type: str, detail: Params, resources: list[str]) -> None:
        assert source == "aws.sagemaker"
        with self._changed:
            self.all.append((detail_type, detail, resources))
            self._changed.notify_all()

    def wait(self, fits: Callable[[str, Params], bool], timeout_s: float = 60) -> Params:
        def found() -> Params | None:
            return next((detail for kind, detail, _ in self.all if fits(kind, detail)), None)

        with self._changed:
            assert self._changed.wait_for(lambda: found() is not None, timeout_s), [
                (kind, {key: value for key, value in detail.items() if "tatus" in key or "eason" in key})
                for kind, detail, _ in self.all
            ]
            detail = found()
        assert detail is not None
        return detail

    def details(self, kind: str) -> list[Params]:
        return [detail for found, detail, _ in self.all if found == f"SageMaker {kind}"]


class NoSandboxes:
    """Functions are faked one level higher, by `World.functions`."""

    def start(self, spec: SandboxSpec) -> Any:
        raise AssertionError(spec)


@dataclass
class World:
    """A kernel whose `owned` services are real and whose surroundings are fakes."""

    kernel: Kernel
    owned: dict[str, dict[str, Operation]]
    s3: FakeS3 = field(default_factory=FakeS3)
    logs: FakeLogs = field(default_factory=FakeLogs)
    events: Events = field(default_factory=Events)
    functions: dict[str, Callable[[bytes], Params]] = field(default_factory=dict)
    queues: dict[str, list[str]] = field(default_factory=dict)
    alarms: dict[str, str] = field(default_factory=dict)
    published: list[tuple[str, str]] = field(default_factory=list)
    metrics: list[tuple[str, str, dict[str, str], float, str]] = field(default_factory=list)

    def call(self, service: str, operation: str, params: Params, principal: Principal | None = None) -> Params:
        if service in self.owned:
            code = "ValidationError" if service == "sagemaker-runtime" else "ValidationException"
            validation.check(wire.operation_model(service, operation).input_shape, params, code)
            return self.owned[service][operation](params, Context(self.kernel, principal or PERSON, "request"))
        match service:
            case "s3":
                return self.s3(operation, params)
            case "logs":
                return self.logs(operation, params)
            case "sqs":
                self.queues.setdefault(params["QueueUrl"], []).append(params["MessageBody"])
                return {}
            case "cloudwatch" if operation == "DescribeAlarms":
                found = [name for name in params["AlarmNames"] if name in self.alarms]
                return {"MetricAlarms": [{"AlarmName": name, "StateValue": self.alarms[name]} for name in found]}
            case "sns" if operation == "Publish":
                self.published.append((params["TopicArn"], params["Message"]))
                return {"MessageId": "m"}
            case "application-autoscaling" if operation == "DescribeScalableTargets":
                return {"ScalableTargets": []}
            case "lambda":
                return self.functions[params["FunctionName"]](params["Payload"])
        raise AssertionError(f"{service}:{operation}")

    def measured(self, namespace: str, dimensions: Mapping[str, str], values: Mapping[str, Any], at: datetime) -> None:
        for name, (unit, several) in values.items():
            self.metrics += [
                (namespace, name, dict(dimensions), value, unit)
                for value, count in several.items()
                for _ in range(count)
            ]

    def sagemaker(self, operation: str, **params: Any) -> Params:
        return self.call("sagemaker", operation, params)

    def close(self) -> None:
        self.kernel.dispatcher.stop()
        with suppress(Exception):
            self.kernel.store.close()


def world(state_dir: Path, owned: dict[str, dict[str, Operation]], isolation: str | None = None) -> World:
    """A fresh world in a directory of its own; the spawner is shared, since it is stateless and costs a probe."""
    if not _spawner:
        _spawner.append(PlainSpawner())
    spawner = _spawner[0]
    if isolation:
        spawner = PlainSpawner()
        spawner.isolation = isolation
    clock = KernelClock()
    journal = Journal(state_dir / "journal.jsonl", clock)
    kernel = Kernel(
        account_id=ACCOUNT_ID,
        region="us-east-1",
        endpoint_url="http://localhost:1",
        state_dir=state_dir,
        runners_dir=REPOSITORY / ".runners",
        clock=clock,
        ids=Ids(),
        store=Store(state_dir / "state.sqlite"),
        journal=journal,
        dispatcher=Dispatcher(clock, journal),
        spawner=spawner,
        sandboxes=NoSandboxes(),
        faults=Faults(KINDS, Ids(), journal),
    )
    made = World(kernel, owned)
    kernel.calls = made.call
    kernel.publish = made.events.publish
    kernel.measure_many = made.measured
    kernel.credentials = lambda role_arn, session_name: {"AWS_ACCESS_KEY_ID": "ASIA", "AWS_REGION": "us-east-1"}
    return made
