"""A Lambda step's call -> one change of an endpoint that is started, not waited for; safe to repeat."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lambdas.change_endpoint import decision
from lambdas.change_endpoint.decision import Experiment, Names, Production, Wanted
from lambdas.change_endpoint.monitoring import watch
from lambdas.change_endpoint.monitors import monitors
from lambdas.change_endpoint.scaling import Scaler
from lambdas.shared.clients import Clients, LazyClients
from lambdas.shared.errors import Permanent
from lambdas.shared.observability import log
from lambdas.shared.settings import ChangeEndpointSettings, read_change_endpoint

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

Answer = dict[str, str]


@dataclass(frozen=True)
class ChangeEndpoint:
    """The function with what it needs."""

    settings: ChangeEndpointSettings
    clients: Clients

    def handle(self, event: Mapping[str, Any]) -> Answer:
        """Start what the step asks for.

        Raises:
            Permanent: the step asks for something that there is not.
        """
        change, stage = str(event["change"]), str(event["stage"])
        needs_approval = change in ("deploy", "experiment", "promote")
        names = self._names(str(event["model_package_arn"]), str(event["release_id"]), needs_approval=needs_approval)
        if change == "remove":
            return self._remove(names, stage)
        if change == "monitor":
            return {"endpoint": names.endpoint("prod"), "monitoring": self._monitor(names, event)}
        if change == "scale":
            endpoint = names.endpoint("prod")
            return {"endpoint": endpoint, "scaling": self._scaler(endpoint).apply(endpoint)}
        wanted = self._wanted(change, names, event)
        if wanted.config:
            self._make(wanted, names, str(event["model_package_arn"]))
            self._bring_up(wanted)
        return {
            "endpoint": wanted.endpoint,
            "config": wanted.config,
            "variants": wanted.slots,
            "mode": wanted.mode,
            "previous": wanted.previous,
        }

    @property
    def _share(self) -> Experiment:
        return Experiment(self.settings.experiment_mode, self.settings.challenger_weight)

    def _wanted(self, change: str, names: Names, event: Mapping[str, Any]) -> Wanted:
        machines = self.settings.machines
        match change:
            case "deploy":
                stage = names.stage(str(event["stage"]))
                return decision.deploy(names, stage, machines[stage])
            case "promote":
                wanted = decision.deploy(names, "prod", machines["prod"])
                return replace(wanted, is_urgent=event.get("at_once") == "true")
            case "experiment":
                return decision.experiment(names, machines["prod"], self._share, self._production(names))
            case "withdraw":
                return decision.withdraw(names, str(event.get("previous", "")))
        raise Permanent(
            f"change '{change}'", "expected deploy, experiment, promote, withdraw, scale, monitor or remove"
        )

    def _names(self, package_arn: str, release_id: str, *, needs_approval: bool) -> Names:
        """Named after the package.

        Raises:
            Permanent: it is to serve and is not approved (any more).
        """
        package = self.clients.sagemaker.describe_model_package(ModelPackageName=package_arn)
        status = package.get("ModelApprovalStatus")
        if needs_approval and status != "Approved":
            raise Permanent(package_arn, f"expected Approved, found {status}; approve it, then release it")
        return Names(
            self.settings.endpoint_prefix, package["ModelPackageGroupName"], package["ModelPackageVersion"], release_id
        )

    def _production(self, names: Names) -> Production | None:
        """Who is champion now; the experiment that this release may have begun before is looked behind.

        Raises:
            Permanent: production serves something that has no champion.
        """
        endpoint = self._endpoint(names.endpoint("prod"))
        if endpoint is None:
            return None
        config = self._config(names.endpoint("prod"), str(endpoint["EndpointConfigName"]))
        champions = [v for v in config.get("ProductionVariants", []) if v["VariantName"] == decision.CHAMPION]
        if not champions:
            name = str(endpoint["EndpointConfigName"])
            raise Permanent(name, "expected a variant 'champion', found none; was the endpoint config deleted?")
        is_experiment = config["EndpointConfigName"] == names.config("prod", "-ab")
        before = names.config_of(champions[0]["ModelName"]) if is_experiment else config["EndpointConfigName"]
        return Production(before, champions[0])

    def _make(self, wanted: Wanted, names: Names, package_arn: str) -> None:
        """Model and endpoint config, or the ones that an earlier try made."""
        if not wanted.variants:
            return
        sagemaker = self._sagemaker(wanted.endpoint)
        with _may_exist():
            sagemaker.create_model(
                ModelName=names.model,
                ExecutionRoleArn=self.settings.serve_role(_stage(wanted.endpoint)),
                Containers=[{"ModelPackageName": package_arn}],
            )
        request: dict[str, Any] = {
            "EndpointConfigName": wanted.config,
            "ProductionVariants": list(wanted.variants),
            **({"ShadowProductionVariants": list(wanted.shadows)} if wanted.shadows else {}),
            **({"DataCaptureConfig": self._capture()} if wanted.endpoint.endswith("-prod") else {}),
        }
        with _may_exist():
            sagemaker.create_endpoint_config(**request)

    def _capture(self) -> dict[str, Any]:
        return {
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": self.settings.capture_uri,
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
            **({"KmsKeyId": self.settings.capture_key_arn} if self.settings.capture_key_arn else {}),
        }

    def _bring_up(self, wanted: Wanted) -> None:
        """Create or update, unless that is what it serves or is on its way to.

        Raises:
            Permanent: the endpoint has failed.
        """
        endpoint = self._endpoint(wanted.endpoint)
        facts = {"endpoint": wanted.endpoint, "config": wanted.config}
        if endpoint is None:
            with _may_exist():
                self._sagemaker(wanted.endpoint).create_endpoint(
                    EndpointName=wanted.endpoint, EndpointConfigName=wanted.config
                )
            log.info("endpoint.creating", extra=facts)
        elif endpoint.get("EndpointStatus") == "Failed":
            advice = f"AWS lets a failed endpoint only be deleted: {endpoint.get('FailureReason', 'no reason given')}"
            raise Permanent(wanted.endpoint, f"{advice}; delete it, then approve the version again")
        elif wanted.config not in (endpoint["EndpointConfigName"], _under_way(endpoint)):
            self._update(wanted, endpoint)
            log.info("endpoint.updating", extra={**facts, "from": endpoint["EndpointConfigName"]})

    def _update(self, wanted: Wanted, endpoint: Mapping[str, Any]) -> None:
        running = {v["VariantName"]: v.get("DesiredInstanceCount") for v in endpoint.get("ProductionVariants", [])}
        before = self._config(wanted.endpoint, str(endpoint["EndpointConfigName"]))
        configured = {v["VariantName"]: v.get("InitialInstanceCount") for v in before.get("ProductionVariants", [])}
        not_kept = decision.properties_not_kept(running, configured)
        shifting = decision.deployment(self.settings.traffic, before, wanted)
        if decision.changes_machine(before, wanted):
            self._scaler(wanted.endpoint).deregister(wanted.endpoint)
        request: dict[str, Any] = {
            "EndpointName": wanted.endpoint,
            "EndpointConfigName": wanted.config,
            "RetainAllVariantProperties": True,
            "ExcludeRetainedVariantProperties": [{"VariantPropertyType": kind} for kind in not_kept],
            **({"DeploymentConfig": shifting} if shifting else {}),
        }
        self._sagemaker(wanted.endpoint).update_endpoint(**request)

    def _remove(self, names: Names, stage: str) -> Answer:
        """Take a stage down after its tests, unless the settings keep it. Production is never taken down."""
        endpoint = names.endpoint(stage)
        if stage == "prod":
            raise Permanent(endpoint, "production is never removed by a release")
        if self.settings.keeps_stages:
            return {"endpoint": endpoint, "removed": "kept by the settings"}
        with _may_be_missing():
            self._sagemaker(endpoint).delete_endpoint(EndpointName=endpoint)
        with _may_be_missing():
            self._sagemaker(endpoint).delete_endpoint_config(EndpointConfigName=names.config(stage))
        log.info("endpoint.removed", extra={"endpoint": endpoint})
        return {"endpoint": endpoint, "removed": "yes"}

    def _monitor(self, names: Names, event: Mapping[str, Any]) -> str:
        """Production is watched by the baselines of what it serves now."""
        if self.settings.monitor is None:
            return "not asked for"
        package = self.clients.sagemaker.describe_model_package(ModelPackageName=str(event["model_package_arn"]))
        found = monitors(self.settings.monitor, names, package)
        return "; ".join(watch(self.clients.sagemaker, monitor) for monitor in found)

    def _sagemaker(self, endpoint: str) -> "SageMakerClient":
        """SageMaker where an endpoint lives; the registry is home's."""
        return self.clients.at(_stage(endpoint)).sagemaker

    def _endpoint(self, name: str) -> Mapping[str, Any] | None:
        try:
            return self._sagemaker(name).describe_endpoint(EndpointName=name)
        except ClientError as exc:
            if _is_missing(exc):
                return None
            raise

    def _config(self, endpoint: str, name: str) -> Mapping[str, Any]:
        """An endpoint config; empty if it is gone: deleting one leaves its endpoint running."""
        try:
            return self._sagemaker(endpoint).describe_endpoint_config(EndpointConfigName=name)
        except ClientError as exc:
            if _is_missing(exc):
                return {}
            raise

    def _scaler(self, endpoint: str) -> Scaler:
        return Scaler(self.clients.at(_stage(endpoint)), self.settings.scaling)


def _stage(endpoint: str) -> str:
    """`<prefix>-<model>-<stage>`; no stage's name has a hyphen."""
    return endpoint.rpartition("-")[2]


def _under_way(endpoint: Mapping[str, Any]) -> str:
    """The config that an update is bringing up."""
    return str((endpoint.get("PendingDeploymentSummary") or {}).get("EndpointConfigName", ""))


@contextmanager
def _may_exist() -> Iterator[None]:
    """`Cannot create already existing ...` is how SageMaker answers a repeated create."""
    try:
        yield
    except ClientError as exc:
        if "already exist" not in exc.response["Error"]["Message"].lower():
            raise


@contextmanager
def _may_be_missing() -> Iterator[None]:
    try:
        yield
    except ClientError as exc:
        if not _is_missing(exc):
            raise


def _is_missing(exc: ClientError) -> bool:
    return "could not find" in exc.response["Error"]["Message"].lower()


@cache
def _function() -> ChangeEndpoint:
    settings = read_change_endpoint(os.environ)
    return ChangeEndpoint(settings, LazyClients(settings.stage_roles))


def handler(event: Mapping[str, Any], context: object) -> Answer:
    """Entry point of the function; `event` is what the Lambda step passes."""
    return _function().handle(event)
