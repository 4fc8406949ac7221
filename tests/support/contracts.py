"""Contracts as the steps read them: a model's settings and its schema, merged. Small enough to read in a test."""

from typing import Any


def _feature(name: str, kind: str = "integer", **rules: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "role": "feature", **rules}


FLIGHTS: dict[str, Any] = {
    "name": "flights",
    "target": {"name": "late", "column": "arr_delay", "greater_than": 15},
    "time_column": "time_hour",
    "metric": "auc",
    "thresholds": {"auc": 0.6},
    "min_rows": 1000,
    "columns": [
        _feature("month", min=1, max=12),
        _feature("day", min=1, max=31),
        _feature("sched_dep_time", min=0, max=2400),
        _feature("sched_arr_time", min=0, max=2400),
        _feature("carrier", "string", max_length=2),
        _feature("origin", "string", allowed=["EWR", "JFK", "LGA"]),
        _feature("dest", "string", max_length=3),
        _feature("distance", "number", min=0),
        _feature("hour", min=0, max=24),
        _feature("minute", min=0, max=59),
        {"name": "arr_delay", "type": "number", "role": "target", "nullable": True},
        {"name": "time_hour", "type": "datetime", "role": "time"},
        {"name": "tailnum", "type": "string", "role": "exclude", "nullable": True, "optional": True},
    ],
}


def features(contract: dict[str, Any]) -> tuple[str, ...]:
    """The columns that an endpoint takes, in order."""
    return tuple(column["name"] for column in contract["columns"] if column["role"] == "feature")


RAINFALL: dict[str, Any] = {
    "name": "rainfall",
    "target": {"name": "rainy", "column": "rain", "greater_than": 0.5},
    "time_column": "day",
    "metric": "auc",
    "thresholds": {"auc": 0.7},
    "min_rows": 500,
    "columns": [
        {"name": "day", "type": "integer", "role": "time", "min": 0},
        *(
            _feature(name, "number")
            for name in (
                "temperature",
                "dew point",
                "sea-level pressure",
                "visibility",
                "average wind speed",
                "max sustained wind-speed",
                "minimum temperature",
                "maximum temperature",
            )
        ),
        {"name": "rain", "type": "integer", "role": "target", "min": 0, "max": 1},
    ],
}
