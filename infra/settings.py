"""What a person may choose: the settings of the app and of each model, read once from CDK context and validated.

This module alone reads context. Everything behind it gets frozen values; a wrong value never reaches a template.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from infra.fields import Fields, SettingsError
from infra.monitoring_settings import Monitoring, Retraining, parse_monitoring, parse_retraining
from infra.release_settings import INSTANCE_TYPE, STAGES, Machines, ReleaseSettings, parse_release
from infra.schema import Schema, parse_schema

_PREFIX: Final = r"[a-z][a-z0-9-]{1,18}[a-z0-9]"
_MODEL_NAME: Final = r"[a-z][a-z0-9-]{0,18}[a-z0-9]"
_ACCOUNT: Final = r"\d{12}"
_MAX_WINDOW_S: Final = 300
"""The longest batching window of an SQS event source. Source: AWS::Lambda::EventSourceMapping, read 2026-09."""


@dataclass(frozen=True)
class Target:
    """What the model predicts: whether `column` is above `greater_than`, called `name`."""

    name: str
    column: str
    greater_than: float


@dataclass(frozen=True)
class Batch:
    """When waiting files make a batch: at least `min_files` (or a `_READY` object), `window_s` after the first."""

    min_files: int
    window_s: int


@dataclass(frozen=True)
class Instances:
    """Machine types of the model's steps and of its endpoint."""

    processing: str
    training: str
    endpoint: str


@dataclass(frozen=True)
class ModelSettings:
    """All that makes one model different from another.

    Attributes:
        parameters: defaults of the `train` pipeline that this model changes.
        document: settings and schema as written, merged into one object: the contract that the steps read.
    """

    name: str
    schema: Schema
    target: Target
    time_column: str
    metric: str
    thresholds: Mapping[str, float]
    batch: Batch
    attempts_max: int
    parameters: Mapping[str, object]
    instances: Instances
    release: ReleaseSettings
    monitoring: Monitoring
    retraining: Retraining
    document: Mapping[str, Any]

    def machines(self, stage: str) -> Machines:
        """What a stage's endpoint runs on."""
        chosen = self.release.stages.get(stage, Machines())
        return replace(chosen, instance_type=chosen.instance_type or self.instances.endpoint)

    def contract_text(self) -> str:
        """The contract as JSON; the same settings give the same bytes."""
        document, asked_for = self.document, self.monitoring.asked_for
        if asked_for:
            document = {**document, "monitoring": {**document["monitoring"], **asked_for}}
        return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Home:
    """The account and region that the app is deployed to: registry, pipelines, functions, ledger, data."""

    account: str
    region: str


@dataclass(frozen=True)
class Accounts:
    """Where the stages live.

    Attributes:
        home: known where a stage lives elsewhere; None leaves the templates fit for any account and region.
        apart: account of each stage that has one of its own.
    """

    home: Home | None = None
    apart: Mapping[str, str] = field(default_factory=dict)

    @property
    def at_home(self) -> tuple[str, ...]:
        """The stages that have none."""
        return tuple(stage for stage in STAGES if stage not in self.apart)


@dataclass(frozen=True)
class Settings:
    """The whole app: the prefix of every name, the models, and the accounts of the stages."""

    prefix: str
    models: tuple[ModelSettings, ...]
    accounts: Accounts = Accounts()


def parse_settings(context: Mapping[str, Any], root: Path, home: Home | None = None) -> Settings:
    """Settings from the app's CDK context.

    Args:
        context: `driftloop` as in cdk.json, and `models` if given with `-c models=a.json,b.json`.
        root: the folder that relative file names start from.
        home: where the app will be deployed, if that is known already.

    Raises:
        SettingsError: a value is missing, unknown or out of range; it names file and field.
    """
    fields = Fields("cdk.json context 'driftloop'", context.get("driftloop"))
    prefix = fields.text("prefix", pattern=_PREFIX)
    files = fields.texts("models")
    accounts = _accounts(fields.section("stages"), home) if fields.has("stages") else Accounts()
    fields.done()
    override = context.get("models")
    if override is not None:
        files = tuple(name.strip() for name in str(override).split(",") if name.strip())
    if not files:
        raise SettingsError(fields.source, "models", "at least one model file", files, "add infra/models/flights.json")
    models = tuple(load_model(root / name) for name in files)
    _check_distinct(fields.source, models)
    _check_monitors(fields.source, models, accounts)
    return Settings(prefix, models, accounts)


