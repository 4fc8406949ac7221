"""List operations of the events service: a page by `Limit`."""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Params
from emulator.semantics.events import pages


def answer(rows: list[dict[str, Any]], params: Params, name: str, key: str) -> Params:
    """One page of rows that are in the order of `key`, under `name`."""
    try:
        found, token = pages.page(rows, key, params.get("Limit"), params.get("NextToken"))
    except pages.InvalidToken as error:
        raise AwsError("ValidationException", f"Parameter NextToken is not valid. Reason: {error}") from error
    return {name: found, **token}
