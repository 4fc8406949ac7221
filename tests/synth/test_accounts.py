"""Stages in accounts of their own: what each account's stack says, and that both sides say the same."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lambdas.shared.settings import read_answer_waits, read_change_endpoint, read_decide_release
from tests.events import sample
from tests.synth.conftest import HOME, PROD, STAGING, synthesize
from tests.synth.template import Assembly, Template, as_list, statements
from tests.synth.test_messages import _matches
from tests.synth.test_permissions import WITHOUT_RESOURCE
from tests.synth.test_pipelines import _defaults, _definition
from tests.unit.pipelines.test_definitions import steps_of

BUCKET = f"arn:aws:s3:::driftloop-artifacts-{HOME}-us-east-1"
KEY = f"arn:aws:kms:us-east-1:{HOME}:key/*"
KEY_PARAMETER = "/driftloop/artifact-key-arn"
SAGEMAKER = "arn:aws:sagemaker:us-east-1"


@pytest.fixture(scope="session")
def home(three: Assembly) -> Template:
    """The model's stack at home."""
    return three.template("Driftloop-flights")


@pytest.fixture(scope="session")
def staging(three: Assembly) -> Template:
    return three.template("Driftloop-flights-staging")


@pytest.fixture(scope="session")
def prod(three: Assembly) -> Template:
    return three.template("Driftloop-flights-prod")


def _role(account: str, name: str) -> str:
    return f"arn:aws:iam::{account}:role/driftloop-flights-{name}"


def _allowed(template: Template, role: str) -> dict[str, set[str]]:
    """Action -> resources, for one role by its name."""
    roles = {logical_id: each["RoleName"] for logical_id, each in template.resources("AWS::IAM::Role").items()}
    found: dict[str, set[str]] = {}
    for policy in template.resources("AWS::IAM::Policy").values():
        if roles[policy["Roles"][0].strip("<>")] != f"driftloop-flights-{role}":
            continue
        for statement in policy["PolicyDocument"]["Statement"]:
            for action in as_list(statement["Action"]):
                found.setdefault(action, set()).update(as_list(statement["Resource"]))
    return found


def _key_arn(template: Template) -> str:
    """What stands where the key's ARN will: a parameter that CloudFormation reads from Systems Manager."""
    [name] = [name for name, each in template.body["Parameters"].items() if each["Default"] == KEY_PARAMETER]
    assert template.body["Parameters"][name]["Type"] == "AWS::SSM::Parameter::Value<String>"
    return f"<{name}>"


def _granted(document: dict[str, Any], account: str) -> Iterator[dict[str, Any]]:
    """Statements of a resource's policy that speak of an account."""
    principal = f"arn:aws:iam::{account}:root"
    for statement in document["Statement"]:
        found = statement["Principal"]
        if isinstance(found, dict) and principal in as_list(found.get("AWS", [])):
            yield statement


# ---- one account -------------------------------------------------------------------------------------------------


def test_with_one_account_nothing_speaks_of_others(assembly: Assembly) -> None:
    """Although the CLI has said where home is."""
    assert set(assembly.stacks()) == {"Driftloop", "Driftloop-flights", "Driftloop-rainfall"}
    for stack in assembly.stacks():
        assert assembly.place(stack) == "aws://unknown-account/unknown-region"
        text = assembly.template(stack).text
        assert not re.search(r"STAGE_|KmsKey|kms:|sts:AssumeRole\"]|EventBusPolicy|ModelPackageGroupPolicy", text)
        assert '"account"' not in text


# ---- stacks ------------------------------------------------------------------------------------------------------


def test_each_stage_has_a_stack_in_its_account_that_is_there_before_home_relies_on_it(three: Assembly) -> None:
    places = {"": HOME, "-flights": HOME, "-flights-staging": STAGING, "-flights-prod": PROD}
    for name, account in places.items():
        assert three.place(f"Driftloop{name}") == f"aws://{account}/us-east-1"

    before = {stack: set(found["dependencies"]) for stack, found in three.stacks().items()}
    assert {"Driftloop", "Driftloop-flights-staging", "Driftloop-flights-prod"} <= before["Driftloop-flights"]
    assert "Driftloop" in before["Driftloop-flights-prod"]
    assert not {"Driftloop-flights", "Driftloop-flights-prod"} & before["Driftloop"]


