"""How production is watched, and when it is trained anew: the sections `monitoring` and `retraining` of a model."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from infra.fields import Fields

_METHODS = "Robust|Simple"
_ENGINES = "pipeline|model-monitor"
MODEL_MONITOR = "model-monitor"
_HOUR_S = 3600
_BIAS_METRICS = (
    *("CI", "DPL", "KL", "JS", "LP", "TVD", "KS"),
    *("DPPL", "DI", "AD", "RD", "SD", "DAR", "DRR", "DCA", "DCR", "TE"),
)
"""Clarify's, before and after training, as far as the analyzer has them."""


@dataclass(frozen=True)
class Drift:
    """When inputs have drifted.

    Attributes:
        threshold: distance of a feature's distribution from the training data's, from 0 to 1.
        method: `Robust` takes off what chance alone would show in so few rows.
        features: thresholds of their own; each gets an alarm that tells people which feature it is.
        ignore: features whose distribution says nothing, such as a date that always moves on.
    """

    threshold: float = 0.1
    method: str = "Robust"
    features: Mapping[str, float] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True)
class Quality:
    """When answers have got worse.

    Attributes:
        metric: Model Monitor's name of it; the hold-out's value is the baseline.
        margin: the share of that value that may be lost.
        labelled_min: the share of requests that should have a label when it is due.
    """

    metric: str = "auc"
    margin: float = 0.1
    labelled_min: float = 0.5


@dataclass(frozen=True)
class Bias:
    """Whether a group of requests is treated otherwise than on the hold-out, by Clarify's measures.

    Attributes:
        facet: the feature that tells groups apart.
        facet_values: of the group that may be at a disadvantage.
        margin: how much further than on the hold-out a measure may be from its neutral value.
        metrics: the measures that may; all are published, but ratios of small counts jump about.
    """

    facet: str
    facet_values: tuple[str, ...]
    margin: float = 0.1
    metrics: tuple[str, ...] = ("DPPL", "AD")


@dataclass(frozen=True)
class Attribution:
    """Whether the same features matter as on the hold-out.

    Attributes:
        threshold: of the nDCG of their ranking, below which it has drifted.
    """

    threshold: float = 0.9


@dataclass(frozen=True)
class Monitoring:
    """What is looked at, and how often.

    Attributes:
        engine: `pipeline`, our own; or `model-monitor`, AWS's, in accounts that it is open to.
        every_h: hours between two runs; a day at most, for an alarm does not look back further than a week.
        window_s: each run looks at what came in so long a time.
        label_delay_s: so long after a request its label is due.
        bias, attribution: None where nobody asks.
    """

    engine: str = "pipeline"
    every_h: int = 24
    window_s: int = 86_400
    label_delay_s: int = 604_800
    drift: Drift = Drift()
    quality: Quality = Quality()
    bias: Bias | None = None
    attribution: Attribution | None = None

    @property
    def asked_for(self) -> dict[str, Any]:
        """The sections that are there only if somebody asks, with their defaults, for the contract."""
        found = {"bias": self.bias, "attribution": self.attribution}
        return {name: asdict(section) for name, section in found.items() if section}

    @property
    def is_model_monitor(self) -> bool:
        """Whether AWS's own service looks."""
        return self.engine == MODEL_MONITOR


@dataclass(frozen=True)
class Retraining:
    """What bounds retraining.

    Attributes:
        cooldown_s: between the end of a run and the next one of the same episode. Shorter than labels take to come,
            it lets an episode use its runs up before any of them could have learned.
        per_day_max: runs in 24 hours.
        runs_max: runs of an episode that did not help; then a person is called.
        budget_usd: what the jobs of retraining may cost in `budget_days` days.
        history_share: share of the champion's own training rows that are trained on again.
        reconcile_every_min: how often what was lost is looked for. Units: minutes.
    """

    cooldown_s: int = 604_800
    per_day_max: int = 1
    runs_max: int = 3
    budget_usd: float = 50.0
    budget_days: int = 30
    history_share: float = 0.5
    reconcile_every_min: int = 15


