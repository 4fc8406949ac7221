"""Amazon EventBridge Scheduler: schedules in groups, one-time and recurring, in any time zone."""

from emulator.services.scheduler import groups, schedules, tags

OPERATIONS = {**groups.OPERATIONS, **schedules.OPERATIONS, **tags.OPERATIONS}

__all__ = ["OPERATIONS"]
