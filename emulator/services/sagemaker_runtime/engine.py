"""What this service holds in memory: records that wait to be written, and requests that shadow variants get too."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from emulator.kernel import traffic
from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel
from emulator.services.sagemaker_runtime import connection, conversation
from emulator.services.sagemaker_runtime.capturing import Capturing
from emulator.services.sagemaker_runtime.conversation import Conversation, Desk, Served
from emulator.services.sagemaker_runtime.links import Links
from emulator.services.sagemaker_runtime.metering import Metering
from emulator.services.sagemaker_runtime.turns import Request, Turn

_NAME = "sagemaker-runtime"
_MIRRORS = 8
_starting = threading.Lock()


class Engine:
    """One per kernel."""

    def __init__(self, kernel: Kernel) -> None:
        self.desk = Desk(kernel, Capturing(kernel), Metering(kernel))
        self._kernel = kernel
        self._links = Links()
        self._mirrors = ThreadPoolExecutor(_MIRRORS, thread_name_prefix="shadow")

    def serve(self, request: Request) -> Served:
        """Answer one request on this thread.

        Raises:
            AwsError: in AWS's words.
        """
        return carry(conversation.serve(self.desk, self.mirror, request))

    async def serve_soon(self, request: Request) -> Served:
        """Answer one request on the event loop.

        Raises:
            AwsError: in AWS's words.
        """
        return await self._carry(conversation.serve(self.desk, self.mirror, request))

    def mirror(self, request: Request, turn: Turn) -> None:
        """Give the request to the shadow variant as well, some time soon."""
        try:
            self._mirrors.submit(self._mirrored, request, turn)
        except RuntimeError:  # the emulator is stopping
            assert turn.shadow is not None
            traffic.of(self._kernel.engines).release((turn.shadow.instance.instance_id,))

    def close(self) -> None:
        """Let shadow variants finish, and write every record that waits."""
        self._mirrors.shutdown(wait=True)
        self.desk.capturing.write()
        self.desk.metering.tell()

    async def _carry(self, talk: Conversation) -> Served:
        """As `carry`, over connections of the event loop."""
        try:
            message = next(talk)
            while True:
                try:
                    answer = await self._links.post(
                        message.port, message.path, message.headers, message.body, message.timeout_s
                    )
                except (connection.Unreachable, OSError) as error:
                    message = talk.throw(error)
                else:
                    message = talk.send(answer)
        except StopIteration as done:
            served: Served = done.value
            return served
        finally:
            talk.close()

    def _mirrored(self, request: Request, turn: Turn) -> None:
        try:
            carry(conversation.shadow(self.desk, request, turn))
        except (AwsError, connection.Unreachable) as error:
            place = turn.shadow
            name = f"{request.endpoint}/{place.variant.name if place else ''}"
            self._kernel.journal.append("endpoint.shadow.failed", name, error=str(error))


def carry(talk: Conversation) -> Served:
    """Carry the messages of a conversation over sockets of this thread."""
    try:
        message = next(talk)
        while True:
            try:
                answer = connection.post(message.port, message.path, message.headers, message.body, message.timeout_s)
            except (connection.Unreachable, OSError) as error:
                message = talk.throw(error)
            else:
                message = talk.send(answer)
    except StopIteration as done:
        served: Served = done.value
        return served


def of(kernel: Kernel) -> Engine:
    """The kernel's engine, made when first asked for."""
    with _starting:
        found = kernel.engines.get(_NAME)
        if found is None:
            found = kernel.engines[_NAME] = Engine(kernel)
    assert isinstance(found, Engine)
    return found
