"""report.html: what a person reads. One page without scripts, everything in it.

The verdict and what led to it first; then the features, the most drifted ones on top.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

from pipeline_definitions.watch.scripts.analyze import charts
from pipeline_definitions.watch.scripts.analyze.checks import Violation
from pipeline_definitions.watch.scripts.analyze.clarify import Measure
from pipeline_definitions.watch.scripts.analyze.columns import NUMERIC, Column, Profile
from pipeline_definitions.watch.scripts.analyze.data_quality import DataQuality
from pipeline_definitions.watch.scripts.analyze.drift import Drift

Facts = Mapping[str, object]

_STYLE: Final = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2430; --soft: #6b7686; --line: #e3e7ed; --card: #f7f8fa;
  --baseline: #aab4c2; --current: #2f6fde; --good: #1f8a4c; --bad: #c8322b; }
@media (prefers-color-scheme: dark) { :root { --paper: #12161c; --ink: #e4e8ee; --soft: #97a2b2; --line: #2b333f;
  --card: #1a2029; --baseline: #56606e; --current: #6ea0ff; --good: #4cc27f; --bad: #ff6f66; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 62rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 0; }
.soft { color: var(--soft); } .number { text-align: right; font-variant-numeric: tabular-nums; }
.verdict { display: inline-block; padding: .15rem .6rem; border-radius: 1rem; color: #fff; font-weight: 600;
  font-size: .85rem; } .verdict.good { background: var(--good); } .verdict.bad { background: var(--bad); }
table { border-collapse: collapse; width: 100%; } th { text-align: left; color: var(--soft); font-weight: 500; }
th.number { text-align: right; } td, th { padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
.features { display: grid; grid-template-columns: repeat(auto-fill, minmax(27rem, 1fr)); gap: 1rem; }
.feature { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem; }
.feature header { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; }
svg { display: block; width: 100%; } svg text { font: 11px system-ui, sans-serif; fill: var(--soft); }
svg.histogram { margin: .6rem 0; } svg.distance { width: 9rem; } svg.curve { width: 15rem; }
.baseline { fill: var(--baseline); } .current { fill: var(--current); } .track { fill: var(--line); }
rect.good { fill: var(--good); } rect.bad { fill: var(--bad); } .mark { fill: var(--ink); }
.axis, .diagonal { stroke: var(--line); } .line { fill: none; stroke: var(--current); stroke-width: 2; }
.key i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin: 0 .3em 0 1em; }
.key i.baseline { background: var(--baseline); } .key i.current { background: var(--current); }
"""


def of_data(found: DataQuality, baseline: Profile, facts: Facts) -> str:
    """Data quality: what violates, and each feature beside its baseline."""
    drifted = sum(drift.is_violation for drift in found.drifts.values())
    summary = f"{drifted} of {len(found.drifts)} compared features have drifted"
    order = sorted(found.profile.columns, key=lambda column: -_times(found.drifts.get(column.name)))
    features = "".join(_feature(column, baseline.named(column.name), found.drifts.get(column.name)) for column in order)
    key = '<p class="soft key"><i class="baseline"></i>baseline<i class="current"></i>current</p>'
    body = f'<h2>Features</h2>{key}<div class="features">{features}</div>'
    return _page("Data quality", summary, found.violations, facts, body)


def of_quality(
    metrics: Mapping[str, Any], constraints: Mapping[str, Any], violations: Sequence[Violation], facts: Facts
) -> str:
    """Model quality: each metric beside its threshold."""
    asked: Mapping[str, Any] = next((value for key, value in constraints.items() if key.endswith("_constraints")), {})
    worse = {violation.feature_name for violation in violations}
    rows = (
        (name, _said(metric["value"]), _said(metric["standard_deviation"]), _threshold(asked.get(name)), name in worse)
        for name, metric in metrics.items()
        if "value" in metric
    )
    head = "<tr><th>metric<th class=number>value<th class=number>± standard deviation<th>threshold<th></tr>"
    table = "".join(
        f"<tr><td>{escape(name)}<td class=number>{value}<td class=number>{deviation}<td>{threshold}"
        f"<td>{_badge(not is_worse, 'ok', 'worse') if name in asked else ''}</tr>"
        for name, value, deviation, threshold, is_worse in rows
    )
    body = (
        f"<h2>Metrics</h2><table>{head}{table}</table>{_roc(metrics)}" if metrics else "<p>Nothing has a label yet.</p>"
    )
    summary = f"{len(worse)} of {len(asked)} metrics are worse than at the baseline"
    return _page("Model quality", summary, violations, facts, body)


