"""A line of the timeline: aligned, short, and as it was said."""

from datetime import UTC, datetime

import pytest
from rich.console import Console

from driftloop.commands.timeline import Entry, line, short

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SAGEMAKER = "arn:aws:sagemaker:us-east-1:123456789012:"


def _seen(entry: Entry) -> str:
    """As a terminal shows it, without the time of day, which is this machine's."""
    console = Console(width=500, no_color=True, highlight=False)
    with console.capture() as captured:
        console.print(line(entry, 16), soft_wrap=True)
    return captured.get().rstrip("\n").partition("  ")[2]


def test_outcomes_durations_and_details_stand_in_columns() -> None:
    ended = _seen(Entry(AT, "  Train", "Succeeded", "detail", 12.34))
    began = _seen(Entry(AT, "train run", "Executing", "abc123"))
    said = _seen(Entry(AT, "APPROVED", "", "by ada"))

    assert ended == "  Train           Succeeded      12.3 s  detail"
    assert ended.index("detail") == began.index("abc123") == said.index("by ada")


def test_nothing_trails() -> None:
    assert _seen(Entry(AT, "x", "Stopped")).endswith("Stopped")


@pytest.mark.parametrize(
    "reason",
    [
        "property file 'report' not among outputs [metrics]",
        "Template format error: [/Resources/Q] Every Resources object must contain a Type member.",
        "must satisfy [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        "[bold]not ours[/bold] \\[x]",
    ],
)
def test_a_reason_is_shown_as_it_is_whatever_its_brackets(reason: str) -> None:
    assert _seen(Entry(AT, "  Validate", "Failed", reason)).endswith(reason)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{SAGEMAKER}model-package/driftloop-flights/3", "driftloop-flights/3"),
        (
            f"{SAGEMAKER}pipeline/driftloop-flights-train/execution/abc",
            "pipeline/driftloop-flights-train/execution/abc",
        ),
        ("arn:aws:iam::123456789012:user/ada", "user/ada"),
        ("arn:aws:lambda:us-east-1:123456789012:function:fn:1", "function:fn:1"),
        ("because it is better", "because it is better"),
        ("", ""),
    ],
)
def test_an_arn_is_shown_by_what_tells_it_from_others(text: str, expected: str) -> None:
    assert short(text) == expected
