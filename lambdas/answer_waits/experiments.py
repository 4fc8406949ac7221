"""Experiments in the ledger: what was planned, when it began, what the last look saw, the verdict."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from lambdas.answer_waits import moments
from lambdas.answer_waits.judge import Evidence, Judgement, Plan, Spread
from lambdas.shared.events import parse_time, render_time
from lambdas.shared.ledger.table import ABSENT, Put, Row, Table


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    Attributes:
        version: counts changes; a writer states which version it saw.
        evidence: as the last look saw it.
        climbs: when the challenger got which share, where it rises; the start is not among them.
        verdict: empty while it goes on.
    """

    release_id: str
    plan: Plan
    spread: Spread
    started_at: datetime
    looked_at: datetime
    version: int = 1
    evidence: Evidence = Evidence()  # noqa: RUF009 - frozen
    verdict: str = ""
    reason: str = ""
    report: str = ""
    climbs: tuple[tuple[datetime, float], ...] = ()

    @property
    def steady_at(self) -> datetime:
        """Since when the shares are what they are."""
        return self.climbs[-1][0] if self.climbs else self.started_at


@dataclass(frozen=True)
class Experiments:
    """The experiments of one model."""

    table: Table
    model: str

    def find(self, release_id: str) -> Experiment | None:
        """The experiment of a release, None before it began."""
        row = self.table.get(self._pk, release_id)
        return _parse(row) if row else None

    def begin(self, experiment: Experiment) -> bool:
        """Note that it has begun; False if somebody else did."""
        return self.table.write(Put(self._row(experiment), ABSENT))

    def looked(self, before: Experiment, evidence: Evidence, at: datetime) -> bool:
        """Note what a look saw; False if somebody else looked meanwhile."""
        after = replace(before, version=before.version + 1, evidence=evidence, looked_at=at)
        return self.table.write(Put(self._row(after), {"version": before.version}))

    def climbed(self, before: Experiment, share: float, at: datetime) -> bool:
        """Note that the challenger got a larger share; False if somebody else looked meanwhile."""
        climbs = (*before.climbs, (at, share))
        after = replace(before, version=before.version + 1, climbs=climbs, looked_at=at)
        return self.table.write(Put(self._row(after), {"version": before.version}))

    def ended(self, before: Experiment, judgement: Judgement, report: str) -> Put:
        """The verdict as a write, to go into the transaction of the wait's answer."""
        after = replace(
            before,
            version=before.version + 1,
            verdict=str(judgement.verdict),
            reason=judgement.reason,
            report=report,
        )
        return Put(self._row(after), {"version": before.version})

    def _row(self, experiment: Experiment) -> Row:
        return {
            "pk": self._pk,
            "sk": experiment.release_id,
            "version": experiment.version,
            "plan": json.dumps(asdict(experiment.plan)),
            "spread": json.dumps(asdict(experiment.spread)),
            "started_at": render_time(experiment.started_at),
            "looked_at": render_time(experiment.looked_at),
            "evidence": json.dumps(asdict(experiment.evidence)),
            "verdict": experiment.verdict,
            "reason": experiment.reason,
            "report": experiment.report,
            "climbs": json.dumps([[render_time(at), share] for at, share in experiment.climbs]),
        }

    @property
    def _pk(self) -> str:
        return f"EXPERIMENT#{self.model}"


def _parse(row: Row) -> Experiment:
    evidence: Mapping[str, Any] = json.loads(row["evidence"])
    return Experiment(
        release_id=row["sk"],
        plan=Plan(**json.loads(row["plan"])),
        spread=Spread(**json.loads(row["spread"])),
        started_at=parse_time(row["started_at"]),
        looked_at=parse_time(row["looked_at"]),
        version=int(row["version"]),
        evidence=Evidence(**{name: moments.parse(sample) for name, sample in evidence.items()}),
        verdict=row["verdict"],
        reason=row["reason"],
        report=row["report"],
        climbs=tuple((parse_time(at), share) for at, share in json.loads(row.get("climbs", "[]"))),
    )
