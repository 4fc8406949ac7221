"""Whatever fails: each record of a lane is handled or given up, once, in its order; and none is invented."""

import json
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from emulator.semantics.lambda_ import stream_lanes, stream_retries
from emulator.semantics.lambda_.stream_lanes import Batching, Lane
from emulator.semantics.lambda_.stream_retries import Policy, Verdict
from tests.unit.emulator.lambda_.streams import NOW, records

policies = st.builds(
    Policy,
    retries_max=st.one_of(st.none(), st.integers(0, 3)),
    is_bisecting=st.booleans(),
    reports_failures=st.booleans(),
)
outcomes = st.sampled_from(["done", "fails", "throttled", "names one", "names nobody"])
TRIES_MAX = 400


class Run:
    """A lane that is fed all records and tried until it is empty, with what came of them."""

    def __init__(self, count: int, batching: Batching, policy: Policy) -> None:
        self.lane = Lane("", "")
        self.left = list(records(count))
        self.batching, self.policy = batching, policy
        self.now = NOW
        self.handled: list[int] = []
        self.seen: list[int] = []
        self.given_up: list[int] = []
        self.checkpoints: list[int] = []

    def go(self, draw: st.DataObject) -> None:
        for turn in range(TRIES_MAX):
            self._read(draw)
            self.lane = stream_lanes.closing(self.lane, self.batching, self.now)
            if not self.lane.trying:
                if not self.left:
                    return
                continue
            kind = draw.draw(outcomes) if turn < TRIES_MAX // 4 else "done"
            self._try(kind, draw)
            self.checkpoints.append(int(self.lane.done or 0))

    def _read(self, draw: st.DataObject) -> None:
        while self.left and stream_lanes.has_room(self.lane, self.batching):
            count = min(draw.draw(st.integers(1, 5)), self.batching.size - len(self.lane.gathered))
            found, self.left = self.left[:count], self.left[count:]
            through = found[-1].sequence
            self.lane = stream_lanes.gathering(self.lane, through, found, self.batching, self.now)

    def _try(self, kind: str, draw: st.DataObject) -> None:
        batch = self.lane.trying[0]
        if kind == "throttled":
            verdict = stream_retries.unreached(batch)
        else:
            self.seen += [record.place for record in batch.records]
            named = draw.draw(st.sampled_from(batch.sequences)) if kind == "names one" else "nobody"
            payload = json.dumps({"batchItemFailures": [{"itemIdentifier": named}]} if "names" in kind else None)
            verdict = stream_retries.answered(batch, payload.encode(), kind == "fails", self.policy)
            self.handled += [record.place for record in batch.records[: verdict.done]]
        self._note(verdict)

    def _note(self, verdict: Verdict) -> None:
        if verdict.discarded:
            self.given_up += [record.place for record in verdict.discarded.batch.records]
        self.lane = stream_lanes.tried(self.lane, verdict, self.now)
        self.now += timedelta(seconds=verdict.pause_s)


@given(st.integers(0, 40), st.integers(1, 12), policies, st.data())
def test_every_record_is_handled_or_given_up_once_and_in_order(
    count: int, size: int, policy: Policy, draw: st.DataObject
) -> None:
    run = Run(count, Batching(size, 0), policy)

    run.go(draw)

    assert run.handled == sorted(run.handled)
    assert sorted(run.handled + run.given_up) == list(range(1, count + 1))
    assert set(run.seen) == set(range(1, count + 1))
    assert policy.retries_max is not None or not run.given_up


@given(st.integers(1, 40), st.integers(1, 12), policies, st.data())
def test_a_checkpoint_never_passes_what_is_still_to_be_done(
    count: int, size: int, policy: Policy, draw: st.DataObject
) -> None:
    run = Run(count, Batching(size, 0), policy)

    run.go(draw)

    assert run.checkpoints == sorted(run.checkpoints)
    assert int(run.lane.done) == count


@given(st.integers(1, 30), st.integers(1, 10), policies, st.data())
def test_a_reader_that_starts_again_from_its_checkpoint_misses_nothing(
    count: int, size: int, policy: Policy, draw: st.DataObject
) -> None:
    first = Run(count, Batching(size, 0), policy)
    first._read(draw)
    first.lane = stream_lanes.closing(first.lane, first.batching, NOW)
    first._try("names one", draw)

    again = Run(count, Batching(size, 0), policy)
    again.lane = replace(again.lane, done=first.lane.done, read=first.lane.done)
    again.left = [record for record in again.left if record.place > int(first.lane.done or 0)]
    again.go(draw)

    reached = set(first.handled) | set(first.given_up) | set(again.handled) | set(again.given_up)
    assert reached == set(range(1, count + 1))


@given(st.text(), st.integers(1, 10))
def test_a_key_belongs_to_one_lane(key: str, lanes: int) -> None:
    assert 0 <= stream_lanes.lane_of(key, lanes) < lanes
    assert stream_lanes.lane_of(key, lanes) == stream_lanes.lane_of(key, lanes)
