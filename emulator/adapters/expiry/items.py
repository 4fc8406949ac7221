"""Items of DynamoDB tables that have a time to live."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from emulator.adapters import moto_streams
from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel
from emulator.semantics.dynamodb import time_to_live


def expire(kernel: Kernel, now: datetime) -> None:
    """Delete what is over at `now`."""
    for table in _pages(kernel, "ListTables", {}, "TableNames", ("LastEvaluatedTableName", "ExclusiveStartTableName")):
        asked = kernel.calls("dynamodb", "DescribeTimeToLive", {"TableName": table})["TimeToLiveDescription"]
        if asked["TimeToLiveStatus"] == "ENABLED":
            _expire_table(kernel, table, asked["AttributeName"], now)


def _expire_table(kernel: Kernel, table: str, attribute: str, now: datetime) -> None:
    schema = kernel.calls("dynamodb", "DescribeTable", {"TableName": table})["Table"]["KeySchema"]
    keys = [part["AttributeName"] for part in schema]
    scan = {"TableName": table, "ConsistentRead": True}
    found = list(_pages(kernel, "Scan", scan, "Items", ("LastEvaluatedKey", "ExclusiveStartKey")))
    for item in found:
        if time_to_live.has_expired(item, attribute, now):
            _delete(kernel, table, {key: item[key] for key in keys}, attribute, item[attribute])
    kernel.journal.append("dynamodb.expired", table, looked_at=len(found))


def _delete(kernel: Kernel, table: str, key: dict[str, Any], attribute: str, value: dict[str, Any]) -> None:
    """Only when its time to live is still the one that was seen."""
    condition = {
        "ConditionExpression": "#ttl = :seen",
        "ExpressionAttributeNames": {"#ttl": attribute},
        "ExpressionAttributeValues": {":seen": value},
    }
    try:
        with moto_streams.expiring():
            kernel.calls("dynamodb", "DeleteItem", {"TableName": table, "Key": key, **condition})
    except AwsError as error:
        if error.code != "ConditionalCheckFailedException":
            raise


def _pages(kernel: Kernel, operation: str, params: dict[str, Any], name: str, marks: tuple[str, str]) -> Iterator[Any]:
    end, start = marks
    answer = kernel.calls("dynamodb", operation, params)
    yield from answer[name]
    while end in answer:
        answer = kernel.calls("dynamodb", operation, {**params, start: answer[end]})
        yield from answer[name]
