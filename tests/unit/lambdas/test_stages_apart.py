"""A stage in an account of its own: endpoints are changed and seen there, the registry is asked at home."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto import mock_aws

from lambdas.change_endpoint.handler import ChangeEndpoint
from lambdas.shared.clients import LazyClients
from lambdas.shared.settings import (
    AT_HOME,
    ChangeEndpointSettings,
    Machines,
    MissingSettingError,
    StageRoles,
    read_decide_release,
)
from tests.unit.lambdas.test_decide_release import _approve, _done, _refuse
from tests.unit.lambdas.waiting import DEV_CONFIG, FINE, PROD, Trial, both, callback, endpoint, tick
from tests.unit.lambdas.world import FakeCloudWatch, FakeSageMaker, World, batch_of, failed_step

HOME_ID, PROD_ID = "123456789012", "333333333333"
ROLE, SERVE = (f"arn:aws:iam::{PROD_ID}:role/driftloop-flights-prod-{name}" for name in ("release", "serve"))
ROLES = StageRoles({"prod": ROLE}, "driftloop-flights-change-endpoint")


@dataclass
class Accounts:
    """Home with a registry, and the account of production."""

    clients: LazyClients
    package_arn: str

    def sagemaker(self, account: str) -> Any:
        """What somebody who is in an account sees."""
        sts = boto3.client("sts", "us-east-1")
        answer = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/somebody", RoleSessionName="test")
        found = answer["Credentials"]
        session = boto3.Session(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
        return session.client("sagemaker", "us-east-1")

    def endpoints(self, account: str) -> list[str]:
        return [found["EndpointName"] for found in self.sagemaker(account).list_endpoints()["Endpoints"]]

    def change(self, change: str, stage: str, **more: str) -> dict[str, str]:
        event = {"change": change, "stage": stage, "model_package_arn": self.package_arn, "release_id": "r1", **more}
        return self.function.handle(event)

    @property
    def function(self) -> ChangeEndpoint:
        settings = ChangeEndpointSettings(
            endpoint_prefix="driftloop-flights",
            serve_role_arn=f"arn:aws:iam::{HOME_ID}:role/driftloop-flights-serve",
            capture_uri="s3://driftloop-artifacts/flights/capture",
            machines=dict.fromkeys(("dev", "staging", "prod"), Machines("ml.m5.large", 1)),
            experiment_mode="none",
            challenger_weight=0.2,
            keeps_stages=False,
            capture_key_arn=f"arn:aws:kms:us-east-1:{HOME_ID}:key/k1",
            stage_roles=ROLES,
            stage_serve_roles={"prod": SERVE},
        )
        return ChangeEndpoint(settings, self.clients)


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Accounts]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ENDPOINT_URL", "MOTO_ACCOUNT_ID"):  # an emulator of this process has one account
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        registry = boto3.client("sagemaker", "us-east-1")
        registry.create_model_package_group(ModelPackageGroupName="driftloop-flights")
        package = registry.create_model_package(
            ModelPackageGroupName="driftloop-flights", ModelApprovalStatus="Approved"
        )
        yield Accounts(LazyClients(ROLES), package["ModelPackageArn"])


def test_production_comes_up_in_its_own_account_from_a_package_at_home(accounts: Accounts) -> None:
    answer = accounts.change("promote", "prod")

    assert (accounts.endpoints(PROD_ID), accounts.endpoints(HOME_ID)) == ([PROD], [])
    sagemaker = accounts.sagemaker(PROD_ID)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=answer["config"])
    model = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    assert model["ExecutionRoleArn"] == SERVE
    assert model["Containers"] == [{"ModelPackageName": accounts.package_arn}]
    assert f":{HOME_ID}:model-package/" in accounts.package_arn
    assert config["DataCaptureConfig"]["KmsKeyId"].endswith(f":{HOME_ID}:key/k1")


def test_a_stage_without_a_role_comes_up_at_home(accounts: Accounts) -> None:
    answer = accounts.change("deploy", "dev")

    assert (accounts.endpoints(PROD_ID), accounts.endpoints(HOME_ID)) == ([], ["driftloop-flights-dev"])
    model = accounts.clients.sagemaker.describe_endpoint_config(EndpointConfigName=answer["config"])
    found = accounts.clients.sagemaker.describe_model(ModelName=model["ProductionVariants"][0]["ModelName"])
    assert found["ExecutionRoleArn"].endswith(f":{HOME_ID}:role/driftloop-flights-serve")


def test_the_champion_is_looked_for_where_production_is(accounts: Accounts) -> None:
    assert accounts.change("experiment", "prod")["mode"] == "none"

    accounts.change("promote", "prod")

    assert accounts.change("experiment", "prod")["mode"] == "off"


def test_the_trail_of_the_other_account_names_the_function(accounts: Accounts) -> None:
    there: Any = accounts.clients.at("prod")

    who = there._session.client("sts").get_caller_identity()

    assert who["Arn"] == f"arn:aws:sts::{PROD_ID}:assumed-role/{ROLE.rpartition('/')[2]}/{ROLES.who}"
    assert accounts.clients.at("prod") is there


def test_nobody_is_asked_for_credentials_before_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that has nothing to do in a stage does not depend on it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    there = LazyClients(ROLES).at("prod")

    assert there.sagemaker is there.sagemaker
    assert LazyClients(AT_HOME).at("prod") is not there


def test_a_role_that_may_not_be_taken_on_is_said_with_its_name(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def refused(client: BaseClient, operation: str, params: dict[str, Any]) -> Any:
        if operation != "AssumeRole":
            return call(client, operation, params)
        message = f"User is not authorized to perform: sts:AssumeRole on resource: {params['RoleArn']}"
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": message}}, operation)

    monkeypatch.setattr(BaseClient, "_make_api_call", refused)

    with pytest.raises(ClientError, match=f"sts:AssumeRole on resource: {ROLE}"):
        accounts.change("promote", "prod")


def _elsewhere(world: World, *stages: str) -> FakeSageMaker:
    """Stages live in another account, whose SageMaker this is."""
    there = FakeSageMaker()
    metrics = FakeCloudWatch()
    for stage in stages:
        world.clients.elsewhere[stage] = SimpleNamespace(sagemaker=there, cloudwatch=metrics)
    return there


def test_a_wait_looks_at_the_endpoint_where_its_stage_is_and_answers_at_home(world: World) -> None:
    there, function = _elsewhere(world, "dev"), world.answer_waits()
    there.endpoints["driftloop-flights-dev"] = endpoint("Creating")
    assert function.handle_batch(batch_of(callback())) == FINE

    there.endpoints["driftloop-flights-dev"] = endpoint("InService", DEV_CONFIG)
    assert function.handle_batch(batch_of(tick(1))) == FINE

    assert list(world.sagemaker.answers) == ["tok0000001"]
    assert (there.answers, world.sagemaker.endpoints) == ({}, {})


def test_guard_rails_are_read_where_production_is(world: World) -> None:
    there, trial = _elsewhere(world, "prod"), Trial(world, world.answer_waits())
    there.endpoints[PROD] = both()
    trial.compare({"challenger": {"loss": {"sd": 0.3}}})
    trial.send(callback("experiment", mode="paired"))
    metrics: FakeCloudWatch = world.clients.elsewhere["prod"].cloudwatch
    metrics.series |= {"Invocations": {5: 200.0}, "Invocation5XXErrors": {5: 100.0}, "ModelLatency": {5: 50_000.0}}

    trial.tick(10)

    assert trial.verdict()["verdict"] == "keep"
    assert "100 5xx in 200 requests" in trial.verdict()["reason"]


def test_what_a_failed_release_left_is_taken_down_where_it_is(world: World) -> None:
    there = _elsewhere(world, "staging")
    there.stand("driftloop-flights-staging")
    world.sagemaker.stand("driftloop-flights-dev")
    _approve(world, 1)

    _refuse(world, _done("DeployDev"), failed_step("TestDev", "too slow"))

    assert there.deleted == ["driftloop-flights-staging"]
    assert world.sagemaker.deleted == ["driftloop-flights-dev"]


ENVIRONMENT = {
    "MODEL": "flights",
    "LEDGER_TABLE": "ledger",
    "PEOPLE_TOPIC_ARN": "topic",
    "INGEST_QUEUE_URL": "ingest",
    "DEAD_LETTER_QUEUE_URL": "dead",
    "ATTEMPTS_MAX": "1",
    "RELEASE_PIPELINE": "release",
    "ROLLBACK_PIPELINE": "rollback",
    "REPORT_URI": "s3://reports",
    "ENDPOINT_PREFIX": "driftloop-flights",
    "KEEP_STAGES": "false",
}


@pytest.mark.parametrize("roles", ["{", "[]", '"arn:aws:iam::1:role/x"', '{"staging": "role/x"}', '{"staging": null}'])
def test_roles_that_are_none_are_refused_by_the_variables_name(roles: str) -> None:
    with pytest.raises(MissingSettingError, match="STAGE_ROLES: expected JSON with a role's ARN by stage"):
        read_decide_release({**ENVIRONMENT, "STAGE_ROLES": roles, "AWS_LAMBDA_FUNCTION_NAME": "f"})


def test_without_roles_every_stage_is_at_home_and_a_function_need_not_know_its_name() -> None:
    assert read_decide_release(ENVIRONMENT).stage_roles == AT_HOME
    assert read_decide_release({**ENVIRONMENT, "STAGE_ROLES": json.dumps({})}).stage_roles == AT_HOME
