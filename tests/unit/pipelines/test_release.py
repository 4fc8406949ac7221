"""The step Release: its decisions, its calls against a stand-in with SageMaker's rules, and the script itself."""

import argparse
import importlib.util
import io
import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from tests.support.scripts import SCRIPTS, SKLEARN, MlDir

GROUP = "driftloop-flights"
ARN = f"arn:aws:sagemaker:us-east-1:123456789012:model-package/{GROUP}/3"
ENDPOINT = "driftloop-flights-prod"
RECORDS = [{"input": "1,2", "prediction": 0.25}, {"input": "3,4", "prediction": 0.75}]


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_script", SCRIPTS / "release/scripts/release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


release = load()


def options(**changes: Any) -> argparse.Namespace:
    chosen = {
        "model_package_arn": ARN,
        "endpoint_name": ENDPOINT,
        "instance_type": "ml.m5.large",
        "instance_count": 1,
        "release_id": "release-1",
        "tolerance": 1e-5,
        "serve_role_arn": "arn:aws:iam::123456789012:role/serve",
        "deadline_s": 60.0,
    }
    return argparse.Namespace(**{**chosen, **changes})


def package(status: str = "Approved", **changes: Any) -> dict[str, Any]:
    return {
        "ModelPackageArn": ARN,
        "ModelPackageGroupName": GROUP,
        "ModelPackageVersion": 3,
        "ModelApprovalStatus": status,
        "CustomerMetadataProperties": {"golden_records": "s3://artifacts/golden.json"},
        **changes,
    }


@dataclass
class Aws:
    """SageMaker as far as a release sees it: names are unique, updates take time and may be rolled back.

    Attributes:
        package: what DescribeModelPackage answers.
        outcome: what becomes of the next create or update: a status, or `rolled back`.
        answers: what the endpoint answers, by endpoint config; the golden predictions if it is not there.
        busy: how many more times DescribeEndpoint says that it is not done.
    """

    package: dict[str, Any] = field(default_factory=package)
    outcome: str = "InService"
    answers: dict[str, str] = field(default_factory=dict)
    busy: int = 0
    models: dict[str, Any] = field(default_factory=dict)
    configs: dict[str, Any] = field(default_factory=dict)
    endpoint: dict[str, Any] | None = None
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def client(self, _: str) -> "Aws":
        return self

    def called(self, operation: str) -> list[dict[str, Any]]:
        return [params for name, params in self.calls if name == operation]

    def describe_model_package(self, **params: Any) -> dict[str, Any]:
        self._record("DescribeModelPackage", params)
        return self.package

    def get_object(self, **params: Any) -> dict[str, Any]:
        return {"Body": io.BytesIO(json.dumps(RECORDS).encode())}

    def create_model(self, **params: Any) -> None:
        self._create("CreateModel", self.models, params["ModelName"], params, "model")

    def describe_model(self, **params: Any) -> dict[str, Any]:
        return dict(self.models[params["ModelName"]])

    def create_endpoint_config(self, **params: Any) -> None:
        name = params["EndpointConfigName"]
        self._create("CreateEndpointConfig", self.configs, name, params, "endpoint configuration")

    def describe_endpoint_config(self, **params: Any) -> dict[str, Any]:
        if params["EndpointConfigName"] not in self.configs:
            raise error("DescribeEndpointConfig", "Could not find endpoint configuration")
        return dict(self.configs[params["EndpointConfigName"]])

    def create_endpoint(self, **params: Any) -> None:
        self._record("CreateEndpoint", params)
        if self.endpoint:
            raise error("CreateEndpoint", "Cannot create already existing endpoint")
        self._start("Creating", params["EndpointConfigName"])

    def update_endpoint(self, **params: Any) -> None:
        self._record("UpdateEndpoint", params)
        assert self.endpoint is not None
        if self.endpoint["EndpointStatus"] != "InService":
            raise error("UpdateEndpoint", "Cannot update in-progress endpoint")
        self._start("Updating", params["EndpointConfigName"])

    def describe_endpoint(self, **params: Any) -> dict[str, Any]:
        self._record("DescribeEndpoint", params)
        if self.endpoint is None:
            raise error("DescribeEndpoint", f'Could not find endpoint "{params["EndpointName"]}".')
        if self.busy:
            self.busy -= 1
        else:
            self.endpoint = {**self.endpoint, **self.endpoint.pop("next", {})}
        return self.endpoint

    def invoke_endpoint(self, **params: Any) -> dict[str, Any]:
        self._record("InvokeEndpoint", params)
        assert self.endpoint is not None
        right = {record["input"]: record["prediction"] for record in RECORDS}[params["Body"].decode()]
        answer = self.answers.get(self.endpoint["EndpointConfigName"], f"{right}\n")
        return {"Body": io.BytesIO(answer.encode())}

    def serve(self, config: str, instances: int = 1, desired: int | None = None) -> None:
        """An endpoint from an earlier release."""
        variant = {"VariantName": "champion", "ModelName": "old", "InstanceType": "ml.m5.large"}
        self.configs[config] = {"ProductionVariants": [{**variant, "InitialInstanceCount": instances}]}
        self.endpoint = {"EndpointStatus": "InService", "EndpointConfigName": config, **running(desired or instances)}

    def _start(self, status: str, config: str) -> None:
        done = {"EndpointStatus": self.outcome, "EndpointConfigName": config, **running(1)}
        if self.outcome == "rolled back":
            assert self.endpoint is not None
            done = {"EndpointStatus": "InService", "FailureReason": "the ping failed"}
        if self.outcome == "Failed":
            done["FailureReason"] = "no capacity"
        before = self.endpoint or {"EndpointConfigName": config}
        self.endpoint = {**before, "EndpointStatus": status, "next": done}

    def _create(self, operation: str, made: dict[str, Any], name: str, params: dict[str, Any], kind: str) -> None:
        self._record(operation, params)
        if name in made:
            raise error(operation, f'Cannot create already existing {kind} "{name}".')
        made[name] = params

    def _record(self, operation: str, params: dict[str, Any]) -> None:
        """Every request has the shape that the service takes."""
        service = "sagemaker-runtime" if operation == "InvokeEndpoint" else "sagemaker"
        shape = botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape
        assert shape is not None
        report = ParamValidator().validate(params, shape)
        assert not report.has_errors(), report.generate_report()
        self.calls.append((operation, params))


