"""What a person may choose: the settings of the app and of each model, read once from CDK context and validated.

This module alone reads context. Everything behind it gets frozen values; a wrong value never reaches a template.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from infra.fields import Fields, SettingsError
from infra.schema import Schema, parse_schema

STAGES: Final = ("dev", "staging", "prod")
"""Where a version serves on its way, production last."""

_PREFIX: Final = r"[a-z][a-z0-9-]{1,18}[a-z0-9]"
_MODEL_NAME: Final = r"[a-z][a-z0-9-]{0,18}[a-z0-9]"
_INSTANCE_TYPE: Final = r"ml\.[a-z0-9-]+\.[a-z0-9]+"
_ACCOUNT: Final = r"\d{12}"
_LOSS: Final = "log_loss|squared_error"
"""Metrics that have a value a record: an experiment compares them record by record."""
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
class GuardRails:
    """What a challenger must not do during its experiment, once it had `requests_min` requests."""

    requests_min: int = 100
    error_rate_max: float = 0.02
    p95_ms_max: float = 1000.0
    null_rate_max: float = 0.01


@dataclass(frozen=True)
class Experiment:
    """The A/B test in production.

    Attributes:
        mode: `paired`: the challenger sees every request and answers none; `split`: both answer, by weight; `none`:
            what passes its tests is promoted.
        minimum_effect: the smallest improvement of the metric that is worth a release; it fixes the sample size.
        alpha: chance of promoting a challenger that is no better.
        power: chance of promoting one that is better by `minimum_effect`.
        start_weight: the challenger's share in mode split.
        duration_max_s: after this time the answer is that the test could not tell.
        look_every_s: how often captured answers and labels are read.
    """

    mode: str = "paired"
    metric: str = "log_loss"
    minimum_effect: float = 0.01
    alpha: float = 0.05
    power: float = 0.8
    start_weight: float = 0.1
    duration_max_s: int = 259_200
    look_every_s: int = 3600
    guard_rails: GuardRails = GuardRails()


@dataclass(frozen=True)
class ModelTests:
    """What a stage's tests ask of a model.

    Attributes:
        p50_ms, p95_ms: latency under `requests` requests, `concurrency` at a time.
        slices: columns by whose values the metric is compared with the champion's.
        slice_margin: how much worse than the champion a slice may be.
        champion_margin: how much worse than the champion the whole hold-out may be.
        calibration_max: the largest gap between predicted and observed frequency, in ten bins.
    """

    p50_ms: float = 250.0
    p95_ms: float = 1000.0
    requests: int = 200
    concurrency: int = 4
    slices: tuple[str, ...] = ()
    slice_margin: float = 0.05
    champion_margin: float = 0.02
    calibration_max: float = 0.1


@dataclass(frozen=True)
class ReleaseSettings:
    """How an approved version gets into production.

    Attributes:
        keep_stages: dev and staging endpoints stay after their tests.
        deadline_s: how long an endpoint may take to come up.
    """

    keep_stages: bool = False
    deadline_s: int = 2700
    tests: ModelTests = ModelTests()
    experiment: Experiment = Experiment()


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
    document: Mapping[str, Any]

    def contract_text(self) -> str:
        """The contract as JSON; the same settings give the same bytes."""
        return json.dumps(self.document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


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
        release=_release(fields.section("release")) if fields.has("release") else ReleaseSettings(),
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
        processing=fields.text("processing", pattern=_INSTANCE_TYPE),
        training=fields.text("training", pattern=_INSTANCE_TYPE),
        endpoint=fields.text("endpoint", pattern=_INSTANCE_TYPE),
    )
    fields.done()
    return instances


def _release(fields: Fields) -> ReleaseSettings:
    release = ReleaseSettings(
        keep_stages=fields.truth("keep_stages", default=False),
        deadline_s=fields.integer("deadline_s", at_least=60, at_most=86_400, default=ReleaseSettings.deadline_s),
        tests=_tests(fields.section("tests")) if fields.has("tests") else ModelTests(),
        experiment=_experiment(fields.section("experiment")) if fields.has("experiment") else Experiment(),
    )
    fields.done()
    return release


def _tests(fields: Fields) -> ModelTests:
    tests = ModelTests(
        p50_ms=fields.positive("p50_ms", ModelTests.p50_ms),
        p95_ms=fields.positive("p95_ms", ModelTests.p95_ms),
        requests=fields.integer("requests", 1, 100_000, ModelTests.requests),
        concurrency=fields.integer("concurrency", 1, 64, ModelTests.concurrency),
        slices=fields.texts("slices") if fields.has("slices") else (),
        slice_margin=fields.number("slice_margin", ModelTests.slice_margin),
        champion_margin=fields.number("champion_margin", ModelTests.champion_margin),
        calibration_max=fields.share("calibration_max", ModelTests.calibration_max),
    )
    fields.done()
    return tests


def _experiment(fields: Fields) -> Experiment:
    experiment = Experiment(
        mode=fields.text("mode", "paired|split|none", Experiment.mode),
        metric=fields.text("metric", _LOSS, Experiment.metric),
        minimum_effect=fields.positive("minimum_effect", Experiment.minimum_effect),
        alpha=fields.fraction("alpha", Experiment.alpha),
        power=fields.fraction("power", Experiment.power),
        start_weight=fields.fraction("start_weight", Experiment.start_weight),
        duration_max_s=fields.integer("duration_max_s", 60, 30 * 86_400, Experiment.duration_max_s),
        look_every_s=fields.integer("look_every_s", 60, 86_400, Experiment.look_every_s),
        guard_rails=_guard_rails(fields.section("guard_rails")) if fields.has("guard_rails") else GuardRails(),
    )
    fields.done()
    return experiment


def _guard_rails(fields: Fields) -> GuardRails:
    rails = GuardRails(
        requests_min=fields.integer("requests_min", 1, 1_000_000, GuardRails.requests_min),
        error_rate_max=fields.share("error_rate_max", GuardRails.error_rate_max),
        p95_ms_max=fields.positive("p95_ms_max", GuardRails.p95_ms_max),
        null_rate_max=fields.share("null_rate_max", GuardRails.null_rate_max),
    )
    fields.done()
    return rails


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
    if model.metric not in model.thresholds:
        expected = f"a threshold for the metric '{model.metric}'"
        raise SettingsError(
            source, "thresholds", expected, sorted(model.thresholds), "add it: the gate compares with it"
        )


def _check_distinct(source: str, models: tuple[ModelSettings, ...]) -> None:
    names = [model.name for model in models]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SettingsError(source, "models", "every model once", ", ".join(twice), "name each model differently")
