"""The whole loop on real flights, from upload to a live endpoint. Nothing in it is faked or skipped."""

from __future__ import annotations

import csv
import json
import random
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import reduce
from pathlib import Path
from typing import Annotated, Any

import typer

from driftloop import datasets, stacks
from driftloop.commands import deploy, down, up, year
from driftloop.commands.experiment import FLIGHTS_A_DAY, Rivals, show
from driftloop.commands.follow import POLL_S, follow
from driftloop.errors import UserError
from driftloop.scoring import auc
from driftloop.screen import coloured, console, seconds, table
from driftloop.target import Target, choose, find_emulator

DEMO_STATE = Path(".driftloop-demo")
MODEL = "flights"
_HASTE = {
    "monitoring.window_s": 3 * 86_400,
    "monitoring.label_delay_s": 86_400,
    "retraining.cooldown_s": 86_400,
    "release.experiment.minimum_effect": 0.04,
}
"""Settings of the sample: labels come after a day, so that three days show what takes a week of seven-day labels."""
FLIGHTS_SCORED, SEED, AUC_AT_LEAST = 1000, 20130301, 0.55
_SCHEMA = deploy.REPOSITORY / "infra" / "models" / "flights.schema.json"


class Mode(StrEnum):
    """How production compares two versions."""

    PAIRED = "paired"
    SPLIT = "split"


class Length(StrEnum):
    """How much of the year is played."""

    FAST = "fast"
    RECOVERY = "recovery"
    YEAR = "year"


@dataclass(frozen=True)
class Choices:
    """What a person may choose about the demo."""

    pause: bool
    experiment: Mode
    length: Length


@dataclass
class Stopwatch:
    """How long each part took, in order."""

    parts: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def part(self, title: str) -> Iterator[None]:
        """Time one part and head its output; a part that fails is not recorded."""
        console.rule(f"[bold]{title}[/bold]", align="left", style="dim")
        began = time.perf_counter()
        yield
        self.parts.append((title, time.perf_counter() - began))


def demo(
    state: Annotated[
        Path, typer.Option("--state", help="State directory of the demo's emulator; forgotten first.")
    ] = DEMO_STATE,
    port: Annotated[int, typer.Option("--port", help="Loopback port; 0 takes a free one.")] = 0,
    pause: Annotated[bool, typer.Option("--pause", help="Stop before approval, so that you approve.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the emulator running at the end.")] = False,
    experiment: Annotated[
        Mode, typer.Option("--experiment", help="How the second version is compared with the first.")
    ] = Mode.PAIRED,
    length: Annotated[
        Length,
        typer.Option(
            help="Until the first drift and the recovery from it; until December; or a sample of rows and days."
        ),
    ] = Length.RECOVERY,
) -> None:
    """Run the whole loop on real flights: deploy, train, approve, release, serve, drift, alarm, retrain, release."""
    watch = Stopwatch()
    with watch.part("Start the emulator"):
        _, emulator = up.start(state, port or _free_port(), fresh=True)
        console.print(f"{emulator.endpoint_url}, state {state}")
        for line in up.notes(emulator.ask("health")):
            console.print(f"  [dim]{line}[/dim]")
    try:
        play = _sample if length is Length.FAST else _loop
        score, faults = play(watch, choose(state, None, None), state, Choices(pause, experiment, length))
    finally:
        if keep:
            console.print(f"The emulator goes on; end it with `driftloop down --state {state}`")
        else:
            down.stop(state)
    rows = [
        *((title, seconds(took_s)) for title, took_s in watch.parts),
        ("all", seconds(sum(s for _, s in watch.parts))),
    ]
    console.print(table("Time", ("part", "took"), rows))
    if score < AUC_AT_LEAST:
        raise UserError(
            f"AUC on March is {score:.3f}, below {AUC_AT_LEAST}: the loop ran, and the model is not good enough"
        )
    if faults:
        raise UserError(f"the loop ran, and left something behind: {'; '.join(faults)}; see driftloop status")
    console.print(
        "[green]The loop closed:[/green] upload, train, register, approve, release, judge, serve, watch, retrain."
    )


