"""Amazon EventBridge: the default bus, its rules and targets, and asynchronous delivery."""

from emulator.services.events import put_events, rules, targets
from emulator.services.events.delivery import Bus

OPERATIONS = {**rules.OPERATIONS, **targets.OPERATIONS, **put_events.OPERATIONS}

__all__ = ["OPERATIONS", "Bus"]
