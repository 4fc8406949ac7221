"""Reserved concurrency, and the account's settings."""

from __future__ import annotations

from typing import Any

from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.semantics.lambda_ import concurrency, limits
from emulator.semantics.lambda_.qualifiers import LATEST
from emulator.services.lambda_ import records
from emulator.services.lambda_.records import FUNCTION, VERSION, invalid


def put_function_concurrency(params: Params, ctx: Context) -> Params:
    """Take invocations out of the account's pool for one function; zero stops it."""
    wanted = params["ReservedConcurrentExecutions"]
    with ctx.kernel.store.transaction():
        row = records.function(ctx.kernel, params["FunctionName"])
        others = reserved_in_all(ctx.kernel) - (row.get("Reserved") or 0)
        problem = concurrency.reservation_problem(wanted, others)
        if problem:
            raise invalid(problem)
        ctx.kernel.store.put(FUNCTION, row["FunctionName"], {**row, "Reserved": wanted})
    return {"ReservedConcurrentExecutions": wanted}


def get_function_concurrency(params: Params, ctx: Context) -> Params:
    reserved = records.function(ctx.kernel, params["FunctionName"]).get("Reserved")
    return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}


def delete_function_concurrency(params: Params, ctx: Context) -> Params:
    with ctx.kernel.store.transaction():
        row = records.function(ctx.kernel, params["FunctionName"])
        row.pop("Reserved", None)
        ctx.kernel.store.put(FUNCTION, row["FunctionName"], row)
    return {}


def get_account_settings(params: Params, ctx: Context) -> Params:
    """The account's limits, and what is used of them."""
    rows = [*ctx.kernel.store.rows(FUNCTION), *ctx.kernel.store.rows(VERSION)]
    return {
        "AccountLimit": {
            "TotalCodeSize": 80_530_636_800,
            "CodeSizeUnzipped": limits.UNZIPPED_BYTES,
            "CodeSizeZipped": limits.ZIPPED_BYTES,
            "ConcurrentExecutions": concurrency.ACCOUNT_LIMIT,
            "UnreservedConcurrentExecutions": concurrency.ACCOUNT_LIMIT - reserved_in_all(ctx.kernel),
        },
        "AccountUsage": {
            "TotalCodeSize": sum(row["CodeSize"] for row in rows),
            "FunctionCount": len({row["FunctionName"] for row in rows}),
        },
    }


def reserved_in_all(kernel: Kernel) -> int:
    return sum(_reserved(row) or 0 for row in kernel.store.rows(FUNCTION))


def reserved_of(kernel: Kernel, row: dict[str, Any]) -> int | None:
    """What the function of a version's row has reserved; None when nothing, also for one that was deleted."""
    found = row if row.get("Version", LATEST) == LATEST else kernel.store.get(FUNCTION, row["FunctionName"])
    return _reserved(found or {})


def _reserved(row: dict[str, Any]) -> int | None:
    found: int | None = row.get("Reserved")
    return found


OPERATIONS: dict[str, Operation] = {
    "PutFunctionConcurrency": put_function_concurrency,
    "GetFunctionConcurrency": get_function_concurrency,
    "DeleteFunctionConcurrency": delete_function_concurrency,
    "GetAccountSettings": get_account_settings,
}
