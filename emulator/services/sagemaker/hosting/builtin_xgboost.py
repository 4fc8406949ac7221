"""The XGBoost image's own handlers: the built-in algorithm where there is no script, defaults for scripts.

AWS_NAME: XGBoost container (inference)
SOURCE: github.com/aws/sagemaker-xgboost-container, src/sagemaker_xgboost_container/{algorithm_mode/serve,
    algorithm_mode/handler_service,encoder}.py (model file, content types, 204/415/400, comma-separated answer, DMatrix
    of CSV and libsvm), read 2026-11
DIFFERS: recordio-protobuf is refused with 415; selectable inference (SAGEMAKER_INFERENCE_OUTPUT) fails the start.

Runs in the image's runner, as a script does.
"""

from __future__ import annotations

import csv
import os
import pickle
from typing import Any

import numpy as np
import xgboost as xgb

_LIBSVM = ("text/libsvm", "text/x-libsvm")


class InferenceError(Exception):
    """Carries the status of the answer."""

    def __init__(self, status_code: int, message: str) -> None:
        super().__init__(message)
        self.status_code = status_code


def model_fn(model_dir: str) -> Any:
    """The first file of the model: a pickled booster, or one in XGBoost's own format."""
    if os.environ.get("SAGEMAKER_INFERENCE_OUTPUT"):
        raise NotImplementedError("SAGEMAKER_INFERENCE_OUTPUT (selectable inference) is not emulated yet")
    files = [name for name in sorted(os.listdir(model_dir)) if os.path.isfile(os.path.join(model_dir, name))]
    if not files:
        raise RuntimeError(f"Unable to load model: no file in {model_dir}")
    path = os.path.join(model_dir, files[0])
    try:
        with open(path, "rb") as file:
            booster = pickle.load(file)
    except Exception:  # whatever pickle makes of bytes that are none of its own
        booster = xgb.Booster()
        booster.load_model(path)
    booster.set_param("nthread", 1)
    return booster


def input_fn(data: bytes | str, content_type: str) -> Any:
    """A DMatrix of CSV or libsvm."""
    text = (data.decode() if isinstance(data, bytes) else data).strip()
    kind = content_type.partition(";")[0].strip()
    if kind == "text/csv":
        return _read("csv", _csv, text)
    if kind in _LIBSVM:
        return _read("libsvm", _libsvm, text)
    raise InferenceError(415, f"Content-type {content_type} not supported. Supported content-type is CSV, libsvm.")


def predict_fn(matrix: Any, booster: Any) -> Any:
    return booster.predict(matrix, validate_features=False)


def transform_fn(booster: Any, data: bytes | str, content_type: str, accept: str) -> tuple[str, str]:
    """The built-in algorithm: its answer is text/csv whatever is accepted."""
    if not data:
        raise InferenceError(204, "")
    matrix = input_fn(data, content_type)
    try:
        predictions = predict_fn(matrix, booster)
    except Exception as error:
        raise InferenceError(400, f"Unable to evaluate payload provided: {error}") from error
    texts = [str(value) for value in predictions.tolist()]
    return ("\n".join(texts) + "\n" if os.environ.get("SAGEMAKER_BATCH") else ",".join(texts)), "text/csv"


def _read(kind: str, parse: Any, text: str) -> Any:
    try:
        return parse(text)
    except Exception as error:
        raise InferenceError(
            415, f"Loading {kind} data failed with Exception, please ensure data is in {kind} format:\n {error}"
        ) from error


def _csv(text: str) -> Any:
    lines = text.split("\n")
    sniffed = csv.Sniffer().sniff(lines[0][:512]).delimiter if "," not in lines[0] else ","
    delimiter = "," if sniffed.isalnum() else sniffed
    rows = [["nan" if cell.strip() == "" else cell for cell in line.split(delimiter)] for line in lines]
    return xgb.DMatrix(np.array(rows).astype(float))


def _libsvm(text: str) -> Any:
    from scipy.sparse import csr_matrix

    found = [
        (row, int(item.partition(":")[0]), float(item.partition(":")[2]))
        for row, line in enumerate(text.split("\n"))
        for item in line.split(" ")
        if ":" in item
    ]
    rows, columns, values = zip(*found, strict=True)
    return xgb.DMatrix(csr_matrix((values, (rows, columns))))
