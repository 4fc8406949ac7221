"""What shall go wrong on purpose: faults that a person ordered, each of a kind, for a target, so many times.

The kernel knows no kind: bootstrap gives it their names. Whoever can be struck asks at the moment in which it would
happen (`strikes`), or has itself called as soon as such a fault is ordered (`act_on`). Faults live in memory and go
with the emulator.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from emulator.kernel.ids import Ids
from emulator.kernel.journal import Journal


@dataclass(frozen=True)
class Fault:
    """A fault that waits to strike `left` times; None: as often as it can.

    Attributes:
        target: what it strikes; `*` stands for any characters.
    """

    id: str
    kind: str
    target: str
    left: int | None

    def strikes(self, kind: str, target: str) -> bool:
        """Whether this is where it strikes."""
        return kind == self.kind and fnmatchcase(target, self.target)


Act = Callable[[Fault], list[str]]
"""Carries out a fault at once; answers what it struck."""


class UnknownKind(ValueError):  # noqa: N818
    """There is no such kind of fault; the message names those that there are."""


class NothingToStrike(ValueError):  # noqa: N818
    """The fault would strike at once, and its target is not there."""


class Faults:
    """The faults that are ordered now."""

    def __init__(self, kinds: Iterable[str], ids: Ids, journal: Journal) -> None:
        self._kinds = tuple(kinds)
        self._ids = ids
        self._journal = journal
        self._lock = threading.Lock()
        self._ordered: tuple[Fault, ...] = ()
        self._acts: dict[str, Act] = {}

    def act_on(self, kind: str, act: Act) -> None:
        """Have faults of a kind carried out as soon as they are ordered."""
        self._acts[kind] = act

    def order(self, kind: str, target: str, times: int | None = 1) -> Fault:
        """Have something go wrong.

        Raises:
            UnknownKind: it is none of the kinds.
            NothingToStrike: it would strike at once, and nothing is there.
            ValueError: no target, or fewer than one time.
        """
        if kind not in self._kinds:
            raise UnknownKind(f"kind '{kind}' is unknown; there are {', '.join(self._kinds)}")
        if not target or (times is not None and times < 1):
            raise ValueError(f"fault '{kind}': expected a target and at least one time, found '{target}' and {times}")
        fault = Fault(self._ids.alnum(8), kind, target, times)
        if kind in self._acts:
            return self._carry_out(fault)
        self._journal.append("fault.ordered", target, fault=kind, times=times)
        with self._lock:
            self._ordered = (*self._ordered, fault)
        return fault

    def strikes(self, kind: str, target: str) -> bool:
        """Whether a fault strikes here and now; one that does has one time less."""
        if not self._ordered:
            return False
        with self._lock:
            fault = next((each for each in self._ordered if each.strikes(kind, target)), None)
            if fault is None:
                return False
            self._ordered = tuple(rest for each in self._ordered if (rest := _after(each, fault)))
        self._struck(kind, target)
        return True

    def all(self) -> tuple[Fault, ...]:
        """Those that may still strike, the oldest first."""
        return self._ordered

    def clear(self) -> int:
        """Nothing goes wrong on purpose any more; answers how many faults were left."""
        with self._lock:
            before, self._ordered = self._ordered, ()
        if before:
            self._journal.append("fault.cleared", ", ".join(fault.kind for fault in before))
        return len(before)

    def _carry_out(self, fault: Fault) -> Fault:
        struck = self._acts[fault.kind](fault)
        if not struck:
            raise NothingToStrike(f"fault '{fault.kind}': nothing there that is called '{fault.target}'")
        for target in struck:
            self._struck(fault.kind, target)
        return replace(fault, left=0)

    def _struck(self, kind: str, target: str) -> None:
        self._journal.append("fault.struck", target, fault=kind)


def _after(each: Fault, struck: Fault) -> Fault | None:
    """What is left of a fault; None when it has struck for the last time."""
    if each is not struck or each.left is None:
        return each
    return replace(each, left=each.left - 1) if each.left > 1 else None
