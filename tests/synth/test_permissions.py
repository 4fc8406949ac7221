"""Who may do what: the verb on the resource."""

import re

from tests.synth.template import Template, as_list, statements

WITHOUT_RESOURCE = {
    "application-autoscaling:DescribeScalableTargets",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "cloudwatch:PutMetricData",
    "ecr:GetAuthorizationToken",
    "sagemaker:ListEndpointConfigs",
}
"""Actions that IAM knows no resource for, or not for all that is asked (DescribeAlarms: composite alarms). Source:
Service Authorization Reference of each service."""


def test_no_role_takes_a_policy_that_somebody_else_wrote(shared: Template, flights: Template) -> None:
    for template in (shared, flights):
        assert "FullAccess" not in template.text
        assert all("ManagedPolicyArns" not in role for role in template.resources("AWS::IAM::Role").values())


def test_no_action_is_a_wildcard(flights: Template) -> None:
    for _, statement in statements(flights):
        assert not [action for action in as_list(statement["Action"]) if "*" in action]


def test_only_actions_without_a_resource_are_allowed_everywhere(flights: Template) -> None:
    for _, statement in statements(flights):
        if "*" in as_list(statement["Resource"]):
            assert set(as_list(statement["Action"])) <= WITHOUT_RESOURCE


def _allowed(template: Template, *prefixes: str) -> dict[str, dict[str, set[str]]]:
    """Role -> action that starts with one of the prefixes -> resources, short after the account."""
    found: dict[str, dict[str, set[str]]] = {}
    for policy, statement in statements(template):
        role = policy.partition("DefaultPolicy")[0]
        for action in as_list(statement["Action"]):
            if action.startswith(prefixes):
                resources = {text.rpartition("123456789012:")[2] for text in as_list(statement["Resource"])}
                found.setdefault(role, {}).setdefault(action, set()).update(resources)
    return found


def test_each_role_is_handed_to_one_service(flights: Template) -> None:
    handed = {}
    for policy, statement in statements(flights):
        if "iam:PassRole" in as_list(statement["Action"]):
            assert as_list(statement["Action"]) == ["iam:PassRole"]
            [role] = as_list(statement["Resource"])
            service = {"StringEquals": {"iam:PassedToService": f"{_served(role)}.amazonaws.com"}}
            assert statement["Condition"] == service
            handed.setdefault(policy.partition("DefaultPolicy")[0], []).append(re.sub(r"[0-9A-F]{8}\.Arn", "", role))

    assert handed == {
        "TrainingRole": ["<TrainingRole>"],
        "WatchingRole": ["<WatchingRole>"],
        "ReleaseRole": ["<ReleaseRole>"],
        "ReleaseChangeEndpointRole": ["<ReleaseServeRole>"],
        "ReleaseAnswerWaitsRole": ["<ReleaseTickRole>"],
    }


def _served(role: str) -> str:
    return "scheduler" if "Tick" in role or "Schedule" in role else "sagemaker"


def test_each_role_trusts_the_one_service_that_it_is_handed_to(flights: Template) -> None:
    for logical_id, role in flights.resources("AWS::IAM::Role").items():
        [statement] = role["AssumeRolePolicyDocument"]["Statement"]
        is_function = role["RoleName"] in _functions(flights)
        service = "lambda" if is_function else _served(logical_id)
        assert statement["Action"] == "sts:AssumeRole"
        assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}


def _functions(template: Template) -> set[str]:
    return {function["FunctionName"] for function in template.resources("AWS::Lambda::Function").values()}


def test_each_function_and_schedule_starts_its_own_pipelines_and_no_other(flights: Template) -> None:
    started = {role: actions.popitem()[1] for role, actions in _allowed(flights, "sagemaker:StartPipeline").items()}

    assert started == {
        "IngestStartTrainingRole": {"pipeline/driftloop-flights-train", "pipeline/driftloop-flights-retrain"},
        "WatchingScheduleRole": {"pipeline/driftloop-flights-watch"},
        "ReleaseDecideReleaseRole": {"pipeline/driftloop-flights-release", "pipeline/driftloop-flights-rollback"},
    }


def test_functions_that_keep_books_may_use_the_rows_of_the_ledger_and_others_may_not(flights: Template) -> None:
    books = {f"dynamodb:{verb}": {"table/driftloop-ledger"} for verb in ("DeleteItem", "GetItem", "PutItem", "Query")}

    assert _allowed(flights, "dynamodb:") == dict.fromkeys(
        (
            "IngestStartTrainingRole",
            "ReleaseDecideReleaseRole",
            "ReleaseAnswerWaitsRole",
            "RetrainingStartRetrainingRole",
            "ReconcilerReconcileRole",
        ),
        books,
    )


def test_a_model_reaches_only_its_own_data(flights: Template) -> None:
    for _, statement in statements(flights):
        for resource in as_list(statement["Resource"]):
            if ":s3:::driftloop-" in resource and "/" in resource:
                assert resource.partition("/")[2].removeprefix("raw/").startswith("flights/")


ENDPOINTS = {f"endpoint/driftloop-flights-{stage}" for stage in ("dev", "staging", "prod")}
STAGES = ENDPOINTS - {"endpoint/driftloop-flights-prod"}


