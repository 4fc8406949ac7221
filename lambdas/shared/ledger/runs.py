"""Runs of the train pipeline: batches, the right to run, and attempts that were asked for.

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
    """The right to run the train pipeline of a model."""

    turn: int = 0
    state: LeaseState = LeaseState.FREE
    batch_id: str = ""
    attempt: int = 0
    execution_arn: str = ""
    since: str = ""


@dataclass(frozen=True)
class Batch:
    """Files that train together.

    Attributes:
        attempt: counts from 1; a rejected model's batch may be tried again.
    """

    id: str
    attempt: int
    files: tuple[DataFile, ...]
    created_at: str
    manifest_uri: str = ""
    execution_arn: str = ""
    outcome: str = ""

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
        }
        return Put(row, only_if)


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
    )


def _rerun_sk(batch_id: str, attempt: int) -> str:
    return f"{batch_id}#{attempt:03d}"
