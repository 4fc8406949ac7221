"""Runs of `train` and `retrain`: batches, the right to run, and what was asked for and waits for its turn.

The lease is a row that is never deleted. Its turn counts up with each holder: who read turn 7 as free and finds it
still at 7 knows that no run came and went in between.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from lambdas.shared.ledger.files import DataFile, parse_file, render_file
from lambdas.shared.ledger.table import ABSENT, Delete, Put, Table, Write
from lambdas.shared.ledger.trail import AuditEntry, audit_put


class LeaseState(StrEnum):
    """FREE, or who holds the lease is about to start its run, or it runs."""

    FREE = "FREE"
    STARTING = "STARTING"
    RUNNING = "RUNNING"


@dataclass(frozen=True)
class Lease:
    """The right to run the train or the retrain pipeline of a model."""

    turn: int = 0
    state: LeaseState = LeaseState.FREE
    batch_id: str = ""
    attempt: int = 0
    execution_arn: str = ""
    since: str = ""


@dataclass(frozen=True)
class Fresh:
    """What a retraining is made from, instead of files: captured requests with their labels, and a share of history.

    Attributes:
        history_uri: the rows that the champion was made from.
        history_share: of those rows, from 0 to 1.
        fresh_since: `none` is from the beginning.
        fresh_until: this instant itself is left out.
        episode: what asked for it.
    """

    history_uri: str
    history_share: float
    fresh_since: str
    fresh_until: str
    episode: str


@dataclass(frozen=True)
class Batch:
    """What a run is about: files that train together, or what is fresh.

    Attributes:
        attempt: counts from 1; a rejected model's batch may be tried again.
        ended_at: when its last run ended, as the ledger writes times; empty before that.
    """

    id: str
    attempt: int
    files: tuple[DataFile, ...]
    created_at: str
    manifest_uri: str = ""
    execution_arn: str = ""
    outcome: str = ""
    fresh: Fresh | None = None
    ended_at: str = ""

    @property
    def data_files(self) -> tuple[DataFile, ...]:
        """Its files without markers."""
        return tuple(file for file in self.files if not file.is_marker)


@dataclass(frozen=True)
class Rerun:
    """Another attempt on a batch that somebody asked for."""

    batch_id: str
    attempt: int
    reason: str
    requested_at: str


@dataclass(frozen=True)
class Wanted:
    """A retraining that `start_retraining` decided on."""

    batch_id: str
    fresh: Fresh
    reason: str
    wanted_at: str


@dataclass(frozen=True)
class Runs:
    """Batches and the lease of one model in the ledger."""

    table: Table
    model: str

    def lease(self) -> Lease:
        """Who holds the right to run."""
        row = self.table.get(f"LEASE#{self.model}", "train")
        return Lease() if row is None else _parse_lease(row)

    def batch(self, batch_id: str) -> Batch | None:
        """A batch by its id."""
        row = self.table.get(f"BATCH#{self.model}", batch_id)
        return _parse_batch(row) if row else None

    def reruns(self) -> tuple[Rerun, ...]:
        """Attempts that wait for their turn."""
        return tuple(
            Rerun(row["batch_id"], int(row["attempt"]), row["reason"], row["requested_at"])
            for row in self.table.query(f"RERUN#{self.model}")
        )

    def request(self, rerun: Rerun, entry: AuditEntry) -> bool:
        """Have a further attempt wait for its turn.

        Returns:
            False if it waits already.
        """
        row = {
            "pk": f"RERUN#{self.model}",
            "sk": _rerun_sk(rerun.batch_id, rerun.attempt),
            "batch_id": rerun.batch_id,
            "attempt": rerun.attempt,
            "reason": rerun.reason,
            "requested_at": rerun.requested_at,
        }
        return self.table.write(Put(row, ABSENT), audit_put(self.model, entry))

    def wanted(self) -> tuple[Wanted, ...]:
        """Retrainings that wait for their turn."""
        return tuple(
            Wanted(row["sk"], _parse_fresh(row["fresh"]), row["reason"], row["wanted_at"])
            for row in self.table.query(f"WANTED#{self.model}")
        )

    def take(self, free: Lease, batch: Batch, entry: AuditEntry) -> bool:
        """Take the lease and fix what the run is about, in one transaction.

        Args:
            free: the lease as it was before anyone looked at what waits.

        Returns:
            False if somebody else was faster.
        """
        lease = Lease(free.turn + 1, LeaseState.STARTING, batch.id, batch.attempt, "", batch.created_at)
        writes: list[Write] = [
            self._put_lease(lease, free),
            self._put_batch(batch, {"attempt": batch.attempt - 1} if batch.attempt > 1 else ABSENT),
            audit_put(self.model, entry),
        ]
        if batch.attempt > 1:
            writes.append(Delete(f"RERUN#{self.model}", _rerun_sk(batch.id, batch.attempt)))
        elif batch.fresh:
            writes.append(Delete(f"WANTED#{self.model}", batch.id))
        return self.table.write(*writes)

    def started(self, lease: Lease, batch: Batch) -> Lease:
        """STARTING -> RUNNING, with the execution. If others were faster, theirs stands: it is the same execution."""
        running = replace(lease, state=LeaseState.RUNNING, execution_arn=batch.execution_arn)
        if self.table.write(self._put_lease(running, lease), self._put_batch(batch)):
            return running
        return self.lease()

    def give_back(self, lease: Lease, batch: Batch, entry: AuditEntry) -> bool:
        """RUNNING -> FREE, with the outcome of the batch.

        Returns:
            False if it was given back already.
        """
        free = Lease(turn=lease.turn)
        return self.table.write(self._put_lease(free, lease), self._put_batch(batch), audit_put(self.model, entry))

    def _put_lease(self, lease: Lease, now: Lease) -> Put:
        row = {
            "pk": f"LEASE#{self.model}",
            "sk": "train",
            "turn": lease.turn,
            "state": lease.state,
            "batch_id": lease.batch_id,
            "attempt": lease.attempt,
            "execution_arn": lease.execution_arn,
            "since": lease.since,
        }
        is_first = now.turn == 0
        return Put(row, ABSENT if is_first else {"turn": now.turn, "state": now.state})

    def _put_batch(self, batch: Batch, only_if: Mapping[str, object] | None = None) -> Put:
        row = {
            "pk": f"BATCH#{self.model}",
            "sk": batch.id,
            "attempt": batch.attempt,
            "files": [render_file(file) for file in batch.files],
            "created_at": batch.created_at,
            "manifest_uri": batch.manifest_uri,
            "execution_arn": batch.execution_arn,
            "outcome": batch.outcome,
            "fresh": _render_fresh(batch.fresh) if batch.fresh else None,
            "ended_at": batch.ended_at,
        }
        return Put(row, only_if)


def wanted_put(model: str, wanted: Wanted) -> Put:
    """A wanted retraining as a write, to go into the transaction of the decision."""
    row = {
        "pk": f"WANTED#{model}",
        "sk": wanted.batch_id,
        "fresh": _render_fresh(wanted.fresh),
        "reason": wanted.reason,
        "wanted_at": wanted.wanted_at,
    }
    return Put(row, ABSENT)


def _parse_lease(row: Mapping[str, Any]) -> Lease:
    return Lease(
        turn=int(row["turn"]),
        state=LeaseState(row["state"]),
        batch_id=row["batch_id"],
        attempt=int(row["attempt"]),
        execution_arn=row["execution_arn"],
        since=row["since"],
    )


def _parse_batch(row: Mapping[str, Any]) -> Batch:
    return Batch(
        id=row["sk"],
        attempt=int(row["attempt"]),
        files=tuple(parse_file(file) for file in row["files"]),
        created_at=row["created_at"],
        manifest_uri=row["manifest_uri"],
        execution_arn=row["execution_arn"],
        outcome=row["outcome"],
        fresh=_parse_fresh(row["fresh"]) if row.get("fresh") else None,
        ended_at=row.get("ended_at", ""),
    )


def _parse_fresh(row: Mapping[str, Any]) -> Fresh:
    return Fresh(**{**row, "history_share": float(row["history_share"])})


def _render_fresh(fresh: Fresh) -> dict[str, Any]:
    """DynamoDB's client takes no floats."""
    return {**vars(fresh), "history_share": str(fresh.history_share)}


def _rerun_sk(batch_id: str, attempt: int) -> str:
    return f"{batch_id}#{attempt:03d}"