def load_model(path: Path) -> ModelSettings:
    """One model's settings, with the schema that they name.

    Raises:
        SettingsError: the file or its schema cannot be read, or a field is wrong.
    """
    document = read_json(path)
    fields = Fields(str(path), document)
    schema_path = path.parent / fields.text("schema")
    schema_document = read_json(schema_path)
    model = ModelSettings(
        name=fields.text("name", pattern=_MODEL_NAME),
        schema=parse_schema(str(schema_path), schema_document),
        target=_target(fields.section("target")),
        time_column=fields.text("time_column"),
        metric=fields.text("metric"),
        thresholds=fields.numbers("thresholds"),
        batch=_batch(fields.section("batch")),
        attempts_max=fields.integer("attempts_max", at_least=1, at_most=10),
        parameters=fields.mapping("parameters"),
        instances=_instances(fields.section("instances")),
        release=parse_release(fields.section("release")) if fields.has("release") else ReleaseSettings(),
        monitoring=parse_monitoring(fields.section("monitoring")) if fields.has("monitoring") else Monitoring(),
        retraining=parse_retraining(fields.section("retraining")) if fields.has("retraining") else Retraining(),
        document={**{name: value for name, value in document.items() if name != "schema"}, **schema_document},
    )
    fields.done()
    _check_columns(str(path), model)
    return model


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        SettingsError: there is no such file, or it holds no JSON object.
    """
    try:
        document = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as exc:
        raise SettingsError(str(path), "", "a file", "nothing", "correct the name or write the file") from exc
    except ValueError as exc:
        raise SettingsError(str(path), "", "JSON", str(exc), "mend the file") from exc
    if not isinstance(document, dict):
        raise SettingsError(str(path), "", "a JSON object", document, "put the settings into { }")
    return document


def _accounts(stages: Fields, home: Home | None) -> Accounts:
    """Accounts of stages. Units: AWS account ids have twelve digits."""
    sections = {stage: stages.section(stage) for stage in STAGES if stages.has(stage)}
    stages.done()
    if not sections:
        return Accounts()
    if home is None:
        advice = "deploy with `driftloop deploy` or `cdk`, or set CDK_DEFAULT_ACCOUNT and CDK_DEFAULT_REGION"
        expected = "home's account and region to be known, since the stages' roles name them"
        raise SettingsError(stages.source, "stages", expected, "nothing", advice)
    return Accounts(home, {stage: _account(section, home) for stage, section in sections.items()})


def _account(fields: Fields, home: Home) -> str:
    account = fields.text("account", pattern=_ACCOUNT)
    if account == home.account:
        raise fields.error("account", "an account other than home's", account, "leave the stage out: it lives at home")
    region = fields.text("region", default=home.region)
    if region != home.region:
        reason = "a model's artifacts have to be in its endpoint's region; leave the region out"
        raise fields.error("region", f"home's region, {home.region}", region, reason)
    fields.done()
    return account


def _target(fields: Fields) -> Target:
    target = Target(fields.text("name"), fields.text("column"), fields.number("greater_than"))
    fields.done()
    return target


def _batch(fields: Fields) -> Batch:
    batch = Batch(
        min_files=fields.integer("min_files", at_least=1, at_most=1000),
        window_s=fields.integer("window_s", at_least=0, at_most=_MAX_WINDOW_S),
    )
    fields.done()
    return batch


def _instances(fields: Fields) -> Instances:
    instances = Instances(
        processing=fields.text("processing", pattern=INSTANCE_TYPE),
        training=fields.text("training", pattern=INSTANCE_TYPE),
        endpoint=fields.text("endpoint", pattern=INSTANCE_TYPE),
    )
    fields.done()
    return instances


def _check_columns(source: str, model: ModelSettings) -> None:
    """What the settings say about columns has to be true of the schema."""
    columns = {column.name: column.role for column in model.schema.columns}
    if columns.get(model.target.column) != "target":
        found = columns.get(model.target.column, "no such column")
        raise SettingsError(
            source, "target.column", "a schema column with role 'target'", found, "mark it in the schema"
        )
    if columns.get(model.time_column) not in ("time", "feature"):
        found = columns.get(model.time_column, "no such column")
        raise SettingsError(source, "time_column", "a schema column with role 'time'", found, "mark it in the schema")
    unknown = sorted(set(model.release.tests.slices) - columns.keys())
    if unknown:
        raise SettingsError(source, "release.tests.slices", "columns of the schema", unknown, "correct or remove them")
    features = {name for name, role in columns.items() if role == "feature"}
    unknown = sorted({*model.monitoring.drift.features, *model.monitoring.drift.ignore} - features)
    if unknown:
        raise SettingsError(source, "monitoring.drift", "features of the schema", unknown, "correct or remove them")
    if model.monitoring.bias and model.monitoring.bias.facet not in features:
        facet = model.monitoring.bias.facet
        raise SettingsError(source, "monitoring.bias.facet", "a feature of the schema", facet, "correct it")
    if model.metric not in model.thresholds:
        expected = f"a threshold for the metric '{model.metric}'"
        raise SettingsError(
            source, "thresholds", expected, sorted(model.thresholds), "add it: the gate compares with it"
        )


def _check_monitors(source: str, models: tuple[ModelSettings, ...], accounts: Accounts) -> None:
    """A monitoring schedule lives with its endpoint, and its metrics with it, where home's alarms do not see them."""
    found = [model.name for model in models if model.monitoring.is_model_monitor]
    if found and "prod" in accounts.apart:
        expected = "production at home where AWS's Model Monitor watches"
        raise SettingsError(source, "stages.prod", expected, found, "say engine pipeline in their section monitoring")


def _check_distinct(source: str, models: tuple[ModelSettings, ...]) -> None:
    names = [model.name for model in models]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SettingsError(source, "models", "every model once", ", ".join(twice), "name each model differently")
