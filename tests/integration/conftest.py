"""A whole emulator in this process, with HTTP on a free port: real children, real wire."""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from emulator import bootstrap
from emulator.adapters import server
from emulator.adapters.control import ControlApi
from emulator.kernel.ports import Kernel
from emulator.services import sagemaker_runtime
from tests.support.apart import Emulator
from tests.support.waiting import eventually


@pytest.fixture(scope="session")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """One emulator a worker; tests use names of their own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found, gateway, timekeeper = bootstrap.build(bootstrap.Options(tmp_path_factory.mktemp("state"), port))
    control = ControlApi(found, timekeeper, threading.Event())
    web = server.server(server.build(gateway, control, sagemaker_runtime.Direct(found)), port)
    thread = threading.Thread(target=web.run, daemon=True)
    thread.start()
    eventually(lambda: web.started)
    yield found
    web.should_exit = True
    found.dispatcher.stop()
    thread.join(timeout=5)


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator in a process of its own, for tests that move its clock."""
    made = Emulator(tmp_path_factory.mktemp("apart") / "state")
    yield made
    made.kill()


@pytest.fixture(scope="session")
def client(kernel: Kernel) -> Callable[[str], Any]:
    """boto3 clients that talk to the emulator over HTTP."""

    def make(service: str) -> Any:
        return boto3.client(
            service,
            region_name=kernel.region,
            endpoint_url=kernel.endpoint_url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    return make
