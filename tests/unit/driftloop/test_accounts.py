"""Stages in accounts of their own: what a command does first, and what it says that it cannot see."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from driftloop.commands import decide, deploy, status
from driftloop.errors import UserError
from driftloop.stacks import Model, _model
from driftloop.target import Emulator, Target

HOME, PROD = "111111111111", "333333333333"
ARN = f"arn:aws:sagemaker:us-east-1:{HOME}:model-package/driftloop-flights/4"
OUTPUTS = {
    "DataUri": "s3://raw/raw/flights/",
    "PackageGroup": "driftloop-flights",
    "TrainPipeline": "train",
    "RetrainPipeline": "retrain",
    "WatchPipeline": "watch",
    "ReleasePipeline": "release",
    "RollbackPipeline": "rollback",
    "Endpoint": "driftloop-flights-prod",
    "PeopleTopicArn": "topic",
    "ArtifactBucket": "artifacts",
}
ELSEWHERE = _model("Driftloop-flights", {**OUTPUTS, "EndpointAccount": PROD}, "ledger")


class Aws:
    """An account with a ledger, and other accounts that let some in."""

    def __init__(self, live: str = "", open_to_cdk: tuple[str, ...] = ()) -> None:
        self.live, self.open_to_cdk = live, open_to_cdk
        self.asked: list[str] = []
        self.updated: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        return self

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": HOME, "Arn": f"arn:aws:iam::{HOME}:user/me"}

    def assume_role(self, RoleArn: str, RoleSessionName: str) -> dict[str, Any]:  # noqa: N803 - AWS's own names
        self.asked.append(RoleArn)
        if RoleArn.split(":")[4] not in self.open_to_cdk:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not authorized"}}, "AssumeRole")
        return {}

    def get_item(self, **request: Any) -> dict[str, Any]:
        assert request["Key"] == {"pk": {"S": "RELEASE#flights"}, "sk": {"S": "state"}}
        return {"Item": {"live": {"S": self.live}}} if self.live else {}

    def update_model_package(self, **request: Any) -> None:
        self.updated = request


def _target(aws: Aws) -> Target:
    return SimpleNamespace(client=aws.client, emulator=None, session=None)  # type: ignore[return-value]


def _manifest(*accounts: str) -> str:
    def stack(account: str) -> dict[str, Any]:
        role = f"arn:${{AWS::Partition}}:iam::{account}:role/cdk-hnb659fds-deploy-role-{account}-us-east-1"
        place = f"aws://{account}/us-east-1"
        return {"type": "aws:cloudformation:stack", "environment": place, "properties": {"assumeRoleArn": role}}

    return json.dumps({"artifacts": {"Tree": {"type": "cdk:tree"}, **{name: stack(name) for name in accounts}}})


def test_the_repositorys_own_settings_need_one_account() -> None:
    assert deploy.stages_apart((deploy.REPOSITORY / "cdk.json").read_text("utf-8")) == []


def test_the_emulator_refuses_stages_in_accounts_of_their_own_before_anything_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = {"driftloop": {"stages": {"staging": {"account": "2" * 12}, "prod": {"account": PROD}}}}
    (tmp_path / "cdk.json").write_text(json.dumps({"context": context}), "utf-8")
    monkeypatch.setattr(deploy, "REPOSITORY", tmp_path)
    emulator = Emulator(tmp_path / "state", 1, 1, "us-east-1")

    with pytest.raises(
        UserError, match=r"one account, and cdk\.json gives staging, prod accounts of their own; nothing"
    ):
        deploy.run(Target(None, {}, emulator), tmp_path / "state")  # type: ignore[arg-type]

    assert not (tmp_path / "state").exists()


def test_every_account_has_to_let_the_cdk_in_before_one_of_them_is_deployed_to() -> None:
    aws = Aws(open_to_cdk=("2" * 12, PROD))

    deploy.check_accounts(_target(aws), _manifest(HOME, "2" * 12, PROD, PROD))

    roles = [
        f"arn:aws:iam::{account}:role/cdk-hnb659fds-deploy-role-{account}-us-east-1" for account in ("2" * 12, PROD)
    ]
    assert aws.asked == roles


def test_an_account_that_does_not_is_named_with_the_command_that_mends_it() -> None:
    with pytest.raises(UserError) as caught:
        deploy.check_accounts(_target(Aws(open_to_cdk=("2" * 12,))), _manifest(HOME, "2" * 12, PROD))

    assert f"aws://{PROD}/us-east-1 does not let the CDK in from {HOME}" in str(caught.value)
    assert f"bootstrap aws://{PROD}/us-east-1 --trust {HOME} --cloudformation-execution-policies" in str(caught.value)


def test_where_production_is_elsewhere_status_says_so_and_what_the_ledger_knows() -> None:
    said = status._production(_target(Aws(live=ARN)), ELSEWHERE)

    assert said == f"in account {PROD}, which these credentials do not show; live by the ledger: {ARN}"
    assert status._production(_target(Aws()), ELSEWHERE).endswith("live by the ledger: no version")


def test_where_production_is_elsewhere_the_ledgers_live_version_is_rolled_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aws = Aws(live=ARN)
    monkeypatch.setattr(decide, "choose", lambda *_: _target(aws))
    monkeypatch.setattr(decide.stacks, "model", lambda *_: ELSEWHERE)

    decide.rollback("flights", "second thoughts")

    assert aws.updated == {
        "ModelPackageArn": ARN,
        "ModelApprovalStatus": "Rejected",
        "ApprovalDescription": "second thoughts",
    }


def test_where_nothing_is_live_elsewhere_there_is_nothing_to_roll_back() -> None:
    with pytest.raises(UserError, match="the ledger knows no live version of 'flights'"):
        decide.live(_target(Aws()), ELSEWHERE)


def test_at_home_what_production_serves_is_asked_of_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide, "served", lambda *_: "what it serves")
    at_home: Model = _model("Driftloop-flights", OUTPUTS, "ledger")

    assert decide.live(_target(Aws(live=ARN)), at_home) == "what it serves"