def test_a_stage_holds_roles_and_news_and_nothing_with_behaviour(prod: Template, staging: Template) -> None:
    kinds = {"SQS::Queue", "SQS::QueuePolicy", "CloudWatch::Alarm", "Events::Rule", "IAM::Role", "IAM::Policy"}

    for template in (prod, staging):
        assert set(template.types().values()) == {f"AWS::{kind}" for kind in kinds}
        assert "token-" not in template.text


def test_stacks_of_several_accounts_are_linked_by_names_only(three: Assembly) -> None:
    for stack in three.stacks():
        template = three.template(stack)
        assert "Fn::ImportValue" not in template.text
        assert not [output for output in template.body["Outputs"].values() if "Export" in output]


def test_home_says_where_production_is(home: Template, flights: Template) -> None:
    assert home.body["Outputs"]["EndpointAccount"]["Value"] == PROD
    assert "EndpointAccount" not in flights.body["Outputs"]


# ---- who may act -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "actors"),
    [
        ("staging", ["answer-waits", "change-endpoint", "decide-release", "release"]),
        ("prod", ["answer-waits", "change-endpoint", "release", "train", "watch"]),
    ],
)
def test_a_stage_trusts_exactly_the_roles_at_home_that_act_on_it(
    three: Assembly, home: Template, stage: str, actors: list[str]
) -> None:
    template = three.template(f"Driftloop-flights-{stage}")
    roles = {role["RoleName"]: role for role in template.resources("AWS::IAM::Role").values()}

    [trust] = roles[f"driftloop-flights-{stage}-release"]["AssumeRolePolicyDocument"]["Statement"]

    assert trust == {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": f"arn:aws:iam::{HOME}:root"},
        "Condition": {"ArnEquals": {"aws:PrincipalArn": [_role(HOME, actor) for actor in actors]}},
    }
    at_home = {role["RoleName"] for role in home.resources("AWS::IAM::Role").values()}
    assert {f"driftloop-flights-{actor}" for actor in actors} <= at_home


def test_the_other_roles_of_a_stage_trust_the_one_service_they_are_for(prod: Template) -> None:
    trusted = {
        role["RoleName"]: role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"].get("Service")
        for role in prod.resources("AWS::IAM::Role").values()
    }

    assert trusted == {
        "driftloop-flights-prod-release": None,
        "driftloop-flights-prod-serve": "sagemaker.amazonaws.com",
        "driftloop-flights-prod-news": "events.amazonaws.com",
    }


def test_home_takes_on_the_roles_of_stages_elsewhere_and_no_others(home: Template) -> None:
    both = {_role(STAGING, "staging-release"), _role(PROD, "prod-release")}

    taken = {
        role["RoleName"].removeprefix("driftloop-flights-"): _allowed(home, role["RoleName"][18:]).get("sts:AssumeRole")
        for role in home.resources("AWS::IAM::Role").values()
    }

    assert {name: roles for name, roles in taken.items() if roles} == {
        "answer-waits": both,
        "change-endpoint": both,
        "release": both,
        "decide-release": {_role(STAGING, "staging-release")},
        "train": {_role(PROD, "prod-release")},
        "watch": {_role(PROD, "prod-release")},
    }


