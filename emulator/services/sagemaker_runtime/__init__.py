"""Amazon SageMaker Runtime: requests to live endpoints.

Follows the routes that the sagemaker service publishes (`kernel/traffic.py`); shares no code with it.
"""

from __future__ import annotations

from emulator.kernel.ports import Kernel, Operation
from emulator.services.sagemaker_runtime import asynchronous, engine
from emulator.services.sagemaker_runtime.asynchronous import invoke_endpoint_async
from emulator.services.sagemaker_runtime.invocation import Direct, invoke_endpoint

OPERATIONS: dict[str, Operation] = {
    "InvokeEndpoint": invoke_endpoint,
    "InvokeEndpointAsync": invoke_endpoint_async,
}


def close(kernel: Kernel) -> None:
    """Before the emulator stops: nothing captured is lost."""
    engine.of(kernel).close()


__all__ = ["OPERATIONS", "Direct", "asynchronous", "close"]
