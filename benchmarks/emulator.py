"""The emulator against moto_server, on this machine in one run: `python -m benchmarks.emulator [--quick]`.

Prints a line per figure with its goal, and ends with a summary; the exit code is 1 where a goal is missed. Both servers
are fresh processes. Rates are of one request that boto3 made once and http.client repeats: boto3 itself costs 2 ms a
call, more than what is measured. Transfers are boto3's own, as people run them.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import http.client
import io
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

ACCOUNT = "123456789012"
Client = Callable[[str], Any]
Measure = Callable[[Client, "Sizes"], float]


@dataclass(frozen=True)
class Sizes:
    """How much is done: calls per figure and the size of the large object."""

    calls: int
    large_mb: int
    colds: int


FULL, QUICK = Sizes(calls=500, large_mb=1024, colds=20), Sizes(calls=100, large_mb=64, colds=5)


@dataclass(frozen=True)
class Figure:
    """One line: what, in which unit, ours, theirs where there is something to compare, and whether the goal is met."""

    name: str
    text: str
    goal: str
    is_met: bool


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="smaller sizes, for a look in passing")
    sizes = QUICK if options.parse_args().quick else FULL
    figures = []
    for figure in measure(sizes):
        figures.append(figure)
        print(f"{'ok  ' if figure.is_met else 'MISS'} {figure.name:34} {figure.text:64} goal {figure.goal}", flush=True)
    missed = [figure.name for figure in figures if not figure.is_met]
    print(
        f"{len(figures) - len(missed)} of {len(figures)} goals met"
        + (f"; missed: {', '.join(missed)}" if missed else "")
    )
    sys.exit(bool(missed))


def measure(sizes: Sizes) -> Iterator[Figure]:
    with emulator() as ours, moto_server() as theirs:
        for name, work, goal in RATES:
            yield compared(name, work, goal, ours, theirs, sizes)
        for name, seconds, least in TRANSFERS:
            yield transferred(name, seconds, least, ours, theirs, sizes)
        yield memory(ours)
        yield from functions(ours, sizes)


def compared(name: str, work: Measure, goal: float, ours: Client, theirs: Client, sizes: Sizes) -> Figure:
    mine, other = work(ours, sizes), work(theirs, sizes)
    text = f"{mine:8.0f}/s against {other:6.0f}/s: {mine / other:5.1f}x"
    return Figure(name, text, f"{goal:g}x", mine >= goal * other)


def transferred(name: str, seconds: Measure, goal: float | None, ours: Client, theirs: Client, sizes: Sizes) -> Figure:
    mine, other = seconds(ours, sizes), seconds(theirs, sizes)
    text = f"{mine:6.2f} s against {other:7.2f} s: {other / mine:5.1f}x"
    wanted = f"{goal:g}x" if goal else "no worse"
    return Figure(f"{name} {sizes.large_mb} MB", text, wanted, other >= (goal or 1) * mine)


class Repeated:
    """The request that one boto3 call makes, to be sent again and again over a kept connection."""

    def __init__(self, client: Any, call: Callable[[], object]) -> None:
        seen: list[Any] = []
        client.meta.events.register("before-send", lambda request, **_: seen.append(request), unique_id="repeated")
        call()
        client.meta.events.unregister("before-send", unique_id="repeated")
        url = urlsplit(seen[-1].url)
        self._method, self._target = seen[-1].method, url.path + (f"?{url.query}" if url.query else "")
        body = seen[-1].body
        if hasattr(body, "read"):
            body.seek(0)
            body = body.read()
        self._body: bytes = body or b""
        self._headers = {name: _text(value) for name, value in seen[-1].headers.items()}
        self._connection = http.client.HTTPConnection(url.hostname or "", url.port or 80, timeout=60)

    def __call__(self) -> None:
        self._connection.request(self._method, self._target, self._body, self._headers)
        answer = self._connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{self._method} {self._target} answered {answer.status}")


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def rate(client: Any, call: Callable[[], object], count: int) -> float:
    """Calls per second, one after the other, once the first few have warmed everything."""
    repeated = Repeated(client, call)
    for _ in range(5):
        repeated()

    def all_of_them() -> None:
        for _ in range(count):
            repeated()

    return count / timed(all_of_them)


def put_events(client: Client, sizes: Sizes) -> float:
    """Events until their messages are in the queue: what was put is waited for."""
    sqs, events = client("sqs"), client("events")
    url = sqs.create_queue(QueueName="bench")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="bench", EventPattern=json.dumps({"source": ["bench"]}))
    events.put_targets(Rule="bench", Targets=[{"Id": "q", "Arn": arn}])
    entry = {"Source": "bench", "DetailType": "Bench", "Detail": json.dumps({"n": 1})}

    def wait_for(count: int) -> None:
        name = "ApproximateNumberOfMessages"
        while int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name]) < count:
            continue

    put = Repeated(events, lambda: events.put_events(Entries=[entry]))
    wait_for(1)
    began = time.perf_counter()
    for _ in range(sizes.calls):
        put()
    wait_for(1 + sizes.calls)
    return sizes.calls / (time.perf_counter() - began)


def put_object(client: Client, sizes: Sizes) -> float:
    s3, body = client("s3"), os.urandom(1024)
    s3.create_bucket(Bucket="bench")
    return rate(s3, lambda: s3.put_object(Bucket="bench", Key="small", Body=body), sizes.calls)


def list_model_packages(client: Client, sizes: Sizes) -> float:
    sagemaker = client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="bench")
    for _ in range(20):
        sagemaker.create_model_package(ModelPackageGroupName="bench", ModelApprovalStatus="PendingManualApproval")
    return rate(
        sagemaker, lambda: sagemaker.list_model_packages(ModelPackageGroupName="bench", MaxResults=20), sizes.calls
    )


def upload(client: Client, sizes: Sizes) -> float:
    client("s3").create_bucket(Bucket="bench")
    with large_file(sizes) as file:
        return timed(lambda: client("s3").upload_file(str(file), "bench", "large"))


def upload_at_once(client: Client, sizes: Sizes) -> float:
    with large_file(sizes) as file, file.open("rb") as body:
        return timed(lambda: client("s3").put_object(Bucket="bench", Key="single", Body=body))


def download(client: Client, sizes: Sizes) -> float:
    with tempfile.TemporaryDirectory() as place:
        return timed(lambda: client("s3").download_file("bench", "large", str(Path(place, "got"))))


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@contextlib.contextmanager
def large_file(sizes: Sizes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        file = Path(place, "large")
        with file.open("wb") as out:
            for _ in range(sizes.large_mb):
                out.write(os.urandom(1 << 20))
        yield file


RATES: tuple[tuple[str, Measure, float], ...] = (
    ("put_events -> SQS", put_events, 10),
    ("put_object 1 KB", put_object, 2),
    ("list_model_packages (20)", list_model_packages, 3),
)
TRANSFERS: tuple[tuple[str, Measure, float | None], ...] = (
    ("upload_file", upload, None),
    ("download_file", download, 10),
    ("put_object", upload_at_once, None),
)
HANDLER = "def handler(event, context):\n    return event\n"


def functions(ours: Client, sizes: Sizes) -> Iterator[Figure]:
    """A function's first answer and the next ones, as the emulator's REPORT lines have them, and seen by a client."""
    client = ours("lambda")
    role = ours("iam").create_role(RoleName="bench", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    for number in range(sizes.colds):
        create_function(client, f"bench-{number}", role)
    cold = [sum(reported_ms(client, f"bench-{number}")) for number in range(sizes.colds)]
    warm = [sum(reported_ms(client, "bench-0")) for _ in range(sizes.calls)]
    seen = [1000 * timed(lambda: client.invoke(FunctionName="bench-0", Payload=b"{}")) for _ in range(sizes.calls)]
    yield Figure("Lambda cold, inside", f"p50 {statistics.median(cold):6.2f} ms", "15 ms", statistics.median(cold) < 15)
    text = f"p50 {statistics.median(warm):6.2f} ms; by boto3 {statistics.median(seen):5.2f} ms"
    yield Figure("Lambda warm, inside", text, "1 ms", statistics.median(warm) < 1)


def create_function(client: Any, name: str, role: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("h.py", HANDLER)
    client.create_function(
        FunctionName=name, Runtime="python3.12", Role=role, Handler="h.handler", Code={"ZipFile": packed.getvalue()}
    )


def reported_ms(client: Any, name: str) -> tuple[float, float]:
    """Duration and, of an environment's first invocation, Init Duration, which here is all that making it took."""
    answer = client.invoke(FunctionName=name, Payload=b"{}", LogType="Tail")
    report = base64.b64decode(answer["LogResult"]).decode().split("REPORT ")[1]
    fields = dict(part.strip().split(": ", 1) for part in report.split("\t") if ": " in part)
    duration, init = (float(fields.get(field, "0 ms").split()[0]) for field in ("Duration", "Init Duration"))
    return duration, init


