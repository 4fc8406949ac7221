"""What is being released, what waits, what is live: one row of the ledger, as plain values.

`decide_release` alone writes it; others ask what production serves, and since when.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lambdas.shared.events import RetrainingRequested, parse_time, render_time
from lambdas.shared.ledger.table import Table
from lambdas.shared.people import Notice


class Stage(StrEnum):
    """A release is about to start, or it runs."""

    STARTING = "STARTING"
    RUNNING = "RUNNING"


@dataclass(frozen=True)
class Release:
    """The one release that is under way.

    Attributes:
        release_id: fixed when it was decided; with it, a start can be repeated and is the same execution.
        is_rollback: it brings back a package that was live before.
        was_rejected: a person rejected the package while it was being released.
    """

    package_arn: str
    release_id: str
    is_rollback: bool
    stage: Stage = Stage.STARTING
    execution_arn: str = ""
    was_rejected: bool = False


@dataclass(frozen=True)
class Outbox:
    """What was decided and still has to be done. It stays in the ledger until it is done."""

    notices: tuple[Notice, ...] = ()
    retrainings: tuple[RetrainingRequested, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.notices or self.retrainings)


@dataclass(frozen=True)
class ReleaseState:
    """Releases of one model.

    Attributes:
        version: counts changes; a writer states which version it saw.
        queue: approved packages whose turn has not come, the first to be released first.
        live: the package that production serves; empty before the first release.
        live_since: when its release ended, as the ledger writes times; empty if that was never written down.
        served_since: when the first release ended; empty before that, or if it was never written down.
        live_before: packages that were live before it, the latest first.
        is_rollback_due: the live package was rejected and still serves.
    """

    version: int = 0
    current: Release | None = None
    queue: tuple[str, ...] = ()
    live: str = ""
    live_since: str = ""
    served_since: str = ""
    live_before: tuple[str, ...] = ()
    is_rollback_due: bool = False
    outbox: Outbox = field(default_factory=Outbox)


def parse_state(row: Mapping[str, Any]) -> ReleaseState:
    """The state from its row in the ledger."""
    current = row["current"]
    return ReleaseState(
        version=int(row["version"]),
        current=Release(**{**current, "stage": Stage(current["stage"])}) if current else None,
        queue=tuple(row["queue"]),
        live=row["live"],
        live_since=row.get("live_since", ""),
        served_since=row.get("served_since", ""),
        live_before=tuple(row["live_before"]),
        is_rollback_due=row["is_rollback_due"],
        outbox=Outbox(
            notices=tuple(Notice(**notice) for notice in row["notices"]),
            retrainings=tuple(
                RetrainingRequested(**{**request, "time": parse_time(request["time"])})
                for request in row["retrainings"]
            ),
        ),
    )


def render_state(state: ReleaseState) -> dict[str, Any]:
    """The state as the ledger writes it."""
    return {
        "version": state.version,
        "current": {**vars(state.current), "stage": str(state.current.stage)} if state.current else None,
        "queue": list(state.queue),
        "live": state.live,
        "live_since": state.live_since,
        "served_since": state.served_since,
        "live_before": list(state.live_before),
        "is_rollback_due": state.is_rollback_due,
        "notices": [dict(vars(notice)) for notice in state.outbox.notices],
        "retrainings": [{**vars(request), "time": render_time(request.time)} for request in state.outbox.retrainings],
    }


def read_state(table: Table, model: str) -> ReleaseState:
    """What is under way, what waits, what is live."""
    row = table.get(f"RELEASE#{model}", "state")
    return parse_state(row) if row else ReleaseState()


def last_status(table: Table, model: str, package_arn: str) -> str | None:
    """The approval status of a package that `decide_release` saw last; None if it never saw the package."""
    row = table.get(f"PACKAGE#{model}", package_arn)
    return row["status"] if row else None
