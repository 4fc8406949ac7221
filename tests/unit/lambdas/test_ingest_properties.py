"""Laws of ingest: whatever order, repetition, grouping and failure of the events, every content trains exactly once."""

from typing import Any

from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.lambdas.memory import MemoryWorld
from tests.unit.lambdas.world import batch_of, execution_ended, failed_step, object_created

NAMES = ["a.csv", "b.csv", "c d+é.csv", "copy-of-a.csv", "e.csv", "notes.txt", "empty.csv", "_READY"]
CONTENT = {name: name for name in NAMES} | {"copy-of-a.csv": "a.csv", "_READY": "empty", "empty.csv": "empty"}
UPLOADS = [
    object_created(
        f"raw/flights/{name}",
        etag=CONTENT[name],
        size=0 if name in ("empty.csv", "_READY") else 10,
        minute=minute,
    )
    for minute, name in enumerate(NAMES)
]
GOOD = {"a.csv", "b.csv", "c d+é.csv", "e.csv"}

deliveries = st.permutations(UPLOADS * 2).flatmap(
    lambda events: st.lists(st.integers(1, 5), min_size=16, max_size=16).map(lambda sizes: _grouped(events, sizes))
)
"""Every event twice, in any order, in batches of any size."""


def _grouped(events: list[Any], sizes: list[int]) -> list[list[Any]]:
    groups, rest = [], list(events)
    for size in sizes:
        if rest:
            groups.append(rest[:size])
            rest = rest[size:]
    return groups


def _deliver(world: MemoryWorld, events: list[Any]) -> None:
    """As the queue does: what a function hands back comes again."""
    for _ in range(20):
        answer = world.start_training.handle_batch(batch_of(*events))
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        events = [event for number, event in enumerate(events) if f"m{number}" in failed]
        if not events:
            return
    raise AssertionError(f"messages that nobody could handle: {events}")


def _end_runs(world: MemoryWorld, status: str = "Succeeded") -> None:
    """End whatever runs, until nothing does; each end is delivered twice."""
    for _ in range(20):
        lease = world.rows("LEASE")
        if not lease or lease[0]["state"] == "FREE":
            return
        _deliver(world, [execution_ended(lease[0]["execution_arn"], status)] * 2)


def _trained(world: MemoryWorld) -> list[str]:
    return [file["etag"] for run in world.sagemaker.started for file in world.manifest(run["BatchId"])]


@given(deliveries, st.integers(0, 6))
@settings(max_examples=150, deadline=None)
def test_every_content_trains_exactly_once(groups: list[list[Any]], end_after: int) -> None:
    world = MemoryWorld()

    for number, group in enumerate(groups):
        _deliver(world, group)
        if number == end_after:
            _end_runs(world)
    _end_runs(world)

    assert sorted(_trained(world)) == sorted(GOOD)
    assert sorted(row["key"] for row in world.rows("FILE")) == sorted(f"raw/flights/{name}" for name in NAMES)
    assert world.told() == ["file-quarantined"] * 2


@given(deliveries, st.integers(1, 3))
@settings(max_examples=100, deadline=None)
def test_a_start_that_fails_now_and_then_changes_nothing(groups: list[list[Any]], every: int) -> None:
    world = MemoryWorld()
    error: Any = {"Error": {"Code": "ThrottlingException", "Message": "slow down"}}

    for number, group in enumerate(groups):
        if number % every == 0:
            world.sagemaker.failures.append(ClientError(error, "StartPipelineExecution"))
        _deliver(world, group)
    world.sagemaker.failures.clear()
    _end_runs(world)

    assert sorted(_trained(world)) == sorted(GOOD)
    assert len(world.sagemaker.started) == len({run["BatchId"] for run in world.sagemaker.started})


@given(st.permutations(UPLOADS * 2))
@settings(max_examples=100, deadline=None)
def test_delivered_at_once_the_order_makes_no_difference(events: list[Any]) -> None:
    world = MemoryWorld()

    _deliver(world, events)

    [run] = world.sagemaker.started
    assert sorted(file["etag"] for file in world.manifest(run["BatchId"])) == sorted(GOOD)


@given(st.lists(st.sampled_from(["Succeeded", "Failed", "Stopped"]), max_size=5), st.permutations(UPLOADS))
@settings(max_examples=150, deadline=None)
def test_however_runs_end_no_file_is_lost(endings: list[str], uploads: list[Any]) -> None:
    world = MemoryWorld()
    for upload in uploads:
        _deliver(world, [upload])
        lease = world.rows("LEASE")
        if endings and lease and lease[0]["state"] == "RUNNING":
            arn = lease[0]["execution_arn"]
            world.sagemaker.steps[arn] = [failed_step("Train", "InternalServerError")]
            _deliver(world, [execution_ended(arn, endings.pop())])

    waiting = {row["file"]["key"] for row in world.rows("WAITING")}
    by_state = {row["key"]: row["state"] for row in world.rows("FILE")}
    assert waiting == {key for key, state in by_state.items() if state == "NEW"}
    [lease_row] = world.rows("LEASE")
    if lease_row["state"] == "RUNNING":
        held = {row["key"] for row in world.rows("FILE") if row.get("batch_id") == lease_row["batch_id"]}
        assert {by_state[key] for key in held} == {"CLAIMED"}
    else:
        assert "CLAIMED" not in by_state.values()
