"""The words in which `start_training` tells people."""

from lambdas.shared.ledger.files import DataFile
from lambdas.shared.ledger.runs import Batch
from lambdas.shared.people import Notice
from lambdas.start_training.decision import TRIES_MAX, Ending, Settlement


def refused(model: str, file: DataFile, reason: str) -> Notice:
    """A file that cannot be data."""
    return Notice(
        id=f"file-quarantined#{file.id}",
        kind="file-quarantined",
        subject=f"{model}: a file was quarantined",
        text=f"{_place(file)} takes no part in training: {reason}",
    )


def quarantined(model: str, batch: Batch, settlement: Settlement) -> Notice:
    """Files that a run refused, each with its reason."""
    lines = [f"* {_place(outcome.file)}: {outcome.reason}" for outcome in settlement.quarantined]
    advice = "Mend them and upload them again; the same content will be judged anew."
    return Notice(
        id=f"file-quarantined#{batch.id}",
        kind="file-quarantined",
        subject=f"{model}: {len(lines)} of {len(batch.data_files)} files were quarantined",
        text="\n".join([f"Batch {batch.id} of {model}:", *lines, advice]),
    )


def training_failed(model: str, batch: Batch, settlement: Settlement) -> Notice:
    """A run that registered nothing, and what happens to its files."""
    return Notice(
        id=f"training-failed#{batch.id}#{batch.attempt}",
        kind="training-failed",
        subject=f"{model}: training failed",
        text=f"Batch {batch.id}, attempt {batch.attempt}, of {model} registered no model.\n"
        f"{settlement.reason}\n{_what_next(batch, settlement)}\nExecution: {batch.execution_arn}",
    )


def no_attempts_left(model: str, batch_id: str, attempts_max: int, package_arn: str) -> Notice:
    """Retraining was asked for and is not done."""
    return Notice(
        id=f"no-attempts-left#{package_arn}",
        kind="no-attempts-left",
        subject=f"{model}: no attempts are left",
        text=f"Retraining was asked for instead of {package_arn}, but batch {batch_id} has had all of its "
        f"{attempts_max} attempts. Upload new data, or raise attempts_max in the model's settings.",
    )


def _what_next(batch: Batch, settlement: Settlement) -> str:
    count = len(settlement.given_back)
    if batch.fresh:
        return "If the alarm still stands after the cool-down, another run is made from what is fresh by then."
    match settlement.ending:
        case Ending.BELOW_THRESHOLD:
            return "Its data is used up: the model was made and was not good enough. New data starts the next run."
        case Ending.NOT_ENOUGH_DATA | Ending.STOPPED:
            return f"{count} of its files wait for the next upload and train together with it."
        case _ if count:
            tries = max(outcome.file.tries for outcome in settlement.given_back)
            return f"{count} of its files start again now (after try {tries} of {TRIES_MAX})."
        case _:
            return "None of its files is tried again."


def _place(file: DataFile) -> str:
    return f"{file.key} (version {file.version_id})"
