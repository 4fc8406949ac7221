"""Who serves as a variant of an endpoint, since when, and the baselines that its package brought."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

Facts = Mapping[str, Any]


_BASELINES = "DriftCheckBaselines with statistics and constraints of ModelDataQuality and ModelQuality"


class NoBaselineError(RuntimeError):
    """A package that cannot be watched.

    Attributes:
        package_arn: which.
    """

    def __init__(self, package_arn: str, expected: str = _BASELINES) -> None:
        self.package_arn = package_arn
        super().__init__(
            f"model package {package_arn}: expected {expected}, found none; train the model again and release that "
            "version"
        )


@dataclass(frozen=True)
class Baselines:
    """Files of a package's baselines, in S3."""

    data: tuple[str, ...]
    quality: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """What is looked for besides drift and quality."""

    bias: bool
    attribution: bool


@dataclass(frozen=True)
class Serving:
    """A package that serves; `since` is when the endpoint config was made with which it began to."""

    package_arn: str
    since: datetime
    package: Facts

    def baselines(self) -> Baselines:
        """Its baselines.

        Raises:
            NoBaselineError: it has none.
        """
        found = self.package.get("DriftCheckBaselines") or {}
        try:
            data, quality = (
                tuple(str(found[part][kind]["S3Uri"]) for kind in ("Statistics", "Constraints"))
                for part in ("ModelDataQuality", "ModelQuality")
            )
        except KeyError as exc:
            raise NoBaselineError(self.package_arn) from exc
        # what AWS's files do not say: how exact the statistics are
        return Baselines((*data, f"{data[0].rpartition('/')[0]}/report.json"), quality)

    def compared_with(self, asked: Asked) -> dict[str, str]:
        """What bias and attribution are compared with, as far as they are asked for: the version's own hold-out.

        Returns:
            URIs by name: `holdout`, `predictions`, `model`.

        Raises:
            NoBaselineError: the package does not say where that is.
        """
        metadata = self.package.get("CustomerMetadataProperties", {})
        (container, *_) = self.package["InferenceSpecification"]["Containers"]
        known = {**metadata, "model": container["ModelDataUrl"]}
        wanted = [*(["holdout", "predictions"] if asked.bias else []), *(["model"] if asked.attribution else [])]
        names = dict.fromkeys([*wanted, "holdout"]) if wanted else {}
        if missing := [name for name in names if not known.get(name)]:
            raise NoBaselineError(self.package_arn, f"'{missing[0]}' among its metadata")
        return {name: str(known[name]) for name in names}


def find_serving(sagemaker: Any, production: Any, endpoint: str, variant: str) -> Serving | None:
    """The package behind a variant; None if there is no such endpoint or variant.

    Args:
        sagemaker: client of home, which has the packages.
        production: client of production's account.
    """
    try:
        config = production.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    except ClientError as exc:
        if "could not find" in exc.response["Error"]["Message"].lower():
            return None
        raise
    now = production.describe_endpoint_config(EndpointConfigName=config)
    package_arn = _package_of(production, now, variant)
    if package_arn is None:
        return None
    since = now["CreationTime"]
    for earlier in _before(production, endpoint, since):
        if _package_of(production, earlier, variant) != package_arn:
            break
        since = earlier["CreationTime"]
    return Serving(package_arn, since, sagemaker.describe_model_package(ModelPackageName=package_arn))


def _before(production: Any, endpoint: str, moment: datetime) -> Iterator[Facts]:
    """The endpoint's earlier configs, the latest first. Their names begin with the endpoint's."""
    pages = production.get_paginator("list_endpoint_configs").paginate(
        NameContains=endpoint, CreationTimeBefore=moment, SortBy="CreationTime", SortOrder="Descending"
    )
    for page in pages:
        for item in page["EndpointConfigs"]:
            if item["EndpointConfigName"].startswith(endpoint) and item["CreationTime"] < moment:
                yield production.describe_endpoint_config(EndpointConfigName=item["EndpointConfigName"])


def _package_of(production: Any, config: Facts, variant: str) -> str | None:
    every = [*config["ProductionVariants"], *config.get("ShadowProductionVariants", ())]
    models = [item["ModelName"] for item in every if item["VariantName"] == variant]
    if not models:
        return None
    try:
        found = production.describe_model(ModelName=models[0])
    except ClientError as exc:
        if "could not find" in exc.response["Error"]["Message"].lower():
            return None
        raise
    containers = found.get("Containers") or [found.get("PrimaryContainer") or {}]
    return next((str(item["ModelPackageName"]) for item in containers if "ModelPackageName" in item), None)
