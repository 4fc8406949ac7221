"""The analyzer: what Model Monitor's container does, for accounts that no longer get it.

Analyses
  baseline                 a data set -> statistics.json and constraints.json
  data-quality             a data set or captured requests against a baseline -> what violates it, what has drifted
  model-quality-baseline   a table of labels and predictions -> the same files for the model's quality
  model-quality            captured answers and late labels against that quality
  merge                    captured answers with their labels, as lines of a merge job
  bias                     how otherwise a group is treated; against an earlier analysis.json, if there is one
  attribution              which features matter to the model, likewise; in the image of XGBoost

Reads   input/data/            the data set; for model-quality captured requests; for bias what its merge wrote
        input/baseline/        statistics.json, constraints.json, report.json if there (data-quality, model-quality)
        input/baseline_data/   the baseline's own data, if distances are to be exact
        input/labels/          ground truth by inference id (model-quality, bias)
        input/model/           model.tar.gz (attribution)
        input/holdout/         holdout.csv, instead of a baseline (bias, attribution)
        input/predictions/     predictions.csv, label and prediction of each row of the hold-out (bias)
        input/wheels/          the archive of wheels, see docs/decisions/0007
Writes  output/report/         statistics.json, constraints.json, constraint_violations.json, formats of Model Monitor;
                               report.json for programs and report.html for people
        output/merge/          captured requests with their labels (model-quality)

Each place is an option as well. Started without a word where Model Monitor's environment variables are set, it does
what that container does (`environment`).

The job succeeds whether or not something is violated; its exit message says which. It fails if there are no data.
"""

import argparse
import importlib.util
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pipeline_definitions.shared.scripts.jobs import fail
from pipeline_definitions.shared.scripts.libraries import NoLibrariesError, make_importable
from pipeline_definitions.watch.scripts.analyze import environment

ANALYSES = ("baseline", "data-quality", "model-quality-baseline", "model-quality", "merge", "bias", "attribution")


def main(words: Sequence[str] | None = None) -> int:
    """Analyze.

    Returns:
        The exit code: 1 if there was nothing to analyze, or it could not be read.
    """
    if words is None and not sys.argv[1:] and environment.is_model_monitor(os.environ):
        words = environment.words(os.environ, Path(sys.argv[0]).resolve().parent)
    options = parser().parse_args(words)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # nothing multiplies matrices; its idle threads would spin
    try:
        if importlib.util.find_spec("polars") is None:
            make_importable(options.wheels or options.base_dir / "input/wheels")
    except NoLibrariesError as exc:
        fail(str(exc), options.base_dir)
        return 1
    from pipeline_definitions.watch.scripts.analyze import program  # imports polars, which was not there before

    return program.run(options)


def parser() -> argparse.ArgumentParser:
    """The options. Names follow the environment variables of Model Monitor's container where it has them."""
    known = argparse.ArgumentParser(description=__doc__.partition("\n")[0], allow_abbrev=False)
    known.add_argument("--base-dir", type=Path, default=Path("/opt/ml/processing"))
    known.add_argument("--wheels", type=Path, help="folder with the archive of wheels (default: input/wheels)")
    known.add_argument("--analysis", required=True, choices=ANALYSES)
    known.add_argument("--dataset-format", default='{"csv": {"header": true}}', help="as AWS's dataset_format")
    known.add_argument("--baseline-format", help="of input/baseline_data (default: as --dataset-format)")
    _add_places(known.add_argument_group("places, if not those above"))
    known.add_argument("--names-from-baseline", action="store_true", help="cells without a name have the baseline's")
    known.add_argument("--preprocessor", type=Path, help="Python with preprocess_handler(inference_record[, logger])")
    known.add_argument("--postprocessor", type=Path, help="Python with postprocess_handler()")
    known.add_argument("--start", type=_time, help="captured requests from this time on")
    known.add_argument("--end", type=_time, help="captured requests before this time")
    known.add_argument("--window", type=Path, help="JSON file with both, `start` and `end`, instead of these options")
    known.add_argument("--contract", type=Path, help="the model's settings and schema: its features are looked at")
    known.add_argument("--mode", choices=("memory", "streaming"), default="memory")
    known.add_argument("--categories-max", type=int, default=120, help="text with more of them is not compared")
    known.add_argument("--endpoint", help="the metrics' dimension Endpoint")
    known.add_argument("--schedule", default="monitor", help="the metrics' dimension MonitoringSchedule")
    known.add_argument("--publish", action="store_true", help="put the metrics to CloudWatch")
    _add_baseline(known.add_argument_group("what a baseline asks for"))
    _add_quality(known.add_argument_group("model quality"))
    bias = known.add_argument_group("bias")
    bias.add_argument("--facet", help="the column that tells groups apart")
    bias.add_argument("--facet-values", nargs="+", default=[], help="the group that may be at a disadvantage")
    return known


def _add_places(group: "argparse._ArgumentGroup") -> None:
    for name in ("data", "labels", "report", "merged"):
        group.add_argument(f"--{name}", type=Path, metavar="FOLDER")
    for name in ("statistics", "constraints"):
        group.add_argument(f"--{name}", type=Path, metavar="FILE")


def _add_baseline(group: "argparse._ArgumentGroup") -> None:
    group.add_argument("--comparison-method", choices=("Simple", "Robust"), default="Robust")
    group.add_argument("--comparison-threshold", type=float, default=0.1)
    group.add_argument("--categorical-drift-method", choices=("LInfinity", "ChiSquared"), default="LInfinity")
    group.add_argument("--categorical-comparison-threshold", type=float, help="(default: as for numbers)")
    group.add_argument("--datatype-check-threshold", type=float, default=1.0)
    group.add_argument("--domain-content-threshold", type=float, default=1.0)
    group.add_argument("--completeness-margin", type=float, default=0.0, help="how much less complete it may get")
    group.add_argument("--quality-margin", type=float, default=0.0, help="how much worse a metric may get, as a share")
    group.add_argument("--quality-metrics", nargs="+", help="the metrics that matter (default: all)")


def _add_quality(group: "argparse._ArgumentGroup") -> None:
    problems = ("BinaryClassification", "MulticlassClassification", "Regression")
    group.add_argument("--problem-type", choices=problems, default="BinaryClassification")
    group.add_argument("--inference-attribute", help="where the answer has its prediction: a name or a place")
    group.add_argument("--probability-attribute", help="where it has the probability of 1")
    group.add_argument("--probability-threshold", type=float, default=0.5)
    group.add_argument("--label-attribute", default="label", help="of a baseline table: the column of labels")
    group.add_argument("--label-delay-max-s", type=int, default=604_800, help="labels that come later are late")


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text}: expected a time with its zone, such as 2026-01-02T03:00:00Z")
    return at
