"""The approval state machine, fact by fact, and its laws."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.decide_release.decision import Decision, PackageSeen, ReleaseEnded, decide, running
from lambdas.shared.ledger.releases import Release, ReleaseState, Stage, parse_state, render_state
from lambdas.shared.packages import Package
from tests.unit.lambdas.world import package_arn

ONE, TWO, THREE = package_arn(1), package_arn(2), package_arn(3)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
IDLE = ReleaseState(version=1)


def _seen(
    arn: str, status: str, was: str | None = "PendingManualApproval", approved: tuple[str, ...] = (), attempts: int = 1
) -> PackageSeen:
    package = Package(arn, status, "ana", "because", None, "b1", 1)
    return PackageSeen("flights", package, was, frozenset(approved), attempts, "e1", NOON)


def _ended(execution: str = "x", *, is_success: bool = True, approved: tuple[str, ...] = ()) -> ReleaseEnded:
    reason = "" if is_success else "Release: golden records differ"
    return ReleaseEnded("flights", execution, is_success, reason, frozenset(approved), "e2", NOON)


def _releasing(arn: str, *, is_rollback: bool = False) -> Release:
    return Release(arn, "r1", is_rollback, Stage.RUNNING, "x")


def _kinds(decision: Decision) -> list[str]:
    return [notice.kind for notice in decision.state.outbox.notices]


def _decided(state: ReleaseState, fact: PackageSeen | ReleaseEnded) -> Decision:
    decision = decide(state, fact)
    assert decision is not None
    assert decision.state.version == state.version + 1
    return decision


def test_a_new_package_waits_and_people_are_told() -> None:
    decision = _decided(ReleaseState(), _seen(ONE, "PendingManualApproval", was=None))

    assert decision.state.current is None
    assert _kinds(decision) == ["pending-approval"]


def test_an_approved_package_is_released_by_its_own_arn() -> None:
    decision = _decided(IDLE, _seen(TWO, "Approved"))

    assert decision.state.current is not None
    assert decision.state.current.package_arn == TWO
    assert decision.state.current.stage is Stage.STARTING
    assert [entry.what for entry in decision.entries] == ["package.Approved", "release.started"]
    assert (decision.entries[0].who, decision.entries[0].why) == ("ana", "because")


def test_approved_at_birth_is_released_as_well() -> None:
    assert _decided(ReleaseState(), _seen(ONE, "Approved", was=None)).state.current is not None


def test_the_same_status_again_decides_nothing() -> None:
    for status in ("Approved", "Rejected", "PendingManualApproval"):
        assert decide(IDLE, _seen(ONE, status, was=status)) is None


def test_a_second_approval_during_a_release_queues() -> None:
    state = replace(IDLE, current=_releasing(ONE))

    decision = _decided(state, _seen(TWO, "Approved"))

    assert decision.state.current == state.current
    assert decision.state.queue == (TWO,)


def test_the_end_of_a_release_starts_the_next_in_the_queue() -> None:
    state = replace(IDLE, current=_releasing(ONE), queue=(TWO, THREE), live="")

    decision = _decided(state, _ended(approved=(TWO, THREE)))

    assert decision.state.live == ONE
    assert decision.state.current is not None
    assert decision.state.current.package_arn == TWO
    assert decision.state.queue == (THREE,)
    assert _kinds(decision) == ["release-done"]


def test_production_serves_a_package_since_its_release_ended() -> None:
    state = replace(IDLE, current=_releasing(TWO), live=ONE, live_since="2026-02-01T00:00:00.000000Z")

    after = _decided(state, _ended()).state
    assert after.live_since == "2026-03-01T12:00:00.000000Z"
    assert after.served_since == "2026-02-01T00:00:00.000000Z"
    assert _decided(state, _ended(is_success=False)).state.live_since == state.live_since


def test_a_state_that_was_written_before_anybody_noted_since_when_is_read() -> None:
    row = render_state(replace(IDLE, live=ONE))
    del row["live_since"], row["served_since"]

    assert parse_state(row).live_since == ""


def test_a_queued_package_that_is_no_longer_approved_loses_its_turn() -> None:
    state = replace(IDLE, current=_releasing(ONE), queue=(TWO, THREE))

    decision = _decided(state, _ended(approved=(THREE,)))

    assert decision.state.current is not None
    assert decision.state.current.package_arn == THREE
    assert "release.dropped" in [entry.what for entry in decision.entries]


def test_rejected_while_pending_stops_and_tells() -> None:
    decision = _decided(IDLE, _seen(ONE, "Rejected"))

    assert decision.state.current is None
    assert _kinds(decision) == ["rejected"]
    assert decision.state.outbox.retrainings == ()


def test_rejected_while_pending_asks_for_retraining_while_attempts_remain() -> None:
    decision = _decided(IDLE, _seen(ONE, "Rejected", attempts=2))

    [request] = decision.state.outbox.retrainings
    assert (request.package_arn, request.reason) == (ONE, "rejected: because")


def test_rejected_in_the_queue_leaves_the_queue() -> None:
    state = replace(IDLE, current=_releasing(ONE), queue=(TWO, THREE))

    decision = _decided(state, _seen(TWO, "Rejected", was="Approved", attempts=5))

    assert decision.state.queue == (THREE,)
    assert _kinds(decision) == ["rejected"]
    assert decision.state.outbox.retrainings == ()


def test_back_to_pending_in_the_queue_leaves_the_queue() -> None:
    state = replace(IDLE, current=_releasing(ONE), queue=(TWO,))

    assert _decided(state, _seen(TWO, "PendingManualApproval", was="Approved")).state.queue == ()


def test_back_to_pending_while_live_changes_nothing_in_production() -> None:
    state = replace(IDLE, live=ONE)

    decision = _decided(state, _seen(ONE, "PendingManualApproval", was="Approved"))

    assert (decision.state.live, decision.state.current) == (ONE, None)


def test_rejected_while_live_rolls_back_to_the_latest_that_is_still_approved() -> None:
    state = replace(IDLE, live=THREE, live_before=(TWO, ONE))

    decision = _decided(state, _seen(THREE, "Rejected", was="Approved", approved=(ONE,)))

    assert decision.state.current is not None
    assert (decision.state.current.package_arn, decision.state.current.is_rollback) == (ONE, True)
    assert _kinds(decision) == ["rejected"]


def test_a_rollback_that_is_done_makes_the_earlier_package_live() -> None:
    state = replace(IDLE, live=THREE, live_before=(TWO, ONE), current=_releasing(TWO, is_rollback=True))

    decision = _decided(state, _ended())

    assert (decision.state.live, decision.state.live_before) == (TWO, (ONE,))
    assert _kinds(decision) == ["rollback-done"]


def test_rejected_while_live_with_no_way_back_calls_a_person() -> None:
    state = replace(IDLE, live=ONE)

    decision = _decided(state, _seen(ONE, "Rejected", was="Approved"))

    assert (decision.state.live, decision.state.current) == (ONE, None)
    assert _kinds(decision) == ["rejected", "rollback-impossible"]


def test_a_rollback_waits_for_the_release_that_is_under_way() -> None:
    state = replace(IDLE, live=TWO, live_before=(ONE,), current=_releasing(THREE))
    due = _decided(state, _seen(TWO, "Rejected", was="Approved", approved=(ONE,))).state

    replaced = _decided(due, _ended(approved=(ONE,))).state
    failed = _decided(due, _ended(is_success=False, approved=(ONE,))).state

    assert (replaced.live, replaced.current) == (THREE, None)
    assert failed.current is not None
    assert (failed.current.package_arn, failed.current.is_rollback) == (ONE, True)


def test_a_rollback_goes_before_the_queue() -> None:
    state = replace(IDLE, live=TWO, live_before=(ONE,), queue=(THREE,), current=_releasing(THREE), is_rollback_due=True)

    decision = _decided(state, _ended(is_success=False, approved=(ONE, THREE)))

    assert decision.state.current is not None
    assert decision.state.current.is_rollback
    assert decision.state.queue == (THREE,)


def test_rejected_while_being_released_goes_back_when_the_release_has_ended() -> None:
    state = replace(IDLE, live=ONE, current=_releasing(TWO))
    doomed = _decided(state, _seen(TWO, "Rejected", was="Approved")).state

    decision = _decided(doomed, _ended(approved=(ONE,)))

    assert decision.state.live == TWO
    assert decision.state.current is not None
    assert (decision.state.current.package_arn, decision.state.current.is_rollback) == (ONE, True)


def test_rejected_and_approved_again_while_being_released_stays() -> None:
    state = replace(IDLE, live=ONE, current=_releasing(TWO))
    doomed = _decided(state, _seen(TWO, "Rejected", was="Approved")).state

    saved = _decided(doomed, _seen(TWO, "Approved", was="Rejected")).state

    assert _decided(saved, _ended(approved=(ONE,))).state.current is None


def test_rejected_and_approved_again_while_live_stays_live() -> None:
    state = replace(IDLE, live=ONE, current=_releasing(TWO), is_rollback_due=True)

    assert not _decided(state, _seen(ONE, "Approved", was="Rejected")).state.is_rollback_due


def test_a_failed_release_leaves_production_as_it_is_and_says_why() -> None:
    state = replace(IDLE, live=ONE, current=_releasing(TWO))

    decision = _decided(state, _ended(is_success=False))

    assert (decision.state.live, decision.state.current) == (ONE, None)
    [notice] = decision.state.outbox.notices
    assert notice.kind == "release-failed"
    assert "golden records differ" in notice.text


def test_a_failed_rollback_calls_a_person_and_is_not_tried_for_ever() -> None:
    state = replace(IDLE, live=TWO, live_before=(ONE,), current=_releasing(ONE, is_rollback=True))

    decision = _decided(state, _ended(is_success=False, approved=(ONE,)))

    assert (decision.state.live, decision.state.current) == (TWO, None)
    assert _kinds(decision) == ["rollback-failed"]


def test_the_end_of_an_execution_that_is_not_under_way_decides_nothing() -> None:
    assert decide(IDLE, _ended()) is None
    assert decide(replace(IDLE, current=_releasing(ONE)), _ended("another")) is None


def test_a_state_comes_back_from_its_row() -> None:
    state = _decided(replace(IDLE, live=ONE, queue=(TWO,)), _seen(THREE, "Rejected", attempts=3)).state
    state = replace(state, current=_releasing(TWO))

    assert parse_state(render_state(state)) == state


class Registry:
    """People and SageMaker, acting on a state as the handler would: every fact is about now."""

    def __init__(self) -> None:
        self.status = dict.fromkeys((ONE, TWO, THREE), "PendingManualApproval")
        self.last_seen: dict[str, str] = {}
        self.state = ReleaseState()
        self.time = NOON
        self.live: list[str] = []

    def notice(self, arn: str) -> None:
        """An event about a package arrives, whatever it was sent for."""
        approved = tuple(name for name, status in self.status.items() if status == "Approved")
        fact = _seen(arn, self.status[arn], self.last_seen.get(arn), approved)
        self._decide(replace(fact, time=self.time))
        self.last_seen[arn] = self.status[arn]

    def finish(self, is_success: bool) -> None:
        """The release that is under way ends; its event arrives twice."""
        current = self.state.current
        if current is None:
            return
        if is_success:
            self.live.append(current.package_arn)
        approved = tuple(name for name, status in self.status.items() if status == "Approved")
        for _ in range(2):
            self._decide(_ended(current.execution_arn, is_success=is_success, approved=approved))

    def _decide(self, fact: PackageSeen | ReleaseEnded) -> None:
        before = self.state.current
        decision = decide(self.state, fact)
        if decision is None:
            return
        self.state = decision.state
        current = self.state.current
        if current is not None and current != before and current.stage is Stage.STARTING:
            assert before is None or isinstance(fact, ReleaseEnded), "one release at a time"
            assert self.status[current.package_arn] == "Approved", "nothing is released that is not approved"
            started = running(self.state, current.release_id, f"execution-{self.state.version}")
            assert started is not None
            self.state = started
        self.time += timedelta(minutes=1)


ACTIONS = st.one_of(
    st.tuples(st.just("set"), st.sampled_from((ONE, TWO, THREE)), st.sampled_from(("Approved", "Rejected"))),
    st.tuples(st.just("notice"), st.sampled_from((ONE, TWO, THREE)), st.just("")),
    st.tuples(st.just("finish"), st.just(""), st.sampled_from(("well", "badly"))),
)


def _play(actions: list[tuple[str, str, str]], *, repeats: int) -> Registry:
    registry = Registry()
    for action, arn, word in actions:
        if action == "set":
            registry.status[arn] = word
        elif action == "notice":
            for _ in range(repeats):
                registry.notice(arn)
        else:
            registry.finish(word == "well")
    return registry


def _settle_down(registry: Registry) -> None:
    for _ in range(10):
        for arn in (ONE, TWO, THREE):
            registry.notice(arn)
        registry.finish(is_success=True)


@given(st.lists(ACTIONS, max_size=25))
@settings(max_examples=400, deadline=None)
def test_repeated_events_change_nothing(actions: list[tuple[str, str, str]]) -> None:
    once, often = _play(actions, repeats=1), _play(actions, repeats=3)

    assert once.state == often.state


@given(st.lists(ACTIONS, max_size=25))
@settings(max_examples=400, deadline=None)
def test_in_the_end_production_serves_no_rejected_package_unless_a_person_was_called(
    actions: list[tuple[str, str, str]],
) -> None:
    registry = _play(actions, repeats=1)

    _settle_down(registry)

    state = registry.state
    kinds = {notice.kind for notice in state.outbox.notices}
    assert state.current is None
    assert state.queue == ()
    assert state.live == (registry.live[-1] if registry.live else "")
    is_rejected = state.live and registry.status[state.live] == "Rejected"
    assert not is_rejected or kinds & {"rollback-impossible", "rollback-failed"}


@given(st.permutations([ONE, TWO, THREE] * 2))
@settings(max_examples=100, deadline=None)
def test_approvals_in_any_order_are_each_released_once(order: list[str]) -> None:
    registry = Registry()
    registry.status = dict.fromkeys(registry.status, "Approved")

    for arn in order:
        registry.notice(arn)
    _settle_down(registry)

    assert sorted(registry.live) == [ONE, TWO, THREE]
