"""Data files: NEW -> CLAIMED(batch) -> CONSUMED, or QUARANTINED(reason), or DUPLICATE(of)."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from lambdas.shared.errors import Transient
from lambdas.shared.ledger.table import ABSENT, Delete, Put, Row, Table, Write

_MAX_KEY_BYTES: Final = 850
"""DynamoDB's sort keys end at 1,024 bytes; version id, time and a notice's kind need the rest."""
_REGISTER_TRIES: Final = 3
_CLAIM_TRIES: Final = 8
_CLAIMED_AT_ONCE: Final = 50
"""Two rows a file; a transaction takes a hundred."""


class FileState(StrEnum):
    """Where a file is in its life."""

    NEW = "NEW"
    CLAIMED = "CLAIMED"
    CONSUMED = "CONSUMED"
    QUARANTINED = "QUARANTINED"
    DUPLICATE = "DUPLICATE"


@dataclass(frozen=True)
class DataFile:
    """One version of one object in the raw bucket.

    Attributes:
        arrived_at: time of its event, as the ledger writes times.
        rounds: how often it was given back; who remembers an older round cannot claim it.
        tries: runs that broke before they could use it.
        is_marker: a `_READY` object: it says that a batch is complete and holds no data.
        is_held: it waits for company: alone it would only fail again as it did.
    """

    key: str
    version_id: str
    etag: str
    size_bytes: int
    arrived_at: str
    rounds: int = 0
    tries: int = 0
    is_marker: bool = False
    is_held: bool = False

    @property
    def id(self) -> str:
        """Its sort key among the files of a model."""
        return file_id(self.key, self.version_id)

    @property
    def content_id(self) -> str:
        """What it shares with every other upload of the same bytes."""
        return f"{self.etag}#{self.size_bytes}"


@dataclass(frozen=True)
class FileOutcome:
    """What becomes of a claimed file when its run has ended.

    Attributes:
        file: as it is from now on; a file that goes back to NEW carries its tries.
    """

    file: DataFile
    state: FileState
    reason: str | None = None


@dataclass(frozen=True)
class Files:
    """The files of one model in the ledger."""

    table: Table
    model: str

    def register(self, file: DataFile) -> FileState:
        """Note a file that arrived: NEW, or DUPLICATE if its content is known. Again is harmless.

        Returns:
            The state it is in now, whoever put it there.
        """
        for _ in range(_REGISTER_TRIES):
            known = self.state(file)
            if known is not None:
                return known
            first = None if file.is_marker else self.table.get(self._content_pk, file.content_id)
            if self.table.write(*self._registration(file, first)):
                return FileState.NEW if first is None else FileState.DUPLICATE
        return self.state(file) or FileState.NEW

    def refuse(self, file: DataFile, reason: str) -> None:
        """Quarantine a file that cannot be data at all, unless it is known already."""
        self.table.write(Put(self._row(file, FileState.QUARANTINED, reason=reason), ABSENT))

    def state(self, file: DataFile) -> FileState | None:
        """The state of a file, None if it was never registered."""
        row = self.table.get(self._file_pk, file.id)
        return FileState(row["state"]) if row else None

    def waiting(self) -> tuple[DataFile, ...]:
        """All files in state NEW, the first to arrive first."""
        return tuple(parse_file(row["file"]) for row in self.table.query(self._waiting_pk))

    def claim(self, files: Sequence[DataFile], batch_id: str) -> None:
        """NEW -> CLAIMED, for those that still wait. Whoever claims the same batch at the same time does no harm.

        Raises:
            Transient: others kept claiming the same files.
        """
        for first in range(0, len(files), _CLAIMED_AT_ONCE):
            self._claim(files[first : first + _CLAIMED_AT_ONCE], batch_id)

    def settle(self, outcomes: Iterable[FileOutcome], batch_id: str) -> None:
        """CLAIMED -> what the run made of each file. A file that this batch does not hold is left alone."""
        self.table.write_each(self._settlement(outcome, batch_id) for outcome in outcomes)

    def _claim(self, files: Sequence[DataFile], batch_id: str) -> None:
        for _ in range(_CLAIM_TRIES):
            waiting = frozenset(
                self.waiting()
            )  # a file that was given back meanwhile is in another round: another file
            claims = [self._claims(file, batch_id) for file in files if file in waiting]
            if not claims or self.table.write(*(write for claim in claims for write in claim)):
                return
        raise Transient(f"batch '{batch_id}': others claimed its files {_CLAIM_TRIES} times meanwhile; try again")

    def _claims(self, file: DataFile, batch_id: str) -> tuple[Write, Write]:
        claimed = self._row(file, FileState.CLAIMED, batch_id=batch_id)
        expected = {"state": FileState.NEW, "rounds": file.rounds}
        return Put(claimed, expected), Delete(self._waiting_pk, _waiting_sk(file))

    def _registration(self, file: DataFile, first: Row | None) -> list[Write]:
        if first is not None:
            return [Put(self._row(file, FileState.DUPLICATE, of=first["of"]), ABSENT)]
        writes: list[Write] = [Put(self._row(file, FileState.NEW), ABSENT), self._wait(file)]
        if not file.is_marker:
            writes.append(Put({"pk": self._content_pk, "sk": file.content_id, "of": file.id}, ABSENT))
        return writes

    def _settlement(self, outcome: FileOutcome, batch_id: str) -> list[Write]:
        file = outcome.file
        row = self._row(file, outcome.state, batch_id=batch_id, reason=outcome.reason)
        writes: list[Write] = [Put(row, {"state": FileState.CLAIMED, "batch_id": batch_id})]
        if outcome.state is FileState.NEW:
            writes.append(self._wait(file))
        if outcome.state is FileState.QUARANTINED and not file.is_marker:
            # The same bytes may be judged again: by a better schema, or after whatever broke is mended.
            writes.append(Delete(self._content_pk, file.content_id))
        return writes

    def _wait(self, file: DataFile) -> Put:
        return Put({"pk": self._waiting_pk, "sk": _waiting_sk(file), "file": render_file(file)})

    def _row(self, file: DataFile, state: FileState, **more: str | None) -> Row:
        known = {name: value for name, value in more.items() if value is not None}
        return {"pk": self._file_pk, "sk": file.id, "state": state, **render_file(file), **known}

    @property
    def _file_pk(self) -> str:
        return f"FILE#{self.model}"

    @property
    def _content_pk(self) -> str:
        return f"CONTENT#{self.model}"

    @property
    def _waiting_pk(self) -> str:
        return f"WAITING#{self.model}"


def file_id(key: str, version_id: str) -> str:
    """A file's name in the ledger. A key may be as long as a whole sort key: such a key gives way to its hash."""
    is_short = len(key.encode()) <= _MAX_KEY_BYTES
    return f"{key if is_short else hashlib.sha256(key.encode()).hexdigest()}#{version_id}"


def parse_file(row: Mapping[str, Any]) -> DataFile:
    """A file from a row of the ledger."""
    return DataFile(
        key=row["key"],
        version_id=row["version_id"],
        etag=row["etag"],
        size_bytes=int(row["size_bytes"]),
        arrived_at=row["arrived_at"],
        rounds=int(row["rounds"]),
        tries=int(row["tries"]),
        is_marker=row["is_marker"],
        is_held=row["is_held"],
    )


def render_file(file: DataFile) -> dict[str, Any]:
    """A file as the ledger writes it."""
    return {
        "key": file.key,
        "version_id": file.version_id,
        "etag": file.etag,
        "size_bytes": file.size_bytes,
        "arrived_at": file.arrived_at,
        "rounds": file.rounds,
        "tries": file.tries,
        "is_marker": file.is_marker,
        "is_held": file.is_held,
    }


def given_back(file: DataFile, *, is_held: bool) -> DataFile:
    """The file as it waits again: one try more if its run broke, none if it only waits for company."""
    tries = file.tries if is_held else file.tries + 1
    return replace(file, rounds=file.rounds + 1, tries=tries, is_held=is_held)


def _waiting_sk(file: DataFile) -> str:
    return f"{file.arrived_at}#{file.id}"