def running(instances: int) -> dict[str, Any]:
    counts = {"CurrentInstanceCount": instances, "DesiredInstanceCount": instances}
    return {"ProductionVariants": [{"VariantName": "champion", **counts}]}


def error(operation: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": "ValidationException", "Message": message}}, operation)


def run(aws: Aws, **changes: Any) -> Any:
    return release.Release(aws, options(**changes), sleep=lambda seconds: None).run()


def test_the_first_release_creates_the_endpoint_from_the_package() -> None:
    aws = Aws()

    plan = run(aws)

    assert aws.called("CreateModel")[0]["Containers"] == [{"ModelPackageName": ARN}]
    assert aws.called("CreateEndpointConfig")[0]["ProductionVariants"] == plan.variants()
    assert aws.called("CreateEndpoint") == [{"EndpointName": ENDPOINT, "EndpointConfigName": plan.config}]
    assert len(aws.called("InvokeEndpoint")) == len(RECORDS)


def test_names_tell_versions_and_releases_apart_and_fit() -> None:
    plans = [
        release.plan(options(release_id=release_id, endpoint_name=endpoint), package(ModelPackageVersion=version))
        for release_id in ("release-1", "release-2")
        for version in (3, 4)
        for endpoint in (ENDPOINT, "e" * 63)
    ]

    assert plans[0].model.startswith(f"{GROUP}-v3-")
    assert plans[0].config.startswith(f"{ENDPOINT}-v3-")
    assert len({plan.config for plan in plans}) == len(plans)
    assert max(len(plan.config) for plan in plans) == 63


def test_a_later_release_updates_the_endpoint_and_keeps_the_old_config() -> None:
    aws = Aws(busy=3)
    aws.serve("before")

    plan = run(aws)

    (update,) = aws.called("UpdateEndpoint")
    assert update["EndpointConfigName"] == plan.config
    assert update["RetainAllVariantProperties"] is True
    assert "before" in aws.configs
    assert not aws.called("CreateEndpoint")


@pytest.mark.parametrize(("desired", "kept"), [(4, True), (1, False)])
def test_instances_that_autoscaling_added_survive_an_update(desired: int, kept: bool) -> None:
    aws = Aws()
    aws.serve("before", instances=1, desired=desired)

    run(aws, instance_count=2)

    excluded = {
        item["VariantPropertyType"] for item in aws.called("UpdateEndpoint")[0]["ExcludeRetainedVariantProperties"]
    }
    assert "DesiredWeight" in excluded
    assert ("DesiredInstanceCount" not in excluded) is kept


@pytest.mark.parametrize("status", ["PendingManualApproval", "Rejected"])
def test_a_package_that_is_not_approved_is_refused_before_anything_is_made(status: str) -> None:
    aws = Aws(package=package(status))

    with pytest.raises(release.ReleaseError, match=f"model package {ARN}: expected Approved, found {status}"):
        run(aws)

    assert [name for name, _ in aws.calls] == ["DescribeModelPackage"]


def test_a_package_without_golden_records_is_refused() -> None:
    aws = Aws(package=package(CustomerMetadataProperties={}))

    with pytest.raises(release.ReleaseError, match="expected the S3 URI of its golden records"):
        run(aws)


def test_the_same_release_again_changes_nothing() -> None:
    aws = Aws()
    first = run(aws)
    made = (dict(aws.models), dict(aws.configs))

    second = run(aws)

    assert second == first
    assert (aws.models, aws.configs) == made
    assert len(aws.called("CreateEndpoint")) == 1
    assert not aws.called("UpdateEndpoint")


def test_a_release_that_stopped_while_the_endpoint_came_up_carries_on() -> None:
    aws = Aws()
    plan = release.plan(options(), package())
    aws.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=plan.config)
    aws.busy = 2

    run(aws)

    assert len(aws.called("CreateEndpoint")) == 1


