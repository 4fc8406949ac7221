"""SendMessage and GetQueueUrl in process go straight to the queue; nobody can tell."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from emulator.adapters.calls import InProcessCalls
from emulator.adapters.wire import HttpRequest
from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel

Client = Callable[[str], Any]


@pytest.fixture(scope="module")
def url(client: Client) -> str:
    return str(client("sqs").create_queue(QueueName="direct")["QueueUrl"])


def test_what_is_sent_directly_is_received_by_everybody(kernel: Kernel, client: Client, url: str) -> None:
    assert kernel.calls("sqs", "GetQueueUrl", {"QueueName": "direct"})["QueueUrl"] == url

    sent = kernel.calls("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "hello"})

    message = client("sqs").receive_message(QueueUrl=url)["Messages"][0]
    assert (message["MessageId"], message["MD5OfBody"]) == (sent["MessageId"], sent["MD5OfMessageBody"])
    assert message["Body"] == "hello"


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("GetQueueUrl", {"QueueName": "nowhere"}, "NonExistentQueue"),
        ("SendMessage", {"QueueUrl": "{}-nowhere", "MessageBody": "x"}, "NonExistentQueue"),
        ("SendMessage", {"QueueUrl": "{}", "MessageBody": "x" * (1 << 21)}, "InvalidParameterValue"),
    ],
)
def test_what_sqs_refuses_is_refused_in_its_own_words(
    kernel: Kernel, url: str, operation: str, params: dict[str, str], code: str
) -> None:
    given = {name: value.format(url) if "{}" in value else value for name, value in params.items()}

    with pytest.raises(AwsError) as refused:
        kernel.calls("sqs", operation, given)

    assert code in refused.value.code


def test_who_listens_hears_of_a_direct_message_as_of_any_other(kernel: Kernel, url: str) -> None:
    heard: list[tuple[str, HttpRequest]] = []
    assert isinstance(kernel.calls, InProcessCalls)
    listeners = kernel.calls._gateway.on_served
    listeners.append(lambda service, request: heard.append((service, request)))
    params = {"QueueUrl": url, "MessageBody": "x"}

    kernel.calls("sqs", "SendMessage", params)
    listeners.pop()

    service, request = next((s, r) for s, r in heard if r.operation() == "SendMessage" and url in str(r.body))
    assert (service, json.loads(bytes(request.body))) == ("sqs", params)
