"""The functions as they are shipped: small, complete, configured."""

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.staging import stage_functions
from lambdas.shared.settings import read_decide_release, read_start_training
from tests.synth.template import Template


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

    assert names == {"lambdas", "aws_lambda_powertools", "jmespath", "typing_extensions.py"}
    assert not list(code.rglob("__pycache__"))
    assert not list(code.rglob("*.pyc"))


def test_staging_twice_gives_the_same_folder(code: Path) -> None:
    assert stage_functions(code.parent) == code
    assert [path.name for path in code.parent.iterdir()] == [code.name]


@pytest.mark.parametrize("capability", ["start_training", "decide_release", "answer_waits"])
def test_a_handler_imports_from_the_shipped_code_alone(code: Path, capability: str) -> None:
    """boto3 comes with Lambda's Python; everything else has to be in the folder."""
    program = f"""
import sys
import boto3
import botocore.config, botocore.exceptions, boto3.dynamodb.types
sys.path = [{str(code)!r}, *(p for p in sys.path if "site-packages" not in p)]
for name in ("jmespath", "typing_extensions", "aws_lambda_powertools", "lambdas"):
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
    }
    for function in functions.values():
        assert function["Runtime"] == "python3.13"
        assert function["MemorySize"] == 256


def test_functions_understand_the_environment_that_the_stack_gives_them(flights: Template) -> None:
    environments = {
        function["FunctionName"]: function["Environment"]["Variables"]
        for function in flights.resources("AWS::Lambda::Function").values()
    }

    start = read_start_training(environments["driftloop-flights-start-training"])
    decide = read_decide_release(environments["driftloop-flights-decide-release"])

    assert start.raw_prefix == "raw/flights/"
    assert (start.batch_min_files, start.batch_window_s, start.shared.attempts_max) == (1, 2, 1)
    assert decide.release_pipeline == "driftloop-flights-release"
    assert decide.shared.ingest_queue_url == start.shared.ingest_queue_url


def test_each_function_writes_to_a_log_group_of_its_own_that_forgets(flights: Template) -> None:
    groups = flights.resources("AWS::Logs::LogGroup")

    for function in flights.resources("AWS::Lambda::Function").values():
        group = groups[function["LoggingConfig"]["LogGroup"].strip("<>")]
        assert group["LogGroupName"] == f"/aws/lambda/{function['FunctionName']}"
        assert group["RetentionInDays"] == 90
