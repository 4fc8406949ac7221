"""The schema of a model's data: which columns a file has, and which of them the model may see."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from infra.fields import Fields, SettingsError

_TYPES: Final = "integer|number|string|datetime"
_ROLES: Final = "feature|target|time|exclude"


@dataclass(frozen=True)
class Column:
    """A column by name, type (`integer`, `number`, `string`, `datetime`) and role."""

    name: str
    type: str
    role: str


@dataclass(frozen=True)
class Schema:
    """The columns in the order in which an endpoint takes them, and the fewest rows worth training on."""

    columns: tuple[Column, ...]
    min_rows: int


def parse_schema(source: str, document: Mapping[str, Any]) -> Schema:
    """A schema from its JSON document.

    Raises:
        SettingsError: a field is wrong, a column is there twice, or there is no feature or not one target.
    """
    fields = Fields(source, document)
    columns = tuple(_column(section) for section in fields.sections("columns"))
    schema = Schema(columns, fields.integer("min_rows", at_least=1, at_most=1_000_000_000))
    fields.done()
    _check(source, schema)
    return schema


def _column(fields: Fields) -> Column:
    column = Column(fields.text("name"), fields.text("type", pattern=_TYPES), fields.text("role", pattern=_ROLES))
    least, most = fields.number_or_none("min"), fields.number_or_none("max")
    if least is not None and most is not None and least > most:
        raise fields.error("min", f"at most max ({most})", least)
    fields.truth("nullable", default=False)
    fields.truth("optional", default=False)
    if fields.has("allowed"):
        fields.texts("allowed")
    if fields.has("max_length"):
        fields.integer("max_length", at_least=1, at_most=1_000_000)
    fields.done()
    return column


def _check(source: str, schema: Schema) -> None:
    names = [column.name for column in schema.columns]
    roles = [column.role for column in schema.columns]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(source, "columns", "every column once", name, "remove one of them")
    if roles.count("target") != 1:
        raise SettingsError(source, "columns", "one column with role 'target'", roles.count("target"), "mark one")
    if "feature" not in roles:
        raise SettingsError(source, "columns", "a column with role 'feature'", "none", "mark what the model may see")
