"""The audit trail, and which notices people have had already."""

import hashlib
from dataclasses import dataclass

from lambdas.shared.ledger.table import ABSENT, Put, Table


@dataclass(frozen=True)
class AuditEntry:
    """One transition: who, what, why, and the event it came from.

    Attributes:
        time: of the event, as the ledger writes times.
        what: a constant, such as `release.started`.
        subject: the package, batch or file it is about.
        order: its place among the entries of one event, which all have the event's time.
    """

    time: str
    who: str
    what: str
    subject: str
    why: str
    event_id: str
    order: int = 0

    @property
    def id(self) -> str:
        """The same entry has the same id: written twice it is there once."""
        text = "\0".join((self.time, self.who, self.what, self.subject, self.event_id))
        return f"{self.order}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def audit_put(model: str, entry: AuditEntry) -> Put:
    """An entry as a write, to go into the transaction of what it tells of."""
    row = {
        "pk": f"AUDIT#{model}",
        "sk": f"{entry.time}#{entry.id}",
        "time": entry.time,
        "who": entry.who,
        "what": entry.what,
        "subject": entry.subject,
        "why": entry.why,
        "event_id": entry.event_id,
    }
    return Put(row)


@dataclass(frozen=True)
class Trail:
    """The audit trail and the notices of one model."""

    table: Table
    model: str

    def record(self, entry: AuditEntry) -> None:
        """Write an entry of its own."""
        self.table.write(audit_put(self.model, entry))

    def was_told(self, notice_id: str) -> bool:
        """Whether people had this notice."""
        return self.table.get(f"NOTICE#{self.model}", notice_id) is not None

    def told(self, notice_id: str, text: str) -> None:
        """Note that people had this notice."""
        self.table.write(Put({"pk": f"NOTICE#{self.model}", "sk": notice_id, "text": text}, ABSENT))