def of_measures(title: str, measures: Sequence[Measure], violations: Sequence[Violation], facts: Facts) -> str:
    """Bias or feature attribution: each measure beside the baseline's."""
    head = "<tr><th>measure<th class=number>baseline<th class=number>now</tr>"
    rows = "".join(
        f"<tr><td>{escape(item.metric)}<td class=number>{_said(item.baseline)}<td class=number>{_said(item.value)}</tr>"
        for item in measures
    )
    return _page(title, f"{len(measures)} measures", violations, facts, f"<h2>Measures</h2><table>{head}{rows}</table>")


def _page(title: str, summary: str, violations: Sequence[Violation], facts: Facts, body: str) -> str:
    told = "".join(
        f"<tr><td>{escape(item.feature_name)}<td>{escape(item.constraint_check_type)}<td>{escape(item.description)}</tr>"
        for item in violations
    )
    head = "<tr><th>what<th>check<th>found</tr>"
    listed = f"<h2>Violations</h2><table>{head}{told}</table>" if violations else ""
    count = f"{len(violations)} violations" if violations else "no violations"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}: {count}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>{title} {_badge(not violations, count, count)}</h1><p>{escape(summary)}.</p>"
        f"<table>{_facts(facts)}</table>{listed}{body}</body></html>\n"
    )


def _facts(facts: Facts) -> str:
    return "".join(f'<tr><td class="soft">{escape(name)}<td>{_value(value)}</tr>' for name, value in facts.items())


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{escape(str(key).replace('_', ' '))} {_value(item)}" for key, item in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(_value(item) for item in value) or "none"
    return escape(_said(value))


def _feature(column: Column, before: Column | None, drift: Drift | None) -> str:
    verdict = _badge(not drift.is_violation, "no drift", "drifted") if drift else ""
    lines = [f'<div class="feature"><header><h3>{escape(column.name)}</h3>{verdict}</header>']
    lines.append(f'<div class="soft">{column.inferred_type}, {column.completeness:.1%} complete</div>')
    if drift:
        lines += [charts.histogram(drift), _distance(drift)]
    elif column.words and not column.words.is_listed:
        lines.append(f"<p class=soft>{column.words.distinct} different values: too many to compare</p>")
    return "".join(lines) + _statistics(column, before) + "</div>"


def _distance(drift: Drift) -> str:
    error = f", at most ±{drift.error:.4f} off (sketch)" if drift.error else ", exact"
    return (
        f"<table><tr><td>{charts.distance(drift)}<td class=number>{drift.distance:.4f} against {drift.threshold:g}"
        f'<tr><td class="soft" colspan=2>{drift.method}{error}; before noise is taken off {drift.simple:.4f}; '
        f"PSI {drift.psi:.3f}</table>"
    )


def _statistics(column: Column, before: Column | None) -> str:
    if not (column.inferred_type in NUMERIC and column.numbers and before and before.numbers):
        return ""
    then, now = before.numbers, column.numbers
    names = ("mean", "std", "minimum", "maximum")
    head = "".join(f"<th class=number>{name}" for name in names)
    rows = "".join(
        f"<tr><td class=soft>{label}" + "".join(f"<td class=number>{getattr(side, name):.4g}" for name in names)
        for label, side in (("baseline", then), ("current", now))
    )
    return f"<table><tr><th>{head}</tr>{rows}</table>"


def _roc(metrics: Mapping[str, Any]) -> str:
    found = metrics.get("receiver_operating_characteristic_curve")
    if not found:
        return ""
    drawn = charts.curve(
        found["false_positive_rates"], found["true_positive_rates"], "receiver operating characteristic"
    )
    return f"<h2>Receiver operating characteristic</h2>{drawn}"


def _threshold(asked: Mapping[str, Any] | None) -> str:
    if not asked:
        return ""
    bound = "at least" if asked["comparison_operator"] == "LessThanThreshold" else "at most"
    return f"{bound} {_said(asked['threshold'])}"


def _badge(is_good: bool, good: str, bad: str) -> str:
    return f'<span class="verdict {"good" if is_good else "bad"}">{escape(good if is_good else bad)}</span>'


def _times(drift: Drift | None) -> float:
    return drift.times_threshold if drift else -1.0


def _said(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
    return "—" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
