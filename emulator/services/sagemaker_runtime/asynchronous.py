"""Requests that are answered later: taken at once, read from S3, answered into S3, told to topics.

AWS_NAME: InvokeEndpointAsync
SOURCE: API_runtime_InvokeEndpointAsync, async-inference.html, read 2026-11
DIFFERS: a request in the body, S3OutputPathExtension and Filename are refused by name. The queue lives in memory. AWS's
    words for a wrong kind of endpoint are not known.
"""

from __future__ import annotations

import threading
from collections import deque
from functools import partial

from emulator.kernel import traffic
from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Context, Kernel, Params, Principal
from emulator.semantics.endpoints import asynchronous, routes
from emulator.semantics.endpoints.asynchronous import Answered, Asynchronous, Failed, Task
from emulator.services.sagemaker_runtime import engine
from emulator.services.sagemaker_runtime.conversation import ANY_TYPE
from emulator.services.sagemaker_runtime.turns import Request

_NAME = "sagemaker-runtime.queues"
_NOT_EMULATED = ("Body", "S3OutputPathExtension", "Filename")
_LOOKED_EVERY_S = 5.0
_starting = threading.Lock()


def invoke_endpoint_async(params: Params, ctx: Context) -> Params:
    for field in _NOT_EMULATED:
        if params.get(field):
            raise EmulatorError(f"sagemaker-runtime: InvokeEndpointAsync: {field} is not emulated yet")
    kernel, name = ctx.kernel, params["EndpointName"]
    settings = _settings(kernel, name)
    if not params.get("InputLocation"):
        raise AwsError("ValidationError", "InputLocation is required.")
    output_uri, failure_uri = asynchronous.locations(settings, kernel.ids.uuid())
    inference_id = params.get("InferenceId") or kernel.ids.uuid()
    task = Task(
        name,
        inference_id,
        params["InputLocation"],
        output_uri,
        failure_uri,
        params.get("ContentType"),
        params.get("Accept"),
        kernel.clock.now(),
        params.get("CustomAttributes"),
        float(params.get("InvocationTimeoutSeconds") or asynchronous.TIMEOUT_S),
        float(params.get("RequestTTLSeconds") or asynchronous.TTL_S),
    )
    of(kernel).put(task)
    failure = {"FailureLocation": failure_uri} if failure_uri else {}
    return {"InferenceId": inference_id, "OutputLocation": output_uri, **failure}


def _settings(kernel: Kernel, name: str) -> Asynchronous:
    route = traffic.of(kernel.engines).route(name)
    if not isinstance(route, routes.Route):
        raise AwsError("ValidationError", f"Endpoint {name} of account {kernel.account_id} not found.")
    if route.asynchronous is None:
        raise AwsError("ValidationError", f"Endpoint {name} is real-time and does not take this request.")
    return route.asynchronous


