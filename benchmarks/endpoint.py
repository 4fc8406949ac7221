"""A live endpoint, router and capture included, against Flask and gunicorn: `python -m benchmarks.endpoint [--quick]`.

The same XGBoost model (1,000 trees, 20 features, one row a request) three times: behind the emulator's endpoint with
data capture on, behind gunicorn and Flask (the stack of AWS's own containers, in an environment of its own), and behind
the emulator's bare model server. Load comes from wrk; rounds of the three alternate, and the medians count (after one
round to warm up), since other programs may run on this machine. Prints a line per figure with its goal; exits with 1
where one is missed.
"""

from __future__ import annotations

import argparse
import http.client
import io
import os
import re
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.emulator import ACCOUNT, Client, Figure, await_port, emulator, free_port

ROOT = Path(__file__).resolve().parent.parent
RUNNER = ROOT / ".runners" / "xgboost-3.2-0" / "bin" / "python"
PEER = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "driftloop" / "peer-flask-gunicorn"
PEER_PINS = ("flask==3.1.2", "gunicorn==23.0.0")
IMAGE = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-xgboost:3.2-0"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/bench"
ROW = ",".join(f"{number / 7:.4f}" for number in range(20))
TRAIN = """
import sys, numpy, xgboost
rng = numpy.random.default_rng(7)
x = rng.normal(size=(4000, 20)); y = (x[:, 0] * x[:, 1] + rng.normal(size=4000) > 0).astype(int)
parameters = {"objective": "binary:logistic", "max_depth": 6, "nthread": 1}
xgboost.train(parameters, xgboost.DMatrix(x, label=y), num_boost_round=1000).save_model(sys.argv[1])
"""
SCORE = """
import os
import numpy, xgboost

def load(directory):
    booster = xgboost.Booster()
    booster.load_model(os.path.join(directory, "model.ubj"))
    booster.set_param("nthread", 1)
    return booster

def score(booster, text):
    rows = numpy.array([[float(cell) for cell in line.split(",")] for line in text.strip().split("\\n")])
    return "\\n".join(str(value) for value in booster.inplace_predict(rows))
"""
INFERENCE = f"""{SCORE}
def model_fn(directory): return load(directory)
def transform_fn(model, data, content_type, accept):
    return score(model, data if isinstance(data, str) else data.decode()), "text/csv"
"""
FLASK = f"""{SCORE}
import gc
import flask
app = flask.Flask(__name__)
model = load(os.environ["MODEL"])
gc.collect(); gc.freeze()

@app.get("/ping")
def ping(): return ""

@app.post("/invocations")
def invocations(): return flask.Response(score(model, flask.request.get_data(as_text=True)), mimetype="text/csv")
"""
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sagemaker/aws4_request, SignedHeaders=host, Signature=0"
)
LUA = """
wrk.method = "POST"
wrk.body = "{row}"
wrk.headers["Content-Type"] = "text/csv"
wrk.headers["Authorization"] = "{authorization}"
"""
_UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True)
class Load:
    """What wrk saw."""

    rate: float
    p50_ms: float
    p99_ms: float
    failures: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, for a look in passing")
    is_quick = parser.parse_args().quick
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed (Debian: apt-get install wrk)")
    figures = []
    for figure in measure(rounds=3 if is_quick else 9, seconds=2 if is_quick else 3):
        figures.append(figure)
        print(f"{'ok  ' if figure.is_met else 'MISS'} {figure.name:34} {figure.text:74} goal {figure.goal}", flush=True)
    missed = [figure.name for figure in figures if not figure.is_met]
    met = f"{len(figures) - len(missed)} of {len(figures)} goals met"
    print(met + (f"; missed: {', '.join(missed)}" if missed else ""))
    sys.exit(bool(missed))


def measure(rounds: int, seconds: int) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as place, emulator() as client:
        model = Path(place, "model")
        (model / "code").mkdir(parents=True)
        subprocess.run([str(RUNNER), "-c", TRAIN, str(model / "model.ubj")], check=True)
        (model / "code" / "inference.py").write_text(INFERENCE)
        prepare(client, packed(model))
        first_ms = [created_ms(client, f"first-{number}") for number in range(2 * rounds)]
        yield at_most("creation to first answer", statistics.median(first_ms), 150, "ms")
        with peer(Path(place), model) as flask, bare(model) as server:
            yield from compared(Path(place), client, flask, server, rounds, seconds)


