"""AWS::Lambda::Function, from a zip on S3 or inline text."""

from __future__ import annotations

import io
import zipfile

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, only, tags_as_map

_PROPERTIES = frozenset(
    {
        "Architectures",
        "Code",
        "DeadLetterConfig",
        "Description",
        "Environment",
        "EphemeralStorage",
        "FunctionName",
        "Handler",
        "Layers",
        "LoggingConfig",
        "MemorySize",
        "PackageType",
        "ReservedConcurrentExecutions",
        "Role",
        "Runtime",
        "Tags",
        "Timeout",
        "TracingConfig",
    }
)


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    name = properties.get("FunctionName") or deployment.physical_name(logical_id)
    reserved = properties.get("ReservedConcurrentExecutions")
    request = {
        **{key: value for key, value in properties.items() if key != "ReservedConcurrentExecutions"},
        "FunctionName": name,
        "Tags": tags_as_map(properties),
        "Code": _code(logical_id, properties),
    }
    made = deployment.call("lambda", "CreateFunction", request)
    if reserved is not None:
        concurrency = {"FunctionName": name, "ReservedConcurrentExecutions": reserved}
        deployment.call("lambda", "PutFunctionConcurrency", concurrency)
    return Created(name, {"Arn": made["FunctionArn"]})


def _code(logical_id: str, properties: Properties) -> Properties:
    code: Properties = properties["Code"]
    only(f"{logical_id} Code", code, "S3Bucket", "S3Key", "S3ObjectVersion", "ZipFile")
    if "ZipFile" not in code:
        return code
    packed = io.BytesIO()
    suffix = "js" if str(properties.get("Runtime")).startswith("nodejs") else "py"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"index.{suffix}", code["ZipFile"])
    return {"ZipFile": packed.getvalue()}


TYPE = ResourceType("AWS::Lambda::Function", _PROPERTIES, create)
