"""The stacks of both models, synthesized once for all tests here (jsii's start is what costs)."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.synth.template import Assembly, Template

os.environ["CDK_VALIDATION"] = "false"  # `make synth` runs CDK's own validation; here it would cost most of the time
BOTH_MODELS = "infra/models/flights.json,infra/models/rainfall.json"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder share one worker, and so one synth."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("synth"))


HOME = "123456789012"
STAGING, PROD = "222222222222", "333333333333"


def synthesize(folder: Path, models: str = BOTH_MODELS, stages: dict[str, Any] | None = None) -> Assembly:
    """Synthesize models, both unless others are named, into a folder; the CLI's account and region are known."""
    from infra.app import build
    from infra.settings import Home

    app: dict[str, Any] = {"prefix": "driftloop", "models": []}
    settings = {**app, "stages": stages} if stages else app
    build({"driftloop": settings, "models": models}, str(folder), Home(HOME, "us-east-1")).synth()
    return Assembly(folder)


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """What synth writes for both models."""
    return synthesize(tmp_path_factory.mktemp("cdk.out"))


@pytest.fixture(scope="session")
def three(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Both models, with staging and production in accounts of their own; dev lives at home."""
    stages = {"staging": {"account": STAGING}, "prod": {"account": PROD, "region": "us-east-1"}}
    return synthesize(tmp_path_factory.mktemp("three"), stages=stages)


@pytest.fixture(scope="session")
def shared(assembly: Assembly) -> Template:
    """The stack `Driftloop`."""
    return assembly.template("Driftloop")


@pytest.fixture(scope="session")
def flights(assembly: Assembly) -> Template:
    """The stack `Driftloop-flights`."""
    return assembly.template("Driftloop-flights")


@pytest.fixture(scope="session")
def rainfall(assembly: Assembly) -> Template:
    """The stack `Driftloop-rainfall`."""
    return assembly.template("Driftloop-rainfall")
