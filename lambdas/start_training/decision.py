"""What `start_training` decides, as plain functions: what an object is, what may run, what a run made of its files."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Final

from lambdas.shared.events import ObjectCreated, render_time
from lambdas.shared.executions import FailedStep, why
from lambdas.shared.ledger.files import DataFile, FileOutcome, FileState, given_back
from lambdas.shared.ledger.runs import Batch, Rerun, Wanted

READY_MARKER: Final = "_READY"
VALIDATE_STEP: Final = "Validate"
TRIES_MAX: Final = 3
_MAX_BATCH_BYTES: Final = 300_000
"""Ours: the batch is one ledger row, which DynamoDB limits to 400 KB; some 1,500 files. What is over waits its turn."""
_BYTES_BESIDE_KEY: Final = 200


@dataclass(frozen=True)
class Admitted:
    """An object that takes part in training."""

    file: DataFile


@dataclass(frozen=True)
class Refused:
    """An object that was meant as data and cannot be: quarantined, and people are told."""

    file: DataFile
    reason: str


@dataclass(frozen=True)
class Ignored:
    """An object that is none of our business."""

    reason: str


Judgement = Admitted | Refused | Ignored


def judge(event: ObjectCreated, raw_bucket: str, raw_prefix: str) -> Judgement:
    """What a new object is to us, from its name and size alone; its rows are judged by the run."""
    if event.bucket != raw_bucket or not event.key.startswith(raw_prefix):
        return Ignored(f"expected an object under s3://{raw_bucket}/{raw_prefix}")
    name = event.key.rpartition("/")[2]
    if not name:
        return Ignored("the object only stands for a folder")
    file = DataFile(
        key=event.key,
        version_id=event.version_id,
        etag=event.etag,
        size_bytes=event.size_bytes,
        arrived_at=render_time(event.time),
        is_marker=name == READY_MARKER,
    )
    if file.is_marker:
        return Admitted(file)
    if not name.lower().endswith(".csv"):
        return Refused(file, "expected a .csv file; convert it, or name it .csv if it is one")
    if event.size_bytes == 0:
        return Refused(file, "the file is empty; upload it again with its rows")
    return Admitted(file)


@dataclass(frozen=True)
class Waiting:
    """All that waits for the lease.

    Attributes:
        files: in state NEW, the first to arrive first.
        reruns: attempts that were asked for, each with its batch as it was.
        wanted: retrainings that `start_retraining` decided on.
    """

    files: Sequence[DataFile] = ()
    reruns: Sequence[tuple[Rerun, Batch]] = ()
    wanted: Sequence[Wanted] = ()


def next_batch(waiting: Waiting, min_files: int, time: datetime) -> Batch | None:
    """The batch that may run now, None if nothing may.

    A further attempt goes first: somebody asked for it, and a batch has only so many. Between files that may run and a
    wanted retraining goes whichever has waited longer. So neither starves: what comes later never overtakes it, and
    each run takes all files that wait, or the one retraining that is wanted.
    """
    if waiting.reruns:
        rerun, batch = waiting.reruns[0]
        return Batch(batch.id, rerun.attempt, batch.files, render_time(time), fresh=batch.fresh)
    files = _file_batch(waiting.files, min_files, time)
    wanted = min(waiting.wanted, key=lambda each: each.wanted_at, default=None)
    if wanted is None or (files and _waiting_since(files) <= wanted.wanted_at):
        return files
    return Batch(wanted.batch_id, 1, (), render_time(time), fresh=wanted.fresh)


def _waiting_since(batch: Batch) -> str:
    """Files that are held wait for company, not for their turn."""
    return min(file.arrived_at for file in batch.files if not file.is_held)


def _file_batch(waiting: Sequence[DataFile], min_files: int, time: datetime) -> Batch | None:
    """Files run when they are enough, when a `_READY` object says so, or when a run that was to use them broke.

    Files that are held only go along with others.
    """
    files = _as_many_as_fit(waiting)
    data = [file for file in files if not file.is_marker]
    if not data or all(file.is_held for file in files):
        return None
    is_complete = any(file.is_marker or (file.tries and not file.is_held) for file in files)
    if not is_complete and len(data) < min_files:
        return None
    return Batch(_batch_id(files, time), 1, tuple(files), render_time(time))


def _as_many_as_fit(waiting: Sequence[DataFile]) -> list[DataFile]:
    fitting, size = [], 0
    for file in waiting:
        size += len(file.key.encode()) + _BYTES_BESIDE_KEY
        if size > _MAX_BATCH_BYTES:
            break
        fitting.append(file)
    return fitting


def _batch_id(files: Sequence[DataFile], time: datetime) -> str:
    """Readable and sorting by time; the same files in the same round at the same time are the same batch."""
    digest = hashlib.sha256("\0".join(f"{file.id}#{file.rounds}" for file in files).encode())
    return f"{time:%Y%m%dT%H%M%S}-{digest.hexdigest()[:12]}"


@dataclass(frozen=True)
class Verdict:
    """What the run's validation said of one file."""

    is_accepted: bool
    reason: str


