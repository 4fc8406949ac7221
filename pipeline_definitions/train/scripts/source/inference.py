"""How the model answers: packed into the model archive as `code/inference.py`, run by the serving container.

`train` encodes its data with the same `encode`, and `evaluate` judges the model through these functions: what is
judged is what serves. Takes headerless `text/csv` rows of the features in schema order, or `application/json`
`{"instances": [{column: value}]}`; answers one probability a line, or `{"predictions": [p]}`. An empty cell, a null and
a category that training never saw are missing values, which the model can handle.

Source: the handlers and their signatures are those of sagemaker-inference (model_fn, input_fn, predict_fn, output_fn);
an error that is none of the toolkit's own becomes status 500 there, which is why `BadRequestError` is one of its own.
"""

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import xgboost as xgb

try:
    from sagemaker_inference.errors import BaseInferenceToolkitError as _ToolkitError
except ImportError:  # outside a serving container

    class _ToolkitError(Exception):  # type: ignore[no-redef]
        """Stands in for the base of the toolkit's errors."""


CSV: Final = "text/csv"
JSON: Final = "application/json"
ANY: Final = ("", "*/*", "text/*", "application/*")
MISSING: Final = math.nan
LARGEST: Final = float(np.finfo(np.float32).max)
"""The model's numbers have 32 bits; XGBoost refuses what is infinite in them."""


class BadRequestError(_ToolkitError, ValueError):  # type: ignore[misc] # the toolkit is untyped
    """The caller's mistake, answered with status 400 and a message that names the column."""

    def __init__(self, message: str) -> None:
        Exception.__init__(self, message)  # the toolkit's __init__ wants a status and a phrase besides
        self.status_code = 400
        self.message = message
        self.phrase = message


@dataclass(frozen=True)
class Feature:
    """One input of the model; `codes` maps a category to its number, and is None for a number."""

    name: str
    codes: Mapping[str, int] | None


@dataclass(frozen=True)
class Model:
    """What `model_fn` loads."""

    booster: xgb.Booster
    features: tuple[Feature, ...]


@dataclass(frozen=True)
class Payload:
    """Rows or predictions, with the format in which the caller wrote, so that an open `Accept` is answered in kind."""

    values: Any
    content_type: str


def model_fn(model_dir: str) -> Model:
    """Load the archive's content. One thread: the container runs a worker per core."""
    folder = Path(model_dir)
    booster = xgb.Booster()
    booster.load_model(bytearray((folder / "xgboost-model").read_bytes()))
    booster.set_param({"nthread": 1})
    return Model(booster, parse_features(json.loads((folder / "features.json").read_text("utf-8"))))


def parse_features(document: Mapping[str, Any]) -> tuple[Feature, ...]:
    """The features from `features.json`, in order."""
    return tuple(
        Feature(feature["name"], _codes(feature["categories"]) if feature["type"] == "string" else None)
        for feature in document["features"]
    )


def input_fn(data: str | bytes, content_type: str) -> Payload:
    """Text of a request -> rows, still as the caller wrote them: only `predict_fn` knows the features.

    Raises:
        BadRequestError: an unknown content type, or text that is not what it claims to be.
    """
    kind = content_type.partition(";")[0].strip().lower()
    try:
        text = data if isinstance(data, str) else bytes(data).decode("utf-8")
    except UnicodeDecodeError as exc:
        raise BadRequestError("the request is not UTF-8 text") from exc
    if kind == CSV:
        rows = _rows(text)
    elif kind == JSON:
        rows = _instances(text)
    else:
        raise BadRequestError(f"content type {content_type!r}: expected {CSV} or {JSON}")
    if not rows:
        raise BadRequestError("the request holds no row")
    return Payload(rows, kind)


def predict_fn(payload: Payload, model: Model) -> Payload:
    """Rows -> the probability that the target is 1, one each. In place: building a DMatrix would double the time.

    Raises:
        BadRequestError: a column is missing, too many, or of another type.
    """
    names = [feature.name for feature in model.features]
    arrange: Callable[[int, Any, Sequence[str]], Sequence[Any]] = _by_place if payload.content_type == CSV else _by_name
    rows = [arrange(number, row, names) for number, row in enumerate(payload.values, start=1)]
    matrix = encode(zip(*rows, strict=True), model.features)
    return Payload(model.booster.inplace_predict(matrix, validate_features=False), payload.content_type)


