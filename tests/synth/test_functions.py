"""The functions as they are shipped: small, complete, configured."""

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from infra.staging import stage_functions
from lambdas.shared.settings import (
    Machines,
    read_answer_waits,
    read_change_endpoint,
    read_decide_release,
    read_reconcile,
    read_start_retraining,
    read_start_training,
)
from tests.synth.template import Template

ELSEWHERE = {"CAPTURE_KEY_ARN", "STAGE_ROLES", "STAGE_SERVE_ROLES"}
"""Told only where a stage has an account of its own."""


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that becomes the zip."""
    return stage_functions(tmp_path_factory.mktemp("build"))


def test_the_zip_is_under_a_megabyte(code: Path) -> None:
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(code.rglob("*")):
            archive.write(path, path.relative_to(code))

    assert len(zipped.getvalue()) < 1_000_000


def test_the_code_holds_neither_caches_nor_heavy_libraries(code: Path) -> None:
    names = {path.name for path in code.iterdir()}

    assert names == {"lambdas", "aws_lambda_powertools", "typing_extensions.py"}
    assert not list(code.rglob("__pycache__"))
    assert not list(code.rglob("*.pyc"))


def test_staging_twice_gives_the_same_folder(code: Path) -> None:
    assert stage_functions(code.parent) == code
    assert [path.name for path in code.parent.iterdir()] == [code.name]


@pytest.mark.parametrize(
    "capability",
    ["start_training", "decide_release", "change_endpoint", "answer_waits", "start_retraining", "reconcile"],
)
def test_a_handler_imports_from_the_shipped_code_alone(code: Path, capability: str) -> None:
    """boto3 and what it needs come with Lambda's Python; everything else has to be in the folder."""
    program = f"""
import sys
import boto3
import botocore.config, botocore.exceptions, boto3.dynamodb.types
sys.path = [{str(code)!r}, *(p for p in sys.path if "site-packages" not in p)]
for name in ("typing_extensions", "aws_lambda_powertools", "lambdas"):
    for module in [m for m in sys.modules if m.partition(".")[0] == name]:
        del sys.modules[module]
sys.meta_path = [finder for finder in sys.meta_path if "__editable__" not in str(finder)]
import lambdas.{capability}.handler as handler
assert callable(handler.handler)
assert handler.__file__.startswith({str(code)!r}), handler.__file__
import aws_lambda_powertools
assert aws_lambda_powertools.__file__.startswith({str(code)!r})
"""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}  # the folder is named after its content

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, cwd="/", check=False
    )

    assert done.returncode == 0, done.stderr


def test_functions_are_small_and_named_after_their_capability(flights: Template) -> None:
    functions = {function["FunctionName"]: function for function in flights.resources("AWS::Lambda::Function").values()}

    assert {name: function["Handler"] for name, function in functions.items()} == {
        "driftloop-flights-start-training": "lambdas.start_training.handler.handler",
        "driftloop-flights-decide-release": "lambdas.decide_release.handler.handler",
        "driftloop-flights-change-endpoint": "lambdas.change_endpoint.handler.handler",
        "driftloop-flights-answer-waits": "lambdas.answer_waits.handler.handler",
        "driftloop-flights-start-retraining": "lambdas.start_retraining.handler.handler",
        "driftloop-flights-reconcile": "lambdas.reconcile.handler.handler",
    }
    for function in functions.values():
        assert function["Runtime"] == "python3.13"
        assert function["MemorySize"] == 256


def _environments(template: Template) -> dict[str, dict[str, str]]:
    return {
        function["FunctionName"]: function["Environment"]["Variables"]
        for function in template.resources("AWS::Lambda::Function").values()
    }


def test_functions_understand_the_environment_that_the_stack_gives_them(flights: Template) -> None:
    environments = _environments(flights)

    start = read_start_training(environments["driftloop-flights-start-training"])
    decide = read_decide_release(environments["driftloop-flights-decide-release"])

    assert start.raw_prefix == "raw/flights/"
    assert (start.batch_min_files, start.batch_window_s, start.shared.attempts_max) == (1, 2, 1)
    assert decide.release_pipeline == "driftloop-flights-release"
    assert decide.rollback_pipeline == "driftloop-flights-rollback"
    assert decide.shared.ingest_queue_url == start.shared.ingest_queue_url


def test_the_functions_of_a_release_understand_their_environment_too(flights: Template) -> None:
    environments = _environments(flights)

    change = read_change_endpoint(environments["driftloop-flights-change-endpoint"])
    answer = read_answer_waits(environments["driftloop-flights-answer-waits"])

    assert (change.endpoint_prefix, change.keeps_stages) == ("driftloop-flights", False)
    assert change.machines == dict.fromkeys(("dev", "staging", "prod"), Machines("ml.m5.large", 1))
    assert (change.traffic, change.scaling) == (None, None)
    assert (change.experiment_mode, change.challenger_weight) == ("paired", 0.1)
    assert change.capture_uri == answer.capture_uri
    assert answer.deadline_s == 2700
    assert (answer.experiment.mode, answer.experiment.guard_rails.p95_ms_max) == ("paired", 1000.0)


def test_functions_are_told_nothing_that_they_do_not_read(flights: Template) -> None:
    read: set[str] = set()

    class Seen(dict[str, str]):
        def get(self, name: str, default: Any = None) -> Any:
            read.add(name)
            return super().get(name, default)

    readers = {
        "start-training": read_start_training,
        "decide-release": read_decide_release,
        "change-endpoint": read_change_endpoint,
        "answer-waits": read_answer_waits,
        "start-retraining": read_start_retraining,
        "reconcile": read_reconcile,
    }
    for name, environment in _environments(flights).items():
        read.clear()
        readers[name.removeprefix("driftloop-flights-")](Seen(environment))
        told = {word for word in environment if not word.startswith("POWERTOOLS_")}
        assert told == read - ELSEWHERE


def test_each_function_writes_to_a_log_group_of_its_own_that_forgets(flights: Template) -> None:
    groups = flights.resources("AWS::Logs::LogGroup")

    for function in flights.resources("AWS::Lambda::Function").values():
        group = groups[function["LoggingConfig"]["LogGroup"].strip("<>")]
        assert group["LogGroupName"] == f"/aws/lambda/{function['FunctionName']}"
        assert group["RetentionInDays"] == 90