def _loop(watch: Stopwatch, target: Target, state: Path, choices: Choices) -> tuple[float, list[str]]:
    """The loop; answers the AUC on March, and what should not have been."""
    with watch.part("Deploy the stacks with the CDK CLI"):
        deploy.run(target, state, settings_file(state, changes(choices.experiment, choices.length)))
    model = stacks.model(target, MODEL)
    with watch.part("Upload January; train: validate, prepare, train, evaluate, gate, register"):
        _upload(target, model, "2013-01", datasets.flights(1))
        first = follow_training(target, model, 1)
        _show_metrics(target, first)
    with watch.part("Approve and release: dev, tests, staging, tests, production"):
        _approve(target, first, state, choices.pause)
        follow(target, model.release_pipeline)
        _check_serves(target, model, first)
    with watch.part("Upload January and February; train again"):
        _upload(target, model, "2013-01-to-02", datasets.flights(1, 2))
        second = follow_training(target, model, 2)
        _show_metrics(target, second)
    with watch.part("Approve; the second version beside the first, on flights of March with their late outcomes"):
        _approve(target, second, state, choices.pause)
        report = Rivals(target, find_emulator(state), model, _features()).run()
        follow(target, model.release_pipeline, 2, may_fail=True)
        show(report)
        _check_serves(target, model, second if report["verdict"] == "promote" else first)
    with watch.part("Score 1,000 flights of March"):
        score = _score(target, model)
    if choices.experiment is Mode.SPLIT:
        return score, []  # the season's flights are too few to tell apart what halves of them met
    place = year.Place(target, find_emulator(state), model, tuple(_features()))
    with watch.part("Production is left to itself from 15 March on; outcomes are told a week later"):
        return score, year.play(place, _plan(choices), second if report["verdict"] == "promote" else first)


def _sample(watch: Stopwatch, target: Target, state: Path, choices: Choices) -> tuple[float, list[str]]:
    """The same loop from one version, a third of January and two weeks of September; outcomes come a day later."""
    with watch.part("Deploy the stacks with the CDK CLI"):
        deploy.run(target, state, settings_file(state, changes(choices.experiment, choices.length)))
    model = stacks.model(target, MODEL)
    with watch.part("Upload a third of January; train: validate, prepare, train, evaluate, gate, register"):
        header, *lines = datasets.flights(1).splitlines(keepends=True)
        _upload(target, model, "2013-01", header + b"".join(lines[::3]))
        first = follow_training(target, model, 1)
        _show_metrics(target, first)
    with watch.part("Approve and release: dev, tests, staging, tests, production"):
        _approve(target, first, state, choices.pause)
        follow(target, model.release_pipeline)
        _check_serves(target, model, first)
    place = year.Place(target, find_emulator(state), model, tuple(_features()))
    with watch.part("Production is left to itself from 19 September on; outcomes are told a day later"):
        plan = year.Plan(date(2013, 9, 19), date(2013, 10, 5), FLIGHTS_A_DAY, timedelta(days=1), timedelta(days=3))
        return AUC_AT_LEAST, year.play(place, plan, first)


def _plan(choices: Choices) -> year.Plan:
    is_year = choices.length is Length.YEAR
    last = date(2013, 12, 31) if is_year else date(2013, 8, 31)
    return year.Plan(date(2013, 3, 15), last, FLIGHTS_A_DAY, timedelta(days=7), None if is_year else timedelta(days=8))


def changes(mode: Mode, length: Length) -> dict[str, Any]:
    """What the demo sets otherwise than infra/models/flights.json, by the path of the setting."""
    found: dict[str, Any] = {
        "release.experiment.mode": mode.value,
        "retraining.reconcile_every_min": 720,  # here nothing is lost, and each look starts a function anew
    }
    if mode is Mode.SPLIT:
        found["release.experiment.duration_max_s"] = 14 * 86_400
    return found | (_HASTE if length is Length.FAST else {})


def settings_file(state: Path, changes: dict[str, Any]) -> str:
    """The flights' settings with changes; answers where they are."""
    folder = state / "models"
    folder.mkdir()
    shutil.copy(_SCHEMA, folder)
    settings = json.loads(_SCHEMA.with_name("flights.json").read_text("utf-8"))
    for path, value in changes.items():
        *sections, name = path.split(".")
        reduce(dict.__getitem__, sections, settings)[name] = value
    (folder / "flights.json").write_text(json.dumps(settings))
    return str((folder / "flights.json").resolve())


