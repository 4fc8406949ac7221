"""References inside a definition: `{"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}` and where they stand.

AWS_NAME: Pipeline variables and properties
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-properties.html, and the SDK v3's rendering
    (sagemaker.core.workflow.properties), read 2026-11
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from emulator.semantics.pipelines.errors import DefinitionError

Token = str | int
Path = tuple[Token, ...]

EXECUTION_VARIABLES = frozenset(
    {
        "StartDateTime",
        "CurrentDateTime",
        "PipelineName",
        "PipelineArn",
        "PipelineExecutionId",
        "PipelineExecutionArn",
    }
)
FUNCTIONS = frozenset({"Std:Join", "Std:JsonGet"})
_TOKEN = re.compile(r"""\.?([A-Za-z_][\w-]*)|\[(\d+)\]|\['([^']*)'\]|\["([^"]*)"\]""")


@dataclass(frozen=True)
class Reference:
    """A parsed Get: `root` is Parameters, Steps or Execution, `name` what follows it, `path` the rest."""

    root: str
    name: str
    path: Path
    text: str

    @property
    def is_property_file(self) -> bool:
        return self.root == "Steps" and self.path[:1] == ("PropertyFiles",)


def parse_path(text: str) -> Path:
    """`a.b[0]['c']` as tokens: names and indices.

    Raises:
        ValueError: the text is not such a path.
    """
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None or found.end() == position:
            raise ValueError(f"cannot read {text!r} from position {position}")
        name, index, single, double = found.groups()
        tokens.append(int(index) if index is not None else next(t for t in (name, single, double) if t is not None))
        position = found.end()
    return tuple(tokens)


def parse(text: object, place: str) -> Reference:
    """A Get's text as a reference.

    Raises:
        DefinitionError: no such shape.
    """
    if not isinstance(text, str):
        raise DefinitionError(place, f"Get takes a string, found {text!r}")
    root, _, rest = text.partition(".")
    try:
        path = parse_path(rest)
    except ValueError as error:
        raise DefinitionError(place, f"Get {text!r}: {error}") from error
    if not path or not isinstance(path[0], str):
        raise DefinitionError(place, f"Get {text!r} names nothing below {root!r}")
    return Reference(root, path[0], path[1:], text)


def find(value: Any, place: str) -> Iterator[tuple[Reference, bool]]:
    """Every reference inside a JSON value, each with whether it stands as the PropertyFile of a Std:JsonGet."""
    if isinstance(value, dict):
        if value.keys() == {"Get"}:
            yield parse(value["Get"], place), False
        elif value.keys() == {"Std:JsonGet"} and isinstance(value["Std:JsonGet"], dict):
            yield from _find_in_json_get(value["Std:JsonGet"], place)
        else:
            for item in value.values():
                yield from find(item, place)
    elif isinstance(value, list):
        for item in value:
            yield from find(item, place)


def _find_in_json_get(call: dict[str, Any], place: str) -> Iterator[tuple[Reference, bool]]:
    for key, item in call.items():
        for reference, _ in find(item, place):
            yield reference, key == "PropertyFile"