@dataclass(frozen=True)
class EndedRun:
    """All that is known about a run when it has ended.

    Attributes:
        status: of the execution.
        failed_steps: steps that failed or were stopped.
        verdicts: by file id; None if the run ended before its data was judged.
    """

    batch: Batch
    status: str
    failed_steps: tuple[FailedStep, ...]
    verdicts: Mapping[str, Verdict] | None


class Ending(Enum):
    """Why a run ended, as far as its files are concerned."""

    SUCCEEDED = auto()
    BELOW_THRESHOLD = auto()
    """The pipeline's own Fail step: the data did its work, the model was not good enough."""
    NOT_ENOUGH_DATA = auto()
    """Validation refused the batch as a whole; files that it accepted may do with others."""
    STOPPED = auto()
    """A person stopped it; starting it again at once would be to argue."""
    BROKEN = auto()
    """An error of code or machines: the data deserves another try."""


@dataclass(frozen=True)
class Settlement:
    """What follows from the end of a run.

    Attributes:
        reason: why it did not succeed; empty if it did.
        outcomes: what becomes of each file; nothing for a further attempt, whose files were settled by the first.
    """

    ending: Ending
    reason: str
    outcomes: tuple[FileOutcome, ...]

    @property
    def quarantined(self) -> tuple[FileOutcome, ...]:
        """Files that people should hear of."""
        return tuple(outcome for outcome in self.outcomes if outcome.state is FileState.QUARANTINED)

    @property
    def given_back(self) -> tuple[FileOutcome, ...]:
        """Files that wait again."""
        return tuple(outcome for outcome in self.outcomes if outcome.state is FileState.NEW)


def settle(run: EndedRun) -> Settlement:
    """What the end of a run means for the files of its batch, one by one."""
    ending = _ending(run)
    reason = "" if ending is Ending.SUCCEEDED else why(run.failed_steps)
    is_first = run.batch.attempt == 1
    outcomes = (_outcome(file, run, ending, reason) for file in run.batch.files) if is_first else ()
    return Settlement(ending, reason, tuple(outcomes))


def _ending(run: EndedRun) -> Ending:
    if run.status == "Succeeded":
        return Ending.SUCCEEDED
    if any(step.is_deliberate for step in run.failed_steps):
        return Ending.BELOW_THRESHOLD
    if run.status == "Stopped":
        return Ending.STOPPED
    if run.verdicts is not None and any(step.name == VALIDATE_STEP for step in run.failed_steps):
        return Ending.NOT_ENOUGH_DATA
    return Ending.BROKEN


def _outcome(file: DataFile, run: EndedRun, ending: Ending, reason: str) -> FileOutcome:
    verdict = (run.verdicts or {}).get(file.id)
    if verdict is not None and not verdict.is_accepted:
        return FileOutcome(file, FileState.QUARANTINED, verdict.reason)
    if ending in (Ending.SUCCEEDED, Ending.BELOW_THRESHOLD):
        return FileOutcome(file, FileState.CONSUMED)
    if ending is not Ending.BROKEN:
        return FileOutcome(given_back(file, is_held=True), FileState.NEW)
    again = given_back(file, is_held=False)
    if again.tries >= TRIES_MAX:
        return FileOutcome(again, FileState.QUARANTINED, f"{TRIES_MAX} runs broke before they could use it: {reason}")
    return FileOutcome(again, FileState.NEW)
