"""Versions as somebody might make them by hand: a trained one, with other code in its archive."""

import io
import tarfile

from tests.e2e.conftest import Loop

CANNOT_BE_LOADED = 'raise RuntimeError("weathermaps 2.1 is not installed")'
SLOW_UNDER_LOAD = """
import threading
_alone, _is_slow, _predict = threading.Semaphore(1), threading.Event(), predict_fn

def predict_fn(data, model):
    is_alone = _alone.acquire(blocking=False)
    if not is_alone:
        _is_slow.set()
    threading.Event().wait(0.35 if _is_slow.is_set() else 0.01)
    if is_alone:
        _alone.release()
    return _predict(data, model)
"""
"""Quick as long as it is asked one thing at a time."""
BREAKS_IN_THE_COLD = """
_read = input_fn

def input_fn(data, content_type):
    if "-77.25" in str(data):
        raise RuntimeError("no such weather")
    return _read(data, content_type)
"""
COLD_DAY = "-77.25,-80.5,1013.2,9.9,5.1,9.9,-79.1,-70.2"
"""Weather that no test asks about, and BREAKS_IN_THE_COLD breaks on."""


def remade(loop: Loop, package_arn: str, more_code: str = "") -> str:
    """A new version of the same group, pending: the same model, metadata and metrics, its code with an end of its own.

    Returns:
        The ARN of the version.
    """
    found = loop.sagemaker.describe_model_package(ModelPackageName=package_arn)
    (container,) = found["InferenceSpecification"]["Containers"]
    uri = str(container["ModelDataUrl"])
    version = len(loop.packages(found["ModelPackageGroupName"].removeprefix("driftloop-"))) + 1
    to = uri.replace("model.tar.gz", f"remade-{version}/model.tar.gz")
    s3 = loop.client("s3")
    archive = s3.get_object(**_place(uri))["Body"].read()
    s3.put_object(**_place(to), Body=_with_code(archive, more_code))
    specification = {**found["InferenceSpecification"], "Containers": [{**container, "ModelDataUrl": to}]}
    return str(
        loop.sagemaker.create_model_package(
            ModelPackageGroupName=found["ModelPackageGroupName"],
            InferenceSpecification=specification,
            CustomerMetadataProperties=found["CustomerMetadataProperties"],
            ModelMetrics=found["ModelMetrics"],
            ModelApprovalStatus="PendingManualApproval",
        )["ModelPackageArn"]
    )


def lose_artifact(loop: Loop, package_arn: str) -> str:
    """Delete a version's model from S3; answers where it was."""
    found = loop.sagemaker.describe_model_package(ModelPackageName=package_arn)
    uri = str(found["InferenceSpecification"]["Containers"][0]["ModelDataUrl"])
    loop.client("s3").delete_object(**_place(uri))
    return uri


def _place(uri: str) -> dict[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": key}


def _with_code(archive: bytes, more_code: str) -> bytes:
    """The archive with a longer code/inference.py."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(archive)) as old, tarfile.open(fileobj=packed, mode="w:gz") as new:
        for entry in old.getmembers():
            file = old.extractfile(entry)
            body = file.read() if file else b""
            if entry.name == "code/inference.py":
                body += f"\n{more_code}\n".encode()
                entry.size = len(body)
            new.addfile(entry, io.BytesIO(body))
    return packed.getvalue()
