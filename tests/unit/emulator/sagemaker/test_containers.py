"""What serves behind an endpoint: the images' own handlers, many models, several containers, a program of one's own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from emulator.kernel.errors import AwsError
from tests.support.emulator import REPOSITORY, ROLE, World
from tests.support.waiting import eventually
from tests.unit.emulator.sagemaker.requests import SKLEARN, XGBOOST, tarball
from tests.unit.emulator.sagemaker.serving import INFERENCE, at_rest, configure, deploy, invoke, up

RUNNER = REPOSITORY / ".runners" / "xgboost-3.2-0" / "bin" / "python"
TRAIN = """
import sys, numpy, xgboost
x = numpy.arange(40.0).reshape(20, 2)
booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(x, label=x[:, 0]), num_boost_round=3)
booster.save_model(sys.argv[1])
"""


def model(aws: World, name: str, *containers: dict[str, Any]) -> str:
    aws.sagemaker("CreateModel", ModelName=name, Containers=list(containers), ExecutionRoleArn=ROLE)
    configure(aws, name, {name: 1.0}, "champion")
    return name


def status_of(aws: World, **request: Any) -> tuple[int, str]:
    """The container's status and message where it refuses."""
    with pytest.raises(AwsError) as refused:
        invoke(aws, **request)
    fields = getattr(refused.value, "fields")  # noqa: B009 - only model errors have them
    return fields["OriginalStatusCode"], fields["OriginalMessage"]


def test_the_xgboost_image_serves_a_model_without_a_script(aws: World, tmp_path: Path) -> None:
    directory = tmp_path / "model"
    directory.mkdir()
    subprocess.run([str(RUNNER), "-c", TRAIN, str(directory / "xgboost-model.json")], check=True)
    packed = shutil.make_archive(str(tmp_path / "m"), "gztar", directory)
    aws.s3.put("s3://bucket/m.tar.gz", Path(packed).read_bytes())
    up(aws, model(aws, "m", {"Image": XGBOOST, "ModelDataUrl": "s3://bucket/m.tar.gz"}))

    by_csv = invoke(aws, body="0,1\n38,39", content_type="text/csv")
    by_libsvm = invoke(aws, body="0:0 1:1\n0:38 1:39", content_type="text/libsvm", Accept="application/json")

    low, high = (float(text) for text in by_csv["Body"].decode().split(","))
    assert low < 19 < high
    assert (by_csv["ContentType"], by_libsvm["ContentType"]) == ("text/csv", "text/csv")
    assert by_libsvm["Body"] == by_csv["Body"]
    assert status_of(aws, body="{}", content_type="application/json")[0] == 415
    assert status_of(aws, body="a,b", content_type="text/csv")[0] == 415
    status, message = status_of(aws, body="1,2,3", content_type="text/csv")
    assert (status, message[:36]) == (400, "Unable to evaluate payload provided:")
    assert invoke(aws, body="", content_type="text/csv")["Body"] == b""


def test_scripts_of_the_xgboost_image_get_a_dmatrix_unless_they_read_themselves(aws: World) -> None:
    code = "def model_fn(d): return 1\ndef predict_fn(data, model): return [type(data).__name__, data.num_row()]\n"
    aws.s3.put("s3://bucket/m.tar.gz", tarball(code__inference_py=code))
    up(aws, model(aws, "m", {"Image": XGBOOST, "ModelDataUrl": "s3://bucket/m.tar.gz"}))

    answer = invoke(aws, body="1,2\n3,4", content_type="text/csv", Accept="application/json")

    assert json.loads(answer["Body"]) == ["DMatrix", "2"]


def test_the_toolkits_defaults_read_and_write_json_and_npy_and_refuse_the_rest(aws: World) -> None:
    code = "class M:\n    def predict(self, rows): return rows * 2\ndef model_fn(d): return M()\n"
    up(aws, deploy(aws, "one", code))

    as_json = invoke(aws, body="[[1, 2]]", Accept="application/json")
    as_npy = invoke(aws, body="[[1, 2]]", Accept="application/x-npy")
    back = aws.call(
        "sagemaker-runtime",
        "InvokeEndpoint",
        {"EndpointName": "e", "Body": as_npy["Body"], "ContentType": "application/x-npy", "Accept": "text/csv"},
    )

    assert json.loads(as_json["Body"]) == [[2, 4]]
    assert back["Body"] == b"4,8\n"
    assert status_of(aws, body="x", content_type="image/png")[0] == 415
    assert status_of(aws, body="[1]", Accept="image/png")[0] == 406