def _features() -> list[str]:
    columns = json.loads(_SCHEMA.read_text("utf-8"))["columns"]
    return [column["name"] for column in columns if column["role"] == "feature"]


def _upload(target: Target, model: stacks.Model, name: str, body: bytes) -> None:
    key = f"{model.data_prefix}{name}.csv"
    target.client("s3").put_object(Bucket=model.raw_bucket, Key=key, Body=body)
    count = len(body.splitlines()) - 1
    console.print(f"s3://{model.raw_bucket}/{key}  {count:,} flights, {len(body) / 1e6:.1f} MB")


def follow_training(target: Target, model: stacks.Model, run_number: int) -> str:
    """Follow the run that the upload starts; answers the ARN of the package that it registers."""
    steps = follow(target, model.train_pipeline, run_number)
    return str(steps["Register"]["Metadata"]["RegisterModel"]["Arn"])


def _show_metrics(target: Target, package: str) -> None:
    found = target.client("sagemaker").describe_model_package(ModelPackageName=package)
    uri = found["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    report = json.loads(target.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    metrics = report["binary_classification_metrics"]
    rows = [(name, f"{entry['value']:.4f}") for name, entry in metrics.items() if isinstance(entry.get("value"), float)]
    console.print(table(f"Hold-out: {report['rows']:,} flights", ("metric", "value"), rows))
    console.print(f"registered {package} ({coloured(found['ModelApprovalStatus'])})")


def _approve(target: Target, package: str, state: Path, pause: bool) -> None:
    sagemaker = target.client("sagemaker")
    if not pause:
        reason = "demo: the hold-out metrics are good enough"
        sagemaker.update_model_package(
            ModelPackageArn=package, ModelApprovalStatus="Approved", ApprovalDescription=reason
        )
        console.print(f"{coloured('Approved')}: {reason}")
        return
    console.print(f'Your turn: driftloop approve --state {state} --reason "..."')
    console.print(f'       or: eval "$(driftloop env --state {state})"')
    console.print(
        f"           aws sagemaker update-model-package --model-package-arn {package} --model-approval-status Approved"
    )
    with console.status("waiting for your approval"):
        while True:
            status = sagemaker.describe_model_package(ModelPackageName=package)["ModelApprovalStatus"]
            if status != "PendingManualApproval":
                break
            time.sleep(POLL_S)
    console.print(f"you decided: {coloured(status)}")
    if status != "Approved":
        raise UserError("rejected: nothing is released, and the demo ends here")


def _check_serves(target: Target, model: stacks.Model, package: str) -> None:
    """The endpoint must serve the very package that was approved."""
    sagemaker = target.client("sagemaker")
    endpoint = sagemaker.describe_endpoint(EndpointName=model.endpoint)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    served = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    containers = [served.get("PrimaryContainer", {}), *served.get("Containers", [])]
    if not any(container.get("ModelPackageName") == package for container in containers):
        raise UserError(f"endpoint {model.endpoint} does not serve {package}: {containers}")
    console.print(f"{model.endpoint}: {coloured(endpoint['EndpointStatus'])} with {endpoint['EndpointConfigName']}")


def _score(target: Target, model: stacks.Model) -> float:
    """Ask the endpoint about a seeded sample of March, one flight a request; AUC against what really happened."""
    runtime = target.client("sagemaker-runtime")
    names = _features()
    flown = [
        row for row in csv.DictReader(datasets.flights(3).decode().splitlines()) if row["arr_delay"] not in ("", "NA")
    ]
    sample = random.Random(SEED).sample(flown, FLIGHTS_SCORED)
    scores: list[float] = []
    latencies_s: list[float] = []
    with console.status("asking the endpoint"):
        for row in sample:
            began = time.perf_counter()
            body = ",".join(row[name] for name in names)
            answer = runtime.invoke_endpoint(EndpointName=model.endpoint, ContentType="text/csv", Body=body)
            scores.append(float(answer["Body"].read()))
            latencies_s.append(time.perf_counter() - began)
    late = [float(row["arr_delay"]) > 15 for row in sample]
    score = auc(late, scores)
    middle_ms = sorted(latencies_s)[len(latencies_s) // 2] * 1000
    console.print(
        f"{sum(late)} of {len(late)} were more than 15 minutes late; AUC {score:.3f}; median answer {middle_ms:.1f} ms"
    )
    return score


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
