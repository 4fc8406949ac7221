"""What a suite found: its checks, and the values that they are made of."""

import math
from dataclasses import dataclass, field
from typing import Any, Final

from pipeline_definitions.shared.scripts.registry import Facts

PASSED: Final = "passed"
FAILED: Final = "failed"
SKIPPED: Final = "skipped"
SHOWN: Final = 160
"""So much of a body is shown."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        said: in words, what was expected and what was found.
        facts: the numbers, or what was sent and what came.
    """

    group: str
    name: str
    outcome: str
    said: str
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What an endpoint answered.

    Attributes:
        status: the container's own if it answered, else the service's; 0 if nobody did.
    """

    status: int
    body: str
    content_type: str = ""
    variant: str = ""
    seconds: float = 0.0

    @property
    def in_short(self) -> str:
        """For people."""
        return f"{self.status or 'no answer'} {shortened(self.body.strip())}"


@dataclass(frozen=True)
class Bin:
    """Rows with alike predictions. The gap is between what was predicted and what happened."""

    rows: int
    predicted: float
    observed: float


@dataclass
class Report:
    """What a suite found; its fields are those of report.json."""

    suite: str
    endpoint: str
    model_package_arn: str
    job_arn: str
    champion_arn: str = ""
    checks: list[Check] = field(default_factory=list)
    latency_ms: list[float] = field(default_factory=list)
    latency_budget_ms: dict[str, float] = field(default_factory=dict)
    calibration: dict[str, list[Bin]] = field(default_factory=dict)
    comparison: dict[str, Any] | None = None

    @property
    def failed(self) -> list[Check]:
        """The checks that stop a release."""
        return [check for check in self.checks if check.outcome == FAILED]


def number(text: str) -> float:
    """A single number, or NaN."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def counted(number: int, one: str, many: str) -> str:
    """1 apple, 2 apples."""
    return f"{number} {one if number == 1 else many}"


def shortened(text: str) -> str:
    """As much of a body as a report shows."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text):,} characters)"
