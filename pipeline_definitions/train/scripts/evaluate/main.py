"""Step Evaluate: score the hold-out with the packaged code, exactly as an endpoint will; and compare with the champion.

Reads   input/model/model.tar.gz            what `train` saved
        input/holdout/holdout.csv           rows that training never saw; the target is the last column
        --production-endpoint               its variant `champion` leads to the package that serves now
Writes  output/evaluation/evaluation.json   the gate's values, metrics with their standard deviation, the comparison
        output/evaluation/golden.json       records with the answers that a release must give again
        output/predictions/predictions.csv  label and prediction of each row: what monitoring compares production with

Standard deviations are those of 200 bootstrap samples of the hold-out's rows (fixed seed): how much each figure would
move with another hold-out of the same size, not with another training run.

The champion is scored on the same rows, which it may have been trained on: it then looks better than it is, never
worse. A champion that cannot be scored (its archive is gone, it needs columns that are no more) keeps nobody from being
trained: the evaluation says so, and the person who approves reads it.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import boto3
import numpy as np
import pandas as pd

from pipeline_definitions.shared.scripts.jobs import fail, region
from pipeline_definitions.shared.scripts.registry import Registry, UntestableError
from pipeline_definitions.shared.scripts.roles import acting_as
from pipeline_definitions.shared.scripts.scoring import (
    Array,
    Holdout,
    Scored,
    in_words,
    paired,
    read_holdout,
    score,
    to_line,
)
from pipeline_definitions.train.scripts.evaluate.metrics import METRICS, bootstrap

GOLDEN_RECORDS: Final = 20


def main() -> int:
    """Evaluate the model.

    Returns:
        The exit code: 1 if it cannot be scored.
    """
    options = _options()
    inputs, output = options.base_dir / "input", options.base_dir / "output/evaluation"
    holdout = read_holdout((inputs / "holdout/holdout.csv").read_text("utf-8"))
    try:
        challenger = score("(this run's)", (inputs / "model/model.tar.gz").read_bytes(), holdout)
    except UntestableError as exc:
        fail(str(exc), options.base_dir)
        return 1
    session = boto3.session.Session(region_name=region())
    registry = Registry(session, acting_as(session, options.production_role_arn))
    champion = compared(registry, options, challenger, holdout)
    evaluation = evaluate(holdout.labels, challenger.predictions, options.metric, champion)
    _write(output / "evaluation.json", evaluation)
    _write(output / "golden.json", golden(holdout, challenger.predictions))
    write_predictions(options.base_dir / "output/predictions/predictions.csv", holdout, challenger)
    print(json.dumps(evaluation))
    return 0


def compared(registry: Registry, options: argparse.Namespace, challenger: Scored, holdout: Holdout) -> dict[str, Any]:
    """The comparison with the package that production serves, or why there is none."""
    endpoint = options.production_endpoint
    try:
        package = registry.champion(endpoint)
        if package is None:
            return incomparable(f"{endpoint} serves nobody: there is no champion to compare with")
        champion = score(str(package["ModelPackageArn"]), registry.archive(package), holdout)
    except UntestableError as exc:
        return incomparable(f"not compared with the champion: {exc}")
    return comparison(challenger, champion)


def incomparable(reason: str) -> dict[str, Any]:
    """No comparison: worse than nobody by nothing."""
    print(reason, file=sys.stderr)
    return {"package_arn": None, "worse_by_at_least": 0.0, "said": reason}


def comparison(challenger: Scored, champion: Scored) -> dict[str, Any]:
    """Row by row: by how much, at least, is the challenger's log loss the larger one (with 97.5 % confidence)?"""
    found = paired(challenger.losses - champion.losses)
    return {
        "package_arn": champion.package_arn,
        "log_loss": float(champion.losses.mean()),
        "worse_by": found.mean,
        "worse_by_at_least": found.low,
        "worse_by_at_most": found.high,
        "p_value": found.p_value,
        "rows": found.n,
        "said": f"on {found.n} rows of the hold-out the log loss is {in_words(found)} than that of the champion "
        f"{champion.package_arn}",
    }


def evaluate(labels: Array, predictions: Array, gate_metric: str, champion: dict[str, Any]) -> dict[str, Any]:
    """The report that the gates read and the model package carries."""
    deviations = bootstrap(labels, predictions)
    every_row_once = np.ones(len(labels))
    metrics = {
        name: {"value": metric(labels, predictions, every_row_once), "standard_deviation": deviations[name]}
        for name, metric in METRICS.items()
    }
    return {
        "gate": {"metric": gate_metric, "value": metrics[gate_metric]["value"]},
        "champion": champion,
        "binary_classification_metrics": metrics,
        "rows": len(labels),
        "positive_rate": float(labels.mean()),
    }


def write_predictions(path: Path, holdout: Holdout, scored: Scored) -> None:
    """One row for each of the hold-out's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame({"label": holdout.labels.astype(int), "prediction": scored.predictions})
    table.to_csv(path, index=False)


def golden(holdout: Holdout, predictions: Array) -> Sequence[dict[str, Any]]:
    """Records spread evenly from the lowest to the highest prediction."""
    order = np.argsort(predictions, kind="stable")
    places = np.unique(np.linspace(0, len(order) - 1, GOLDEN_RECORDS).astype(int))
    return [
        {"input": to_line(holdout.rows[row]).decode(), "prediction": float(predictions[row])} for row in order[places]
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], allow_abbrev=False)
    parser.add_argument("--base-dir", type=Path, default=Path("/opt/ml/processing"))
    parser.add_argument("--metric", required=True, choices=sorted(METRICS), help="what the gate compares")
    parser.add_argument("--production-endpoint", required=True, help="where the champion serves, if anything does")
    parser.add_argument("--production-role-arn", default="none", help="role in production's own account, or `none`")
    return parser.parse_args()


def _write(path: Path, document: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")