def test_production_may_be_changed_asked_and_looked_at_but_not_taken_down(prod: Template) -> None:
    endpoint, made = f"{SAGEMAKER}:{PROD}:endpoint/driftloop-flights-prod", f"{SAGEMAKER}:{PROD}"
    config, model = f"{made}:endpoint-config/driftloop-flights-*", f"{made}:model/driftloop-flights-*"
    packages = f"{SAGEMAKER}:{HOME}:model-package/driftloop-flights/*"

    allowed = _allowed(prod, "prod-release")

    [serve_role] = allowed.pop("iam:PassRole")
    assert prod.resources("AWS::IAM::Role")[serve_role.strip("<>")[:-4]]["RoleName"] == "driftloop-flights-prod-serve"
    assert allowed == {
        "sagemaker:CreateModel": {model, packages},
        "sagemaker:DescribeModel": {model},
        "sagemaker:DescribeModelPackage": {packages},
        "sagemaker:DescribeModelPackageGroup": {f"{SAGEMAKER}:{HOME}:model-package-group/driftloop-flights"},
        "sagemaker:CreateEndpointConfig": {config},
        "sagemaker:DescribeEndpointConfig": {config},
        "sagemaker:CreateEndpoint": {endpoint, config},
        "sagemaker:UpdateEndpoint": {endpoint, config},
        "sagemaker:DescribeEndpoint": {endpoint},
        "sagemaker:InvokeEndpoint": {endpoint},
        "cloudwatch:GetMetricData": {"*"},
        "application-autoscaling:DescribeScalableTargets": {"*"},
        "application-autoscaling:DeregisterScalableTarget": {
            f"arn:aws:application-autoscaling:us-east-1:{PROD}:scalable-target/*"
        },
    }


def test_staging_may_be_taken_down_as_well(staging: Template) -> None:
    allowed = _allowed(staging, "staging-release")

    assert allowed["sagemaker:DeleteEndpoint"] == {f"{SAGEMAKER}:{STAGING}:endpoint/driftloop-flights-staging"}
    assert allowed["sagemaker:DeleteEndpointConfig"] == {
        f"{SAGEMAKER}:{STAGING}:endpoint-config/driftloop-flights-stag*"
    }
    assert "cloudwatch:GetMetricData" not in allowed


def test_at_home_only_stages_that_live_there_may_be_acted_on(home: Template) -> None:
    for role in ("change-endpoint", "answer-waits", "decide-release", "release", "train"):
        endpoints = {text for on in _allowed(home, role).values() for text in on if ":endpoint/" in text}
        assert endpoints == {f"{SAGEMAKER}:{HOME}:endpoint/driftloop-flights-dev"}
    assert "cloudwatch:GetMetricData" not in _allowed(home, "answer-waits")


def test_no_stage_allows_more_than_it_names(three: Assembly) -> None:
    for stack in three.stacks():
        for _, statement in statements(three.template(stack)):
            assert not [action for action in as_list(statement["Action"]) if "*" in action]
            if "*" in as_list(statement["Resource"]):
                assert set(as_list(statement["Action"])) <= WITHOUT_RESOURCE


# ---- artifacts: key, bucket, registry ----------------------------------------------------------------------------


