"""Every message twice: rules beside the stack's own that feed the same queues, and callback messages sent again."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.conftest import Loop
from tests.support.waiting import eventually

_RULES = ("packages", "ended-releases", "endpoints")


@contextmanager
def echoing(loop: Loop, model: str) -> Iterator[None]:
    """Each event of approvals, endpoints and ended releases reaches its queue twice until the block ends."""
    events = loop.client("events")
    for name in _RULES:
        rule, echo = f"driftloop-{model}-{name}", f"e2e-echo-{model}-{name}"
        events.put_rule(Name=echo, EventPattern=events.describe_rule(Name=rule)["EventPattern"])
        (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
        events.put_targets(Rule=echo, Targets=[{"Id": "echo", "Arn": target["Arn"]}])
    yield
    for queue in ("release", "waits"):
        drained(loop, f"driftloop-{model}-{queue}")
    for name in _RULES:
        events.remove_targets(Rule=f"e2e-echo-{model}-{name}", Ids=["echo"])
        events.delete_rule(Name=f"e2e-echo-{model}-{name}")


def send_callbacks_again(loop: Loop, model: str) -> None:
    """What callback steps have put on the queue of waits so far, once more: as SageMaker writes it."""
    sqs = loop.client("sqs")
    url = sqs.get_queue_url(QueueName=f"driftloop-{model}-waits")["QueueUrl"]
    arguments = ("release_id", "stage", "endpoint", "config", "mode", "comparison_uri")
    for wait in loop.ledger(f"WAIT#{model}"):
        message = {
            "token": wait["token"],
            "pipelineExecutionArn": "arn:aws:sagemaker:us-east-1:123456789012:pipeline/any/execution/any",
            "arguments": {
                **{name: wait[name] for name in arguments},
                "wait": wait["kind"],
                "variants": ",".join(wait["variants"]),
                "model_package_arn": wait["package_arn"],
            },
            "status": "Executing",
        }
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(message))


def drained(loop: Loop, queue: str) -> None:
    """Wait until a queue has nothing left, and nobody works on any of it."""
    sqs = loop.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def is_empty() -> bool:
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return [found[name] for name in names] == ["0", "0"]

    eventually(is_empty)
