"""What a target receives of an event: all of it, a part, a constant, or a template with values of the event in it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.semantics.events import json_paths

AWS_NAME = "Input, InputPath and InputTransformer of EventBridge targets"
SOURCE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html (read 2026-11-23)"
DIFFERS = "an InputPath that is not in the event gives null; AWS does not say what it gives"

PATHS_MAX = 100
RESERVED = frozenset(
    {
        "aws.events.rule-arn",
        "aws.events.rule-name",
        "aws.events.event",
        "aws.events.event.json",
        "aws.events.event.ingestion-time",
    }
)
_PLACEHOLDER = re.compile(r"<([A-Za-z0-9_.-]+)>")


@dataclass(frozen=True)
class Origin:
    """What the reserved variables speak of: the rule that matched, and when the event came in (as `…Z`)."""

    rule_name: str
    rule_arn: str
    ingested_at: str


class InvalidInput(ValueError):  # noqa: N818 - AWS calls it a ValidationException
    """The target's input cannot be made; the message says why."""


def check(target: Mapping[str, Any]) -> None:
    """Judge a target's input when it is put.

    Raises:
        InvalidInput: in the words of PutTargets.
    """
    subject = f"target {target['Id']}"
    if sum(bool(target.get(name)) for name in ("Input", "InputPath", "InputTransformer")) > 1:
        raise InvalidInput(f"Only one of Input, InputPath, or InputTransformer must be provided for {subject}.")
    try:
        if target.get("Input"):
            json.loads(target["Input"])
        if target.get("InputPath"):
            json_paths.parse(target["InputPath"])
        if target.get("InputTransformer"):
            _check_transformer(target["InputTransformer"], subject)
    except json_paths.InvalidPath as error:
        raise InvalidInput(f"Invalid InputPath for {subject} : {error}.") from error
    except json.JSONDecodeError as error:
        raise InvalidInput(f"Invalid Input for {subject} : not JSON: {error}.") from error


def _check_transformer(transformer: Mapping[str, Any], subject: str) -> None:
    paths = transformer.get("InputPathsMap") or {}
    if len(paths) > PATHS_MAX:
        raise InvalidInput(f"InputPathsMap of {subject} has {len(paths)} entries, at most {PATHS_MAX} are allowed.")
    for name, path in paths.items():
        if name.lower().startswith("aws."):
            raise InvalidInput(f"InputPathsMap of {subject}: the key {name} must not start with AWS.")
        json_paths.parse(path)
    for name in _PLACEHOLDER.findall(transformer["InputTemplate"]):
        if name not in paths and name not in RESERVED:
            raise InvalidInput(f"InputTemplate for {subject} contains invalid placeholder {name}.")
    _check_template(transformer["InputTemplate"], subject)


def _check_template(template: str, subject: str) -> None:
    """With something put for every placeholder it must be JSON, or one JSON string a line."""
    trial = "".join(part if kind is None else ("x" if kind else "0") for part, kind in _parts(template))
    try:
        json.loads(trial)
    except ValueError as error:
        if not all(_is_text(line) for line in trial.strip().splitlines()):
            raise InvalidInput(f"Invalid InputTemplate for {subject} : {error}.") from error


def _is_text(line: str) -> bool:
    try:
        return isinstance(json.loads(line), str)
    except ValueError:
        return False


def render(target: Mapping[str, Any], event: Mapping[str, Any], origin: Origin) -> str:
    """The text that the target receives."""
    if target.get("Input"):
        return str(target["Input"])
    if target.get("InputPath"):
        found = json_paths.find(event, target["InputPath"])
        return _json(None if found is json_paths.MISSING else found)
    if target.get("InputTransformer"):
        return _transformed(target["InputTransformer"], event, origin)
    return _json(event)


def _transformed(transformer: Mapping[str, Any], event: Mapping[str, Any], origin: Origin) -> str:
    paths = transformer.get("InputPathsMap") or {}
    values = {name: json_paths.find(event, path) for name, path in paths.items()} | _reserved(event, origin)
    out = ""
    for part, is_inside in _parts(transformer["InputTemplate"]):
        if is_inside is None:
            out += part
        else:
            out += _inside(values[part]) if is_inside else _standing_alone(values[part])
    return out


def _reserved(event: Mapping[str, Any], origin: Origin) -> dict[str, Any]:
    return {
        "aws.events.rule-arn": origin.rule_arn,
        "aws.events.rule-name": origin.rule_name,
        "aws.events.event": {key: value for key, value in event.items() if key != "detail"},
        "aws.events.event.json": event,
        "aws.events.event.ingestion-time": origin.ingested_at,
    }


def _parts(template: str) -> list[tuple[str, bool | None]]:
    """The template cut up: (text, None), or (a placeholder's name, whether it stands inside a JSON string)."""
    parts: list[tuple[str, bool | None]] = []
    end = 0
    for found in _PLACEHOLDER.finditer(template):
        parts.append((template[end : found.start()], None))
        parts.append((found[1], _is_in_string(template[: found.start()])))
        end = found.end()
    return [*parts, (template[end:], None)]


def _is_in_string(before: str) -> bool:
    is_inside, index = False, 0
    while index < len(before):
        if before[index] == "\\":
            index += 1
        elif before[index] == '"':
            is_inside = not is_inside
        index += 1
    return is_inside


def _inside(value: Any) -> str:
    """Within quotes: text as it is, escaped; objects and arrays without their quotes; nothing for what is absent."""
    if value is json_paths.MISSING:
        return ""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)[1:-1]
    return _json(value).replace('"', "")


def _standing_alone(value: Any) -> str:
    """Outside quotes: JSON, so text gets its quotes; the empty text where it is absent."""
    return '""' if value is json_paths.MISSING else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
