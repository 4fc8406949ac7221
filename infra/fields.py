"""Reading a JSON object field by field, with errors that name the file, the field, what was expected and what to do."""

import re
from collections.abc import Mapping
from typing import Any


class SettingsError(ValueError):
    """A setting that cannot be used.

    Attributes:
        source: the file (or context key) that holds it.
        field: the field in it, dotted.
    """

    def __init__(self, source: str, field: str, expected: str, found: object, advice: str) -> None:
        self.source = source
        self.field = field
        where = f"{source}: '{field}'" if field else source
        super().__init__(f"{where}: expected {expected}, found {found!r}; {advice}")


class Fields:
    """A JSON object whose fields are taken one after another; `done` refuses those that nobody took."""

    def __init__(self, source: str, document: object, path: str = "") -> None:
        self.source = source
        self._path = path
        if not isinstance(document, Mapping):
            raise SettingsError(source, path, "an object", document, "put the fields into { }")
        self._document: Mapping[str, Any] = document
        self._taken: set[str] = set()

    def text(self, name: str, pattern: str = ".+", default: str | None = None) -> str:
        """A string that matches `pattern` from end to end."""
        value = self._take(name, default)
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise self.error(name, f"a string like {pattern}", value)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings."""
        value = self._take(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(name, "a list of strings", value)
        return tuple(value)

    def integer(self, name: str, at_least: int, at_most: int, default: int | None = None) -> int:
        """A whole number between two bounds, both allowed."""
        value = self._take(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not at_least <= value <= at_most:
            raise self.error(name, f"a whole number from {at_least} to {at_most}", value)
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """Any number."""
        value = self._take(name, default)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.error(name, "a number", value)
        return value

    def positive(self, name: str, default: float | None = None) -> float:
        """A number above 0."""
        value = self.number(name, default)
        if not value > 0:
            raise self.error(name, "a number above 0", value)
        return value

    def fraction(self, name: str, default: float | None = None) -> float:
        """A number between 0 and 1, neither allowed."""
        value = self.number(name, default)
        if not 0 < value < 1:
            raise self.error(name, "a number between 0 and 1", value)
        return value

    def fractions(self, name: str) -> tuple[float, ...]:
        """A list of numbers between 0 and 1."""
        value = self._take(name)
        if not isinstance(value, list) or not all(isinstance(item, int | float) and 0 < item < 1 for item in value):
            raise self.error(name, "a list of numbers between 0 and 1", value)
        return tuple(value)

    def share(self, name: str, default: float | None = None) -> float:
        """A number from 0 to 1, both allowed."""
        value = self.number(name, default)
        if not 0 <= value <= 1:
            raise self.error(name, "a number from 0 to 1", value)
        return value

    def number_or_none(self, name: str) -> float | None:
        """Any number, or None where the field is missing."""
        return self.number(name) if self.has(name) else None

    def truth(self, name: str, default: bool) -> bool:
        """true or false."""
        value = self._take(name, default)
        if not isinstance(value, bool):
            raise self.error(name, "true or false", value)
        return value

    def numbers(self, name: str) -> Mapping[str, float]:
        """An object of numbers."""
        section = self.section(name)
        return {key: section.number(key) for key in section._document}

    def mapping(self, name: str) -> Mapping[str, object]:
        """An object of whatever values; an empty one if the field is missing."""
        value = self._take(name, {})
        if not isinstance(value, Mapping):
            raise self.error(name, "an object", value)
        return dict(value)

    def section(self, name: str) -> "Fields":
        """An object inside this one."""
        return Fields(self.source, self._take(name), self._dotted(name))

    def sections(self, name: str) -> "tuple[Fields, ...]":
        """A list of objects."""
        value = self._take(name)
        if not isinstance(value, list) or not value:
            raise self.error(name, "a list of objects that is not empty", value)
        return tuple(Fields(self.source, item, f"{self._dotted(name)}[{n}]") for n, item in enumerate(value))

    def has(self, name: str) -> bool:
        """Whether the object has this field, which may be missing."""
        self._taken.add(name)
        return name in self._document

    def done(self) -> None:
        """Refuse fields that nobody asked for: a misspelt setting must not pass in silence.

        Raises:
            SettingsError: there is a field that does not exist.
        """
        for name in self._document:
            if name not in self._taken:
                expected = f"one of {', '.join(sorted(self._taken))}"
                raise SettingsError(self.source, self._dotted(name), expected, name, "correct or remove it")

    def error(self, name: str, expected: str, found: object, advice: str = "correct it") -> SettingsError:
        """An error about one of this object's fields."""
        return SettingsError(self.source, self._dotted(name), expected, found, advice)

    def _take(self, name: str, default: object = None) -> Any:
        self._taken.add(name)
        if name not in self._document and default is None:
            raise SettingsError(self.source, self._dotted(name), "a value", "nothing", "add it")
        return self._document.get(name, default)

    def _dotted(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name
