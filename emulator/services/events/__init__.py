"""Amazon EventBridge: buses, rules and targets, schedules, archives and replays, and asynchronous delivery."""

from emulator.services.events import buses, connections, put_events, rules, tags, targets
from emulator.services.events.delivery import Bus

OPERATIONS = {
    **buses.OPERATIONS,
    **rules.OPERATIONS,
    **targets.OPERATIONS,
    **put_events.OPERATIONS,
    **connections.OPERATIONS,
    **tags.OPERATIONS,
}

__all__ = ["OPERATIONS", "Bus"]
