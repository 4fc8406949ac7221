"""What is wrong with a definition, a parameter or a reference. The service turns these into AWS's errors."""

from __future__ import annotations


class DefinitionError(ValueError):
    """A definition or parameter that AWS refuses. `place` names where, such as `step 'Train'`."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}")
        self.place = place


class NotEmulated(ValueError):  # noqa: N818 - the code that clients see
    """Something AWS accepts and this emulator does not yet do. `place` names where."""

    def __init__(self, place: str, what: str) -> None:
        super().__init__(f"{place}: {what} is not emulated yet")
        self.place = place


class UnresolvedError(ValueError):
    """A reference whose value is not there when the step is about to start: the step fails with this text."""
