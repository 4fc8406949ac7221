"""Application Auto Scaling: scalable targets, policies and what they do to the variants of SageMaker endpoints."""

from __future__ import annotations

from emulator.kernel.ports import Kernel, Operation
from emulator.services.application_autoscaling import activities, engine, policies, targets

OPERATIONS: dict[str, Operation] = {**targets.OPERATIONS, **policies.OPERATIONS, **activities.OPERATIONS}


def start(kernel: Kernel) -> None:
    """Look every minute of the kernel's time at the alarms of policies."""
    engine.of(kernel)
