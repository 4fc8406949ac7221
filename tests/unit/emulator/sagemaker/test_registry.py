"""The model registry: versions, approval, and the events that carry them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Principal
from tests.support.emulator import ACCOUNT_ID, PERSON, World

CONTAINER = {"Image": "image:1", "ModelDataUrl": "s3://bucket/model.tar.gz"}
GRACE = Principal(f"arn:aws:iam::{ACCOUNT_ID}:user/grace", ACCOUNT_ID)


@pytest.fixture
def registry(aws: World) -> World:
    aws.sagemaker("CreateModelPackageGroup", ModelPackageGroupName="group")
    return aws


def register(aws: World, **more: Any) -> str:
    spec = {
        "Containers": [CONTAINER],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    request = {"ModelPackageGroupName": "group", "InferenceSpecification": spec, **more}
    return str(aws.sagemaker("CreateModelPackage", **request)["ModelPackageArn"])


def test_versions_are_numbered_without_gaps_or_repeats_under_concurrency(registry: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        arns = list(pool.map(lambda _: register(registry), range(20)))

    assert sorted(int(arn.rpartition("/")[2]) for arn in arns) == list(range(1, 21))


def test_a_new_version_waits_for_approval(registry: World) -> None:
    package = registry.sagemaker("DescribeModelPackage", ModelPackageName=register(registry))

    assert (package["ModelApprovalStatus"], package["ModelPackageStatus"]) == ("PendingManualApproval", "Completed")
    assert package["CreatedBy"]["IamIdentity"]["Arn"] == PERSON.arn


def test_an_update_changes_only_what_it_names_and_says_who_did_it(registry: World) -> None:
    arn = register(registry, CustomerMetadataProperties={"a": "1", "b": "2"})

    approval = {"ModelApprovalStatus": "Approved", "ApprovalDescription": "good"}
    registry.call("sagemaker", "UpdateModelPackage", {"ModelPackageArn": arn, **approval}, GRACE)
    metadata = {"CustomerMetadataProperties": {"b": "3", "c": "4"}, "CustomerMetadataPropertiesToRemove": ["a"]}
    registry.sagemaker("UpdateModelPackage", ModelPackageArn=arn, **metadata)

    package = registry.sagemaker("DescribeModelPackage", ModelPackageName=arn)
    assert (package["ModelApprovalStatus"], package["ApprovalDescription"]) == ("Approved", "good")
    assert package["CustomerMetadataProperties"] == {"b": "3", "c": "4"}
    assert package["LastModifiedBy"]["IamIdentity"]["Arn"] == PERSON.arn
    assert package["LastModifiedTime"] > package["CreationTime"]


def test_creation_approval_and_metadata_edits_are_told_in_the_shape_of_aws(registry: World) -> None:
    arn = register(registry, MetadataProperties={"GeneratedBy": "me"})
    registry.sagemaker("UpdateModelPackage", ModelPackageArn=arn, ModelApprovalStatus="Rejected")
    registry.sagemaker("UpdateModelPackage", ModelPackageArn=arn, CustomerMetadataProperties={"k": "v"})

    details = registry.events.details("Model Package State Change")
    assert [item["ModelApprovalStatus"] for item in details] == ["PendingManualApproval", "Rejected", "Rejected"]
    assert registry.events.all[-1][2] == [arn]
    assert details[0].keys() == {
        "ModelPackageGroupName",
        "ModelPackageVersion",
        "ModelPackageArn",
        "CreationTime",
        "InferenceSpecification",
        "ModelPackageStatus",
        "ModelPackageStatusDetails",
        "CertifyForMarketplace",
        "ModelApprovalStatus",
        "MetadataProperties",
        "LastModifiedTime",
    }
    assert details[0]["CreationTime"].endswith("Z")


def test_versions_are_found_by_group_and_status_newest_first(registry: World) -> None:
    arns = [register(registry) for _ in range(3)]
    registry.sagemaker("UpdateModelPackage", ModelPackageArn=arns[1], ModelApprovalStatus="Approved")

    def listed(**more: Any) -> list[str]:
        answer = registry.sagemaker("ListModelPackages", ModelPackageGroupName="group", SortOrder="Descending", **more)
        return [item["ModelPackageArn"] for item in answer["ModelPackageSummaryList"]]

    assert listed() == arns[::-1]
    assert listed(ModelApprovalStatus="Approved") == [arns[1]]
    assert registry.sagemaker("ListModelPackages")["ModelPackageSummaryList"] == []


def test_a_group_with_versions_is_kept(registry: World) -> None:
    arn = register(registry)

    with pytest.raises(AwsError, match="contains model packages") as refusal:
        registry.sagemaker("DeleteModelPackageGroup", ModelPackageGroupName="group")

    assert refusal.value.code == "ConflictException"
    registry.sagemaker("DeleteModelPackage", ModelPackageName=arn)
    registry.sagemaker("DeleteModelPackageGroup", ModelPackageGroupName="group")
    with pytest.raises(AwsError, match="does not exist"):
        registry.sagemaker("DescribeModelPackageGroup", ModelPackageGroupName="group")


def test_a_deleted_number_does_not_come_again(registry: World) -> None:
    registry.sagemaker("DeleteModelPackage", ModelPackageName=register(registry))

    assert register(registry).endswith("/2")


def test_the_same_client_token_makes_one_version(registry: World) -> None:
    assert register(registry, ClientToken="t") == register(registry, ClientToken="t")


@pytest.mark.parametrize("request_", [{}, {"ModelPackageName": "a", "ModelPackageGroupName": "b"}])
def test_a_package_is_named_by_itself_or_by_its_group(registry: World, request_: dict[str, str]) -> None:
    with pytest.raises(AwsError, match=r"Missing ARN|Cannot determine which one to use"):
        registry.sagemaker("CreateModelPackage", **request_)


def test_an_unknown_group_or_package_is_named(registry: World) -> None:
    with pytest.raises(AwsError, match="model-package-group/nope does not exist"):
        registry.sagemaker("CreateModelPackage", ModelPackageGroupName="nope")
    arn = f"arn:aws:sagemaker:us-east-1:{ACCOUNT_ID}:model-package/group/9"
    with pytest.raises(AwsError, match="model-package/group/9 does not exist"):
        registry.sagemaker("UpdateModelPackage", ModelPackageArn=arn)


def test_tags_of_a_package_are_added_replaced_listed_and_removed(registry: World) -> None:
    arn = register(registry)
    registry.sagemaker("AddTags", ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    registry.sagemaker("AddTags", ResourceArn=arn, Tags=[{"Key": "a", "Value": "3"}])

    registry.sagemaker("DeleteTags", ResourceArn=arn, TagKeys=["b"])

    assert registry.sagemaker("ListTags", ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "3"}]
    with pytest.raises(AwsError, match="Could not find resource"):
        registry.sagemaker("AddTags", ResourceArn=f"{arn}0", Tags=[{"Key": "a", "Value": "1"}])