def test_the_artifacts_have_a_key_that_turns_and_outlives_its_stack_and_raw_data_needs_none(three: Assembly) -> None:
    template = three.template("Driftloop")
    [(logical_id, key)] = template.resources("AWS::KMS::Key").items()
    [alias] = template.resources("AWS::KMS::Alias").values()
    [parameter] = template.resources("AWS::SSM::Parameter").values()
    buckets = {bucket["BucketName"]: bucket for bucket in template.resources("AWS::S3::Bucket").values()}

    assert key["EnableKeyRotation"] is True
    assert template.body["Resources"][logical_id]["DeletionPolicy"] == "Retain"
    assert (alias["AliasName"], alias["TargetKeyId"]) == ("alias/driftloop-artifacts", f"<{logical_id}.Arn>")
    assert (parameter["Name"], parameter["Value"]) == (KEY_PARAMETER, f"<{logical_id}.Arn>")
    [rule] = buckets[BUCKET.rpartition(":")[2]]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": f"<{logical_id}.Arn>"}
    [raw] = buckets[f"driftloop-raw-{HOME}-us-east-1"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert raw["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


@pytest.mark.parametrize(
    ("stage", "account", "actions"),
    [
        ("staging", STAGING, ["kms:Decrypt"]),
        ("prod", PROD, ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]),
    ],
)
def test_the_key_lets_exactly_what_serves_elsewhere_use_it_as_its_own_account_does(
    three: Assembly, stage: str, account: str, actions: list[str]
) -> None:
    [key] = three.template("Driftloop").resources("AWS::KMS::Key").values()
    roles = [f"arn:aws:iam::{account}:role/driftloop-{model}-{stage}-serve" for model in ("flights", "rainfall")]

    [statement] = _granted(key["KeyPolicy"], account)

    assert statement["Condition"] == {"ArnEquals": {"aws:PrincipalArn": roles}}
    assert as_list(statement["Action"]) == actions
    served = _allowed(three.template(f"Driftloop-flights-{stage}"), f"{stage}-serve")
    assert {action: on for action, on in served.items() if action.startswith("kms:")} == {
        each: {KEY} for each in actions
    }


def test_the_key_knows_nobody_else(three: Assembly) -> None:
    [key] = three.template("Driftloop").resources("AWS::KMS::Key").values()

    accounts = [statement["Principal"]["AWS"].split(":")[4] for statement in key["KeyPolicy"]["Statement"]]

    assert accounts == [HOME, STAGING, PROD]


def test_roles_use_the_key_by_its_alias_and_only_those_that_touch_artifacts(three: Assembly) -> None:
    found = set()
    for stack in three.stacks():
        for policy, statement in statements(three.template(stack)):
            if as_list(statement["Action"])[0].startswith("kms:"):
                assert statement["Resource"] == KEY
                alias = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": ["alias/driftloop-artifacts"]}}
                assert statement["Condition"] == alias
                found.add(policy.partition("DefaultPolicy")[0])

    home = {"TrainingRole", "ReleaseRole", "ReleaseServeRole", "ReleaseAnswerWaitsRole", "IngestStartTrainingRole"}
    assert found == home | {"RolesServe", "WatchingRole"}


@pytest.mark.parametrize("pipeline", ["train", "retrain", "release", "rollback", "watch"])
def test_every_output_of_a_step_is_encrypted_with_the_key_that_can_be_shared(home: Template, pipeline: str) -> None:
    definition = _definition(home, f"driftloop-flights-{pipeline}")
    wanted = {"Processing": "ProcessingOutputConfig", "Training": "OutputDataConfig"}

    writing = [step for step in steps_of(definition["Steps"]) if step["Type"] in wanted]

    assert writing
    for step in writing:
        assert step["Arguments"][wanted[step["Type"]]]["KmsKeyId"] == _key_arn(home)
    assert "token-" not in json.dumps(definition)


def test_the_code_is_the_same_version_wherever_it_runs(home: Template, flights: Template) -> None:
    versions = [_defaults(_definition(each, "driftloop-flights-train"))["CodeVersion"] for each in (home, flights)]

    assert versions[0] == versions[1]


def test_the_bucket_lets_what_serves_elsewhere_read_its_models_and_production_capture(three: Assembly) -> None:
    policies = three.template("Driftloop").resources("AWS::S3::BucketPolicy")
    [document] = [each["PolicyDocument"] for name, each in policies.items() if name.startswith("Artifacts")]

    found = [
        (role, as_list(statement["Action"]), statement["Resource"], statement["Condition"].get("StringLike"))
        for account in (STAGING, PROD)
        for statement in _granted(document, account)
        for role in statement["Condition"]["ArnEquals"]["aws:PrincipalArn"]
        if "flights" in role
    ]

    listed = {"s3:prefix": ["flights/*"]}
    staging, prod = _role(STAGING, "staging-serve"), _role(PROD, "prod-serve")
    assert sorted(found, key=str) == sorted(
        [
            (staging, ["s3:GetBucketLocation"], BUCKET, None),
            (staging, ["s3:ListBucket"], BUCKET, listed),
            (staging, ["s3:GetObject"], f"{BUCKET}/flights/*", None),
            (prod, ["s3:GetBucketLocation"], BUCKET, None),
            (prod, ["s3:ListBucket"], BUCKET, listed),
            (prod, ["s3:GetObject"], f"{BUCKET}/flights/*", None),
            (prod, ["s3:PutObject"], f"{BUCKET}/flights/capture/*", None),
        ],
        key=str,
    )


@pytest.mark.parametrize("stage", ["staging", "prod"])
def test_what_serves_elsewhere_asks_for_what_the_bucket_allows_it(three: Assembly, stage: str) -> None:
    served = _allowed(three.template(f"Driftloop-flights-{stage}"), f"{stage}-serve")

    capture = {"s3:PutObject": {f"{BUCKET}/flights/capture/*"}} if stage == "prod" else {}
    assert {action: on for action, on in served.items() if action.startswith("s3:")} == {
        "s3:GetBucketLocation": {BUCKET},
        "s3:ListBucket": {BUCKET},
        "s3:GetObject": {f"{BUCKET}/flights/*"},
        **capture,
    }


def test_images_come_from_awss_registry_of_the_region_in_every_account(prod: Template) -> None:
    images = {"arn:aws:ecr:us-east-1:683313688378:repository/sagemaker-*"}

    assert _allowed(prod, "prod-serve")["ecr:BatchGetImage"] == images


def test_the_registry_lets_the_accounts_look_at_packages_and_make_models_of_them(home: Template) -> None:
    [group] = home.resources("AWS::SageMaker::ModelPackageGroup").values()
    principals = {"AWS": [f"arn:aws:iam::{account}:root" for account in (STAGING, PROD)]}
    here = f"{SAGEMAKER}:{HOME}"

    assert group["ModelPackageGroupPolicy"] == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Group",
                "Effect": "Allow",
                "Principal": principals,
                "Action": ["sagemaker:DescribeModelPackageGroup"],
                "Resource": f"{here}:model-package-group/driftloop-flights",
            },
            {
                "Sid": "Packages",
                "Effect": "Allow",
                "Principal": principals,
                "Action": ["sagemaker:CreateModel", "sagemaker:DescribeModelPackage"],
                "Resource": f"{here}:model-package/driftloop-flights/*",
            },
        ],
    }


