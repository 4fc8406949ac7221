"""Step Prepare: from accepted rows to what a model is fitted on and what it is judged by.

Derives the target, keeps the features, orders the rows by time and sets the newest aside as the hold-out, so that the
model is judged on what came after everything that it saw.

Reads   input/accepted/data.csv        rows that `validate` accepted, null = empty
        --contract FILE                the model's settings and schema, merged
Writes  output/train/train.csv         features in schema order, then the target (0 or 1); with a header
        output/holdout/holdout.csv     the same columns, the newest rows
        output/features/features.json  order and types of the features; categories as seen in train.csv only
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

MESSAGE_MAX_BYTES: Final = 1024


class PreparationError(ValueError):
    """The accepted rows cannot be made into training data. The message says which column, and what to change."""


def main() -> int:
    """Prepare the data.

    Returns:
        The exit code: 1 if no model can be fitted on these rows.
    """
    options = _options()
    contract = json.loads(options.contract.read_text("utf-8"))
    rows = pd.read_csv(options.base_dir / "input/accepted/data.csv", dtype=str, keep_default_na=False)
    try:
        train, holdout, features = prepare(rows, contract, options.holdout_fraction)
    except PreparationError as exc:
        fail(str(exc), options.base_dir)
        return 1
    output = options.base_dir / "output"
    _write(output / "train/train.csv", train.to_csv(index=False))
    _write(output / "holdout/holdout.csv", holdout.to_csv(index=False))
    _write(output / "features/features.json", json.dumps(features, indent=2, ensure_ascii=False) + "\n")
    left_out = len(rows) - len(train) - len(holdout)
    print(f"{len(train)} rows to train on, {len(holdout)} held out, {left_out} left out for want of a target")
    return 0


def prepare(
    rows: pd.DataFrame, contract: Mapping[str, Any], holdout_fraction: float
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Target, features and the split.

    Args:
        rows: what `validate` accepted, as text. Shape: rows, the contract's columns.

    Returns:
        Training rows and hold-out (Shape: rows, features + target), and the description of the features.

    Raises:
        PreparationError: no feature, no row with a target, or nothing on one side of the split.
    """
    columns = feature_columns(contract)
    labelled = ordered(with_target(rows, contract), contract)
    cut = split_at(labelled[TIME], holdout_fraction)
    names = [*(str(column["name"]) for column in columns), str(contract["target"]["name"])]
    train, holdout = labelled.iloc[:cut], labelled.iloc[cut:]
    for part, table in (("training rows", train), ("hold-out", holdout)):
        _check_both_classes(part, table[names[-1]])
    return train[names], holdout[names], describe(train, columns, names[-1])


TIME: Final = "\0time"
"""Our own column beside the contract's: when a row happened. No CSV file can hold a column of this name."""


def feature_columns(contract: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What the model may see, in schema order.

    Raises:
        PreparationError: nothing, or something that a model cannot take.
    """
    columns = [column for column in contract["columns"] if column["role"] == "feature"]
    if not columns:
        raise PreparationError("the contract has no column with role 'feature'; mark what the model may see")
    for column in columns:
        if column["type"] == "datetime":
            raise PreparationError(
                f"column '{column['name']}': a datetime cannot be a feature; give it role 'time' or 'exclude', "
                "or ship its parts (month, hour) as columns of their own"
            )
        if column["name"] == contract["target"]["name"]:
            raise PreparationError(f"column '{column['name']}' is a feature, so the target needs another name")
    return columns


def with_target(rows: pd.DataFrame, contract: Mapping[str, Any]) -> pd.DataFrame:
    """Rows whose outcome is known, with the target beside them. A cancelled flight has no delay: it is left out.

    Raises:
        PreparationError: the outcome is no number, or known for no row.
    """
    target = contract["target"]
    outcome = pd.to_numeric(rows[target["column"]].replace("", None), errors="coerce")
    known = outcome.notna()
    if not known.any():
        raise PreparationError(f"column '{target['column']}': no row has a number, so no row has a target")
    labels = (outcome[known] > target["greater_than"]).astype(int)
    return rows[known].assign(**{target["name"]: labels})


def ordered(rows: pd.DataFrame, contract: Mapping[str, Any]) -> pd.DataFrame:
    """Rows from old to new; rows of the same moment keep the order of the files, which is all there is without a clock.

    Raises:
        PreparationError: a row has no time.
    """
    name = contract.get("time_column")
    if name is None:
        return rows.assign(**{TIME: range(len(rows))})
    kind = _type_of(name, contract)
    time = _time(rows[name], kind)
    if time.isna().any():
        raise PreparationError(f"column '{name}': {int(time.isna().sum())} rows have no time to be ordered by")
    return rows.assign(**{TIME: time}).sort_values(TIME, kind="stable")


def split_at(time: "pd.Series[Any]", holdout_fraction: float) -> int:
    """Position of the first row held out.

    All rows of one moment stay on one side, so the hold-out may be a little larger than asked for; smaller only if it
    would otherwise be everything.

    Raises:
        PreparationError: all rows are of one moment, or the fraction leaves one side empty.
    """
    wanted = len(time) - round(len(time) * holdout_fraction)
    cut = int(time.searchsorted(time.iloc[min(wanted, len(time) - 1)], side="left"))
    if cut == 0:
        cut = int(time.searchsorted(time.iloc[0], side="right"))
    if not 0 < wanted < len(time) or cut == len(time):
        raise PreparationError(
            f"{len(time)} rows at {time.nunique()} moments cannot be split by time with {holdout_fraction:g} held out; "
            "collect more data or change HoldoutFraction"
        )
    return cut


def describe(train: pd.DataFrame, columns: Sequence[Mapping[str, Any]], target: str) -> dict[str, Any]:
    """What serving needs to know of the features. Categories come from the training rows alone."""
    features = []
    for column in columns:
        feature: dict[str, Any] = {"name": column["name"], "type": column["type"]}
        if column["type"] == "string":
            feature["categories"] = sorted(set(train[column["name"]]) - {""})
        features.append(feature)
    return {"target": target, "features": features}


def fail(message: str, base_dir: Path) -> None:
    """Say why to the log, and to SageMaker in the file whose first 1,024 bytes become the job's ExitMessage."""
    print(message, file=sys.stderr)
    short = message.encode()[:MESSAGE_MAX_BYTES].decode("utf-8", errors="ignore")
    _write(base_dir.parent / "output/message", short)


def _check_both_classes(part: str, labels: "pd.Series[int]") -> None:
    if labels.nunique() < 2:
        raise PreparationError(
            f"target '{labels.name}': all {len(labels)} {part} are {labels.iloc[0]}; "
            "a model needs both outcomes on both sides of the split"
        )


def _time(cells: "pd.Series[str]", kind: str) -> "pd.Series[Any]":
    if kind == "datetime":
        return pd.to_datetime(cells, format="ISO8601", utc=True, errors="coerce")
    return pd.to_numeric(cells, errors="coerce")


def _type_of(name: str, contract: Mapping[str, Any]) -> str:
    for column in contract["columns"]:
        if column["name"] == name:
            return str(column["type"])
    raise PreparationError(f"time_column '{name}' is not among the contract's columns")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], allow_abbrev=False)
    parser.add_argument("--base-dir", type=Path, default=Path("/opt/ml/processing"))
    parser.add_argument("--contract", type=Path, required=True, help="the model's settings and schema, merged")
    parser.add_argument("--holdout-fraction", type=float, required=True, help="share of the newest rows to hold out")
    return parser.parse_args()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


if __name__ == "__main__":
    sys.exit(main())
