"""The committed definitions are what the SageMaker SDK builds, offline. These tests pay for importing the SDK."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline_definitions import build
from pipeline_definitions.shared.images import MONITOR_ACCOUNTS, REGISTRY_ACCOUNTS, SKLEARN_VERSION, XGBOOST_VERSION

NO_NETWORK = """
import runpy, sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise SystemExit(f"network: {event} {arguments}")

sys.addaudithook(refuse)
sys.argv = ["build", "--check"]
runpy.run_module("pipeline_definitions.build", run_name="__main__")
"""

REGISTRIES = """
import json
from sagemaker.core.image_uris import config_for_framework

print(json.dumps([
    config_for_framework(framework)[scope]["versions"][version]["registries"]
    for framework, version in {versions!r}.items()
    for scope in ("training", "inference")
]))
"""


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_committed_definitions_are_what_is_built_twice_alike_without_network() -> None:
    done = python(NO_NETWORK)

    assert done.returncode == 0, done.stdout + done.stderr


def test_registry_accounts_are_those_of_the_sdk() -> None:
    done = python(REGISTRIES.format(versions={"xgboost": XGBOOST_VERSION, "sklearn": SKLEARN_VERSION}))

    assert done.returncode == 0, done.stderr
    assert all(registries == dict(REGISTRY_ACCOUNTS) for registries in json.loads(done.stdout))


def test_accounts_of_model_monitor_are_those_of_the_sdk() -> None:
    code = (
        "import json\n"
        "from sagemaker.core.image_uris import config_for_framework\n"
        "print(json.dumps(config_for_framework('model-monitor')['versions']['']['registries']))\n"
    )

    done = python(code)

    assert json.loads(done.stdout) == dict(MONITOR_ACCOUNTS), done.stderr


def test_an_aws_call_while_composing_is_refused_by_name() -> None:
    code = (
        "from pipeline_definitions import build\n"
        "build.go_offline()\n"
        "from pipeline_definitions.shared.offline_session import OfflineSession, NetworkCallRefusedError\n"
        "session = OfflineSession()\n"
        "session.boto_session.client('s3').put_object(Bucket='b', Key='k', Body=b'text')\n"
        "print([(put.url_path, put.body) for put in session.puts])\n"
        "try:\n    session.boto_session.client('iam').get_role(RoleName='r')\n"
        "except NetworkCallRefusedError as exc:\n    print(exc.operation)\n"
    )

    done = python(code)

    assert done.stdout.splitlines() == ["[('/k', b'text')]", "iam:GetRole"], done.stderr


def test_check_names_the_pipeline_that_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train").write_text("built")
    (tmp_path / "release").write_text("older")

    code = build.main(["--check"], compose=lambda pipeline: "built", path_of=lambda pipeline: tmp_path / pipeline)

    said = capsys.readouterr().out
    assert code == 1
    assert "pipeline 'release'" in said
    assert "pipeline 'train'" not in said
    assert "run `make pipelines`" in said
    assert (tmp_path / "release").read_text() == "older"


def test_without_check_the_definitions_are_written(tmp_path: Path) -> None:
    code = build.main([], compose=lambda pipeline: f"{pipeline} built", path_of=lambda pipeline: tmp_path / pipeline)

    assert code == 0
    assert (tmp_path / "train").read_text() == "train built"


def test_a_definition_that_differs_between_two_builds_is_refused() -> None:
    texts = iter(["at 12:00", "at 12:01"])

    with pytest.raises(build.UnstableDefinitionError, match="pipeline 'train': two builds differ"):
        build.built("train", lambda pipeline: next(texts))
