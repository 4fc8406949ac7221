"""SageMaker on a kernel with fakes around it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.services import sagemaker, sagemaker_runtime
from tests.support.emulator import World, world


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[World]:
    made = world(tmp_path, {"sagemaker": sagemaker.OPERATIONS, "sagemaker-runtime": sagemaker_runtime.OPERATIONS})
    sagemaker.start(made.kernel)
    yield made
    for endpoint in made.kernel.store.rows("sagemaker.endpoint"):
        if endpoint["EndpointStatus"] in ("InService", "Failed", "UpdateRollbackFailed"):
            made.sagemaker("DeleteEndpoint", EndpointName=endpoint["EndpointName"])
    made.close()