def output_fn(payload: Payload, accept: str | None) -> str | tuple[str, str]:
    """Probabilities in the format asked for, or in that of the request if any will do (then named beside the body).

    Raises:
        BadRequestError: a format that we do not write.
    """
    kinds = [part.partition(";")[0].strip().lower() for part in (accept or "").split(",")]
    for kind in kinds:
        if kind in (CSV, JSON):
            return _render(payload.values, kind)
    if any(kind in ANY for kind in kinds):
        return _render(payload.values, payload.content_type), payload.content_type
    raise BadRequestError(f"accept {accept!r}: expected {CSV} or {JSON}")


def encode(columns: Iterable[Sequence[Any]], features: Sequence[Feature]) -> "np.ndarray[Any, Any]":
    """Cells -> numbers.

    Args:
        columns: one sequence of cells a feature, in order; text, or what JSON holds.

    Returns:
        Shape: rows, len(features); float32; NaN = missing, a category as its code.

    Raises:
        BadRequestError: a cell that is not of its column's type.
    """
    encoded = [_encode_column(cells, feature) for cells, feature in zip(columns, features, strict=True)]
    return np.column_stack(encoded)


def _encode_column(cells: Sequence[Any], feature: Feature) -> "np.ndarray[Any, Any]":
    convert = _number if feature.codes is None else _code
    numbers = []
    for row, cell in enumerate(cells, start=1):
        try:
            numbers.append(convert(cell, feature))
        except (TypeError, ValueError, OverflowError) as exc:
            expected = "a number" if feature.codes is None else "text"
            raise BadRequestError(f"column '{feature.name}' row {row}: expected {expected}, found {cell!r}") from exc
    return np.array(numbers, dtype=np.float32)


def _number(cell: Any, _: Feature) -> float:
    if cell is None or cell == "":
        return MISSING
    if isinstance(cell, bool):
        raise TypeError
    number = float(cell)
    if abs(number) > LARGEST:
        raise ValueError
    return number


def _code(cell: Any, feature: Feature) -> float:
    if cell is None:
        return MISSING
    if not isinstance(cell, str):
        raise TypeError
    return (feature.codes or {}).get(cell, MISSING)


def _codes(categories: Sequence[str]) -> dict[str, int]:
    return {category: code for code, category in enumerate(categories)}


def _by_place(number: int, row: Sequence[str], names: Sequence[str]) -> Sequence[str]:
    if len(row) < len(names):
        raise BadRequestError(f"row {number}: column '{names[len(row)]}' is missing; {_expected(row, names)}")
    if len(row) > len(names):
        extra = row[len(names)]
        raise BadRequestError(
            f"row {number}: {extra!r} comes after the last column '{names[-1]}'; {_expected(row, names)}"
        )
    return row


def _by_name(number: int, row: Any, names: Sequence[str]) -> Sequence[Any]:
    if not isinstance(row, dict):
        raise BadRequestError(f"instance {number}: expected an object {{column: value}}, found {row!r}")
    for name in names:
        if name not in row:
            raise BadRequestError(f"instance {number}: column '{name}' is missing")
    for name in row:
        if name not in names:
            raise BadRequestError(f"instance {number}: column '{name}' is not a feature; expected {', '.join(names)}")
    return [row[name] for name in names]


def _expected(row: Sequence[str], names: Sequence[str]) -> str:
    return f"expected {len(names)} values ({', '.join(names)}), found {len(row)}"


def _rows(text: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    except csv.Error as exc:
        raise BadRequestError(f"the request is not CSV: {exc}") from exc


def _instances(text: str) -> list[Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise BadRequestError(f"the request is not JSON: {exc}") from exc
    if not isinstance(document, dict) or not isinstance(document.get("instances"), list):
        raise BadRequestError('expected {"instances": [{column: value}]}')
    return list(document["instances"])


def _render(predictions: Iterable[float], kind: str) -> str:
    """Nine digits give back every float32 exactly."""
    texts = [f"{float(prediction):.9g}" for prediction in predictions]
    if kind == CSV:
        return "".join(f"{text}\n" for text in texts)
    return json.dumps({"predictions": [float(text) for text in texts]})
