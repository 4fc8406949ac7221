"""A user's own Python around the analysis, as Model Monitor's container runs it.

`preprocess_handler(inference_record[, logger])` makes a row, or a list of rows, of a captured line; nothing (an empty
list or object, None) leaves the line out. `postprocess_handler()` runs when the analysis is done.

Source: docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-pre-and-post-processing.html, read 2026-11; attributes of
the record as users' scripts have them.
"""

import importlib.util
import inspect
import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from pipeline_definitions.shared.scripts import capture
from pipeline_definitions.shared.scripts.capture import Record, Row

Json = Mapping[str, Any]
_HANDLER: Final = "preprocess_handler"
_AFTERWARDS: Final = "postprocess_handler"


class UserScriptError(RuntimeError):
    """A script of the user's is not what it should be, or failed. The message says which and why."""


class EventData:
    """A captured body: `encoding`, `data`, `observedContentType`, `mode`."""

    def __init__(self, body: Json) -> None:
        self.encoding = body.get("encoding")
        self.data = body.get("data")
        self.observedContentType = body.get("observedContentType")
        self.mode = body.get("mode")

    def as_dict(self) -> dict[str, Any]:
        """Without what the record does not have."""
        return {name: value for name, value in vars(self).items() if value is not None}


class EventMetadata:
    """Of a captured line: `event_id`, `event_time`, `inference_id`, `custom_attribute`."""

    def __init__(self, about: Json) -> None:
        self.event_id = about.get("eventId")
        self.event_time = about.get("inferenceTime")
        self.inference_id = about.get("inferenceId")
        self.custom_attribute = about.get("customAttributes")


class CapturedData:
    """A captured line as a preprocessor sees it."""

    def __init__(self, document: Json) -> None:
        bodies = document["captureData"]
        truth = document.get("groundTruthData")
        self.event_dict = dict(document)
        self.event_version = document.get("eventVersion")
        self.event_metadata = EventMetadata(document["eventMetadata"])
        self.endpoint_input = EventData(bodies[capture.INPUT]) if capture.INPUT in bodies else None
        self.endpoint_output = EventData(bodies[capture.OUTPUT]) if capture.OUTPUT in bodies else None
        self.ground_truth = EventData(truth) if truth else None

    def as_dict(self) -> dict[str, Any]:
        """The line itself."""
        return self.event_dict


def load(path: Path) -> Callable[[Record], list[Row]]:
    """The script's rows of a line.

    Raises:
        UserScriptError: it cannot be loaded, or has no such function; later, when it fails at a line.
    """
    handler = _function(path, _HANDLER)
    more = (_logger(),) if len(inspect.signature(handler).parameters) > 1 else ()

    def rows(record: Record) -> list[Row]:
        try:
            found = handler(CapturedData(record.document), *more) or []
            return [capture.texts(row) for row in (found if isinstance(found, list) else [found])]
        except Exception as exc:
            raise UserScriptError(f"{path.name}: {_HANDLER} failed at event {record.event_id}: {exc!r}") from exc

    return rows


def run_postprocessor(path: Path) -> None:
    """Call it.

    Raises:
        UserScriptError: it cannot be loaded, or failed.
    """
    handler = _function(path, _AFTERWARDS)
    try:
        handler()
    except Exception as exc:
        raise UserScriptError(f"{path.name}: {_AFTERWARDS} failed: {exc!r}") from exc


def _function(path: Path, name: str) -> Callable[..., Any]:
    """A function of a file of Python, imported under the file's own name."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UserScriptError(f"{path}: expected a file of Python, found none")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as exc:
        raise UserScriptError(f"{path.name} cannot be loaded: {exc!r}") from exc
    found = getattr(module, name, None)
    if not callable(found):
        raise UserScriptError(f"{path.name}: expected a function {name}, found none")
    return found  # type: ignore[no-any-return]


def _logger() -> logging.Logger:
    """Writes to the job's log."""
    logger = logging.getLogger(_HANDLER)
    if not logger.handlers:
        logger.addHandler(logging.StreamHandler(sys.stdout))
        logger.setLevel(logging.INFO)
    return logger
