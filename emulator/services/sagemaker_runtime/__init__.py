"""Amazon SageMaker Runtime: requests to live endpoints.

Reads the rows that the sagemaker service stores for endpoints (kind `sagemaker.endpoint`); shares no code with it.
"""

from __future__ import annotations

from emulator.kernel.ports import Operation
from emulator.services.sagemaker_runtime.invocation import invoke_endpoint

OPERATIONS: dict[str, Operation] = {"InvokeEndpoint": invoke_endpoint}
