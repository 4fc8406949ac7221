"""What the reconciler sees, as plain values."""

from dataclasses import dataclass
from datetime import datetime

from lambdas.shared.events import TERMINAL_STATUSES


@dataclass(frozen=True)
class StoredObject:
    """A version of an object in the raw bucket that the ledger does not know."""

    bucket: str
    key: str
    version_id: str
    etag: str
    size_bytes: int
    modified_at: datetime


@dataclass(frozen=True)
class Execution:
    """A pipeline execution that something in the ledger waits for.

    Attributes:
        changed_at: when it came to its status, as far as SageMaker tells.
    """

    arn: str
    status: str
    changed_at: datetime

    @property
    def has_ended(self) -> bool:
        """Whether it came to an end, in whatever way."""
        return self.status in TERMINAL_STATUSES


@dataclass(frozen=True)
class RegisteredPackage:
    """A package whose status in the registry is not what `decide_release` saw last.

    Attributes:
        changed_at: when it was changed last.
    """

    group: str
    arn: str
    status: str
    changed_at: datetime


@dataclass(frozen=True)
class Training:
    """The right to run.

    Attributes:
        is_free: nobody holds the lease; unless that is known, somebody may.
        half_started_at: since when its holder is about to start; None if it is not.
        execution: of its holder, once that runs.
        waiting_since: the oldest that waits for the lease, whatever it is; None if nothing does.
    """

    is_free: bool = False
    half_started_at: datetime | None = None
    execution: Execution | None = None
    waiting_since: datetime | None = None


@dataclass(frozen=True)
class Releasing:
    """The current release.

    Attributes:
        package: the one that is being released, or whose decision left something undone.
        undone_since: since when a start or a notice waits to be carried out; None if nothing does.
        execution: of the release, once it runs.
    """

    package: RegisteredPackage | None = None
    undone_since: datetime | None = None
    execution: Execution | None = None


@dataclass(frozen=True)
class Standing:
    """The alarm that asks for retraining.

    Attributes:
        changed_at: when it came to its state.
        is_episode_open: the guard believes that it stands.
    """

    state: str
    changed_at: datetime
    is_episode_open: bool = False


@dataclass(frozen=True)
class Overdue:
    """A wait without an answer whose deadline has passed."""

    token: str
    deadline_at: datetime


@dataclass(frozen=True)
class Facts:
    """Everything that a lost event can leave behind. Each part bounded; what was cut is said by whoever listed it."""

    model: str
    now: datetime
    objects: tuple[StoredObject, ...] = ()
    packages: tuple[RegisteredPackage, ...] = ()
    training: Training = Training()
    releasing: Releasing = Releasing()
    overdue: tuple[Overdue, ...] = ()
    alarm: Standing | None = None
