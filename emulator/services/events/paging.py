"""List operations of the events service: a page by `Limit`, and a token that is the last name given."""

from __future__ import annotations

import base64
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Params

PAGE = 100


def answer(rows: list[dict[str, Any]], params: Params, name: str, key: str) -> Params:
    """One page of rows that are in the order of `key`, under `name`."""
    start = _last(params)
    left = [row for row in rows if row[key] > start]
    size = params.get("Limit") or PAGE
    page = left[:size]
    token = {"NextToken": base64.urlsafe_b64encode(page[-1][key].encode()).decode()} if len(left) > size else {}
    return {name: page, **token}


def _last(params: Params) -> str:
    try:
        return base64.urlsafe_b64decode(params.get("NextToken") or "").decode()
    except ValueError as error:
        raise AwsError("ValidationException", "Parameter NextToken is not valid.") from error
