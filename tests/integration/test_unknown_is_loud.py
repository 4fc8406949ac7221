"""What is not emulated answers at once with an error that names it, never 500 and never as if it had worked."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[[str], Any]
QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"
ROLE = "arn:aws:iam::123456789012:role/r"
ELSEWHERE = "arn:aws:iam::333333333333:role/r"

PROVISIONED = {"FunctionName": "n", "Qualifier": "1"}


@pytest.mark.parametrize(
    ("service", "operation", "params", "named"),
    [
        ("events", "create_event_bus", {"Name": "b", "KmsKeyIdentifier": "k"}, "KmsKeyIdentifier"),
        ("pipes", "list_pipes", {}, "pipes"),
        ("sagemaker", "list_domains", {}, "ListDomains"),
        ("sqs", "list_message_move_tasks", {"SourceArn": QUEUE}, "ListMessageMoveTasks"),
        (
            "lambda",
            "create_function",
            {"FunctionName": "n", "Runtime": "java21", "Role": ROLE, "Handler": "h.h", "Code": {"ZipFile": b"x"}},
            "java21",
        ),
        ("sts", "assume_role", {"RoleArn": ELSEWHERE, "RoleSessionName": "me"}, f"RoleArn '{ELSEWHERE}': there is one"),
        ("lambda", "get_provisioned_concurrency_config", PROVISIONED, "GetProvisionedConcurrencyConfig"),
    ],
)
def test_an_operation_that_is_not_emulated_is_named(
    client: Client, service: str, operation: str, params: dict[str, Any], named: str
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(client(service), operation)(**params)

    assert named in str(refused.value)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] != 500


def test_a_request_that_breaks_the_model_is_refused_with_the_constraint(client: Client) -> None:
    with pytest.raises(
        ClientError, match=r"Value 'bad name!' at 'name' failed to satisfy constraint: Member must satisfy"
    ):
        client("events").put_rule(Name="bad name!", EventPattern='{"source": ["a"]}')


@pytest.mark.parametrize("body", [b"not json", b"[1, 2]", b'{"Limit": "many"}'])
def test_a_body_that_is_no_request_is_refused_as_such(client: Client, body: bytes) -> None:
    events = client("events")
    events.meta.events.register("before-sign", lambda request, **kwargs: setattr(request, "data", body))

    with pytest.raises(ClientError) as refused:
        events.list_rules()

    assert refused.value.response["Error"]["Code"] == "SerializationException"