# ---- news --------------------------------------------------------------------------------------------------------


def test_home_hears_of_endpoints_from_exactly_the_accounts_of_stages(three: Assembly) -> None:
    policies = three.template("Driftloop").resources("AWS::Events::EventBusPolicy").values()

    assert [policy["Statement"]["Principal"]["AWS"] for policy in policies] == [
        f"arn:aws:iam::{account}:root" for account in (STAGING, PROD)
    ]
    for policy in policies:
        assert policy["EventBusName"] == "default"
        assert policy["Statement"]["Action"] == "events:PutEvents"
        assert policy["Statement"]["Resource"] == f"arn:aws:events:us-east-1:{HOME}:event-bus/default"
        assert policy["Statement"]["Condition"]["StringEquals"] == {
            "events:source": "aws.sagemaker",
            "events:detail-type": "SageMaker Endpoint State Change",
        }


def test_a_change_of_the_stages_endpoint_goes_to_homes_bus_or_is_kept(prod: Template) -> None:
    [(rule_id, rule)] = prod.resources("AWS::Events::Rule").items()
    [target] = rule["Targets"]
    event = sample("endpoint_in_service")
    event["detail"]["EndpointName"] = "driftloop-flights-prod"

    assert _matches(rule["EventPattern"], event)
    event["detail"]["EndpointName"] = "driftloop-rainfall-prod"
    assert not _matches(rule["EventPattern"], event)
    assert target["Arn"] == f"arn:aws:events:us-east-1:{HOME}:event-bus/default"
    role = prod.resources("AWS::IAM::Role")[target["RoleArn"].strip("<>")[:-4]]["RoleName"]
    assert _allowed(prod, role.removeprefix("driftloop-flights-")) == {"events:PutEvents": {target["Arn"]}}
    [policy] = prod.resources("AWS::SQS::QueuePolicy").values()
    senders = [each["Condition"]["ArnEquals"]["aws:SourceArn"] for each in policy["PolicyDocument"]["Statement"][1:]]
    assert (policy["Queues"], senders) == ([target["DeadLetterConfig"]["Arn"][:-5] + ">"], [f"<{rule_id}.Arn>"])


def test_people_at_home_are_told_of_news_that_could_not_be_delivered(three: Assembly, prod: Template) -> None:
    [alarm] = prod.resources("AWS::CloudWatch::Alarm").values()
    [policy] = three.template("Driftloop").resources("AWS::SNS::TopicPolicy").values()

    assert alarm["AlarmActions"] == [f"arn:aws:sns:us-east-1:{HOME}:driftloop-people"]
    [allowed] = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": [HOME, STAGING, PROD]}}


