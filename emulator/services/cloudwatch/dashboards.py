"""Dashboards: stored as they come, checked for being dashboards at all."""

from __future__ import annotations

import json
import re
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Context, Operation, Params
from emulator.services.cloudwatch import tags
from emulator.services.cloudwatch.records import DASHBOARD, Row, page

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_TYPES = frozenset({"metric", "text", "log", "alarm", "explorer", "custom"})


def put_dashboard(params: Params, ctx: Context) -> Params:
    """Create or replace a dashboard.

    Raises:
        AwsError: InvalidParameterInput, saying what is wrong with the body.
    """
    name, body = params["DashboardName"], params["DashboardBody"]
    if not _NAME.fullmatch(name):
        raise _invalid(f"The value {name} for field DashboardName contains invalid characters.")
    _check(body)
    # Dashboards belong to no region.
    arn = f"arn:aws:cloudwatch::{ctx.kernel.account_id}:dashboard/{name}"
    row = {"DashboardName": name, "DashboardArn": arn, "DashboardBody": body, "LastModified": ctx.kernel.clock.now()}
    with ctx.kernel.store.transaction():
        is_new = ctx.kernel.store.get(DASHBOARD, name) is None
        ctx.kernel.store.put(DASHBOARD, name, row)
        if is_new and params.get("Tags"):
            tags.put(ctx.kernel, arn, params["Tags"])
    return {"DashboardValidationMessages": []}


def _check(body: str) -> None:
    try:
        found = json.loads(body)
    except ValueError as error:
        raise _invalid("The field DashboardBody must be a valid JSON object") from error
    widgets = found.get("widgets") if isinstance(found, dict) else None
    if not isinstance(widgets, list):
        raise _invalid("The dashboard body is invalid: /widgets should be an array")
    for index, widget in enumerate(widgets):
        if not isinstance(widget, dict) or widget.get("type") not in _TYPES:
            raise _invalid(f"The dashboard body is invalid: /widgets/{index}/type should be one of {sorted(_TYPES)}")


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterInput", message)


def get_dashboard(params: Params, ctx: Context) -> Params:
    row = _dashboard(params["DashboardName"], ctx)
    return {name: row[name] for name in ("DashboardArn", "DashboardBody", "DashboardName")}


def list_dashboards(params: Params, ctx: Context) -> Params:
    rows = ctx.kernel.store.rows(DASHBOARD, params.get("DashboardNamePrefix") or "")
    shown, more = page([_entry(row) for row in rows], params, 1000)
    return {"DashboardEntries": shown, **more}


def delete_dashboards(params: Params, ctx: Context) -> Params:
    """All or none."""
    with ctx.kernel.store.transaction():
        for row in [_dashboard(name, ctx) for name in params["DashboardNames"]]:
            ctx.kernel.store.delete(DASHBOARD, row["DashboardName"])
            tags.forget(ctx.kernel, row["DashboardArn"])
    return {}


def _dashboard(name: str, ctx: Context) -> Row:
    found = ctx.kernel.store.get(DASHBOARD, name)
    if found is None:
        raise AwsError("ResourceNotFound", f"Dashboard {name} does not exist", 404)
    return found


def _entry(row: Row) -> dict[str, Any]:
    entry = {name: row[name] for name in ("DashboardName", "DashboardArn", "LastModified")}
    return {**entry, "Size": len(row["DashboardBody"].encode())}


OPERATIONS: dict[str, Operation] = {
    "PutDashboard": put_dashboard,
    "GetDashboard": get_dashboard,
    "ListDashboards": list_dashboards,
    "DeleteDashboards": delete_dashboards,
}
