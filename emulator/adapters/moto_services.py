"""The services that moto keeps: S3, SQS, SNS, IAM and STS records, DynamoDB and so on. Every seam into moto is here.

moto 5.2.5 is pinned exactly; each seam has a test in tests/unit/emulator/adapters that fails when moto changes.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache, wraps
from typing import Any
from urllib.parse import parse_qs

import moto.backends as moto_backends
import moto.core.responses as moto_responses
import moto.core.utils as moto_utils
import moto.firehose.models as moto_firehose_models
import moto.kinesis.models as moto_kinesis_models
import moto.s3.models as moto_s3_models
import moto.s3.notifications as moto_s3_notifications
import moto.sns.models as moto_sns_models
import moto.sqs.models as moto_sqs_models
import moto.sts.models as moto_sts_models
from moto.iam.access_control import PermissionResult
from moto.moto_server.werkzeug_app import create_backend_app
from werkzeug.test import run_wsgi_app

from emulator.adapters import environs, moto_hot_paths, moto_queues, moto_streams, s3_blobs
from emulator.adapters.blobs import Blob, BlobStore
from emulator.adapters.wire import HttpRequest, HttpResponse
from emulator.kernel.errors import AwsError, EmulatorError
from emulator.semantics.lambda_.streams import Stream

KEPT = frozenset(
    {
        "dynamodb",
        "dynamodbstreams",
        "ecr",
        "firehose",
        "glue",
        "iam",
        "kinesis",
        "kms",
        "logs",
        "s3",
        "secretsmanager",
        "sns",
        "sqs",
        "ssm",
        "stepfunctions",
        "sts",
    }
)
"""Service names (botocore's) that moto answers for. What is neither here nor ours is refused by name."""


_LOCKS = {service: threading.RLock() for service in KEPT}
"""One request at a time per service: moto's backends have no locks, and they belong to the process."""


_SESSION_S = 12 * 3600


class MotoServices:
    """moto's own WSGI applications, called in process."""

    def __init__(self, account_id: str, blobs: BlobStore | None = None) -> None:
        self.blobs = blobs or BlobStore()
        self._account_id = account_id
        os.environ["MOTO_ACCOUNT_ID"] = account_id
        os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"  # CDK's bootstrap roles name AWS's own policies
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        _open_seams()
        s3_blobs.install(self.blobs)
        self._apps: dict[str, Any] = {}

    def _app(self, service: str) -> Any:
        """moto's application for one service; made at the first request, under the service's lock."""
        if service not in self._apps:
            app = self._apps[service] = create_backend_app(service)
            app.debug = False  # else flask makes a class for every request, to explain forms
            app.config["PROPAGATE_EXCEPTIONS"] = True  # what moto raises is ours to translate
        return self._apps[service]

    def queue_depths(self) -> list[tuple[str, int, int, int]]:
        """(name, to be received, in flight, delayed) of every queue; cheap enough to be asked every minute."""
        with _LOCKS["sqs"]:
            return [
                (
                    queue.name,
                    queue.approximate_number_of_messages,
                    queue.approximate_number_of_messages_not_visible,
                    queue.approximate_number_of_messages_delayed,
                )
                for regions in moto_sqs_models.sqs_backends.values()
                for backend in regions.values()
                for queue in backend.queues.values()
            ]

    def next_visible_at(self, queue_arn: str) -> datetime | None:
        """When a message of a queue can be received next: in the past when now, None when the queue has none.

        Raises:
            AwsError: there is no such queue.
        """
        _, _, _, region, account, name = queue_arn.split(":")
        with _LOCKS["sqs"]:
            queue = moto_sqs_models.sqs_backends[account][region].queues.get(name)
            if queue is None:
                raise AwsError("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
            return moto_queues.next_visible_at(queue)

    def stream(self, arn: str) -> Stream | None:
        """How far the shards of a stream go; None when there is none. Cheap enough to be asked often."""
        with _LOCKS[arn.split(":")[2]]:
            return moto_streams.describe(arn)

    def assume_role(self, role_arn: str, session_name: str, region: str) -> Any:
        """A session of a role, without a request in between: every cold start wants one, and a request costs 7 ms."""
        with _LOCKS["sts"], _LOCKS["iam"]:
            sts = moto_sts_models.sts_backends[self._account_id]["aws"]
            return sts.assume_role(region, session_name, role_arn, "", _SESSION_S, "")

    def lock(self, service: str) -> threading.RLock:
        """Held while moto does anything of this service; for who reaches its backend without a request."""
        return _LOCKS[service]

    def handle(self, service: str, request: HttpRequest) -> HttpResponse:
        """Answer a request.

        Raises:
            EmulatorError: moto does not have the operation, or cannot read the request; names it.
        """
        if service == "sts":
            self._refuse_other_accounts(request)
        environ = environs.of(request)
        try:
            with _LOCKS[service]:
                _serving.lock = _LOCKS[service]
                with s3_blobs.carried(request.body) as answer:
                    body, status, headers = run_wsgi_app(self._app(service), environ)
                    payload = answer.body or b"".join(body)
        except NotImplementedError as error:
            raise EmulatorError(f"{service}: {request.operation() or error} is not emulated") from error
        except EmulatorError:
            raise
        except Exception as error:  # moto does not check what it parses
            what = request.operation() or f"{request.method} {request.target}"
            message = f"{service}: {what} cannot be answered: {type(error).__name__}: {error}"
            raise EmulatorError(message, "MalformedRequest", 400) from error
        if isinstance(payload, Blob):
            headers.set("Content-Length", str(len(payload)))
        return HttpResponse(int(status.split(" ", 1)[0]), dict(headers.items()), payload)

    def _refuse_other_accounts(self, request: HttpRequest) -> None:
        """There is one account: with a role of another, moto would act in this one."""
        body = request.body if isinstance(request.body, bytes) else b""
        for role_arn in parse_qs(request.query or body.decode("utf-8", "replace")).get("RoleArn", ()):
            if role_arn.count(":") >= 5 and role_arn.split(":")[4] != self._account_id:
                found = f"there is one account, {self._account_id}, and roles of others are not emulated"
                raise EmulatorError(f"sts: {request.operation() or 'AssumeRole'} RoleArn '{role_arn}': {found}")


@cache
def _open_seams() -> None:
    """Everything that is changed in moto, once a process: a seam that wraps must not wrap itself."""
    _make_small_requests_cheap()
    _collect_s3_changes()
    _leave_bucket_policies_alone()
    _let_others_in_during_a_long_poll()
    _lock_what_other_services_reach()
    moto_hot_paths.install()
    moto_queues.install()
    moto_streams.install()


class _Serving(threading.local):
    """The lock that this thread holds while moto serves its request."""

    lock: threading.RLock


_serving = _Serving()


def _let_others_in_during_a_long_poll() -> None:
    """ReceiveMessage with a wait holds the lock of SQS: nobody could send what it waits for."""
    wait = moto_sqs_models.Queue.wait_for_messages

    def wait_for_messages(queue: Any, timeout: int) -> None:
        lock = _serving.lock
        lock.release()
        try:
            wait(queue, timeout)
        finally:
            lock.acquire()

    moto_sqs_models.Queue.wait_for_messages = wait_for_messages


def _lock_what_other_services_reach() -> None:
    """SNS puts messages into queues by itself, S3 and Logs into topics and streams: under the lock of the other."""
    reached = (
        (moto_firehose_models.FirehoseBackend, "put_record_batch", "firehose"),
        (moto_kinesis_models.KinesisBackend, "put_record", "kinesis"),
        (moto_s3_models.S3Backend, "put_object", "s3"),
        (moto_sns_models.SNSBackend, "publish", "sns"),
        (moto_sqs_models.SQSBackend, "send_message", "sqs"),
    )
    for backend, name, service in reached:
        setattr(backend, name, _locked(getattr(backend, name), _LOCKS[service]))


def _locked(method: Callable[..., Any], lock: threading.RLock) -> Callable[..., Any]:
    @wraps(method)
    def alone(*args: Any, **kwargs: Any) -> Any:
        with lock:
            return method(*args, **kwargs)

    return alone


def _make_small_requests_cheap() -> None:
    """moto lists its own directory (some 180 stat calls) and inspects its classes on every request."""
    modules = frozenset(moto_backends.list_of_moto_modules())
    moto_backends.list_of_moto_modules = lambda: modules
    names: Callable[[Any], Any] = moto_utils.method_names_from_class
    moto_responses.method_names_from_class = lru_cache(None)(lambda cls: frozenset(names(cls)))


@dataclass(frozen=True)
class S3Change:
    """What moto did to an object of a bucket with EventBridge on; `moto_event` is such as `s3:ObjectCreated:Put`."""

    moto_event: str
    bucket: str
    key: str
    size_bytes: int
    etag: str
    version_id: str | None


class _S3Changes(threading.local):
    """The changes of the request that this thread is serving."""

    def __init__(self) -> None:
        self.seen: list[S3Change] = []


_s3_changes = _S3Changes()


def _leave_bucket_policies_alone() -> None:
    """moto evaluates bucket policies without their conditions: a TLS-only statement would deny everything.

    Like all of IAM they are recorded and not enforced yet.
    """
    moto_s3_models.FakeBucket.get_permission = lambda bucket, action, resource: PermissionResult.NEUTRAL


def take_s3_changes() -> list[S3Change]:
    """The S3 changes since this was last asked on this thread. One request may report one object twice."""
    seen, _s3_changes.seen = _s3_changes.seen, []
    return seen


def _collect_s3_changes() -> None:
    """moto's own S3 events have wrong reasons and constant ids, and come twice; we take only the facts."""

    def collect(account_id: str, bucket: Any, event_name: Any, key: Any) -> None:
        version = key.version_id if bucket.versioning_status else None
        etag = str(key.etag or "").strip('"')
        _s3_changes.seen.append(
            S3Change(str(event_name.value), bucket.name, key.name, int(key.size or 0), etag, version)
        )

    moto_s3_notifications._send_event_bridge_message = collect
    _collect_delete_markers()


def _collect_delete_markers() -> None:
    """moto tells nobody when it leaves a delete marker."""
    delete = moto_s3_models.S3Backend.delete_object

    def delete_object(backend: Any, bucket_name: str, key_name: str, *args: Any, **kwargs: Any) -> Any:
        deleted, facts = delete(backend, bucket_name, key_name, *args, **kwargs)
        settings = backend.get_bucket(bucket_name).notification_configuration
        if facts.get("delete-marker") == "true" and settings is not None and settings.event_bridge is not None:
            change = S3Change("s3:ObjectRemoved:DeleteMarkerCreated", bucket_name, key_name, 0, "", facts["version-id"])
            _s3_changes.seen.append(change)
        return deleted, facts

    moto_s3_models.S3Backend.delete_object = delete_object