def test_an_endpoint_that_is_busy_is_waited_for_and_then_updated() -> None:
    aws = Aws(busy=2)
    aws.serve("before")
    aws.endpoint = {**(aws.endpoint or {}), "EndpointStatus": "Updating", "next": {"EndpointStatus": "InService"}}

    plan = run(aws)

    assert aws.called("UpdateEndpoint")[0]["EndpointConfigName"] == plan.config


def test_a_model_of_this_name_from_another_package_is_refused() -> None:
    aws = Aws()
    name = release.plan(options(), package()).model
    aws.models[name] = {"PrimaryContainer": {"ModelPackageName": "another"}}

    with pytest.raises(release.ReleaseError, match=f"model '{name}': exists with another model package"):
        run(aws)


def test_a_silent_roll_back_is_found_though_the_endpoint_is_in_service() -> None:
    aws = Aws(outcome="rolled back")
    aws.serve("before")

    with pytest.raises(release.ReleaseError, match="found InService with 'before' \\(the ping failed\\)") as failed:
        run(aws)

    assert ENDPOINT in str(failed.value)
    assert "SageMaker rolled the update back and the previous model serves" in str(failed.value)


def test_an_endpoint_that_failed_is_named_with_its_reason_and_never_deleted() -> None:
    aws = Aws(outcome="Failed")

    with pytest.raises(release.ReleaseError, match=r"no capacity.*delete it and run the release again"):
        run(aws)


def test_an_endpoint_that_is_not_up_by_the_deadline_fails_the_release() -> None:
    aws = Aws(busy=10**9)

    with pytest.raises(release.ReleaseError, match=r"within 0.05 s, found Creating; run the release again"):
        run(aws, deadline_s=0.05)


def test_a_model_that_answers_otherwise_is_taken_off_again() -> None:
    aws = Aws()
    aws.serve("before")
    aws.answers[release.plan(options(), package()).config] = "0.25\n"

    with pytest.raises(release.ReleaseError, match="1 of 2 golden records differ by more than 1e-05") as failed:
        run(aws)

    assert "for '3,4' expected 0.75, found '0.25'" in str(failed.value)
    assert "the endpoint was put back on 'before'; reject the package" in str(failed.value)
    assert aws.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"] == "before"