@contextlib.contextmanager
def emulator() -> Iterator[Client]:
    state = Path(tempfile.mkdtemp(prefix="benchmark-"))
    port = free_port()
    command = [sys.executable, "-m", "emulator.bootstrap", "--state", str(state), "--port", str(port)]
    with served(command, port) as client:
        wait_for_forks(client)
        yield client
    shutil.rmtree(state, ignore_errors=True)


def wait_for_forks(client: Client) -> None:
    """`up` loads the runners' libraries in the background; that is not what is measured here."""
    while health(client)["fork_servers"]["up"] < health(client)["fork_servers"]["planned"]:
        time.sleep(0.2)


def health(client: Client) -> dict[str, Any]:
    """What the emulator says of itself."""
    return ask(client, "health")


def ask(client: Client, verb: str, **params: Any) -> dict[str, Any]:
    """A call to the control API."""
    url = f"{client('s3').meta.endpoint_url}/_emulator/{verb}"
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(params).encode(), headers)) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def memory(ours: Client) -> Figure:
    """The most that the emulator has held in memory so far; its children are not in it."""
    status = Path(f"/proc/{health(ours)['pid']}/status")
    if not status.exists():
        return Figure("memory after transfers", "cannot be read on this system", "600 MB", True)
    peak_mb = int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    return Figure("memory after transfers", f"peak {peak_mb:6.0f} MB", "600 MB", peak_mb < 600)


@contextlib.contextmanager
def moto_server() -> Iterator[Client]:
    port = free_port()
    with served([sys.executable, "-m", "moto.server", "-p", str(port)], port) as client:
        yield client


@contextlib.contextmanager
def served(command: list[str], port: int) -> Iterator[Client]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    made: dict[str, Any] = {}
    make: Any = boto3.client  # typed for literal names only

    def client(service: str) -> Any:
        if service not in made:
            made[service] = make(
                service,
                region_name="us-east-1",
                endpoint_url=f"http://localhost:{port}",
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(retries={"total_max_attempts": 1}, read_timeout=600),
            )
        return made[service]

    try:
        await_port(port)
        yield client
    finally:
        process.kill()
        process.wait()


def await_port(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
