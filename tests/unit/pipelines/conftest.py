"""S3 on loopback for the step scripts, which run in processes of their own."""

import logging
from collections.abc import Iterator
from uuid import uuid4

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.support.batches import Store
from tests.support.small_models import Aws, Model, made, rows


@pytest.fixture(scope="session")
def aws_env() -> Iterator[dict[str, str]]:
    """moto's services behind one URL."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }
    server.stop()


@pytest.fixture
def store(aws_env: dict[str, str]) -> Store:
    """A versioned bucket of this test's own."""
    return _store(aws_env)


@pytest.fixture(scope="module")
def module_store(aws_env: dict[str, str]) -> Store:
    """A versioned bucket for what a module's tests share."""
    return _store(aws_env)


@pytest.fixture
def aws(module_store: Store) -> Aws:
    """A registry, and endpoints with names of this test's own."""
    return Aws(module_store)


@pytest.fixture(scope="session")
def good(aws_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    """A model that has learned what there is to learn."""
    yield from made(tmp_path_factory.mktemp("good"), rows(1, 3000), aws_env)


@pytest.fixture(scope="session")
def bad(aws_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    """Trained on noise: it has learned nothing."""
    yield from made(tmp_path_factory.mktemp("bad"), rows(3, 3000, is_noise=True), aws_env)


def _store(aws_env: dict[str, str]) -> Store:
    client = boto3.client(
        "s3",
        endpoint_url=aws_env["AWS_ENDPOINT_URL"],
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    bucket = f"bucket-{uuid4()}"
    client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return Store(client, bucket, aws_env)


@pytest.fixture
def several_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """An emulator of this process may have told moto that there is one."""
    monkeypatch.delenv("MOTO_ACCOUNT_ID", raising=False)
