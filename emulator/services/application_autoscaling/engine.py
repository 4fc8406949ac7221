"""What Application Auto Scaling does by itself: as long as an alarm stands in ALARM, its policy acts every minute.

Source: AlarmThatSendsEmail.html of CloudWatch (an Auto Scaling action is invoked again each minute that the alarm stays
in its state), read 2026-11.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from functools import partial

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel, Params
from emulator.services.application_autoscaling import records, scaling

_NAME = "application-autoscaling"
_MINUTE_S = 60
_AFTER_ALARMS_S = 2
"""CloudWatch looks at its alarms at whole minutes."""


class Engine:
    """One per kernel. `act` is what CloudWatch calls when an alarm of a policy changes to ALARM."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Look again two seconds after the next whole minute."""
        at = int(self._kernel.clock.now().timestamp()) // _MINUTE_S * _MINUTE_S + _MINUTE_S + _AFTER_ALARMS_S
        self._kernel.dispatcher.post_at(
            "autoscaling", self._tick, datetime.fromtimestamp(at, UTC), recurs=True, rests=self._rests
        )

    def act(self, policy_arn: str, alarm_name: str) -> None:
        """An alarm has changed to ALARM: its policy acts, on a thread of its own, since instances take their time."""
        self._look({policy_arn: [alarm_name]})

    def _tick(self) -> None:
        try:
            self._look(self._alarms())
        finally:
            self.start()

    def _alarms(self) -> dict[str, list[str]]:
        rows = self._kernel.store.rows(records.POLICY)
        return {row["PolicyARN"]: [alarm["AlarmName"] for alarm in row["Alarms"]] for row in rows}

    def _rests(self) -> datetime | None:
        """A day while no alarm stands; one that changes acts by itself."""
        is_needed = any(self._standing(names) for names in self._alarms().values())
        return None if is_needed else self._kernel.clock.now() + timedelta(days=1)

    def _look(self, alarms: dict[str, list[str]]) -> None:
        for arn, names in alarms.items():
            for alarm in self._standing(names):
                self._kernel.dispatcher.start("scaling", partial(self._scale, arn, alarm))

    def _standing(self, names: list[str]) -> list[Params]:
        if not names:
            return []
        request = {"AlarmNames": names}
        found = self._kernel.calls("cloudwatch", "DescribeAlarms", request, records.service(self._kernel))
        return [alarm for alarm in found["MetricAlarms"] if alarm["StateValue"] == "ALARM"]

    def _scale(self, policy_arn: str, alarm: Params) -> None:
        """One change at a time: a policy that is at work is not started again."""
        with self._lock:
            if policy_arn in self._busy:
                return
            self._busy.add(policy_arn)
        try:
            scaling.triggered(self._kernel, policy_arn, alarm)
        except AwsError as error:
            self._kernel.journal.append("autoscaling.failed", policy_arn, error=str(error))
        finally:
            with self._lock:
                self._busy.discard(policy_arn)


def of(kernel: Kernel) -> Engine:
    """The kernel's engine, made and started when first asked for."""
    found = kernel.engines.get(_NAME)
    if found is None:
        found = kernel.engines[_NAME] = Engine(kernel)
        found.start()
    assert isinstance(found, Engine)
    return found
