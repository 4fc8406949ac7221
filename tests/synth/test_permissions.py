"""Who may do what: the verb on the resource."""

from tests.synth.template import Template, as_list, statements

WITHOUT_RESOURCE = {"ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"}
"""Actions that IAM knows no resource for. Source: Service Authorization Reference, ECR and CloudWatch."""


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


def test_roles_are_handed_to_sagemaker_alone(flights: Template) -> None:
    handed = {}
    for policy, statement in statements(flights):
        if "iam:PassRole" in as_list(statement["Action"]):
            assert as_list(statement["Action"]) == ["iam:PassRole"]
            assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
            handed[policy.partition("DefaultPolicy")[0]] = len(as_list(statement["Resource"]))

    assert handed == {"TrainingRole": 1, "ReleaseRole": 2}


def test_each_function_starts_its_own_pipeline_and_no_other(flights: Template) -> None:
    started = {
        policy.partition("DefaultPolicy")[0]: statement["Resource"]
        for policy, statement in statements(flights)
        if "sagemaker:StartPipelineExecution" in as_list(statement["Action"])
    }

    prefix = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/driftloop-flights-"
    assert started == {
        "IngestStartTrainingRole": f"{prefix}train",
        "ReleaseDecideReleaseRole": f"{prefix}release",
    }


def test_a_model_reaches_only_its_own_data(flights: Template) -> None:
    for _, statement in statements(flights):
        for resource in as_list(statement["Resource"]):
            if ":s3:::driftloop-" in resource and "/" in resource:
                assert resource.partition("/")[2].removeprefix("raw/").startswith("flights/")


def test_only_the_release_role_may_change_the_endpoint_and_only_that_endpoint(flights: Template) -> None:
    changing = {
        policy.partition("DefaultPolicy")[0]: as_list(statement["Resource"])
        for policy, statement in statements(flights)
        if "sagemaker:UpdateEndpoint" in as_list(statement["Action"])
    }

    assert list(changing) == ["ReleaseRole"]
    assert "arn:aws:sagemaker:us-east-1:123456789012:endpoint/driftloop-flights-prod" in changing["ReleaseRole"]


def test_what_serves_can_only_read(flights: Template) -> None:
    served = [
        action
        for policy, statement in statements(flights)
        if policy.startswith("ReleaseServeRole")
        for action in as_list(statement["Action"])
        if action.startswith("s3:")
    ]

    assert sorted(set(served)) == ["s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket"]