def test_containers_answer_in_turn_and_an_error_names_its_container(aws: World) -> None:
    double = (
        "def model_fn(d): return 1\ndef transform_fn(m, data, kind, accept): return str(2 * int(data)), 'text/csv'\n"
    )
    more = (
        "def model_fn(d): return 1\ndef transform_fn(m, data, kind, accept): return f'{kind} {int(data) + 1}', kind\n"
    )
    for name, code in (("double", double), ("more", more)):
        aws.s3.put(f"s3://bucket/{name}.tar.gz", tarball(code__inference_py=code))
    containers = [
        {"Image": SKLEARN, "ModelDataUrl": f"s3://bucket/{name}.tar.gz", **host}
        for name, host in (("double", {}), ("more", {"ContainerHostname": "adder"}))
    ]
    described = up(aws, model(aws, "m", *containers))

    answer = invoke(aws, body="4", content_type="text/plain")

    assert answer["Body"] == b"text/csv 9"
    assert len(described["ProductionVariants"][0]["DeployedImages"]) == 2
    with pytest.raises(AwsError, match=r"server error \(500\) from container-1 "):
        invoke(aws, body="x")
    eventually(lambda: {stream.split("/")[-1] for stream in aws.logs.streams} == {"container-1", "adder"})


def many(aws: World, **environment: str) -> None:
    for name in ("one", "two"):
        aws.s3.put(f"s3://bucket/models/{name}.tar.gz", tarball(code__inference_py=INFERENCE, name_txt=name))
    bad = tarball(code__inference_py="raise RuntimeError('no such thing')")
    aws.s3.put("s3://bucket/models/bad.tar.gz", bad)
    container = {"Image": SKLEARN, "ModelDataUrl": "s3://bucket/models/", "Mode": "MultiModel"}
    up(aws, model(aws, "m", {**container, "Environment": environment}))


def asked(aws: World, target: str) -> str:
    return str(json.loads(invoke(aws, TargetModel=target)["Body"])["model"])


def test_many_models_share_an_endpoint_and_each_is_loaded_when_it_is_first_asked_for(aws: World) -> None:
    many(aws)

    assert [asked(aws, f"{name}.tar.gz") for name in ("one", "two", "one")] == ["one", "two", "one"]
    aws.s3.put("s3://bucket/models/three.tar.gz", tarball(code__inference_py=INFERENCE, name_txt="three"))
    assert asked(aws, "three.tar.gz") == "three"


def test_the_model_that_was_not_used_longest_makes_room(aws: World) -> None:
    many(aws, EMULATOR_MODELS_MAX="1")

    found = [asked(aws, f"{name}.tar.gz") for name in ("one", "two", "one", "two")]

    assert found == ["one", "two", "one", "two"]
    held = list((aws.kernel.state_dir / "endpoints").glob("*/*/*/i-*/*/ml/models/*"))
    assert len(held) == 1


def test_a_model_that_is_not_there_or_does_not_load_is_told(aws: World) -> None:
    many(aws)

    with pytest.raises(AwsError, match=r"Failed to download model data\(bucket: bucket, key: models/no\.tar\.gz\)"):
        asked(aws, "no.tar.gz")
    with pytest.raises(AwsError, match="no such thing") as broken:
        asked(aws, "bad.tar.gz")
    with pytest.raises(AwsError, match="TargetModel is required"):
        invoke(aws)
    assert broken.value.code == "ModelError"
    assert asked(aws, "one.tar.gz") == "one"


SERVE = """#!{python}
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ping" else 404); self.end_headers()
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        said = open("/opt/ml/model/name.txt").read().encode() + b" " + body[::-1]
        self.send_response(200); self.send_header("Content-Length", str(len(said))); self.end_headers()
        self.wfile.write(said)
HTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


def test_a_program_of_ones_own_serves_behind_an_endpoint(aws: World, tmp_path: Path) -> None:
    home = tmp_path / "runners" / "mine"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "python").symlink_to(sys.executable)
    (home / "pyvenv.cfg").write_text("version = 3.11\n")
    (home / "image.json").write_text(json.dumps({"repository": "my-image", "version": "7"}))
    serve = home / "bin" / "serve"
    serve.write_text(SERVE.format(python=sys.executable))
    serve.chmod(0o755)
    aws.kernel.runners_dir = home.parent
    aws.s3.put("s3://bucket/m.tar.gz", tarball(name_txt="mine"))
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/my-image:7"

    up(aws, model(aws, "m", {"Image": image, "ModelDataUrl": "s3://bucket/m.tar.gz"}))

    assert invoke(aws, body="abc")["Body"] == b"mine cba"


def test_a_program_that_never_answers_its_ping_fails_the_endpoint(aws: World, tmp_path: Path) -> None:
    home = tmp_path / "runners" / "mine"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "python").symlink_to(sys.executable)
    (home / "pyvenv.cfg").write_text("version = 3.11\n")
    (home / "image.json").write_text(json.dumps({"repository": "my-image", "version": "7"}))
    (home / "bin" / "serve").write_text("#!/bin/sh\necho cannot start\nexit 3\n")
    (home / "bin" / "serve").chmod(0o755)
    aws.kernel.runners_dir = home.parent
    aws.s3.put("s3://bucket/m.tar.gz", tarball(name_txt="mine"))

    config = model(aws, "m", {"Image": "my-image:7", "ModelDataUrl": "s3://bucket/m.tar.gz"})
    aws.sagemaker("CreateEndpoint", EndpointName="e", EndpointConfigName=config)

    assert "cannot start" in at_rest(aws, config, "FAILED")["FailureReason"]
