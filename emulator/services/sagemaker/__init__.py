"""Amazon SageMaker: pipelines, processing and training jobs, the model registry, models and endpoints, monitors.

`OPERATIONS` is what the gateway serves; `start` makes the engine. Rows are named in `names.py`.
"""

from __future__ import annotations

from emulator.kernel.ports import Kernel, Operation
from emulator.services.sagemaker import engine, tags
from emulator.services.sagemaker.hosting import endpoint_configs, endpoints, models
from emulator.services.sagemaker.jobs import processing, training
from emulator.services.sagemaker.monitoring import alerts, listings, schedules
from emulator.services.sagemaker.monitoring import definitions as monitoring_definitions
from emulator.services.sagemaker.pipelines import definitions, executions
from emulator.services.sagemaker.pipelines.steps import callback
from emulator.services.sagemaker.registry import groups, packages

OPERATIONS: dict[str, Operation] = {
    **definitions.OPERATIONS,
    **executions.OPERATIONS,
    **callback.OPERATIONS,
    **processing.OPERATIONS,
    **training.OPERATIONS,
    **groups.OPERATIONS,
    **packages.OPERATIONS,
    **models.OPERATIONS,
    **endpoint_configs.OPERATIONS,
    **endpoints.OPERATIONS,
    **monitoring_definitions.OPERATIONS,
    **schedules.OPERATIONS,
    **listings.OPERATIONS,
    **alerts.OPERATIONS,
    **tags.OPERATIONS,
}


def start(kernel: Kernel) -> None:
    """Make ready to run jobs and endpoints; schedules that were made before go on."""
    engine.of(kernel)
    schedules.resume(kernel)
