"""Reserved concurrency and the account's pool."""

import threading
from typing import Any

import pytest

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Outcome
from emulator.semantics.lambda_.concurrency import Load, reservation_problem, throttled
from tests.unit.emulator.lambda_.laboratory import Laboratory, echoes


@pytest.mark.parametrize(
    ("reserved", "load", "reason"),
    [
        (None, Load(0, 0, 0), None),
        (None, Load(999, 999, 0), None),
        (None, Load(5, 1000, 0), "ConcurrentInvocationLimitExceeded"),
        (None, Load(5, 100, 900), "ConcurrentInvocationLimitExceeded"),
        (2, Load(1, 1000, 2), None),
        (2, Load(2, 0, 2), "ReservedFunctionConcurrentInvocationLimitExceeded"),
        (0, Load(0, 0, 0), "ReservedFunctionConcurrentInvocationLimitExceeded"),
    ],
)
def test_an_invocation_is_throttled_by_its_reservation_or_by_the_pool(
    reserved: int | None, load: Load, reason: str | None
) -> None:
    assert throttled(reserved, load) == reason


def test_a_hundred_stay_unreserved() -> None:
    assert reservation_problem(900, 0) is None
    assert reservation_problem(400, 500) is None
    assert "below its minimum value of [100]" in (reservation_problem(401, 500) or "")
    assert reservation_problem(0, 950) is None


def test_a_reservation_of_zero_stops_a_function(lab: Laboratory) -> None:
    lab.call("PutFunctionConcurrency", FunctionName="fn", ReservedConcurrentExecutions=0)

    with pytest.raises(AwsError) as refused:
        lab.call("Invoke", FunctionName="fn")

    assert (refused.value.code, refused.value.status) == ("TooManyRequestsException", 429)
    assert getattr(refused.value, "fields", {})["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert (lab.sum("Throttles"), lab.sum("Invocations")) == (1, 0)


def test_as_many_run_at_once_as_are_reserved_whatever_their_version(lab: Laboratory) -> None:
    lab.call("PublishVersion", FunctionName="fn")
    lab.call("PutFunctionConcurrency", FunctionName="fn", ReservedConcurrentExecutions=1)
    begun, may_end = threading.Event(), threading.Event()

    def waits(event: Any) -> Outcome:
        begun.set()
        assert may_end.wait(30)
        return echoes(event)

    lab.sandboxes.answer = waits
    running = threading.Thread(target=lab.call, args=("Invoke",), kwargs={"FunctionName": "fn"})
    running.start()
    assert begun.wait(30)
    with pytest.raises(AwsError, match="Rate Exceeded"):
        lab.call("Invoke", FunctionName="fn:1")
    may_end.set()
    running.join()

    assert lab.call("Invoke", FunctionName="fn:1")["StatusCode"] == 200
    assert {value for name, value, _ in lab.measured if name == "ConcurrentExecutions"} == {1}


def test_the_account_says_what_is_left(lab: Laboratory) -> None:
    lab.call("PutFunctionConcurrency", FunctionName="fn", ReservedConcurrentExecutions=300)
    found = lab.call("GetAccountSettings")

    assert found["AccountLimit"]["ConcurrentExecutions"] == 1000
    assert found["AccountLimit"]["UnreservedConcurrentExecutions"] == 700
    assert found["AccountUsage"]["FunctionCount"] == 1
    assert lab.call("GetFunction", FunctionName="fn")["Concurrency"] == {"ReservedConcurrentExecutions": 300}


def test_a_reservation_is_replaced_refused_and_taken_back(lab: Laboratory) -> None:
    lab.call("PutFunctionConcurrency", FunctionName="fn", ReservedConcurrentExecutions=900)
    lab.call("PutFunctionConcurrency", FunctionName="fn", ReservedConcurrentExecutions=899)
    lab.create("other")
    with pytest.raises(AwsError, match="UnreservedConcurrentExecution below its minimum"):
        lab.call("PutFunctionConcurrency", FunctionName="other", ReservedConcurrentExecutions=2)

    lab.call("DeleteFunctionConcurrency", FunctionName="fn")

    assert lab.call("GetFunctionConcurrency", FunctionName="fn") == {}
    lab.call("PutFunctionConcurrency", FunctionName="other", ReservedConcurrentExecutions=2)


def test_an_environment_that_nobody_needs_is_closed_and_one_in_use_is_kept(lab: Laboratory) -> None:
    lab.create("busy")
    lab.call("Invoke", FunctionName="fn")
    for _ in range(6):
        lab.call("Invoke", FunctionName="busy")
        lab.time.pass_time(200)

    assert (len(lab.sandboxes.specs), lab.sandboxes.closed) == (2, 1)
    lab.time.pass_time(600)
    assert lab.sandboxes.closed == 2