def test_with_nothing_to_go_back_to_the_message_says_so() -> None:
    aws = Aws()
    aws.answers[release.plan(options(), package()).config] = "nan"

    with pytest.raises(release.ReleaseError, match="this run replaced no other config"):
        run(aws)


def test_putting_back_that_fails_says_what_to_do_by_hand() -> None:
    aws = Aws()
    aws.serve("before")
    aws.answers[release.plan(options(), package()).config] = "0.9"
    start = aws._start

    def roll_back_the_second(status: str, config: str) -> None:
        start(status, config)
        aws.outcome = "Failed"

    aws._start = roll_back_the_second  # type: ignore[method-assign]

    with pytest.raises(release.ReleaseError, match=r"putting it back on 'before' failed too .* by hand"):
        run(aws)


Change = Callable[[dict[str, Any], list[dict[str, Any]]], object]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda endpoint, variants: endpoint.update(EndpointConfigName="x"), "endpoint config: expected"),
        (
            lambda endpoint, variants: endpoint.update(EndpointStatus="Updating"),
            "status: expected InService, found Upd",
        ),
        (
            lambda endpoint, variants: endpoint.update(ProductionVariants=[]),
            r"variants: expected \['champion'\], found \[\]",
        ),
        (lambda endpoint, variants: variants[0].update(ModelName="old"), r"models: expected .* found \['old'\]"),
        (lambda endpoint, variants: variants[0].update(InstanceType="ml.x"), "instance types: expected"),
        (lambda endpoint, variants: endpoint.update(running(0)), "variant champion: expected at least one instance"),
    ],
)
def test_what_runs_is_compared_with_what_was_asked_for(change: Change, fault: str) -> None:
    plan = release.plan(options(), package())
    endpoint: dict[str, Any] = {"EndpointStatus": "InService", "EndpointConfigName": plan.config, **running(1)}
    variants: list[dict[str, Any]] = plan.variants()
    assert release.serving_faults(endpoint, variants, plan) == []

    change(endpoint, variants)

    (found,) = release.serving_faults(endpoint, variants, plan)
    assert re.match(fault, found)


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        (["0.250004", "0.75"], None),
        (["0.25", "0.76"], "1 of 2"),
        (["nan", "0.75"], "1 of 2"),
        (["<html>", "0.75"], "found '<html>'"),
    ],
)
def test_golden_records_are_compared_within_the_tolerance(answers: list[str], fault: str | None) -> None:
    found = release.golden_fault(RECORDS, answers, 1e-5)

    assert (found is None) if fault is None else (found is not None and fault in found)


@pytest.mark.parametrize(
    ("env", "region"),
    [
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "x"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({"PROCESSING_JOB_ARN": "arn:aws:sagemaker:eu-west-3:123456789012:processing-job/p"}, "eu-west-3"),
        ({}, None),
    ],
)
def test_the_region_is_found_where_processing_containers_have_it(
    monkeypatch: pytest.MonkeyPatch, env: Mapping[str, str], region: str | None
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "PROCESSING_JOB_ARN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)

    assert release.region() == region


def test_the_script_fails_with_a_message_for_sagemaker(tmp_path: Path, aws_env: dict[str, str]) -> None:
    client = boto3.client(
        "sagemaker",
        endpoint_url=aws_env["AWS_ENDPOINT_URL"],
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_model_package_group(ModelPackageGroupName=GROUP)
    arn = client.create_model_package(ModelPackageGroupName=GROUP, ModelApprovalStatus="Rejected")["ModelPackageArn"]
    arguments = {
        "model-package-arn": arn,
        "endpoint-name": ENDPOINT,
        "instance-type": "ml.m5.large",
        "instance-count": "1",
        "release-id": "release-1",
        "tolerance": "1.0E-5",
        "serve-role-arn": "arn:aws:iam::123456789012:role/serve",
        "deadline-s": "5",
    }

    words = [word for name, value in arguments.items() for word in (f"--{name}", value)]
    ended = MlDir(tmp_path).process(SKLEARN, "release/scripts/release.py", *words, env=aws_env)

    assert ended.code == 1
    assert ended.message == f"model package {arn}: expected Approved, found Rejected; approve it, then release it"
