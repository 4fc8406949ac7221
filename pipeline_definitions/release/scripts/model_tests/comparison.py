"""comparison.json: what the experiment in production is planned from."""

from typing import Any

from pipeline_definitions.release.scripts.model_tests.checks import auc, calibration_bins, calibration_gap
from pipeline_definitions.shared.scripts.scoring import Array, Scored, paired


def comparison(labels: Array, challenger: Scored, champion: Scored | None) -> dict[str, Any]:
    """comparison.json: what the experiment is planned from, whichever of the losses its metric is."""
    return {
        "rows": len(labels),
        "champion": described(labels, champion) if champion else None,
        "challenger": described(labels, challenger),
        "difference": gain(challenger.losses, champion.losses) if champion else None,
        "metric": "log_loss",
        "other_metrics": {"squared_error": squared_errors(labels, challenger, champion)},
    }


def squared_errors(labels: Array, challenger: Scored, champion: Scored | None) -> dict[str, Any]:
    """The same of the Brier score's single values."""
    of_challenger = (challenger.predictions - labels) ** 2
    of_champion = (champion.predictions - labels) ** 2 if champion else None
    return {
        "champion": None if of_champion is None else {"loss": mean_and_sd(of_champion)},
        "challenger": {"loss": mean_and_sd(of_challenger)},
        "difference": None if of_champion is None else gain(of_challenger, of_champion),
    }


def gain(challenger: Array, champion: Array) -> dict[str, float]:
    """The champion's losses minus the challenger's, row by row."""
    found = paired(champion - challenger)
    return {"mean": found.mean, "sd": found.sd, "n": found.n}


def described(labels: Array, model: Scored) -> dict[str, Any]:
    """A model in comparison.json."""
    return {
        "package_arn": model.package_arn,
        "loss": mean_and_sd(model.losses),
        "auc": auc(labels, model.predictions),
        "calibration_gap": calibration_gap(calibration_bins(labels, model.predictions)),
    }


def mean_and_sd(values: Array) -> dict[str, float]:
    """Of losses. Shape: rows, at least two."""
    return {"mean": float(values.mean()), "sd": float(values.std(ddof=1))}
