"""One request to an endpoint as a conversation with model servers, whoever carries the messages.

It yields what is to be sent to a server and is sent the answer, or thrown what went wrong; it returns the answer for
the caller. So one program serves blocking callers and an event loop alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import partial

from emulator.kernel import traffic
from emulator.kernel.ports import Kernel
from emulator.semantics.endpoints.capture import Captured
from emulator.semantics.endpoints.routes import ModelNotLoaded
from emulator.services.sagemaker_runtime import errors, turns
from emulator.services.sagemaker_runtime.capturing import Capturing
from emulator.services.sagemaker_runtime.connection import Answer, BrokenOff, Unreachable
from emulator.services.sagemaker_runtime.metering import Metering
from emulator.services.sagemaker_runtime.turns import Draws, Place, Request, Turn

_LOADS = 3
ANY_TYPE = "application/octet-stream"
Mirror = Callable[[Request, Turn], None]


@dataclass(frozen=True, slots=True)
class Message:
    """A request to one container."""

    port: int
    path: str
    headers: dict[str, str]
    body: bytes
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Served:
    """What the caller is answered."""

    answer: Answer
    variant: str


Conversation = Generator[Message, Answer, Served]


@dataclass(frozen=True)
class Desk:
    """What every request needs: the kernel, and who keeps records and counts."""

    kernel: Kernel
    capturing: Capturing
    metering: Metering


def serve(desk: Desk, mirror: Mirror, request: Request) -> Conversation:
    """Answer one request.

    Raises:
        AwsError: in AWS's words.
    """
    began, kernel = time.perf_counter(), desk.kernel
    roads = traffic.of(kernel.engines)
    choose = partial(turns.first, request, Draws.of(kernel.ids.unit), kernel.account_id)
    turn = roads.take(request.endpoint, choose)
    if turn.place is None and turn.variant.serverless:
        turn.variant.serverless.wake()
        turn = roads.take(request.endpoint, choose)
    if turn.shadow:
        mirror(request, turn)
    tried: tuple[str, ...] = ()
    while turn.place is not None:
        try:
            answer, model_s = yield from _ask(desk, request, turn.place)
        except Unreachable:
            tried = (*tried, turn.place.instance.instance_id)
        else:
            overhead_s = time.perf_counter() - began - model_s
            return _concluded(desk, request, turn, answer, model_s, overhead_s)
        finally:
            roads.release((turn.place.instance.instance_id,))
        choose_again = partial(turns.again, turn, tried, Draws.of(kernel.ids.unit))
        turn = roads.take(request.endpoint, choose_again)
    raise errors.unavailable(turn.variant.name)


def shadow(desk: Desk, request: Request, turn: Turn) -> Conversation:
    """Let the shadow variant answer too; its answer is captured, its failures are measured, nobody is told."""
    place = turn.shadow
    assert place is not None
    began = time.perf_counter()
    try:
        answer, model_s = yield from _ask(desk, request, place)
    finally:
        traffic.of(desk.kernel.engines).release((place.instance.instance_id,))
    copied = replace(turn, place=place, variant=place.variant)
    overhead_s = time.perf_counter() - began - model_s
    return _concluded(desk, request, copied, answer, model_s, overhead_s)


def _ask(desk: Desk, request: Request, place: Place) -> Generator[Message, Answer, tuple[Answer, float]]:
    """The containers of an instance answer in turn, each what the one before said; and how long they took."""
    began = time.perf_counter()
    headers, body = dict(request.headers), request.body
    for name, port in zip(place.instance.names, place.instance.ports, strict=True):
        try:
            answer = yield from _ask_container(
                desk, request, place, Message(port, "/invocations", headers, body, request.timeout_s)
            )
        except TimeoutError as error:
            raise _failed(desk, request, place, name, errors.TIMED_OUT.format(container=name), began) from error
        except BrokenOff as error:
            raise _failed(desk, request, place, name, f"the container broke off: {error}", began) from error
        if answer.status >= 400:
            break
        headers, body = {**headers, "Content-Type": answer.headers.get("content-type", ANY_TYPE)}, answer.body
    return replace(answer, source=name), time.perf_counter() - began


def _ask_container(desk: Desk, request: Request, place: Place, message: Message) -> Generator[Message, Answer, Answer]:
    """One message; where many models share the container, to the one that is asked for."""
    if not request.target_model:
        return (yield message)
    assert place.instance.load is not None
    answer = None
    for _ in range(_LOADS):
        try:
            name = place.instance.load(request.target_model)
        except ModelNotLoaded as error:
            raise errors.not_loaded(desk.kernel, request.endpoint, error) from error
        answer = yield replace(message, path=f"/models/{name}/invoke")
        if answer.status != 404:  # else it was unloaded after we asked
            break
    assert answer is not None
    return answer


def _failed(desk: Desk, request: Request, place: Place, name: str, text: str, began: float) -> errors.ModelError:
    desk.metering.count(request, place, 0, time.perf_counter() - began, 0)
    return errors.model_error(desk.kernel, request.endpoint, name, 0, text)


def _concluded(
    desk: Desk,
    request: Request,
    turn: Turn,
    answer: Answer,
    model_s: float,
    overhead_s: float,
) -> Served:
    """Measure, capture, and tell an error of the container as AWS does."""
    assert turn.place is not None
    desk.metering.count(request, turn.place, answer.status, model_s, overhead_s)
    if answer.status >= 400:
        text = answer.body.decode("utf-8", "replace")
        raise errors.model_error(desk.kernel, request.endpoint, answer.source, answer.status, text)
    if turn.is_captured:
        _capture(desk, request, turn, answer)
    return Served(answer, turn.variant.name)


def _capture(desk: Desk, request: Request, turn: Turn, answer: Answer) -> None:
    assert turn.route.capture is not None
    desk.capturing.keep(
        Captured(
            turn.route.capture,
            request.endpoint,
            turn.variant.name,
            desk.kernel.clock.now(),
            desk.kernel.ids.uuid(),
            request.inference_id,
            request.custom_attributes,
            request.headers["Content-Type"],
            request.body,
            answer.headers.get("content-type", ANY_TYPE),
            answer.body,
        )
    )
