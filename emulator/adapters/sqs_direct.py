"""The two SQS calls that every event costs, made on moto's queues without a request in between: 0.05 ms, not 0.9.

What is out of the ordinary (other parameters, anything that moto refuses) is left to the way of all requests, which
then refuses it in AWS's words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.exceptions import ServiceException
from moto.sqs.models import sqs_backends

from emulator.adapters.moto_services import MotoServices
from emulator.kernel.ports import Params

_SENT = frozenset({"QueueUrl", "MessageBody", "MessageGroupId", "MessageDeduplicationId"})


class DirectSqs:
    """GetQueueUrl and SendMessage. An answer of None means: ask in the ordinary way."""

    def __init__(self, moto: MotoServices, account_id: str, region: str, endpoint_url: str) -> None:
        self._lock = moto.lock("sqs")
        self._account_id = account_id
        self._region = region
        self._root_url = f"{endpoint_url}/{account_id}"
        self.operations: dict[str, Callable[[Params], Params | None]] = {
            "GetQueueUrl": self.get_queue_url,
            "SendMessage": self.send_message,
        }

    def get_queue_url(self, params: Params) -> Params | None:
        name = params.get("QueueName")
        if params.keys() != {"QueueName"} or name not in self._backend().queues:
            return None
        return {"QueueUrl": f"{self._root_url}/{name}"}

    def send_message(self, params: Params) -> Params | None:
        owner, _, name = "/".join(str(params.get("QueueUrl", "")).rsplit("/", 2)[1:]).partition("/")
        body = params.get("MessageBody")
        if not params.keys() <= _SENT or not isinstance(body, str) or not body or owner != self._account_id:
            return None
        ids = {"group_id": params.get("MessageGroupId"), "deduplication_id": params.get("MessageDeduplicationId")}
        try:
            with self._lock:
                message = self._backend().send_message(name, body, message_attributes={}, **ids)
        except ServiceException:
            return None
        answer = {"MessageId": message.id, "MD5OfMessageBody": message.body_md5}
        return {**answer, "SequenceNumber": message.sequence_number} if message.sequence_number else answer

    def _backend(self) -> Any:
        return sqs_backends[self._account_id][self._region]