def test_only_change_endpoint_may_change_endpoints_and_only_the_models(flights: Template) -> None:
    changing = _allowed(flights, "sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint", "sagemaker:CreateModel")
    changing["TrainingRole"] = {
        action: resources
        for action, resources in changing.get("TrainingRole", {}).items()
        if not action.startswith("sagemaker:CreateModelPackage")
    }

    configs, models = "endpoint-config/driftloop-flights-*", "model/driftloop-flights-*"
    assert {role: actions for role, actions in changing.items() if actions} == {
        "ReleaseChangeEndpointRole": {
            "sagemaker:CreateModel": {models, "model-package/driftloop-flights/*"},
            "sagemaker:CreateEndpointConfig": {configs},
            "sagemaker:CreateEndpoint": {*ENDPOINTS, configs},
            "sagemaker:UpdateEndpoint": {*ENDPOINTS, configs},
        }
    }


def test_nobody_may_delete_production(flights: Template) -> None:
    configs = {"endpoint-config/driftloop-flights-dev*", "endpoint-config/driftloop-flights-stag*"}

    assert _allowed(flights, "sagemaker:Delete") == {
        "ReleaseChangeEndpointRole": {"sagemaker:DeleteEndpoint": STAGES, "sagemaker:DeleteEndpointConfig": configs},
        "ReleaseDecideReleaseRole": {"sagemaker:DeleteEndpoint": STAGES, "sagemaker:DeleteEndpointConfig": configs},
    }


def test_only_tests_of_a_release_may_ask_endpoints(flights: Template) -> None:
    assert _allowed(flights, "sagemaker:Invoke") == {"ReleaseRole": {"sagemaker:InvokeEndpoint": ENDPOINTS}}


def test_only_answer_waits_may_answer_for_the_steps_of_the_models_releases(flights: Template) -> None:
    answered = {
        f"pipeline/driftloop-flights-{pipeline}{more}"
        for pipeline in ("release", "rollback")
        for more in ("", "/execution/*")
    }

    assert _allowed(flights, "sagemaker:SendPipeline") == {
        "ReleaseAnswerWaitsRole": {
            "sagemaker:SendPipelineExecutionStepFailure": answered,
            "sagemaker:SendPipelineExecutionStepSuccess": answered,
        }
    }


def test_only_answer_waits_may_make_schedules_and_only_the_models(flights: Template) -> None:
    schedules = {"schedule/default/driftloop-flights-*"}

    assert _allowed(flights, "scheduler:") == {
        "ReleaseAnswerWaitsRole": {f"scheduler:{verb}Schedule": schedules for verb in ("Create", "Delete", "Update")}
    }


def test_a_tick_can_reach_the_queue_of_waits_and_nothing_else(flights: Template) -> None:
    [(_, statement)] = [each for each in statements(flights) if each[0].startswith("ReleaseTickRole")]

    queue = flights.resources("AWS::SQS::Queue")[statement["Resource"].strip("<>").partition(".")[0]]
    assert (statement["Action"], queue["QueueName"]) == ("sqs:SendMessage", "driftloop-flights-waits")


def test_a_release_invokes_change_endpoint_and_nothing_else(flights: Template) -> None:
    [(role, actions)] = _allowed(flights, "lambda:").items()

    assert (role, list(actions)) == ("ReleaseRole", ["lambda:InvokeFunction"])
    [function] = actions["lambda:InvokeFunction"]
    assert function.startswith("<ReleaseChangeEndpoint")


def test_nobody_tags_what_a_release_makes(flights: Template) -> None:
    """Jobs of pipeline steps are tagged by SageMaker on the role's behalf; the rest has no tags."""
    for actions in _allowed(flights, "sagemaker:AddTags").values():
        for resource in actions["sagemaker:AddTags"]:
            assert resource.startswith(("processing-job/", "training-job/", "model-package"))


def test_what_serves_can_read_and_write_what_is_captured_nowhere_else(flights: Template) -> None:
    served = _allowed(flights, "s3:")["ReleaseServeRole"]

    bucket = "arn:aws:s3:::driftloop-artifacts-123456789012-us-east-1"
    assert served == {
        "s3:GetBucketLocation": {bucket},
        "s3:GetObject": {f"{bucket}/flights/*"},
        "s3:ListBucket": {bucket},
        "s3:PutObject": {f"{bucket}/flights/capture/*"},
    }


def test_a_release_writes_its_reports_and_nothing_else(flights: Template) -> None:
    for role in ("ReleaseRole", "ReleaseAnswerWaitsRole"):
        written = _allowed(flights, "s3:")[role]["s3:PutObject"]
        assert written == {"arn:aws:s3:::driftloop-artifacts-123456789012-us-east-1/flights/releases/*"}


def test_who_judges_an_experiment_reads_no_training_data(flights: Template) -> None:
    read = _allowed(flights, "s3:")["ReleaseAnswerWaitsRole"]["s3:GetObject"]

    assert {text.rpartition("/flights/")[2] for text in read} == {"capture/*", "labels/*", "releases/*"}
