"""Real functions for tests: their zips, their roles, and one call to make them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

Client = Callable[[str], Any]


def zipped(files: dict[str, str], mode: int = 0o644) -> bytes:
    """A zip of text files by path, all with one mode."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            archive.writestr(entry, text)
    return packed.getvalue()


def role(client: Client) -> str:
    """A role that functions act as; made once."""
    iam = client("iam")
    try:
        made = iam.create_role(RoleName="test-functions", AssumeRolePolicyDocument="{}")
    except iam.exceptions.EntityAlreadyExistsException:
        made = iam.get_role(RoleName="test-functions")
    return str(made["Role"]["Arn"])


def create(client: Client, name: str, code: str | bytes, **settings: Any) -> str:
    """A function from the text of `app.py` or from a zip; answers its ARN."""
    packed = zipped({"app.py": code}) if isinstance(code, str) else code
    request = {"Runtime": "python3.13", "Handler": "app.handler", "Role": role(client), **settings}
    return str(client("lambda").create_function(FunctionName=name, Code={"ZipFile": packed}, **request)["FunctionArn"])


def invoke(client: Client, name: str, event: Any = None, **params: Any) -> tuple[str | None, Any]:
    """The kind of error, if any, and the answer."""
    answer = client("lambda").invoke(FunctionName=name, Payload=json.dumps(event or {}), **params)
    return answer.get("FunctionError"), json.loads(answer["Payload"].read())
