"""Amazon EventBridge: buses, rules and targets, schedules, archives and replays, and asynchronous delivery."""

from emulator.services.events import archives, buses, connections, put_events, replays, rules, tags, targets
from emulator.services.events.delivery import Bus

OPERATIONS = {
    **buses.OPERATIONS,
    **rules.OPERATIONS,
    **targets.OPERATIONS,
    **put_events.OPERATIONS,
    **connections.OPERATIONS,
    **archives.OPERATIONS,
    **replays.OPERATIONS,
    **tags.OPERATIONS,
}

__all__ = ["OPERATIONS", "Bus"]
