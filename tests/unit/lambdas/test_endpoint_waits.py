"""A callback step that waits for an endpoint is answered once, by whatever message comes."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.events import sample
from tests.unit.lambdas.test_concurrency import _at_once
from tests.unit.lambdas.waiting import DEV, FINE, callback, endpoint, endpoint_changed, tick
from tests.unit.lambdas.world import START, World, batch_of

TOKEN = "tok0000001"


def _wait(world: World, found: dict[str, Any] | None) -> None:
    """The step has begun to wait, then the endpoint is found like this a minute later."""
    function = world.answer_waits()
    world.sagemaker.endpoints[DEV] = endpoint("Creating")
    assert function.handle_batch(batch_of(callback())) == FINE
    if found is None:
        del world.sagemaker.endpoints[DEV]
    else:
        world.sagemaker.endpoints[DEV] = found
    assert function.handle_batch(batch_of(tick(1))) == FINE


def _answer(world: World) -> str | None:
    answer = world.sagemaker.answers.get(TOKEN)
    if answer is None or "FailureReason" in answer:
        return answer and str(answer["FailureReason"])
    return str({item["Name"]: item["Value"] for item in answer["OutputParameters"]})


def test_an_endpoint_that_serves_what_was_asked_is_a_success(world: World) -> None:
    _wait(world, endpoint())

    assert _answer(world) == "{'endpoint_config': 'driftloop-flights-dev-v1-1a2b3c4d'}"
    assert [row["state"] for row in world.rows("WAIT")] == ["ANSWERED"]
    assert world.rows("UNANSWERED") == []
    assert world.schedules() == {}
    assert [row["what"] for row in world.rows("AUDIT")] == ["wait.succeeded"]


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (endpoint(config="before"), "expected config 'driftloop-flights-dev-v1-1a2b3c4d', it serves 'before': rolled"),
        (endpoint("Failed", FailureReason="no capacity"), "it is Failed: no capacity"),
        (endpoint("UpdateRollbackFailed"), "it is UpdateRollbackFailed: no reason given"),
        (endpoint(ProductionVariants=[]), "expected variants champion, found none"),
        (
            endpoint(ShadowProductionVariants=[{"VariantName": "challenger", "CurrentInstanceCount": 1}]),
            "expected variants champion, found challenger, champion",
        ),
        (None, "it does not exist"),
    ],
)
def test_an_endpoint_that_never_will_is_a_failure_with_the_reason(
    world: World, found: dict[str, Any] | None, reason: str
) -> None:
    _wait(world, found)

    assert str(_answer(world)).startswith(f"endpoint 'driftloop-flights-dev': {reason}")
    assert world.schedules() == {}


@pytest.mark.parametrize(
    "found",
    [
        endpoint("Creating"),
        endpoint("Updating", config="before"),
        endpoint("RollingBack"),
        endpoint(ProductionVariants=[{"VariantName": "champion", "CurrentInstanceCount": 0}]),
    ],
)
def test_an_endpoint_on_its_way_is_waited_for_until_the_deadline(world: World, found: dict[str, Any]) -> None:
    _wait(world, found)
    early = (_answer(world), world.schedules())

    world.answer_waits().handle_batch(batch_of(tick(45)))

    assert early == (None, {f"driftloop-flights-{TOKEN}": "rate(1 minute)"})
    assert "not up by 2026-03-01T06:45:00" in str(_answer(world))


def test_where_nothing_had_to_change_the_answer_comes_at_once(world: World) -> None:
    world.answer_waits().handle_batch(batch_of(callback(config="")))

    assert _answer(world) == "{'endpoint_config': ''}"


def test_an_event_about_the_endpoint_does_what_a_tick_does(world: World) -> None:
    function = world.answer_waits()
    world.sagemaker.endpoints[DEV] = endpoint("Creating")
    function.handle_batch(batch_of(callback()))
    world.sagemaker.endpoints[DEV] = endpoint()

    assert function.handle_batch(batch_of(endpoint_changed(8))) == FINE

    assert _answer(world) == "{'endpoint_config': 'driftloop-flights-dev-v1-1a2b3c4d'}"


def test_every_message_may_come_twice_and_in_any_order(world: World) -> None:
    function = world.answer_waits()
    world.sagemaker.endpoints[DEV] = endpoint()
    messages = [tick(1), callback(), endpoint_changed(2), callback(), tick(0)]

    assert function.handle_batch(batch_of(*messages, *messages)) == FINE

    assert len(world.sagemaker.answers) == 1
    assert world.schedules() == {}
    assert [row["what"] for row in world.rows("AUDIT")] == ["wait.succeeded"]


def test_a_step_that_is_stopped_is_answered_even_if_its_first_message_comes_later(world: World) -> None:
    function = world.answer_waits()
    world.sagemaker.endpoints[DEV] = endpoint("Creating")
    stopping = callback() | {"status": "Stopping"}

    assert function.handle_batch(batch_of(stopping, callback())) == FINE

    assert _answer(world) == "stopped"
    assert world.schedules() == {}


def test_two_handlers_that_see_different_things_give_one_answer(world: World) -> None:
    function = world.answer_waits()
    world.sagemaker.endpoints[DEV] = endpoint("Creating")
    function.handle_batch(batch_of(callback()))
    world.sagemaker.endpoints[DEV] = endpoint()
    stopping = callback() | {"status": "Stopping"}
    calls = [lambda body=body: function.handle_batch(batch_of(body)) for body in (tick(46), stopping, tick(2)) * 3]

    assert _at_once(calls) == [FINE] * 9

    assert len(world.sagemaker.answers) == 1  # the fake refuses answers that contradict the first
    assert [row["state"] for row in world.rows("WAIT")] == ["ANSWERED"]


def test_an_answer_that_sagemaker_knows_already_counts(world: World) -> None:
    world.sagemaker.gone.add(TOKEN)

    _wait(world, endpoint())

    assert [row["state"] for row in world.rows("WAIT")] == ["ANSWERED"]


def test_an_answer_that_does_not_get_through_is_given_by_the_next_message_unchanged(world: World) -> None:
    function = world.answer_waits()
    world.sagemaker.endpoints[DEV] = endpoint()
    throttled = ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow"}}, "Send")
    world.sagemaker.failures.append(throttled)

    first = function.handle_batch(batch_of(callback()))
    world.sagemaker.endpoints[DEV] = endpoint("Failed")
    second = function.handle_batch(batch_of(tick(1)))

    assert (first, second) == ({"batchItemFailures": [{"itemIdentifier": "m0"}]}, FINE)
    assert _answer(world) == "{'endpoint_config': 'driftloop-flights-dev-v1-1a2b3c4d'}"


def test_a_tick_that_nobody_waits_for_ends_its_schedule(world: World) -> None:
    function = world.answer_waits()
    function.schedules.open(TOKEN, START + timedelta(hours=1))

    function.handle_batch(batch_of(tick(1)))

    assert world.schedules() == {}


@pytest.mark.parametrize(
    "body", [callback(wait="tea"), sample("model_package_approved"), {"token": "t", "pipelineExecutionArn": "a"}]
)
def test_a_message_of_another_kind_goes_to_the_dead_letters(world: World, body: dict[str, Any]) -> None:
    assert world.answer_waits().handle_batch(batch_of(body)) == FINE

    assert world.sqs.bodies(world.dead_letters_url) == [body]
