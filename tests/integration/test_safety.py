"""What the emulator holds has bounds and is told; what is secret is written nowhere but where it is kept."""

import io
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.apart import Emulator
from tests.support.emulator import ROLE
from tests.support.waiting import eventually

MIB = 1 << 20
OTHER_ADDRESS = "127.0.0.2"
"""Of this machine too, but not the one on which an emulator serves."""
SECRET = "s3cr3t-that-nobody-may-read-6b1f"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("small") / "state"


@pytest.fixture(scope="module")
def emulator(state: Path) -> Iterator[Emulator]:
    state.mkdir()
    made = Emulator(state, "--disk-limit-gb", "0.02", log=state / "emulator.log")
    made.client("s3").create_bucket(Bucket="room")
    yield made
    made.kill()


@pytest.mark.parametrize("size", [15 * MIB, 3 * MIB])
def test_an_upload_beyond_the_disk_limit_is_refused_by_name_and_the_object_stays_as_it_was(
    emulator: Emulator, size: int
) -> None:
    s3, key = emulator.client("s3"), f"k-{size}"
    s3.put_object(Bucket="room", Key=key, Body=b"before")
    s3.put_object(Bucket="room", Key="filling", Body=os.urandom(17 * MIB))

    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket="room", Key=key, Body=os.urandom(size))

    assert "--disk-limit-gb" in str(refused.value)
    assert s3.get_object(Bucket="room", Key=key)["Body"].read() == b"before"
    s3.delete_object(Bucket="room", Key="filling")
    s3.put_object(Bucket="room", Key=key, Body=os.urandom(size))
    s3.delete_object(Bucket="room", Key=key)


def test_what_it_holds_in_memory_and_on_disk_is_told(emulator: Emulator) -> None:
    before = emulator.ask("health")

    emulator.client("s3").put_object(Bucket="room", Key="told", Body=os.urandom(5 * MIB))

    after = emulator.ask("health")
    assert 20e6 < after["memory_bytes"] < 2e9
    assert after["disk_bytes"] - before["disk_bytes"] >= 5 * MIB
    emulator.client("s3").delete_object(Bucket="room", Key="told")


def test_served_on_loopback_nobody_is_warned_and_exposed_everybody_is(emulator: Emulator, tmp_path: Path) -> None:
    exposed = Emulator(tmp_path / "state", "--expose")
    try:
        assert emulator.ask("health")["warnings"] == []
        (warning,) = exposed.ask("health")["warnings"]
        assert "can run programs here as you" in warning
        assert exposed.ask_at(OTHER_ADDRESS, "health")["status"] == "ok"
        with pytest.raises(OSError, match="refused"):
            emulator.ask_at(OTHER_ADDRESS, "health")
    finally:
        exposed.kill()


HANDLER = f"""
import os
def handler(event, context):
    assert os.environ["PASSWORD"] == "{SECRET}" and event["token"] == "{SECRET}"
    return {{"answer": "{SECRET}"}}
"""


def test_secrets_are_in_no_log_and_not_in_the_journal(emulator: Emulator, state: Path) -> None:
    functions, events = emulator.client("lambda"), emulator.client("events")
    emulator.client("secretsmanager").create_secret(Name="s", SecretString=SECRET)
    emulator.client("ssm").put_parameter(Name="/s", Value=SECRET, Type="SecureString")
    events.create_connection(
        Name="c",
        AuthorizationType="API_KEY",
        AuthParameters={"ApiKeyAuthParameters": {"ApiKeyName": "x-key", "ApiKeyValue": SECRET}},
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("h.py", HANDLER)
    functions.create_function(
        FunctionName="keeper",
        Runtime="python3.12",
        Handler="h.handler",
        Role=ROLE,
        Code={"ZipFile": packed.getvalue()},
        Environment={"Variables": {"PASSWORD": SECRET}},
    )
    payload = json.dumps({"token": SECRET})
    assert json.load(functions.invoke(FunctionName="keeper", Payload=payload)["Payload"]) == {"answer": SECRET}
    events.put_rule(Name="r", EventPattern='{"source": ["test"]}')
    arn = "arn:aws:lambda:us-east-1:123456789012:function:keeper"
    events.put_targets(Rule="r", Targets=[{"Id": "f", "Arn": arn, "InputPath": "$.detail"}])
    events.put_events(Entries=[{"Source": "test", "DetailType": "t", "Detail": payload}])
    _refused(emulator)

    eventually(lambda: emulator.ask("journal", kind="events.delivered")["entries"])
    written = [state / "emulator.log", *state.glob("journal*.jsonl")]
    assert len(written) >= 2
    assert [path.name for path in written if SECRET in path.read_text("utf-8", "replace")] == []


def _refused(emulator: Emulator) -> None:
    """Requests that cannot be answered, with a secret in them: what is said about them is logged."""
    wrong: list[tuple[str, str, dict[str, Any]]] = [
        ("ssm", "put_parameter", {"Name": "/s", "Value": SECRET, "Type": "SecureString"}),
        ("secretsmanager", "put_secret_value", {"SecretId": "absent", "SecretString": SECRET}),
        ("lambda", "invoke", {"FunctionName": "absent", "Payload": SECRET}),
    ]
    for service, operation, params in wrong:
        with pytest.raises(ClientError):
            getattr(emulator.client(service), operation)(**params)