@pytest.mark.parametrize(("account", "is_heard"), [(HOME, True), (STAGING, True), (PROD, True), ("4" * 12, False)])
def test_the_queue_of_waits_takes_news_of_the_stages_accounts_alone(
    home: Template, account: str, is_heard: bool
) -> None:
    event = {**sample("endpoint_in_service"), "account": account}
    event["detail"]["EndpointName"] = "driftloop-flights-prod"
    [rule] = [rule for rule in home.resources("AWS::Events::Rule").values() if "endpoints" in rule["Name"]]

    assert _matches(rule["EventPattern"], event) is is_heard


# ---- what functions and tests are told ---------------------------------------------------------------------------


def _environment(template: Template, name: str) -> dict[str, str]:
    functions = {each["FunctionName"]: each for each in template.resources("AWS::Lambda::Function").values()}
    variables: dict[str, str] = functions[f"driftloop-flights-{name}"]["Environment"]["Variables"]
    return {**variables, "AWS_LAMBDA_FUNCTION_NAME": f"driftloop-flights-{name}"}


def test_functions_know_the_roles_of_the_stages_and_who_they_are(home: Template) -> None:
    change = read_change_endpoint(_environment(home, "change-endpoint"))
    answer = read_answer_waits(_environment(home, "answer-waits"))
    decide = read_decide_release(_environment(home, "decide-release"))

    roles = {"staging": _role(STAGING, "staging-release"), "prod": _role(PROD, "prod-release")}
    assert change.stage_roles.arns == answer.stage_roles.arns == roles
    assert decide.stage_roles.arns == {"staging": roles["staging"]}
    assert answer.stage_roles.who == "driftloop-flights-answer-waits"
    assert [change.serve_role(stage) for stage in ("staging", "prod")] == [
        _role(STAGING, "staging-serve"),
        _role(PROD, "prod-serve"),
    ]
    assert change.serve_role("dev") == change.serve_role_arn
    assert change.capture_key_arn == _key_arn(home)


@pytest.mark.parametrize("pipeline", ["release", "rollback"])
def test_model_tests_are_told_the_roles_by_parameters(home: Template, pipeline: str) -> None:
    defaults = _defaults(_definition(home, f"driftloop-flights-{pipeline}"))

    assert (defaults["DevRoleArn"], defaults["StagingRoleArn"], defaults["ProductionRoleArn"]) == (
        "none",
        _role(STAGING, "staging-release"),
        _role(PROD, "prod-release"),
    )


def test_training_finds_the_champion_with_productions_role(home: Template, flights: Template) -> None:
    roles = [_defaults(_definition(each, "driftloop-flights-train"))["ProductionRoleArn"] for each in (home, flights)]

    assert roles == [_role(PROD, "prod-release"), "none"]


# ---- other layouts -----------------------------------------------------------------------------------------------


def test_with_all_stages_elsewhere_home_touches_no_endpoint(tmp_path: Path) -> None:
    """Two of them share an account."""
    stages = {"dev": {"account": STAGING}, "staging": {"account": STAGING}, "prod": {"account": PROD}}

    found = synthesize(tmp_path, models="infra/models/flights.json", stages=stages)

    template = found.template("Driftloop-flights")
    changing = _allowed(template, "change-endpoint")
    assert {action for action in changing if not action.startswith("logs:")} == {
        "sagemaker:DescribeModelPackage",
        "sts:AssumeRole",
    }
    assert ":endpoint/" not in json.dumps(list(statements(template)))
    assert len(found.template("Driftloop").resources("AWS::Events::EventBusPolicy")) == 2
    assert {found.place(f"Driftloop-flights-{stage}") for stage in ("dev", "staging")} == {f"aws://{STAGING}/us-east-1"}


def test_several_accounts_give_the_same_bytes_twice(three: Assembly, tmp_path: Path) -> None:
    again = synthesize(tmp_path, stages={"staging": {"account": STAGING}, "prod": {"account": PROD}})

    for stack in three.stacks():
        assert again.template(stack).text == three.template(stack).text