def compared(place: Path, client: Client, flask: str, server: str, rounds: int, seconds: int) -> Iterator[Figure]:
    script = place / "post.lua"
    script.write_text(LUA.format(row=ROW, authorization=AUTHORIZATION))
    ours = f"{client('s3').meta.endpoint_url}/endpoints/first-0/invocations"
    seen: dict[tuple[str, int], list[Load]] = {}
    for number in range(rounds + 1):
        for name, url in (("ours", ours), ("flask", flask), ("bare", server)):
            for connections in (1, 16):
                load = wrk(script, url, connections, seconds)
                if number:  # the first round warms everything
                    seen.setdefault((name, connections), []).append(load)
    mine, theirs = (median(seen[name, 16], lambda load: load.rate) for name in ("ours", "flask"))
    text = f"{mine:6.0f}/s against {theirs:6.0f}/s: {mine / theirs:4.2f}x (bare {median_rate(seen, 'bare'):6.0f}/s)"
    yield Figure("16 connections, to Flask + gunicorn", text, "1.5x", mine >= 1.5 * theirs)
    mine, theirs = (median(seen[name, 1], lambda load: load.p99_ms) for name in ("ours", "bare"))
    text = f"p99 {mine:5.2f} ms against {theirs:5.2f} ms: {mine / theirs:4.2f}x (p50 {p50(seen, 'ours'):4.2f} ms)"
    yield Figure("1 connection, to the bare server", text, "2x", mine <= 2 * theirs)
    failures = sum(load.failures for loads in seen.values() for load in loads)
    yield Figure("failed requests", f"{failures}", "0", failures == 0)


def median_rate(seen: dict[tuple[str, int], list[Load]], name: str) -> float:
    return median(seen[name, 16], lambda load: load.rate)


def p50(seen: dict[tuple[str, int], list[Load]], name: str) -> float:
    return median(seen[name, 1], lambda load: load.p50_ms)


def median(loads: list[Load], value: Callable[[Load], float]) -> float:
    return statistics.median(map(value, loads))


def at_most(name: str, value: float, goal: float, unit: str) -> Figure:
    return Figure(name, f"p50 {value:6.1f} {unit}", f"{goal:g} {unit}", value < goal)


def packed(directory: Path) -> bytes:
    """model.tar.gz"""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        tar.add(directory, arcname=".")
    return out.getvalue()


def prepare(client: Client, archive: bytes) -> None:
    """The model, and a configuration that captures every request."""
    client("s3").create_bucket(Bucket="bench")
    client("s3").put_object(Bucket="bench", Key="model.tar.gz", Body=archive)
    container = {"Image": IMAGE, "ModelDataUrl": "s3://bench/model.tar.gz"}
    sagemaker = client("sagemaker")
    sagemaker.create_model(ModelName="bench", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    sagemaker.create_endpoint_config(
        EndpointConfigName="bench",
        ProductionVariants=[
            {"VariantName": "v", "ModelName": "bench", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        ],
        DataCaptureConfig={
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": "s3://bench/captured",
            "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
        },
    )


def created_ms(client: Client, name: str) -> float:
    """From CreateEndpoint to the first answer. All but the first endpoint go again."""
    url = client("s3").meta.endpoint_url.removeprefix("http://")
    connection = http.client.HTTPConnection(url)
    headers = {"Content-Type": "text/csv", "Authorization": AUTHORIZATION}
    began = time.perf_counter()
    client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName="bench")
    while True:
        connection.request("POST", f"/endpoints/{name}/invocations", ROW, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            break
        time.sleep(0.002)
    took_ms = 1000 * (time.perf_counter() - began)
    connection.close()
    if not name.endswith("-0"):
        remove(client("sagemaker"), name)
    return took_ms


def remove(sagemaker: Any, name: str) -> None:
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name)
    sagemaker.delete_endpoint(EndpointName=name)


def wrk(script: Path, url: str, connections: int, seconds: int) -> Load:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script), url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = dict(re.findall(r"^\s+(\d+)%\s+(\S+)$", said, re.MULTILINE))
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    failures = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    assert rate is not None, said
    return Load(float(rate[1]), ms(found["50"]), ms(found["99"]), int(failures[1]) if failures else 0)


def ms(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)([a-z]+)", text).groups()  # type: ignore[union-attr]
    return float(number) * _UNITS_MS[unit]


@contextmanager
def peer(place: Path, model: Path) -> Iterator[str]:
    """Flask behind one gunicorn worker."""
    python = PEER / "bin" / "python"
    if not python.exists():
        build_peer(python)
    (place / "peer.py").write_text(FLASK)
    port = free_port()
    command = [str(PEER / "bin" / "gunicorn"), "--workers", "1", "--bind", f"127.0.0.1:{port}", "peer:app"]
    with program(command, place, {"MODEL": str(model)}):
        await_port(port)
        yield f"http://127.0.0.1:{port}/invocations"


def build_peer(python: Path) -> None:
    """Its environment, once: what the image holds, and the pinned servers."""
    uv = str(ROOT / ".venv" / "bin" / "uv")
    lock = str(ROOT / "requirements" / "runner-xgboost-3.2-0.txt")
    install = [uv, "pip", "install", "--quiet", "--python", str(python)]
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(PEER)], check=True)
    subprocess.run([*install, "--require-hashes", "-r", lock], check=True)
    subprocess.run([*install, *PEER_PINS], check=True)


@contextmanager
def bare(model: Path) -> Iterator[str]:
    """The emulator's model server, without the emulator."""
    server = ROOT / "emulator" / "services" / "sagemaker" / "hosting" / "model_server.py"
    process = subprocess.Popen(
        [str(RUNNER), "-P", "-u", str(server), "port"],
        env={**os.environ, "SM_MODEL_DIR": str(model), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline().split()[1])
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        process.kill()
        process.wait()


@contextmanager
def program(command: list[str], cwd: Path, more: dict[str, str]) -> Iterator[None]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **more}
    process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
