"""The kernel's time under moto: its records, visibility timeouts, delays and retention follow it.

A long poll stays with the machine's clock, since a client waits for real.
"""

from __future__ import annotations

import datetime as dt
import time
from functools import cache
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import moto.core.utils as moto_utils
import moto.sqs.models as sqs

from emulator.kernel.clock import Clock


class _Time:
    """Whose time it is: moto's backends belong to the process, and the last emulator made in it drives them."""

    clock: Clock


def install(clock: Clock) -> None:
    """From now on moto's time is the kernel's."""
    _Time.clock = clock
    _open_seams()


class _IsRealDatetime(type):
    """What was made before, or elsewhere, is a datetime too."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, dt.datetime)


class _Datetime(dt.datetime, metaclass=_IsRealDatetime):
    """`datetime.datetime` for moto: all of it, with the kernel's now."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Any:
        found = _Time.clock.now()
        return found.astimezone(tz) if tz else found.replace(tzinfo=None)

    @classmethod
    def utcnow(cls) -> Any:
        return cls.now()

    @classmethod
    def today(cls) -> Any:
        return cls.now()


def _epoch_s() -> float:
    return _Time.clock.now().timestamp()


@cache
def _open_seams() -> None:
    module = SimpleNamespace(**{**vars(dt), "datetime": _Datetime})
    for name in ("moto.core.utils", "moto.s3.models"):
        _replace(name, "datetime", module)
    _replace("moto.ecr.models", "datetime", _Datetime)
    _replace("moto.firehose.models", "time", _epoch_s)
    _replace("moto.secretsmanager.models", "time", SimpleNamespace(time=_epoch_s))
    _long_polls_take_real_time()
    _drop_messages_after_their_retention()


def _replace(module: str, name: str, value: Any) -> None:
    found = import_module(module)
    assert hasattr(found, name), f"moto has changed: {module} has no {name}"
    setattr(found, name, value)


def _long_polls_take_real_time() -> None:
    """moto takes the end of a long poll from its clock: a leap would end it, and a client has waited for nothing."""
    receive = sqs.SQSBackend.receive_message

    def receive_message(backend: Any, queue_name: str, count: int, wait_s: int, *args: Any, **kwargs: Any) -> Any:
        ends_s = time.monotonic() + wait_s
        while True:
            found = receive(backend, queue_name, count, 0, *args, **kwargs)
            left_s = ends_s - time.monotonic()
            if found or left_s <= 0:
                return found
            backend.get_queue(queue_name).wait_for_messages(min(left_s, 1))

    sqs.SQSBackend.receive_message = receive_message


def _drop_messages_after_their_retention() -> None:
    """moto hides a message that is too old only when it is received, and then hides those behind it as well."""
    receive = sqs.SQSBackend.receive_message

    def receive_message(backend: Any, queue_name: str, *args: Any, **kwargs: Any) -> Any:
        queue = backend.get_queue(queue_name)
        oldest_ms = (moto_utils.unix_time() - int(queue.message_retention_period)) * 1000
        if any(message.sent_timestamp < oldest_ms for message in queue._messages):
            queue._messages = [message for message in queue._messages if message.sent_timestamp >= oldest_ms]
        return receive(backend, queue_name, *args, **kwargs)

    sqs.SQSBackend.receive_message = receive_message
