"""Pages of a list, by a token that holds the last key given: pages neither repeat nor skip."""

from __future__ import annotations

import base64
from typing import Any

PAGE = 100


class InvalidToken(ValueError):  # noqa: N818 - AWS calls it a ValidationException
    """The token is none of ours."""


def page(
    rows: list[dict[str, Any]], key: str, size: int | None, token: str | None
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The next rows of a list that is in the order of `key`, and `NextToken` when there are more.

    Raises:
        InvalidToken: the token cannot be read.
    """
    try:
        start = base64.urlsafe_b64decode(token or "").decode()
    except ValueError as error:
        raise InvalidToken("NextToken is not valid") from error
    left = [row for row in rows if row[key] > start]
    found = left[: size or PAGE]
    more = len(left) > len(found)
    return found, {"NextToken": base64.urlsafe_b64encode(found[-1][key].encode()).decode()} if more else {}
