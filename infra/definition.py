"""A committed pipeline definition becomes what CloudFormation deploys: stand-in names give way to the real ones."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aws_cdk import Fn

from pipeline_definitions.shared import tokens

MAX_INLINE_BYTES: Final = 100_000
"""Ours: far below CloudFormation's 1 MB for a template, in which both pipelines and all else have to fit."""

_WITHOUT_OUTPUTS: Final = frozenset({"Callback", "Condition", "Fail", "Lambda", "RegisterModel"})
"""Types of steps that write nothing to S3 themselves."""

STAND_INS: Final = (
    tokens.REGISTRY_HOST,
    tokens.ASSET_BUCKET,
    tokens.ARTIFACT_BUCKET,
    tokens.RAW_BUCKET,
    tokens.TRAIN_ROLE_ARN,
    tokens.RELEASE_ROLE_ARN,
    tokens.WATCH_ROLE_ARN,
    tokens.MODEL_PACKAGE_GROUP,
    tokens.ENDPOINT,
    tokens.CHANGE_ENDPOINT_ARN,
    tokens.WAITS_QUEUE_URL,
)


class DefinitionTooLargeError(ValueError):
    """A definition that would not fit into a template comfortably.

    Attributes:
        pipeline: its name.
        size_bytes: its size.
    """

    def __init__(self, pipeline: str, size_bytes: int) -> None:
        self.pipeline = pipeline
        self.size_bytes = size_bytes
        expected = f"expected at most {MAX_INLINE_BYTES:,} bytes, found {size_bytes:,}"
        super().__init__(f"pipeline '{pipeline}': {expected}; make it smaller, or ship it by S3 location")


class StandInLeftError(ValueError):
    """A definition that would reach AWS with a name that only stands for another.

    Attributes:
        pipeline: its name.
        stand_ins: what nobody replaced.
    """

    def __init__(self, pipeline: str, stand_ins: tuple[str, ...]) -> None:
        self.pipeline = pipeline
        self.stand_ins = stand_ins
        names = ", ".join(stand_ins)
        super().__init__(f"pipeline '{pipeline}': expected every stand-in replaced, found {names}; add its place")


class UnencryptableStepError(ValueError):
    """A step whose outputs would not be encrypted as they have to be.

    Attributes:
        step: its name.
    """

    def __init__(self, step: str, kind: str) -> None:
        self.step = step
        expected = f"expected Processing, Training or one of {', '.join(sorted(_WITHOUT_OUTPUTS))}, found {kind}"
        super().__init__(f"step '{step}': {expected}; say in infra/definition.py where its outputs name their key")


@dataclass(frozen=True)
class Place:
    """What a deployment puts where a definition has a stand-in.

    Attributes:
        stand_in: text in the committed definition.
        variable: the Fn::Sub variable that replaces it.
        value: what the variable is, a CDK token mostly.
    """

    stand_in: str
    variable: str
    value: str


@dataclass(frozen=True)
class PlacedAsset:
    """Where CDK puts one asset file: the object key is `<hash>.<extension>`, so the basename changes as well."""

    name: str
    bucket: str
    key: str


def asset_places(assets: tuple[PlacedAsset, ...]) -> tuple[Place, ...]:
    """The places of assets: their URIs, and the paths at which the steps find them."""
    places = []
    for number, asset in enumerate(assets):
        places += [
            Place(tokens.script_uri(asset.name), f"AssetUri{number}", f"s3://{asset.bucket}/{asset.key}"),
            Place(tokens.script_path(asset.name), f"AssetPath{number}", f"{tokens.CODE_DIR}/{asset.key}"),
            Place(f"{tokens.CONTRACT_DIR}/{asset.name}", f"ContractPath{number}", f"{tokens.CONTRACT_DIR}/{asset.key}"),
        ]
    return tuple(places)


def fill(pipeline: str, text: str, places: tuple[Place, ...]) -> str:
    """The definition as a Fn::Sub with every stand-in replaced.

    Args:
        pipeline: its name, for errors.
        text: the committed definition, with this model's defaults.

    Returns:
        A token for `PipelineDefinitionBody`.

    Raises:
        DefinitionTooLargeError: the text does not fit inline.
        StandInLeftError: a stand-in has no place.
    """
    body = compact(text)
    if len(body.encode()) > MAX_INLINE_BYTES:
        raise DefinitionTooLargeError(pipeline, len(body.encode()))
    body = body.replace("${", "${!")  # Fn::Sub's escape: what is no variable of ours stays as it is
    used: dict[str, str] = {}
    for place in sorted(places, key=lambda place: -len(place.stand_in)):  # the longer first: one may begin another
        if place.stand_in in body:
            body = _replace(body, place)
            used[place.variable] = place.value
    left = tuple(stand_in for stand_in in STAND_INS if stand_in in body)
    if left:
        raise StandInLeftError(pipeline, left)
    return Fn.sub(body, dict(sorted(used.items())))


def with_output_key(text: str, key: str) -> str:
    """The same definition, with every output of its steps encrypted with a key.

    Raises:
        UnencryptableStepError: a step of a type whose outputs nobody has thought of.
    """
    definition = json.loads(text)
    for step in _steps(definition["Steps"]):
        match step["Type"]:
            case "Processing":
                step["Arguments"]["ProcessingOutputConfig"]["KmsKeyId"] = key
            case "Training":
                step["Arguments"]["OutputDataConfig"]["KmsKeyId"] = key
            case kind if kind not in _WITHOUT_OUTPUTS:
                raise UnencryptableStepError(step["Name"], kind)
    return json.dumps(definition)


def _steps(steps: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """All steps, those within conditions too."""
    for step in steps:
        yield step
        if step["Type"] == "Condition":
            yield from _steps([*step["Arguments"]["IfSteps"], *step["Arguments"]["ElseSteps"]])


def compact(text: str) -> str:
    """The same JSON without the white space that is there for people."""
    return json.dumps(json.loads(text), separators=(",", ":"), sort_keys=True)


def code_version(definition: str, files: Mapping[str, bytes]) -> str:
    """A short name for exactly this code: the definition and every file that its steps run."""
    digest = hashlib.sha256(definition.encode())
    for name, content in sorted(files.items()):
        digest.update(name.encode() + b"\0" + content + b"\0")
    return digest.hexdigest()[:16]


def _replace(body: str, place: Place) -> str:
    """Where the stand-in ends a name: `token-train` must not be found inside `token-train-job`."""
    return re.sub(re.escape(place.stand_in) + r"(?![A-Za-z0-9_-])", "${" + place.variable + "}", body)
