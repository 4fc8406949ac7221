"""What SageMaker's registry and S3 know of a model: its package, what is stored beside it, and who serves now.

Runs inside steps, with boto3 and nothing else.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

Facts = Mapping[str, Any]

SLOT: Final = "champion"
NOT_SERVING: Final = frozenset({"Creating", "Deleting", "Failed", "OutOfService"})
GONE: Final = frozenset({"NoSuchKey", "NoSuchBucket", "AccessDenied"})
"""S3 answers AccessDenied for a missing object to who may not list the whole bucket (S3 API reference, GetObject)."""
CONTENT_TYPES: Final = {".json": "application/json", ".html": "text/html; charset=utf-8"}


class UntestableError(RuntimeError):
    """Something that a test needs is not there or not usable. The message names it and says what to do."""


class Registry:
    """Packages, what is stored beside them, and which of them production serves.

    Args:
        production: the session of production's account, where it has one of its own.
    """

    def __init__(self, session: Any, production: Any = None) -> None:
        self._sagemaker = session.client("sagemaker")
        self._s3 = session.client("s3")
        self._production = (production or session).client("sagemaker")

    def package(self, arn: str) -> Facts:
        """DescribeModelPackage's answer."""
        return dict(self._sagemaker.describe_model_package(ModelPackageName=arn))

    def beside(self, package: Facts, key: str) -> str:
        """A file whose URI the package's metadata hold.

        Raises:
            UntestableError: they do not, or it is gone.
        """
        arn, uri = package["ModelPackageArn"], package.get("CustomerMetadataProperties", {}).get(key)
        if not uri:
            raise UntestableError(
                f"model package {arn}: expected an S3 URI under '{key}' in CustomerMetadataProperties, found none; "
                "register it with the train pipeline"
            )
        return self.read(str(uri)).decode()

    def archive(self, package: Facts) -> bytes:
        """The package's model.tar.gz.

        Raises:
            UntestableError: it is gone.
        """
        return self.read(str(package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]))

    def read(self, uri: str) -> bytes:
        """An object.

        Raises:
            UntestableError: it is gone, as far as this job may know.
        """
        parts = urlsplit(uri)
        try:
            body: bytes = self._s3.get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"].read()
        except ClientError as exc:
            code = exc.response["Error"]["Code"]
            if code not in GONE:
                raise
            raise UntestableError(
                f"{uri}: the object is gone, or this job's role may not read it ({code}); "
                "train the model again, then release that version"
            ) from exc
        return body

    def put(self, uri: str, path: Path) -> None:
        """Upload a report."""
        parts = urlsplit(uri)
        kind = CONTENT_TYPES[path.suffix]
        self._s3.put_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"), Body=path.read_bytes(), ContentType=kind)

    def champion(self, endpoint: str) -> Facts | None:
        """The package that production serves now, or None if there is no production yet.

        Raises:
            UntestableError: its variant `champion` does not lead to a package.
        """
        found = self._endpoint(endpoint)
        if found is None or found["EndpointStatus"] in NOT_SERVING:
            return None
        config = self._production.describe_endpoint_config(EndpointConfigName=found["EndpointConfigName"])
        models = [variant["ModelName"] for variant in config["ProductionVariants"] if variant["VariantName"] == SLOT]
        arns = [arn for name in models for arn in self._packages_of(name)]
        if len(arns) != 1:
            raise UntestableError(
                f"endpoint {endpoint}: expected one model package behind variant '{SLOT}', found {arns or 'none'}; "
                "roll production back to a release, or delete the endpoint"
            )
        return self.package(arns[0])

    def _endpoint(self, name: str) -> Facts | None:
        try:
            return dict(self._production.describe_endpoint(EndpointName=name))
        except ClientError as exc:
            if "could not find" in exc.response["Error"]["Message"].lower():
                return None
            raise

    def _packages_of(self, model: str) -> list[str]:
        found = self._production.describe_model(ModelName=model)
        containers = found.get("Containers") or [found.get("PrimaryContainer") or {}]
        return [container["ModelPackageName"] for container in containers if "ModelPackageName" in container]
