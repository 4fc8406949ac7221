"""Releases of one model in the ledger: the state row, and the last status of each package."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lambdas.decide_release.decision import Decision, PackageSeen
from lambdas.shared.errors import Transient
from lambdas.shared.ledger.releases import ReleaseState, last_status, read_state, render_state
from lambdas.shared.ledger.table import ABSENT, Put, Table
from lambdas.shared.ledger.trail import audit_put

_CHANGE_TRIES: Final = 8


@dataclass(frozen=True)
class Releases:
    """The release lock and its queue, changed only from the version that was read."""

    table: Table
    model: str

    def state(self) -> ReleaseState:
        """What is under way, what waits, what is live."""
        return read_state(self.table, self.model)

    def last_status(self, package_arn: str) -> str | None:
        """The approval status that was seen last."""
        return last_status(self.table, self.model, package_arn)

    def decided(self, before: ReleaseState, decision: Decision, seen: PackageSeen | None) -> bool:
        """Write a decision in one transaction: state, audit trail, and the status that led to it.

        Returns:
            False if somebody changed the state or saw the package in between: then it has to be decided anew.
        """
        writes = [self._put_state(before, decision.state)]
        if seen:
            writes.append(self._put_status(seen))
        return self.table.write(*writes, *(audit_put(self.model, entry) for entry in decision.entries))

    def change(self, change: Callable[[ReleaseState], ReleaseState | None]) -> None:
        """Change the state, whatever it has become; nothing is written where `change` returns None.

        Raises:
            Transient: others kept changing it.
        """
        for _ in range(_CHANGE_TRIES):
            before = self.state()
            after = change(before)
            if after is None or self.table.write(self._put_state(before, after)):
                return
        raise Transient(f"release state of '{self.model}': changed by others {_CHANGE_TRIES} times; try again")

    def _put_state(self, before: ReleaseState, after: ReleaseState) -> Put:
        row = {"pk": f"RELEASE#{self.model}", "sk": "state", **render_state(after)}
        return Put(row, {"version": before.version} if before.version else ABSENT)

    def _put_status(self, seen: PackageSeen) -> Put:
        row = {
            "pk": f"PACKAGE#{self.model}",
            "sk": seen.package.arn,
            "status": seen.package.status,
            "who": seen.package.who,
            "why": seen.package.why,
            "batch_id": seen.package.batch_id,
            "attempt": seen.package.attempt,
        }
        return Put(row, ABSENT if seen.was is None else {"status": seen.was})
