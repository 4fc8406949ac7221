"""Buckets, ledger, topic: private, kept, and heard of."""

from tests.synth.template import Template


def test_buckets_are_private_encrypted_versioned_and_speak_to_eventbridge(shared: Template) -> None:
    for bucket in shared.resources("AWS::S3::Bucket").values():
        assert all(bucket["PublicAccessBlockConfiguration"].values())
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4
        [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert bucket["NotificationConfiguration"]["EventBridgeConfiguration"] == {"EventBridgeEnabled": True}
        assert bucket["LifecycleConfiguration"]["Rules"]


def test_buckets_refuse_plain_http(shared: Template) -> None:
    policies = shared.resources("AWS::S3::BucketPolicy").values()

    assert {policy["Bucket"].strip("<>") for policy in policies} == set(shared.resources("AWS::S3::Bucket"))
    for policy in policies:
        [statement] = policy["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_data_outlives_the_stack(shared: Template, flights: Template) -> None:
    for template, kept in (
        (shared, "S3::Bucket"),
        (shared, "DynamoDB::Table"),
        (flights, "SageMaker::ModelPackageGroup"),
    ):
        for resource in template.body["Resources"].values():
            if resource["Type"] == f"AWS::{kept}":
                assert resource["DeletionPolicy"] == "Retain"


def test_the_ledger_pays_per_request_and_can_go_back_in_time(shared: Template) -> None:
    [table] = shared.resources("AWS::DynamoDB::Table").values()

    assert table["TableName"] == "driftloop-ledger"
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]


def test_alarms_of_this_account_may_tell_people(shared: Template) -> None:
    [policy] = shared.resources("AWS::SNS::TopicPolicy").values()

    [allowed] = [statement for statement in policy["PolicyDocument"]["Statement"] if statement["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
