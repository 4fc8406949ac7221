"""The contract of the ledger's table: DynamoDB's adapter and the fake of the properties both keep it."""

from typing import Any

import pytest

from lambdas.shared.errors import Transient
from lambdas.shared.ledger.table import ABSENT, Delete, Put, Table
from tests.unit.lambdas.memory import MemoryTable
from tests.unit.lambdas.world import LEDGER, World


@pytest.fixture(params=["dynamodb", "memory"])
def table(request: pytest.FixtureRequest, world: World) -> Table:
    return Table(world.clients.dynamodb, LEDGER) if request.param == "dynamodb" else MemoryTable()


def _row(sk: str, **more: object) -> dict[str, object]:
    return {"pk": "P", "sk": sk, **more}


def test_a_row_comes_back_as_it_was_written(table: Table) -> None:
    row = _row("a", text="é", number=3, truth=True, nothing=None, list=["x"], map={"y": "z"})

    table.write(Put(row))

    assert table.get("P", "a") == row
    assert table.get("P", "b") is None


def test_a_partition_is_read_in_the_order_of_its_sort_keys(table: Table) -> None:
    for sk in ("c", "a", "b"):
        table.write(Put(_row(sk)))
    table.write(Put({"pk": "Q", "sk": "a"}))

    assert [row["sk"] for row in table.query("P")] == ["a", "b", "c"]


def test_an_absent_row_is_written_once(table: Table) -> None:
    assert table.write(Put(_row("a", n=1), ABSENT))
    assert not table.write(Put(_row("a", n=2), ABSENT))
    assert table.get("P", "a") == _row("a", n=1)


def test_a_condition_that_does_not_hold_stops_the_whole_transaction(table: Table) -> None:
    table.write(Put(_row("a", state="OLD")), Put(_row("c")))

    written = table.write(Put(_row("b")), Put(_row("a", state="NEW"), {"state": "OTHER"}), Delete("P", "c"))

    assert not written
    assert list(table.query("P")) == [_row("a", state="OLD"), _row("c")]


def test_conditions_on_several_attributes_have_to_hold_together(table: Table) -> None:
    table.write(Put(_row("a", state="OLD", n=1)))

    assert not table.write(Put(_row("a", state="NEW", n=2), {"state": "OLD", "n": 2}))
    assert table.write(Put(_row("a", state="NEW", n=2), {"state": "OLD", "n": 1}))


def test_a_row_that_is_not_there_meets_no_condition(table: Table) -> None:
    assert not table.write(Put(_row("a"), {"state": "OLD"}))


def test_groups_are_written_as_far_as_they_hold(table: Table) -> None:
    table.write(Put(_row("a", state="TAKEN")))
    groups = [[Put(_row(sk, state="MINE"), ABSENT), Put(_row(f"{sk}-note"))] for sk in ("a", "b", "c")]

    table.write_each(groups)

    assert [row["sk"] for row in table.query("P")] == ["a", "b", "b-note", "c", "c-note"]


def test_more_groups_than_a_transaction_takes_are_all_written(table: Table) -> None:
    table.write_each([Put(_row(f"{n:03d}"))] for n in range(250))

    assert len(list(table.query("P"))) == 250


def test_rows_that_stay_in_conflict_are_a_transient_error(world: World) -> None:
    class Busy:
        exceptions = world.clients.dynamodb.exceptions

        def transact_write_items(self, **_: object) -> None:
            response: Any = {
                "Error": {"Code": "TransactionCanceledException"},
                "CancellationReasons": [{"Code": "None"}],
            }
            raise self.exceptions.TransactionCanceledException(response, "TransactWriteItems")

    with pytest.raises(Transient, match="in conflict"):
        Table(Busy(), LEDGER).write(Put(_row("a")))  # type: ignore[arg-type]
