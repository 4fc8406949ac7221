"""Amazon SageMaker Runtime: requests to live endpoints.

Follows the routes that the sagemaker service publishes (`kernel/traffic.py`); shares no code with it.
"""

from __future__ import annotations

from emulator.kernel.ports import Kernel, Operation
from emulator.services.sagemaker_runtime import engine
from emulator.services.sagemaker_runtime.invocation import invoke_endpoint

OPERATIONS: dict[str, Operation] = {"InvokeEndpoint": invoke_endpoint}


def close(kernel: Kernel) -> None:
    """Before the emulator stops: nothing captured is lost."""
    engine.of(kernel).close()