def parse_monitoring(fields: Fields) -> Monitoring:
    """The section `monitoring` of a model's settings.

    Raises:
        SettingsError: a field is unknown or wrong.
    """
    monitoring = Monitoring(
        engine=fields.text("engine", _ENGINES, Monitoring.engine),
        every_h=fields.integer("every_h", 1, 24, Monitoring.every_h),
        window_s=fields.integer("window_s", 3600, 7 * 86_400, Monitoring.window_s),
        label_delay_s=fields.integer("label_delay_s", 0, 90 * 86_400, Monitoring.label_delay_s),
        drift=_drift(fields.section("drift")) if fields.has("drift") else Drift(),
        quality=_quality(fields.section("quality")) if fields.has("quality") else Quality(),
        bias=_bias(fields.section("bias")) if fields.has("bias") else None,
        attribution=_attribution(fields.section("attribution")) if fields.has("attribution") else None,
    )
    fields.done()
    if 24 % monitoring.every_h:
        raise fields.error("every_h", "hours that divide a day", monitoring.every_h, "say 1, 2, 3, 4, 6, 8, 12 or 24")
    if monitoring.is_model_monitor:
        _check_model_monitor(fields, monitoring)
    return monitoring


def parse_retraining(fields: Fields) -> Retraining:
    """The section `retraining` of a model's settings.

    Raises:
        SettingsError: a field is unknown or wrong.
    """
    retraining = Retraining(
        cooldown_s=fields.integer("cooldown_s", 0, 30 * 86_400, Retraining.cooldown_s),
        per_day_max=fields.integer("per_day_max", 1, 24, Retraining.per_day_max),
        runs_max=fields.integer("runs_max", 1, 10, Retraining.runs_max),
        budget_usd=fields.positive("budget_usd", Retraining.budget_usd),
        budget_days=fields.integer("budget_days", 1, 365, Retraining.budget_days),
        history_share=fields.share("history_share", Retraining.history_share),
        reconcile_every_min=fields.integer("reconcile_every_min", 1, 720, Retraining.reconcile_every_min),
    )
    fields.done()
    return retraining


def _check_model_monitor(fields: Fields, monitoring: Monitoring) -> None:
    """What AWS's schedules leave no choice of."""
    period_s, delay_s = monitoring.every_h * _HOUR_S, monitoring.label_delay_s
    if monitoring.window_s != period_s:
        advice = "Model Monitor looks at what came since its last run"
        raise fields.error("window_s", f"{period_s}, as long as every_h", monitoring.window_s, advice)
    if delay_s % _HOUR_S:
        raise fields.error("label_delay_s", "whole hours", delay_s, "Model Monitor's windows are of whole hours")
    for name in ("bias", "attribution"):
        if getattr(monitoring, name):
            raise fields.error(name, "nothing with engine model-monitor", "a section", "say engine pipeline")


def _drift(fields: Fields) -> Drift:
    drift = Drift(
        threshold=fields.share("threshold", Drift.threshold),
        method=fields.text("method", _METHODS, Drift.method),
        features=fields.numbers("features") if fields.has("features") else {},
        ignore=fields.texts("ignore") if fields.has("ignore") else (),
    )
    fields.done()
    return drift


def _quality(fields: Fields) -> Quality:
    quality = Quality(
        metric=fields.text("metric", "[a-z0-9_]+", Quality.metric),
        margin=fields.share("margin", Quality.margin),
        labelled_min=fields.share("labelled_min", Quality.labelled_min),
    )
    fields.done()
    return quality


def _bias(fields: Fields) -> Bias:
    bias = Bias(
        facet=fields.text("facet"),
        facet_values=fields.texts("facet_values"),
        margin=fields.share("margin", Bias.margin),
        metrics=fields.texts("metrics") if fields.has("metrics") else Bias.metrics,
    )
    fields.done()
    if not bias.facet_values:
        raise fields.error("facet_values", "at least one value", [], "name the group")
    if unknown := sorted(set(bias.metrics) - set(_BIAS_METRICS)):
        raise fields.error("metrics", f"some of {', '.join(_BIAS_METRICS)}", unknown, "correct or remove them")
    return bias


def _attribution(fields: Fields) -> Attribution:
    attribution = Attribution(fields.share("threshold", Attribution.threshold))
    fields.done()
    return attribution
