"""How an approved version of a model gets into production: the section `release` of its settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from infra.fields import Fields

STAGES: Final = ("dev", "staging", "prod")
"""Where a version serves on its way, production last."""
INSTANCE_TYPE: Final = r"ml\.[a-z0-9-]+\.[a-z0-9]+"
_LOSS: Final = "log_loss|squared_error"
"""Metrics that have a value a record: an experiment compares them record by record."""


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
        ramp: the shares that follow it, each once a look has found the guard-rails whole. What is compared is what
            came at the last of them: a share that changes while outcomes do would look like an effect.
        duration_max_s: after this time the answer is that the test could not tell.
        look_every_s: how often captured answers and labels are read.
    """

    mode: str = "paired"
    metric: str = "log_loss"
    minimum_effect: float = 0.01
    alpha: float = 0.05
    power: float = 0.8
    start_weight: float = 0.1
    ramp: tuple[float, ...] = ()
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
class Machines:
    """What a stage's endpoint runs on; no instance type means the model's own for endpoints."""

    instance_type: str = ""
    instance_count: int = 1


@dataclass(frozen=True)
class Traffic:
    """How production goes from one version to the next, where the variant is the same before and after.

    A variant that comes or goes (an experiment begins or ends) changes all at once: AWS takes no deployment policy
    there.

    Attributes:
        shifting: `all_at_once`, `canary` (a share, then all) or `linear` (share by share).
        step_percent: the share. Source: SageMaker developer guide, "Use canary / linear traffic shifting", read
            2026-11: a canary is at most half of the fleet, a linear step from a tenth to half of it.
        wait_s: for so long alarms are watched after each share.
        rollback_alarms: whether errors or a slow 95th percentile put the old version back.
    """

    shifting: str = "canary"
    step_percent: int = 25
    wait_s: int = 300
    rollback_alarms: bool = True

    @property
    def duration_s(self) -> int:
        """Of all waits together."""
        steps = {"all_at_once": 1, "canary": 2, "linear": -(-100 // self.step_percent)}[self.shifting]
        return steps * self.wait_s


@dataclass(frozen=True)
class Scaling:
    """How many instances production has: as many as keep each at so many invocations a minute."""

    instances_min: int
    instances_max: int
    invocations_per_instance: float


@dataclass(frozen=True)
class ReleaseSettings:
    """How an approved version gets into production.

    Attributes:
        keep_stages: dev and staging endpoints stay after their tests.
        deadline_s: how long an endpoint may take to come up.
        stages: what each stage runs on, where the settings say so.
        traffic: None changes production all at once, watched by no alarm.
        scaling: None leaves the number of instances as it is.
    """

    keep_stages: bool = False
    deadline_s: int = 2700
    stages: Mapping[str, Machines] = field(default_factory=dict)
    traffic: Traffic | None = None
    scaling: Scaling | None = None
    tests: ModelTests = ModelTests()
    experiment: Experiment = Experiment()

    @property
    def has_rollback_alarms(self) -> bool:
        """Whether alarms put the old version back while traffic shifts."""
        return self.traffic is not None and self.traffic.rollback_alarms


def parse_release(fields: Fields) -> ReleaseSettings:
    """The section `release` of a model's settings.

    Raises:
        SettingsError: a field is unknown, wrong, or at odds with another.
    """
    release = ReleaseSettings(
        keep_stages=fields.truth("keep_stages", default=False),
        deadline_s=fields.integer("deadline_s", at_least=60, at_most=86_400, default=ReleaseSettings.deadline_s),
        stages=_stages(fields.section("stages")) if fields.has("stages") else {},
        traffic=_traffic(fields.section("traffic")) if fields.has("traffic") else None,
        scaling=_scaling(fields.section("scaling")) if fields.has("scaling") else None,
        tests=_tests(fields.section("tests")) if fields.has("tests") else ModelTests(),
        experiment=_experiment(fields.section("experiment")) if fields.has("experiment") else Experiment(),
    )
    fields.done()
    traffic = release.traffic
    if traffic and traffic.duration_s >= release.deadline_s:
        advice = "wait less, take larger steps, or raise deadline_s"
        found = f"waits of {traffic.duration_s} s"
        raise fields.error("traffic", f"waits shorter than deadline_s ({release.deadline_s} s)", found, advice)
    return release


def _stages(fields: Fields) -> dict[str, Machines]:
    machines = {stage: _machines(fields.section(stage)) for stage in STAGES if fields.has(stage)}
    fields.done()
    return machines


def _machines(fields: Fields) -> Machines:
    machines = Machines(
        instance_type=fields.text("instance_type", INSTANCE_TYPE) if fields.has("instance_type") else "",
        instance_count=fields.integer("instance_count", 1, 1000, Machines.instance_count),
    )
    fields.done()
    return machines


def _traffic(fields: Fields) -> Traffic:
    shifting = fields.text("shifting", "all_at_once|canary|linear", Traffic.shifting)
    traffic = Traffic(
        shifting=shifting,
        step_percent=fields.integer("step_percent", 10 if shifting == "linear" else 1, 50, Traffic.step_percent),
        wait_s=fields.integer("wait_s", 0, 3600, Traffic.wait_s),
        rollback_alarms=fields.truth("rollback_alarms", default=Traffic.rollback_alarms),
    )
    fields.done()
    return traffic


def _scaling(fields: Fields) -> Scaling:
    least = fields.integer("instances_min", 1, 1000)
    scaling = Scaling(
        instances_min=least,
        instances_max=fields.integer("instances_max", least, 1000),
        invocations_per_instance=fields.positive("invocations_per_instance"),
    )
    fields.done()
    return scaling


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
        ramp=fields.fractions("ramp") if fields.has("ramp") else (),
        duration_max_s=fields.integer("duration_max_s", 60, 30 * 86_400, Experiment.duration_max_s),
        look_every_s=fields.integer("look_every_s", 60, 86_400, Experiment.look_every_s),
        guard_rails=_guard_rails(fields.section("guard_rails")) if fields.has("guard_rails") else GuardRails(),
    )
    fields.done()
    shares = (experiment.start_weight, *experiment.ramp)
    if list(shares) != sorted(set(shares)):
        raise fields.error("ramp", f"shares that rise from start_weight ({experiment.start_weight})", experiment.ramp)
    if experiment.ramp and experiment.mode != "split":
        raise fields.error("ramp", "mode split: nothing else has shares", experiment.mode, "leave the ramp out")
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
