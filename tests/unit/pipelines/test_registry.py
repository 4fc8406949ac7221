"""What steps ask of the registry and of S3."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from pipeline_definitions.shared.scripts.registry import Registry, UntestableError

URI = "s3://driftloop-artifacts/flights/batches/b/model.tar.gz"


class Session:
    """Clients of an S3 that has one answer to everything."""

    def __init__(self, code: str) -> None:
        self._code = code

    def client(self, _: str) -> Any:
        return self

    def get_object(self, **_: str) -> Any:
        raise ClientError({"Error": {"Code": self._code, "Message": "no"}}, "GetObject")


@pytest.mark.parametrize("code", ["NoSuchKey", "AccessDenied"])
def test_an_artifact_that_is_gone_is_named_whatever_s3_calls_it(code: str) -> None:
    with pytest.raises(UntestableError, match=rf"{URI}: the object is gone, or .* may not read it \({code}\)"):
        Registry(Session(code)).read(URI)


def test_what_s3_may_answer_another_time_is_no_missing_artifact() -> None:
    with pytest.raises(ClientError, match="SlowDown"):
        Registry(Session("SlowDown")).read(URI)
