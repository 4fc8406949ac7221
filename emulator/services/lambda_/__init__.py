"""AWS Lambda: functions that really run, from their zip, as their role, and the queues and streams that feed them."""

from emulator.kernel.ports import Kernel
from emulator.services.lambda_ import (
    concurrency,
    event_invoke_configs,
    event_sources,
    functions,
    invoke,
    layers,
    permissions,
    urls,
    versions,
)
from emulator.services.lambda_.pollers import Pollers
from emulator.services.lambda_.queue_poller import QueuePoller
from emulator.services.lambda_.sources import Sources
from emulator.services.lambda_.stream_poller import StreamPoller

OPERATIONS = {
    **functions.OPERATIONS,
    **versions.OPERATIONS,
    **invoke.OPERATIONS,
    **event_invoke_configs.OPERATIONS,
    **concurrency.OPERATIONS,
    **layers.OPERATIONS,
    **urls.OPERATIONS,
    **permissions.OPERATIONS,
    **event_sources.OPERATIONS,
}


def poll(kernel: Kernel, sources: Sources) -> Pollers:
    """The pollers of event source mappings, who ask `sources`; those of an earlier run go on with `resume`."""
    kernel.engines["lambda.sources"] = sources
    pollers = kernel.engines["lambda.pollers"] = Pollers(kernel, QueuePoller, StreamPoller)
    return pollers


__all__ = ["OPERATIONS", "Pollers", "Sources", "poll"]
