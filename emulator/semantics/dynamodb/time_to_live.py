"""Items whose time to live is over: a number of seconds since 1970 that has passed, but not by five years or more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

AWS_NAME = "DynamoDB time to live"
SOURCE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html (read 2026-11-23)"
DIFFERS = (
    "expired items go at 0, 6, 12 or 18 h UTC, on AWS within a few days; their stream records carry no userIdentity"
)
_FIVE_YEARS_S = 5 * 365 * 86_400


def has_expired(item: Mapping[str, Mapping[str, Any]], attribute: str, now: datetime) -> bool:
    """Whether DynamoDB may delete an item (in its wire form) at `now`. Anything but a number never expires."""
    value = item.get(attribute, {}).get("N")
    if value is None:
        return False
    age_s = now.timestamp() - float(value)
    return 0 < age_s < _FIVE_YEARS_S
