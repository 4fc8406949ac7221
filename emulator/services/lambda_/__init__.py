"""AWS Lambda: functions that really run, from their zip, as their role, and the queues that feed them."""

from emulator.services.lambda_ import event_sources, functions, invoke, permissions
from emulator.services.lambda_.event_sources import wake

OPERATIONS = {**functions.OPERATIONS, **invoke.OPERATIONS, **permissions.OPERATIONS, **event_sources.OPERATIONS}

__all__ = ["OPERATIONS", "wake"]
