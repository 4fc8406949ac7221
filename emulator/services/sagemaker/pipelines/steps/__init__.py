"""How each step type is performed: one handler a type, in one table."""

from __future__ import annotations

from collections.abc import Callable

from emulator.services.sagemaker.pipelines.step_run import StepResult, StepRun
from emulator.services.sagemaker.pipelines.steps import callback, condition, fail, function, jobs, models, registration

HANDLERS: dict[str, Callable[[StepRun], StepResult]] = {
    "Callback": callback.perform,
    "Condition": condition.perform,
    "Fail": fail.perform,
    "Lambda": function.perform,
    "Model": models.perform,
    "Processing": jobs.perform_processing,
    "RegisterModel": registration.perform,
    "Training": jobs.perform_training,
}
