"""The one place that wires the emulator: which clock, which spawner, which services."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

from emulator.adapters import server
from emulator.adapters.blobs import BlobStore
from emulator.adapters.calls import InProcessCalls
from emulator.adapters.forking import ForkingSpawner, ForkPlan
from emulator.adapters.gateway import Gateway
from emulator.adapters.identities import Identities
from emulator.adapters.moto_services import MotoServices
from emulator.adapters.object_files import GatewayObjectFiles
from emulator.adapters.processes import PlainSpawner
from emulator.adapters.socket_sandboxes import SocketSandboxes
from emulator.adapters.wire import HttpRequest
from emulator.kernel.clock import RealClock
from emulator.kernel.dispatcher import Dispatcher
from emulator.kernel.ids import Ids
from emulator.kernel.journal import Journal
from emulator.kernel.ports import Kernel
from emulator.kernel.store import Store
from emulator.services import cloudformation, cloudwatch, events, lambda_, sagemaker, sagemaker_runtime, scheduler
from emulator.services.lambda_ import engine as lambda_engine
from emulator.services.sagemaker import images
from emulator.services.sagemaker.hosting import server as model_server
from emulator.services.sagemaker.jobs import container

ACCOUNT_ID, REGION = "123456789012", "us-east-1"
REPOSITORY = Path(__file__).resolve().parent.parent
LIMITS = (
    "IAM policies are recorded, not enforced yet",
    "S3, SQS, SNS, DynamoDB and IAM live in memory: a state directory serves one run",
)
"""What a person must know before trusting what passes here; `up` prints it."""


def build(state_dir: Path, port: int) -> tuple[Kernel, Gateway]:
    """Wire a kernel with every service. Nothing listens yet."""
    state_dir.mkdir(parents=True, exist_ok=True)
    clock = RealClock()
    journal = Journal(state_dir / "journal.jsonl", clock)
    runners_dir = Path(os.environ.get("DRIFTLOOP_RUNNERS", REPOSITORY / ".runners"))
    spawner = ForkingSpawner(PlainSpawner(), fork_plans(runners_dir))
    kernel = Kernel(
        account_id=ACCOUNT_ID,
        region=REGION,
        endpoint_url=f"http://localhost:{port}",
        state_dir=state_dir,
        runners_dir=runners_dir,
        clock=clock,
        ids=Ids(),
        store=Store(state_dir / "state.sqlite"),
        journal=journal,
        dispatcher=Dispatcher(clock, journal),
        spawner=spawner,
        sandboxes=SocketSandboxes(spawner, runners_dir / "lambda-python" / "bin" / "python"),
    )
    moto = MotoServices(ACCOUNT_ID, BlobStore(state_dir / "blobs"))
    identities = Identities(kernel, moto)
    owned = {
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
    gateway.on_served.append(_wake_pollers)
    gateway.on_served.append(partial(_measure, metrics))
    kernel.calls = InProcessCalls(kernel, gateway)
    kernel.object_files = GatewayObjectFiles(gateway, ACCOUNT_ID, REGION)
    kernel.publish = events.Bus(kernel).publish
    kernel.credentials = identities.credentials
    kernel.measure = metrics.measure
    return kernel, gateway


def fork_plans(runners_dir: Path) -> tuple[ForkPlan, ...]:
    """What is kept loaded: the functions' runtime, and per image one environment for jobs and one for model servers."""
    functions = ForkPlan(
        home=runners_dir / "lambda-python",
        modules=("awslambdaric.bootstrap", "awslambdaric.lambda_runtime_marshaller", "boto3", "traceback", "uuid"),
        env=lambda_engine.IMAGE_ENVIRONMENT,
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


def _wake_pollers(service: str, request: HttpRequest) -> None:
    if service == "sqs" and b"SendMessage" in request.header("x-amz-target").encode() + bytes(request.body[:200]):
        lambda_.wake()


def _fork_servers(kernel: Kernel) -> dict[str, int]:
    """How many fork servers are up, of how many."""
    servers = kernel.spawner.servers if isinstance(kernel.spawner, ForkingSpawner) else []
    return {"up": sum(server.is_up for server in servers), "planned": len(servers)}


def _measure(metrics: cloudwatch.Engine, service: str, request: HttpRequest) -> None:
    if isinstance(request.body, bytes):  # else an upload to S3, of which nobody makes a metric
        metrics.saw(service, request.operation(), request.body)


def control(kernel: Kernel, stop: threading.Event) -> server.Control:
    """The control API behind `/_emulator/`: health, journal, stop."""

    def serve(verb: str, params: dict[str, Any]) -> dict[str, Any]:
        match verb:
            case "health":
                return {
                    "status": "ok",
                    "isolation": kernel.spawner.isolation,
                    "fork_servers": _fork_servers(kernel),
                    "limits": list(LIMITS),
                    "pid": os.getpid(),
                }
            case "journal":
                return {"entries": kernel.journal.entries(params.get("kind", ""))}
            case "stop":
                stop.set()
                return {"status": "stopping"}
        return {"error": f"/_emulator/{verb} is unknown; there are health, journal and stop"}

    return serve


def run(state_dir: Path, port: int) -> None:
    """Serve until told to stop; every child dies with this process."""
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr
    )
    kernel, gateway = build(state_dir, port)
    cloudwatch.Engine.of(kernel).start()
    if isinstance(kernel.spawner, ForkingSpawner):
        kernel.spawner.warm()
    stop = threading.Event()
    web = server.server(server.build(gateway, control(kernel, stop)), port)
    threading.Thread(target=_stop_when_told, args=(web, stop), daemon=True).start()
    record = {"pid": os.getpid(), "port": port, "endpoint_url": kernel.endpoint_url, "region": REGION}
    _write_whole(state_dir / "emulator.json", json.dumps(record))
    web.run()
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
    options = parser.parse_args()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    run(options.state, options.port)


if __name__ == "__main__":
    main()
