"""report.html: verdict, what failed, then every group with its picture and its table."""

from collections.abc import Sequence
from typing import Final

from pipeline_definitions.release.scripts.model_tests.pictures import calibration_picture, escaped, latency_picture
from pipeline_definitions.release.scripts.model_tests.report import FAILED, PASSED, SKIPPED, Check, Report

STYLE: Final = """
:root{--ink:#1b2330;--soft:#5b6675;--line:#d9dee5;--page:#fff;--good:#1a7f4b;--bad:#b3261e;--skip:#8a6d00}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:1080px;margin:2rem auto;
padding:0 1rem}
h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}
p.about{color:var(--soft);margin:.1rem 0;overflow-wrap:anywhere}
.verdict{border-left:6px solid;padding:.6rem 1rem;margin:1rem 0}.passed{color:var(--good)}.failed{color:var(--bad)}
.skipped{color:var(--skip)}.verdict *{color:var(--ink)}.verdict strong{color:inherit}
.verdict li{overflow-wrap:anywhere}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:13px}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid var(--line)}
th{color:var(--soft);font-weight:600}table.upright{width:auto;min-width:24rem}
th.n,td.n{text-align:right}th.passed{color:var(--good)}th.failed{color:var(--bad)}th.skipped{color:var(--skip)}
td.n{font-variant-numeric:tabular-nums;white-space:nowrap}
td{overflow-wrap:anywhere}svg text{font:12px system-ui,sans-serif;fill:var(--soft);
paint-order:stroke;stroke:var(--page);stroke-width:4px}svg{max-width:100%;height:auto}
"""
NOTES: Final = {
    "latency": "Measured where the caller is, in the job: the network to the endpoint and back is part of it.",
    "champion and challenger": "Worse by: the challenger's log loss minus the champion's, row by row, in nats; a "
    "negative value is a gain. It fails when the whole 95 % interval is beyond the margin.",
    "slices": "As above, for each value; the intervals are wider, so that all of them together hold with 95 %.",
    "calibration": "How far predicted and observed frequency are apart, weighted by rows, in ten bins of equal width.",
}


def page(report: Report) -> str:
    """report.html: verdict, what failed, then every group with its picture and its table."""
    verdict = FAILED if report.failed else PASSED
    groups = list(dict.fromkeys(check.group for check in report.checks))
    pictures = {"latency": latency_picture(report), "calibration": calibration_picture(report)}
    sections = [
        f"<h2>{escaped(group[:1].upper() + group[1:])}</h2>"
        f'<p class="about">{NOTES.get(group, "")}</p>{pictures.get(group, "")}{table(report, group)}'
        for group in groups
    ]
    about = {
        "Model package": report.model_package_arn,
        "Champion": report.champion_arn,
        "Endpoint": report.endpoint,
        "Job": report.job_arn,
    }
    lines = [f'<p class="about">{name}: {escaped(value)}</p>' for name, value in about.items() if value]
    title = f"Model tests: {report.suite}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title} {verdict}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>{title}</h1>{''.join(lines)}{verdict_box(report, verdict)}{''.join(sections)}</body></html>\n"
    )


def verdict_box(report: Report, verdict: str) -> str:
    """The verdict, and each reason."""
    counts = [sum(check.outcome == outcome for check in report.checks) for outcome in (PASSED, FAILED, SKIPPED)]
    reasons = "".join(
        f"<li>{escaped(check.group)}, {escaped(check.name)}: {escaped(check.said)}</li>" for check in report.failed
    )
    return (
        f'<div class="verdict {verdict}"><strong>{verdict.capitalize()}</strong> '
        f"<span>{counts[0]} checks passed, {counts[1]} failed, {counts[2]} skipped</span>"
        f"{f'<ul>{reasons}</ul>' if reasons else ''}</div>"
    )


def table(report: Report, group: str) -> str:
    """A group's checks, a row each; a check that is alone stands upright, a row each number."""
    checks = [check for check in report.checks if check.group == group]
    columns = list(dict.fromkeys(name for check in checks for name in check.facts))
    if len(checks) == 1 and columns:
        (only,) = checks
        numbers = "".join(f"<tr><td>{escaped(name)}</td>{table_cell(only.facts[name])}</tr>" for name in columns)
        head = f'<tr><th>{escaped(only.name)}</th><th class="n {only.outcome}">{only.outcome}</th></tr>'
        return f'<table class="upright"><thead>{head}</thead><tbody>{numbers}</tbody></table>'
    head = "".join(f"<th{number_class(checks, name)}>{escaped(name)}</th>" for name in ["check", "outcome", *columns])
    body = "".join(table_row(check, columns) for check in checks)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def number_class(checks: Sequence[Check], column: str) -> str:
    """Heads of numbers stand above their numbers."""
    is_number = any(isinstance(check.facts.get(column), int | float) for check in checks)
    return ' class="n"' if is_number else ""


def table_row(check: Check, columns: Sequence[str]) -> str:
    """One check."""
    cells = "".join(table_cell(check.facts.get(name, "")) for name in columns)
    name = escaped(check.name) if check.facts else f"{escaped(check.name)}: {escaped(check.said)}"
    return f'<tr><td>{name}</td><td class="{check.outcome}">{check.outcome}</td>{cells}</tr>'


def table_cell(value: object) -> str:
    """Numbers to the right, with four digits."""
    if isinstance(value, float):
        return f'<td class="n">{value:.4g}</td>'
    if isinstance(value, int):
        return f'<td class="n">{value:,}</td>'
    return f"<td>{escaped('' if value is None else str(value))}</td>"