class Queues:
    """Tasks that wait, by endpoint, and how many are being answered."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Task]] = {}
        self._running: dict[str, int] = {}

    def put(self, task: Task) -> None:
        with self._lock:
            self._waiting.setdefault(task.endpoint, deque()).append(task)
        self._pump(task.endpoint)

    def running(self, endpoint: str) -> int:
        """How many tasks are being answered."""
        with self._lock:
            return self._running.get(endpoint, 0)

    def _pump(self, endpoint: str) -> None:
        """Start as many as the instances take; without an instance, look again later."""
        route = traffic.of(self._kernel.engines).route(endpoint)
        with self._lock:
            waiting = self._waiting.get(endpoint) or deque()
            if not isinstance(route, routes.Route) or route.asynchronous is None:
                waiting.clear()  # the endpoint is gone, and its queue with it
                return
            free = route.variants[0].size * route.asynchronous.concurrency - self._running.get(endpoint, 0)
            started = [waiting.popleft() for _ in range(min(free, len(waiting)))] if free > 0 else []
            self._running[endpoint] = self._running.get(endpoint, 0) + len(started)
            is_stuck = bool(waiting) and not self._running[endpoint]
        for task in started:
            self._kernel.dispatcher.start("asynchronous inference", partial(self._run, route.asynchronous, task))
        if is_stuck:
            self._kernel.dispatcher.post("asynchronous queue", partial(self._pump, endpoint), _LOOKED_EVERY_S)

    def _run(self, settings: Asynchronous, task: Task) -> None:
        try:
            _tell(self._kernel, settings, task, _answer(self._kernel, settings, task))
        finally:
            with self._lock:
                self._running[task.endpoint] -= 1
            self._pump(task.endpoint)


def _answer(kernel: Kernel, settings: Asynchronous, task: Task) -> Answered | Failed:
    """Read, ask, write."""
    waited_s = (kernel.clock.now() - task.received_at).total_seconds()
    if waited_s > task.ttl_s:
        return Failed(f"The request was not taken from the queue within {task.ttl_s:g} seconds.")
    try:
        body = _read(kernel, settings, task.input_uri)
        headers = {"Content-Type": task.content_type or ANY_TYPE, "X-Amzn-SageMaker-Inference-Id": task.inference_id}
        if task.accept:
            headers["Accept"] = task.accept
        if task.custom_attributes:
            headers["X-Amzn-SageMaker-Custom-Attributes"] = task.custom_attributes
        request = Request(
            task.endpoint,
            headers,
            body,
            inference_id=task.inference_id,
            custom_attributes=task.custom_attributes or "",
            timeout_s=task.timeout_s,
            is_asynchronous=True,
        )
        answer = engine.of(kernel).serve(request).answer
        _write(kernel, settings, task.output_uri, answer.body)
    except AwsError as error:
        said = getattr(error, "fields", {}).get("OriginalMessage", "")
        return Failed(error.message, said.encode())
    return Answered(answer.headers.get("content-type", ANY_TYPE), answer.body)


def _read(kernel: Kernel, settings: Asynchronous, uri: str) -> bytes:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    caller = Principal(settings.role_arn, kernel.account_id)
    body: bytes = kernel.calls("s3", "GetObject", {"Bucket": bucket, "Key": key}, caller)["Body"]
    if len(body) > asynchronous.PAYLOAD_MAX:
        raise AwsError("ValidationError", f"{uri} is larger than {asynchronous.PAYLOAD_MAX} bytes.")
    return body


def _write(kernel: Kernel, settings: Asynchronous, uri: str, body: bytes) -> None:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    request: Params = {"Bucket": bucket, "Key": key, "Body": body}
    if settings.kms_key_id:
        request |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": settings.kms_key_id}
    kernel.calls("s3", "PutObject", request, Principal(settings.role_arn, kernel.account_id))


def _tell(kernel: Kernel, settings: Asynchronous, task: Task, answer: Answered | Failed) -> None:
    """The failure goes to its place, and the outcome to its topic; what is refused is on record."""
    is_failure = isinstance(answer, Failed)
    topic, kind = (
        (settings.error_topic, "ERROR_NOTIFICATION_TOPIC")
        if is_failure
        else (settings.success_topic, "SUCCESS_NOTIFICATION_TOPIC")
    )
    try:
        if isinstance(answer, Failed) and task.failure_uri:
            _write(kernel, settings, task.failure_uri, answer.reason.encode())
        if topic:
            has_body = kind in settings.with_response
            message = asynchronous.notice(task, kernel.region, kernel.clock.now(), answer, has_body)
            kernel.calls("sns", "Publish", {"TopicArn": topic, "Message": message})
    except AwsError as error:
        kernel.journal.append("endpoint.async.untold", task.endpoint, inference_id=task.inference_id, error=str(error))


def of(kernel: Kernel) -> Queues:
    """The queues of this emulator."""
    with _starting:
        found = kernel.engines.get(_NAME)
        if found is None:
            found = kernel.engines[_NAME] = Queues(kernel)
    assert isinstance(found, Queues)
    return found
