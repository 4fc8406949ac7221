"""When a queue has something to give, and the order of what came back to a FIFO queue."""

import inspect
from datetime import timedelta
from typing import Any

import moto.sqs.models
import pytest

from emulator.adapters.moto_services import MotoServices
from emulator.kernel.errors import AwsError
from tests.support.clocks import FakeClock
from tests.support.emulator import ACCOUNT_ID
from tests.unit.emulator.adapters.client import received, sent

ARN = f"arn:aws:sqs:us-east-1:{ACCOUNT_ID}:" + "{}"


def _call(services: MotoServices, operation: str, **params: Any) -> Any:
    return received("sqs", operation, services.handle("sqs", sent("sqs", operation, params)), params)


def _queue(services: MotoServices, name: str, **attributes: str) -> str:
    return str(_call(services, "CreateQueue", QueueName=name, Attributes=attributes)["QueueUrl"])


def _bodies(services: MotoServices, url: str) -> list[str]:
    found = _call(services, "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10)
    return [message["Body"] for message in found.get("Messages", [])]


def test_a_queue_says_when_it_has_something(services: MotoServices, clock: FakeClock) -> None:
    url, arn = _queue(services, "when", VisibilityTimeout="30"), ARN.format("when")
    assert services.next_visible_at(arn) is None

    _call(services, "SendMessage", QueueUrl=url, MessageBody="m", DelaySeconds=10)
    delayed_until = services.next_visible_at(arn)
    clock.advance(11)
    assert services.next_visible_at(arn) < clock.now()  # type: ignore[operator]
    _bodies(services, url)

    assert delayed_until is not None
    assert timedelta(seconds=-2) < delayed_until - clock.now() < timedelta(0)
    comes_back_at = services.next_visible_at(arn)
    assert comes_back_at is not None
    assert timedelta(seconds=29) < comes_back_at - clock.now() <= timedelta(seconds=30, milliseconds=1)
    clock.advance((comes_back_at - clock.now()).total_seconds())
    assert _bodies(services, url) == ["m"]


def test_a_queue_that_is_not_there_is_refused(services: MotoServices) -> None:
    with pytest.raises(AwsError, match="NonExistentQueue"):
        services.next_visible_at(ARN.format("nowhere"))


def test_what_is_past_its_retention_is_nothing_to_wait_for(services: MotoServices, clock: FakeClock) -> None:
    url = _queue(services, "expiring", MessageRetentionPeriod="60")
    _call(services, "SendMessage", QueueUrl=url, MessageBody="m")

    clock.advance(61)

    assert services.next_visible_at(ARN.format("expiring")) is None


def test_a_group_that_came_back_is_given_in_its_order(services: MotoServices, clock: FakeClock) -> None:
    url = _queue(services, "order.fifo", FifoQueue="true", VisibilityTimeout="30")
    for body in ("1", "2", "3"):
        _call(services, "SendMessage", QueueUrl=url, MessageBody=body, MessageGroupId="g", MessageDeduplicationId=body)
    assert _bodies(services, url) == ["1", "2", "3"]
    assert _bodies(services, url) == []

    clock.advance(31)

    assert _bodies(services, url) == ["1", "2", "3"]


def test_a_group_with_a_message_in_flight_is_nothing_to_receive(services: MotoServices, clock: FakeClock) -> None:
    url = _queue(services, "blocked.fifo", FifoQueue="true", VisibilityTimeout="30")
    for body in ("1", "2"):
        _call(services, "SendMessage", QueueUrl=url, MessageBody=body, MessageGroupId="g", MessageDeduplicationId=body)

    _call(services, "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=1)

    at = services.next_visible_at(ARN.format("blocked.fifo"))
    assert at is not None
    assert at > clock.now() + timedelta(seconds=29)
    assert _bodies(services, url) == []


def test_moto_is_as_the_seam_expects_it() -> None:
    source = inspect.getsource(moto.sqs.models)

    assert "currently_pending_groups = deepcopy(queue.pending_message_groups)" in source
    assert "queue.pending_messages.remove(message)" in source
    assert "for message in queue.messages:" in source
