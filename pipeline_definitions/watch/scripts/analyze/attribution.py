"""Do the same features matter as at the baseline? Their ranking by mean absolute SHAP value, compared by nDCG.

SHAP values are XGBoost's own contributions (TreeSHAP, exact), in log odds; Clarify estimates them with KernelSHAP. Rows
are encoded by the code in the model's archive, as for an answer.

Source: docs.aws.amazon.com/sagemaker/latest/dg/clarify-model-monitor-feature-attribution-drift.html, read 2026-11.
"""

import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from pipeline_definitions.shared.scripts.capture import UnreadableError

NDCG_MIN: Final = 0.9
ROWS_MAX: Final = 20_000
"""So many rows, evenly spread, are explained: a mean needs no more."""


def ndcg(baseline: Mapping[str, float], current: Mapping[str, float]) -> float:
    """How well the current ranking orders the features by their worth at the baseline; 1 if as well as its own."""
    gains = _gain([baseline.get(name, 0.0) for name in _ranked(current)])
    best = _gain([baseline[name] for name in _ranked(baseline)])
    return gains / best if best else 1.0


def global_shap(archive: Path, columns: Mapping[str, Sequence[str | None]]) -> tuple[dict[str, float], float]:
    """Mean absolute contribution of each feature, and the expected value, both in log odds.

    Args:
        columns: cells as a caller would send them, by feature.

    Raises:
        UnreadableError: a feature is missing.
    """
    import xgboost as xgb  # in that image alone

    from pipeline_definitions.shared.scripts.scoring import load_code  # brings half a second of scipy

    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archive) as members:
            members.extractall(folder, filter="data")
        served = load_code(Path(folder) / "code" / "inference.py")
        model = served.model_fn(folder)
    names = [feature.name for feature in model.features]
    if missing := [name for name in names if name not in columns]:
        raise UnreadableError(f"no feature '{missing[0]}' among {', '.join(columns)}")
    matrix = served.encode([columns[name] for name in names], model.features)
    booster = model.booster
    data = xgb.DMatrix(matrix, feature_names=booster.feature_names, feature_types=booster.feature_types)
    contributions = booster.predict(data, pred_contribs=True)
    means = np.abs(contributions[:, :-1]).mean(axis=0)
    return dict(zip(names, map(float, means), strict=True)), float(contributions[:, -1].mean())


def _ranked(values: Mapping[str, float]) -> list[str]:
    return sorted(values, key=lambda name: (-values[name], name))


def _gain(values: Sequence[float]) -> float:
    found: Any = np.sum(np.array(values) / np.log2(np.arange(2, len(values) + 2)))
    return float(found)
