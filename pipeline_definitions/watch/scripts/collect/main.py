"""Step Collect: what a run of the monitor is about. Finds who serves, since when, and which files tell of it.

Asks    the endpoint for the model package behind --variant, and since when; the package for its own baselines
        S3 for captured requests and labels, by the hours that their keys name
Writes  output/collected/collected.json     whether there are requests and answers to analyze, in words and as 1 or 0;
                                            whether bias and attribution are, where they are asked for
        output/collected/*-manifest.json    the files of each input, as SageMaker's ManifestFile
        output/collected/*-window.json      from when to when

Two windows, both trailing and both cut to the time since the package serves, for what came before was another's:
requests of the last --window-s before --at; answers of as long a time, so much earlier that their labels are due.
A run finds nothing to do when nobody serves yet, and says so. A version that serves and is not captured shows as a
metric, `monitor_files` 0.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3

from pipeline_definitions.shared.scripts.jobs import fail, region
from pipeline_definitions.shared.scripts.roles import acting_as
from pipeline_definitions.watch.scripts.collect.files import Folder, Span, manifest
from pipeline_definitions.watch.scripts.collect.serving import (
    Asked,
    Baselines,
    NoBaselineError,
    Serving,
    find_serving,
)

ON = "on"
NAMESPACE = "aws/sagemaker/Endpoints/data-metrics"


@dataclass(frozen=True)
class Found:
    """What there is to analyze; 1 or 0 for the pipeline's conditions."""

    requests: int
    answers: int
    said: str
    bias: int = 0
    attribution: int = 0


def main(words: Sequence[str] | None = None) -> int:
    """Collect.

    Returns:
        The exit code: 1 if what serves has no baseline to be compared with.
    """
    options = _options(words)
    session = boto3.session.Session(region_name=region())
    output = options.base_dir / "output/collected"
    sagemaker = session.client("sagemaker")
    production = acting_as(session, options.production_role_arn).client("sagemaker")
    serving = find_serving(sagemaker, production, options.endpoint, options.variant)
    if serving is None:
        found = Found(0, 0, f"variant {options.variant} of endpoint {options.endpoint} serves nobody: nothing to watch")
    else:
        try:
            found = _collect(session, options, serving, output)
        except NoBaselineError as exc:
            fail(str(exc), options.base_dir)
            return 1
    _write(output / "collected.json", asdict(found))
    print(found.said)
    return 0


def _collect(session: Any, options: argparse.Namespace, serving: Serving, output: Path) -> Found:
    s3, baselines = session.client("s3"), serving.baselines()
    asked = Asked(options.bias == ON, options.attribution == ON)
    window, delay = timedelta(seconds=options.window_s), timedelta(seconds=options.label_delay_s)
    recent = Span(options.at - window, options.at).since(serving.since)
    due = Span(options.at - delay - window, options.at - delay).since(serving.since)
    captures, labels = Folder(f"{options.capture_uri}/{options.variant}"), Folder(options.labels_uri)
    requests = captures.keys(s3, recent)
    answers = captures.keys(s3, due)
    told = labels.keys(s3, Span(due.start, options.at)) if answers else []
    _put(output, "requests", captures.bucket, requests)
    _put(output, "answers", captures.bucket, answers)
    _put(output, "labels", labels.bucket, told or [_nothing(options, output)])
    _put_baselines(output, baselines)
    _put_compared(output, serving.compared_with(asked))
    _write(output / "requests-window.json", recent.document())
    _write(output / "answers-window.json", due.document())
    if recent.length >= window:
        _count(session, options, len(requests))
    since = f"{serving.package_arn} serves as {options.variant} since {serving.since:%Y-%m-%d %H:%M}Z"
    said = f"{since}; {len(requests)} files of requests in {recent}; {len(answers)} of answers in {due}"
    return Found(
        requests=int(bool(requests)),
        answers=int(bool(answers)),
        said=f"{said}, and {len(told)} files of labels since",
        bias=int(asked.bias and bool(answers)),
        attribution=int(asked.attribution and bool(requests)),
    )


def _put(output: Path, name: str, bucket: str, keys: Sequence[str]) -> None:
    _write(output / f"{name}-manifest.json", manifest(bucket, keys))


def _put_baselines(output: Path, baselines: Baselines) -> None:
    """Flat, for the analyzer wants these files by their names; those of one baseline lie in one folder."""
    for name, uris in (("baseline", baselines.data), ("quality-baseline", baselines.quality)):
        folder = uris[0].rpartition("/")[0] + "/"
        names = [uri.removeprefix(folder) for uri in uris]
        _write(output / f"{name}-manifest.json", [{"prefix": folder}, *names])


def _put_compared(output: Path, uris: Mapping[str, str]) -> None:
    for name, uri in uris.items():
        folder, _, file = uri.rpartition("/")
        _write(output / f"{name}-manifest.json", [{"prefix": f"{folder}/"}, file])


def _nothing(options: argparse.Namespace, output: Path) -> str:
    """A job's input cannot be empty: a file without labels stands for none."""
    (output / "nothing").mkdir(parents=True, exist_ok=True)
    (output / "nothing/none.jsonl").write_text("\n")
    return f"{options.output_uri.removeprefix('s3://').partition('/')[2]}/nothing/none.jsonl"


def _count(session: Any, options: argparse.Namespace, files: int) -> None:
    dimensions = [
        {"Name": "Endpoint", "Value": options.endpoint},
        {"Name": "MonitoringSchedule", "Value": options.schedule},
    ]
    datum = {"MetricName": "monitor_files", "Value": files, "Dimensions": dimensions}
    session.client("cloudwatch").put_metric_data(Namespace=NAMESPACE, MetricData=[datum])


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], allow_abbrev=False)
    parser.add_argument("--base-dir", type=Path, default=Path("/opt/ml/processing"))
    parser.add_argument("--at", type=datetime.fromisoformat, required=True, help="the time that the run is about")
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--variant", required=True)
    parser.add_argument("--schedule", required=True, help="the metrics' dimension MonitoringSchedule")
    parser.add_argument("--capture-uri", required=True, help="s3:// folder of the endpoint's captures")
    parser.add_argument("--labels-uri", required=True, help="s3:// folder of ground truth")
    parser.add_argument("--output-uri", required=True, help="where output/collected goes")
    parser.add_argument("--window-s", type=int, required=True)
    parser.add_argument("--label-delay-s", type=int, required=True, help="so long after a request its label is due")
    parser.add_argument("--bias", choices=(ON, "off"), default="off", help="whether it is looked for")
    parser.add_argument("--attribution", choices=(ON, "off"), default="off", help="likewise")
    parser.add_argument("--production-role-arn", default="none", help="role in production's own account, or `none`")
    return parser.parse_args(words)


def _write(path: Path, document: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
