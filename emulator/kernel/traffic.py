"""Who answers under which name, and how many requests are under way at each address.

A route is an immutable value of its owner; it is replaced as a whole. Choosing an address and counting the request
there are one act, so that an address that is no longer in any route and has nothing under way is idle for good.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar


class Taken(Protocol):
    """What was chosen for a request; `addresses` are counted until they are released."""

    @property
    def addresses(self) -> tuple[str, ...]: ...


T = TypeVar("T", bound=Taken)


class Traffic:
    """Routes by name. Lives in memory, beside the processes that it leads to."""

    def __init__(self) -> None:
        self._routes: dict[str, Any] = {}
        self._under_way: dict[str, int] = {}
        self._uses: dict[str, int] = {}
        self._changed = threading.Condition()
        self._waiting = 0

    def publish(self, name: str, route: Any) -> None:
        """From now on requests for `name` follow `route`; None takes the name away."""
        with self._changed:
            if route is None:
                self._routes.pop(name, None)
            else:
                self._routes[name] = route

    def route(self, name: str) -> Any:
        """The route of a name, or None."""
        return self._routes.get(name)

    def take(self, name: str, choose: Callable[[Any, Mapping[str, int]], T]) -> T:
        """Let `choose(route, requests under way by address)` choose, and count the request where it goes."""
        with self._changed:
            chosen = choose(self._routes.get(name), self._under_way)
            self._uses[name] = self._uses.get(name, 0) + 1
            for address in chosen.addresses:
                self._under_way[address] = self._under_way.get(address, 0) + 1
            return chosen

    def release(self, addresses: Iterable[str]) -> None:
        """A request has ended."""
        with self._changed:
            for address in addresses:
                left = self._under_way[address] - 1
                if left:
                    self._under_way[address] = left
                else:
                    del self._under_way[address]
            if self._waiting:
                self._changed.notify_all()

    def uses(self, name: str) -> int:
        """How many requests there have been for a name."""
        return self._uses.get(name, 0)

    def await_idle(self, addresses: Iterable[str], timeout_s: float) -> bool:
        """Wait until nothing is under way at these addresses; false when `timeout_s` of real time passed first."""
        wanted = frozenset(addresses)
        with self._changed:
            self._waiting += 1
            try:
                return self._changed.wait_for(lambda: not wanted & self._under_way.keys(), timeout_s)
            finally:
                self._waiting -= 1


def of(engines: dict[str, Any]) -> Traffic:
    """The traffic of this emulator, shared by who routes and who serves."""
    found: Traffic | None = engines.get("traffic")
    return found if found is not None else engines.setdefault("traffic", Traffic())  # made only when it is missing
