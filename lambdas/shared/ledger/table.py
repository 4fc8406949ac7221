"""A DynamoDB table as whole rows under conditions: put or delete, alone or many in one transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from lambdas.shared.errors import Transient

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

Row = Mapping[str, Any]

_MAX_ITEMS: Final = 100
"""The most that one transaction takes. Source: DynamoDB developer guide, TransactWriteItems, read 2026-09."""
_CONFLICT_TRIES: Final = 8


@dataclass(frozen=True)
class Put:
    """Write a whole row.

    Attributes:
        row: with `pk` and `sk`.
        only_if: attributes that the row must have now; an empty mapping says that there must be no row.
            None writes in any case.
    """

    row: Row
    only_if: Mapping[str, object] | None = None


@dataclass(frozen=True)
class Delete:
    """Remove a row; one that is not there is removed already."""

    pk: str
    sk: str


Write = Put | Delete
ABSENT: Final[Mapping[str, object]] = {}


@dataclass(frozen=True)
class Table:
    """The ledger's table. Every read is strongly consistent: what was written before is seen."""

    client: "DynamoDBClient"
    name: str
    _serializer: TypeSerializer = field(default_factory=TypeSerializer)
    _deserializer: TypeDeserializer = field(default_factory=TypeDeserializer)

    def get(self, pk: str, sk: str) -> Row | None:
        """A row by its key."""
        answer = self.client.get_item(TableName=self.name, Key=self._item({"pk": pk, "sk": sk}), ConsistentRead=True)
        return self._row(answer["Item"]) if "Item" in answer else None

    def query(self, pk: str) -> Iterator[Row]:
        """All rows of a partition, by sort key."""
        request: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": self._item({":pk": pk}),
            "ConsistentRead": True,
        }
        while True:
            page = self.client.query(**request)
            yield from (self._row(item) for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def write(self, *writes: Write) -> bool:
        """Write all or nothing.

        Returns:
            Whether it was written; False says that a condition did not hold.

        Raises:
            Transient: others kept writing the same rows at the same time.
        """
        for _ in range(_CONFLICT_TRIES):
            try:
                self.client.transact_write_items(TransactItems=[self._render(write) for write in writes])
            except self.client.exceptions.TransactionCanceledException as exc:
                if _has_failed_condition(exc):
                    return False
                continue  # TransactionConflict: someone was faster; the SDK leaves this retry to us
            return True
        raise Transient(
            f"table '{self.name}': rows of a transaction stayed in conflict {_CONFLICT_TRIES} times; try again"
        )

    def write_each(self, groups: Iterable[Sequence[Write]]) -> None:
        """Write each group as far as its conditions hold: many together when all hold, else one by one."""
        for packed in _pack(groups):
            if not self.write(*(write for group in packed for write in group)):
                for group in packed:
                    self.write(*group)

    def _render(self, write: Write) -> "TransactWriteItemTypeDef":
        if isinstance(write, Delete):
            return {"Delete": {"TableName": self.name, "Key": self._item({"pk": write.pk, "sk": write.sk})}}
        put: dict[str, Any] = {"TableName": self.name, "Item": self._item(write.row)}
        if write.only_if is not None:
            put |= self._equals(write.only_if) if write.only_if else {"ConditionExpression": "attribute_not_exists(pk)"}
        return {"Put": put}  # type: ignore[typeddict-item]

    def _equals(self, expected: Mapping[str, object]) -> dict[str, Any]:
        names = sorted(expected)
        return {
            "ConditionExpression": " AND ".join(f"#n{i} = :v{i}" for i in range(len(names))),
            "ExpressionAttributeNames": {f"#n{i}": name for i, name in enumerate(names)},
            "ExpressionAttributeValues": self._item({f":v{i}": expected[name] for i, name in enumerate(names)}),
        }

    def _item(self, row: Mapping[str, object]) -> dict[str, Any]:
        return {name: self._serializer.serialize(value) for name, value in row.items()}

    def _row(self, item: Mapping[str, Any]) -> Row:
        return {name: self._deserializer.deserialize(value) for name, value in item.items()}


def _has_failed_condition(exc: ClientError) -> bool:
    reasons: list[Mapping[str, str]] = exc.response.get("CancellationReasons", [])  # type: ignore[assignment]
    return any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons)


def _pack(groups: Iterable[Sequence[Write]]) -> Iterator[list[Sequence[Write]]]:
    """Groups in their order, as many together as a transaction takes."""
    packed: list[Sequence[Write]] = []
    for group in groups:
        if packed and sum(map(len, packed)) + len(group) > _MAX_ITEMS:
            yield packed
            packed = []
        packed.append(group)
    if packed:
        yield packed
