"""What the retraining guard remembers: the episode, the runs that it wanted, and what it said last. One row.

An episode is an alarm that stands against one champion. `start_retraining` alone writes; others ask.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lambdas.shared.ledger.runs import Wanted, wanted_put
from lambdas.shared.ledger.table import ABSENT, Put, Table, Write
from lambdas.shared.ledger.trail import AuditEntry, audit_put


@dataclass(frozen=True)
class Episode:
    """An alarm that stands against one champion.

    Attributes:
        champion: the package that production served when it opened.
        closed_at: when the alarm was found OK; empty while it stands.
    """

    id: str
    champion: str
    opened_at: str
    closed_at: str = ""


@dataclass(frozen=True)
class WantedRun:
    """A retraining that was decided on, whatever became of it."""

    batch_id: str
    champion: str
    episode: str
    wanted_at: str


@dataclass(frozen=True)
class Guard:
    """The state of the guard.

    Attributes:
        version: counts changes; a writer states which version it saw.
        at: the latest time of a decision; no later decision is taken as if it were earlier.
        runs: the first one first; those that no decision depends on any more are forgotten.
        said: the last decision in words, so that only another one is news.
    """

    version: int = 0
    at: str = ""
    episode: Episode | None = None
    runs: tuple[WantedRun, ...] = ()
    said: str = ""


@dataclass(frozen=True)
class Episodes:
    """The guard's row of one model, changed only from the version that was read."""

    table: Table
    model: str

    def guard(self) -> Guard:
        """What the guard remembers."""
        row = self.table.get(f"RETRAINING#{self.model}", "guard")
        return _parse(row) if row else Guard()

    def decided(self, before: Guard, after: Guard, wanted: Wanted | None, entry: AuditEntry) -> bool:
        """Write a decision in one transaction: the guard's memory, what is wanted, the audit trail.

        Returns:
            False if somebody decided in between: then it has to be decided anew.
        """
        row = {"pk": f"RETRAINING#{self.model}", "sk": "guard", **_render(after)}
        writes: list[Write] = [
            Put(row, {"version": before.version} if before.version else ABSENT),
            audit_put(self.model, entry),
        ]
        if wanted:
            writes.append(wanted_put(self.model, wanted))
        return self.table.write(*writes)


def _parse(row: Mapping[str, Any]) -> Guard:
    return Guard(
        version=int(row["version"]),
        at=row["at"],
        episode=Episode(**row["episode"]) if row["episode"] else None,
        runs=tuple(WantedRun(**run) for run in row["runs"]),
        said=row["said"],
    )


def _render(guard: Guard) -> dict[str, Any]:
    found = asdict(guard)
    return {**found, "runs": list(found["runs"])}
