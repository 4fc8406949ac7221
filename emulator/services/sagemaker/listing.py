"""List operations: filters, order and pages, alike for every resource.

Source: the List* requests of sagemaker (botocore 1.44.5). Where AWS states no page size it is 10.
DIFFERS: the token is ours; it holds the last item's sort key, so that pages neither repeat nor skip items when others
are created or deleted meanwhile.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from emulator.kernel.errors import validation
from emulator.kernel.ports import Params
from emulator.kernel.store import Row

_PAGE = 10
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Page:
    items: list[Row]
    token: str | None


def answer(name: str, page: Page, **more: Any) -> Params:
    """The response: the list under its name, and the token when there is more."""
    token = {"NextToken": page.token} if page.token else {}
    return {name: page.items, **token, **more}


def keep(rows: Iterable[Row], params: Params, name: str, status: str = "") -> list[Row]:
    """The rows that pass the filters which many List operations share: name, status, times."""
    return [row for row in rows if _passes(row, params, name, status)]


def by(params: Params, name: str, status: str = "") -> Callable[[Row], Key]:
    """The sort key that SortBy asks for, made unique by the name."""
    field = {"Name": name, "Status": status}.get(params.get("SortBy", ""), "CreationTime")
    return lambda row: (row.get(field), row[name])


def page(rows: Iterable[Row], params: Params, key: Callable[[Row], Key], is_descending: bool = False) -> Page:
    """One page of the rows in the order of `key`, turned round as SortOrder says (`is_descending`: by default)."""
    order = params.get("SortOrder")
    backwards = order == "Descending" if order else is_descending
    ordered = sorted(rows, key=key, reverse=backwards)
    if params.get("NextToken"):
        last = _decode(params["NextToken"])
        ordered = [row for row in ordered if (key(row) < last if backwards else key(row) > last)]
    size = params.get("MaxResults") or _PAGE
    token = _encode(key(ordered[size - 1])) if len(ordered) > size else None
    return Page(ordered[:size], token)


def _passes(row: Row, params: Params, name: str, status: str) -> bool:
    made, changed = row["CreationTime"], row.get("LastModifiedTime", row["CreationTime"])
    after, before = params.get("CreationTimeAfter"), params.get("CreationTimeBefore")
    changed_after, changed_before = params.get("LastModifiedTimeAfter"), params.get("LastModifiedTimeBefore")
    return (
        params.get("NameContains", "").lower() in row[name].lower()
        and params.get("StatusEquals") in (None, row.get(status))
        and (after is None or made > after)
        and (before is None or made < before)
        and (changed_after is None or changed > changed_after)
        and (changed_before is None or changed < changed_before)
    )


def _encode(key: Key) -> str:
    parts = [{"at": part.isoformat()} if isinstance(part, datetime) else part for part in key]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def _decode(token: str) -> Key:
    try:
        parts = json.loads(base64.urlsafe_b64decode(token))
        return tuple(datetime.fromisoformat(part["at"]) if isinstance(part, dict) else part for part in parts)
    except (ValueError, TypeError, KeyError) as error:
        raise validation("Invalid NextToken.") from error
