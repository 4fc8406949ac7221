"""The words in which `answer_waits` tells people about experiments."""

from collections.abc import Mapping
from typing import Any

from lambdas.answer_waits.judge import Plan
from lambdas.answer_waits.waits import Wait
from lambdas.shared.people import Notice
from lambdas.shared.settings import ExperimentSettings


def started(model: str, wait: Wait, aim: ExperimentSettings, plan: Plan) -> Notice:
    """What the experiment can tell, before it tells anything."""
    sample = (
        f"{plan.challenger_n} labelled pairs: the challenger sees every request and answers none"
        if plan.mode == "paired"
        else f"{plan.champion_n} labelled records of the champion and {plan.challenger_n} of the challenger, "
        f"which answers {aim.start_weight:.0%} of the requests"
    )
    cut = "\nThat is all that one look can hold; the minimum effect would take more." if plan.is_cut else ""
    return Notice(
        id=f"experiment-started#{wait.release_id}",
        kind="experiment-started",
        subject=f"{model}: experiment with {_version(wait.package_arn)} has started",
        text=f"Production of {model} compares {wait.package_arn} with the champion (mode {plan.mode}).\n"
        f"It can detect an improvement of the mean {aim.metric} of {plan.detectable:.5f} or more with power "
        f"{plan.power:g}; a challenger that is no better is promoted with probability {plan.alpha:g}.\n"
        f"Minimum effect asked for: {aim.minimum_effect:g}. It takes {sample}.{cut}\n"
        f"Time limit: {aim.duration_max_s / 3600:g} h; after that the champion stays.",
    )


def ended(model: str, wait: Wait, report: Mapping[str, Any], report_uri: str) -> Notice:
    """The verdict, with the table on which it was decided."""
    is_skipped = wait.mode in ("none", "off")
    table = "\n".join(_line(row) for row in report.get("table", []))
    counts = ", ".join(f"{name} {count}" for name, count in report.get("counts", {}).items())
    return Notice(
        id=f"experiment-ended#{wait.release_id}",
        kind="experiment-skipped" if is_skipped else "experiment-ended",
        subject=f"{model}: experiment with {_version(wait.package_arn)}: {report['verdict']}",
        text=f"{wait.package_arn}: {report['verdict']}\n{report['reason']}\n"
        + (f"By the hour in which labels came:\n{table}\n" if table else "")
        + (f"Counted: {counts}\n" if counts else "")
        + f"Report: {report_uri}",
    )


def _line(row: Mapping[str, Any]) -> str:
    arms = [f"{name} n {row[name]['n']} mean {row[name]['mean']:.5f}" for name in row if name != "hour"]
    return f"{row['hour']}  " + ", ".join(arms)


def _version(arn: str) -> str:
    return f"version {arn.rpartition('/')[2]}"
