"""What a variant says of itself while its endpoint changes.

AWS_NAME: ProductionVariantStatus
SOURCE: API_ProductionVariantStatus; the example messages of automating-sagemaker-with-eventbridge.html
    #eventbridge-deployment-state, read 2026-11
DIFFERS: AWS shows one example message a status; scaling in, linear and rolling messages are made after them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from emulator.semantics.endpoints.deployments import Stage

Status = dict[str, Any]


def launching(count: int, now: datetime) -> Status:
    return _status("Creating", f"Launching {count} instance(s).", now)


def terminating(count: int, now: datetime) -> Status:
    return _status("Deleting", f"Terminating {count} instance(s).", now)


def scaling(count: int, before: int, now: datetime) -> Status:
    way = "out" if count > before else "in"
    return _status("Updating", f"Scaling {way} desired instance count to {count}.", now)


def activating(stage: Stage, count: int, now: datetime) -> Status:
    return _status("ActivatingTraffic", f"Activating traffic on {stage.capacity} capacity of {count} instance(s).", now)


def baking(stage: Stage, count: int, now: datetime) -> Status:
    return _status(
        "Baking",
        f"Baking for {stage.wait_s} seconds ({stage.setting}) with traffic enabled on {stage.capacity} capacity of "
        f"{count} instance(s).",
        now,
    )


def _status(status: str, message: str, now: datetime) -> Status:
    return {"Status": status, "StatusMessage": message, "StartTime": now}
