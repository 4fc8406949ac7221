"""Work that is tried until it succeeds or is given up: one try at a time, pauses in the kernel's time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from emulator.kernel.clock import Clock
from emulator.kernel.errors import AwsError


class Posts(Protocol):
    """Takes work to run once, `delay_s` from now or at a time; the dispatcher, or a fake of it."""

    def post(self, name: str, work: Callable[[], None], delay_s: float = 0) -> None: ...

    def post_at(self, name: str, work: Callable[[], None], at: datetime, recurs: bool = False) -> None: ...


@dataclass(frozen=True)
class Errand:
    """`run(try)`, counted from 1, succeeds or raises AwsError; `after_failure(error, tries, age_s)` says what then.

    It answers how many seconds to pause before the next try, or None when there is none.

    What giving up means is done by `after_failure` before it answers None.
    """

    name: str
    run: Callable[[int], None]
    after_failure: Callable[[AwsError, int, float], float | None]


class Errands:
    """Runs errands on the dispatcher. The age of an errand counts from its first try."""

    def __init__(self, clock: Clock, dispatcher: Posts) -> None:
        self._clock = clock
        self._dispatcher = dispatcher

    def run(self, errand: Errand) -> None:
        """Try at once; further tries are the dispatcher's."""
        self._try(errand, self._clock.now(), 1)

    def _try(self, errand: Errand, began_at: datetime, tries: int) -> None:
        try:
            errand.run(tries)
        except AwsError as error:
            age_s = (self._clock.now() - began_at).total_seconds()
            pause_s = errand.after_failure(error, tries, age_s)
            if pause_s is not None:
                again = partial(self._try, errand, began_at, tries + 1)
                self._dispatcher.post(f"{errand.name} again", again, pause_s)
