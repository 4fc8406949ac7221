"""AWS::Lambda::Function, from a zip on S3 or inline text."""

from __future__ import annotations

import io
import zipfile

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, only, tags_as_map

_PROPERTIES = frozenset(
    {
        "Architectures",
        "Code",
        "Description",
        "Environment",
        "EphemeralStorage",
        "FunctionName",
        "Handler",
        "LoggingConfig",
        "MemorySize",
        "PackageType",
        "Role",
        "Runtime",
        "Tags",
        "Timeout",
        "TracingConfig",
    }
)


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    name = properties.get("FunctionName") or deployment.physical_name(logical_id)
    request = {
        **properties,
        "FunctionName": name,
        "Tags": tags_as_map(properties),
        "Code": _code(logical_id, properties),
    }
    made = deployment.call("lambda", "CreateFunction", request)
    return Created(name, {"Arn": made["FunctionArn"]})


def _code(logical_id: str, properties: Properties) -> Properties:
    code: Properties = properties["Code"]
    only(f"{logical_id} Code", code, "S3Bucket", "S3Key", "S3ObjectVersion", "ZipFile")
    if "ZipFile" not in code:
        return code
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", code["ZipFile"])
    return {"ZipFile": packed.getvalue()}


TYPE = ResourceType("AWS::Lambda::Function", _PROPERTIES, create)
