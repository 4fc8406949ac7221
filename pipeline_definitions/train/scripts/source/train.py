"""Step Train: fit gradient-boosted trees, in script mode of the XGBoost image.

The toolkit runs this as `train.py --key value …` with the hyperparameters, and says in SM_* variables where things are.
Writes into SM_MODEL_DIR what an endpoint needs: `xgboost-model`, `features.json` and `code/inference.py`.

The hold-out is watched while fitting, for the log and its metrics; it decides nothing: there is no early stopping.
"""

import argparse
import csv
import json
import os
import shutil
from pathlib import Path
from typing import Any, Final

import numpy as np
import xgboost as xgb
from inference import Feature, encode, parse_features

_LOGGED: Final = ("logloss", "auc")
_TAB: Final = "#011"
"""How the built-in algorithm's log separates metrics: what CloudWatch makes of a tab."""


class LogMetrics(xgb.callback.TrainingCallback):  # type: ignore[misc]  # xgboost is not installed where mypy runs
    """Prints `[0]#011train-logloss:0.61#011validation-logloss:0.62` as the built-in algorithm does."""

    def after_iteration(self, model: xgb.Booster, epoch: int, evals_log: dict[str, Any]) -> bool:
        """Print one round; never stop."""
        values = [
            f"{data}-{metric}:{history[-1]:.5f}"
            for data, metrics in evals_log.items()
            for metric, history in metrics.items()
        ]
        print(_TAB.join([f"[{epoch}]", *values]), flush=True)
        return False


def main() -> None:
    """Fit and save."""
    options = _options()
    features_file = Path(os.environ["SM_CHANNEL_FEATURES"]) / "features.json"
    features = parse_features(json.loads(features_file.read_text("utf-8")))
    train = read(Path(os.environ["SM_CHANNEL_TRAIN"]) / "train.csv", features)
    validation = read(Path(os.environ["SM_CHANNEL_VALIDATION"]) / "holdout.csv", features)
    booster = xgb.train(
        parameters(options, threads=int(os.environ["SM_NUM_CPUS"])),
        train,
        num_boost_round=options.num_round,
        evals=[(train, "train"), (validation, "validation")],
        verbose_eval=False,
        callbacks=[LogMetrics()],
    )
    save(booster, features_file, Path(os.environ["SM_MODEL_DIR"]))


def read(path: Path, features: tuple[Feature, ...]) -> xgb.DMatrix:
    """A CSV file with a header, the features in order and the target last."""
    with path.open(newline="", encoding="utf-8") as lines:
        rows = csv.reader(lines)
        header = next(rows)
        columns = list(zip(*rows, strict=True))
    expected = [feature.name for feature in features]
    if header[:-1] != expected:
        raise ValueError(f"{path.name}: expected columns {expected} and the target, found {header}")
    return xgb.DMatrix(
        encode(columns[:-1], features),
        label=np.array(columns[-1], dtype=np.float32),
        feature_names=expected,
        feature_types=["q" if feature.codes is None else "c" for feature in features],
        enable_categorical=True,
    )


def parameters(options: argparse.Namespace, threads: int) -> dict[str, Any]:
    """What XGBoost is told. The same data, seed and number of threads give the same model."""
    return {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "eval_metric": list(_LOGGED),
        "max_depth": options.max_depth,
        "eta": options.eta,
        "subsample": options.subsample,
        "colsample_bytree": options.colsample_bytree,
        "min_child_weight": options.min_child_weight,
        "seed": options.seed,
        "nthread": threads,
    }


def save(booster: xgb.Booster, features_file: Path, model_dir: Path) -> None:
    """Lay out the model archive."""
    code = model_dir / "code"
    code.mkdir(parents=True, exist_ok=True)
    (model_dir / "xgboost-model").write_bytes(bytes(booster.save_raw("ubj")))
    shutil.copyfile(features_file, model_dir / "features.json")
    shutil.copyfile(Path(__file__).with_name("inference.py"), code / "inference.py")


def _options() -> argparse.Namespace:
    """Hyperparameters under XGBoost's own names; an unknown one is an error, not ignored."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], allow_abbrev=False)
    for name in ("num_round", "max_depth", "seed"):
        parser.add_argument(f"--{name}", type=int, required=True)
    for name in ("eta", "subsample", "colsample_bytree", "min_child_weight"):
        parser.add_argument(f"--{name}", type=float, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
