"""When a lane closes its batch, and where it starts again."""

from datetime import timedelta

from emulator.semantics.lambda_ import payloads, stream_lanes
from emulator.semantics.lambda_.stream_lanes import Batching, Lane
from emulator.semantics.lambda_.stream_records import Record
from emulator.semantics.lambda_.streams import Shard, is_behind, readable
from tests.unit.emulator.lambda_.streams import NOW, records

MINUTE = timedelta(seconds=60)
EMPTY = Lane("", "")


def test_a_window_opens_with_the_first_record_and_closes_by_itself() -> None:
    batching = Batching(10, 60)

    lane = stream_lanes.gathering(EMPTY, "2", records(2), batching, NOW)
    lane = stream_lanes.gathering(lane, "3", records(1, first=3), batching, NOW + MINUTE / 2)

    assert stream_lanes.due_at(lane, batching, NOW) == NOW + MINUTE
    assert stream_lanes.closing(lane, batching, NOW + MINUTE / 2).trying == ()
    (batch,) = stream_lanes.closing(lane, batching, NOW + MINUTE).trying
    assert batch.sequences == ["1", "2", "3"]


def test_a_full_batch_closes_at_once_and_nothing_more_is_read() -> None:
    batching = Batching(2, 60)

    lane = stream_lanes.gathering(EMPTY, "2", records(2), batching, NOW)

    assert stream_lanes.due_at(lane, batching, NOW) == NOW
    assert not stream_lanes.has_room(lane, batching)


def test_what_exceeds_six_megabytes_goes_into_the_next_batch() -> None:
    large = {"data": "x" * (payloads.PAYLOAD_MAX_BYTES // 2)}
    found = tuple(Record(str(number), NOW, "k", large) for number in (1, 2, 3))

    lane = stream_lanes.closing(
        stream_lanes.gathering(EMPTY, "3", found, Batching(100, 60), NOW), Batching(100, 60), NOW
    )

    assert (len(lane.trying[0].records), len(lane.gathered)) == (1, 2)
    assert lane.closes_at == NOW


def test_a_lane_that_passes_over_filtered_records_need_not_read_them_again() -> None:
    lane = stream_lanes.gathering(EMPTY, "9", (), Batching(10, 60), NOW)

    assert (lane.done, lane.read, lane.closes_at) == ("9", "9", None)


def test_what_waits_holds_the_checkpoint_back() -> None:
    lane = stream_lanes.gathering(Lane("3", "3"), "9", records(1, first=6), Batching(10, 60), NOW)

    assert lane.done == "5"


def test_children_wait_for_their_parents_unless_those_are_gone() -> None:
    parent = Shard("p", (), True, "5")
    child, orphan = Shard("c", ("p",), False, "6"), Shard("o", ("gone",), False, "")

    assert readable([parent, child, orphan], set()) == [parent, orphan]
    assert readable([parent, child, orphan], {"p"}) == [parent, child, orphan]


def test_a_shard_is_behind_by_number_and_not_by_text() -> None:
    shard = Shard("s", (), False, "10")

    assert [is_behind(shard, read) for read in ("", "9", "10", "11")] == [True, True, False, False]
    assert not is_behind(Shard("s", (), False, ""), "")
