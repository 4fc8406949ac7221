"""AWS Lambda: functions that really run, from their zip, as their role, and the queues that feed them."""

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
from emulator.services.lambda_.event_sources import wake

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

__all__ = ["OPERATIONS", "wake"]
