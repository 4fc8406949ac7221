"""What becomes of an asynchronous event that failed."""

import pytest

from emulator.semantics.lambda_.async_retries import Again, GiveUp, Policy, after_error, after_refusal


@pytest.mark.parametrize(
    ("policy", "tries", "age_s", "verdict"),
    [
        (Policy(), 1, 0, Again(60)),
        (Policy(), 2, 60, Again(120)),
        (Policy(), 3, 180, GiveUp("RetriesExhausted")),
        (Policy(retries_max=0), 1, 0, GiveUp("RetriesExhausted")),
        (Policy(retries_max=1), 1, 0, Again(60)),
        (Policy(retries_max=1), 2, 60, GiveUp("RetriesExhausted")),
        (Policy(age_max_s=60), 1, 0, Again(60)),
        (Policy(age_max_s=60), 1, 0.1, GiveUp("EventAgeExceeded")),
        (Policy(age_max_s=100), 2, 60, GiveUp("EventAgeExceeded")),
    ],
)
def test_a_function_that_fails_is_run_again_after_one_and_two_minutes(
    policy: Policy, tries: int, age_s: float, verdict: Again | GiveUp
) -> None:
    assert after_error(policy, tries, age_s) == verdict


def test_a_throttled_event_comes_back_ever_later_until_it_is_too_old() -> None:
    policy, age_s, pauses = Policy(), 0.0, []
    while isinstance(verdict := after_refusal(policy, len(pauses) + 1, age_s, is_shut=False), Again):
        pauses.append(verdict.delay_s)
        age_s += verdict.delay_s

    assert pauses[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert set(pauses[9:]) == {300}
    assert verdict == GiveUp("EventAgeExceeded")
    assert policy.age_max_s - 300 < age_s <= policy.age_max_s


def test_a_function_that_is_shut_is_not_waited_for() -> None:
    assert after_refusal(Policy(), 1, 0, is_shut=True) == GiveUp("ZeroReservedConcurrency")
