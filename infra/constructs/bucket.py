"""A bucket as this project wants every bucket: private, encrypted, versioned, speaking to EventBridge."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct


class DataBucket(Construct):
    """A bucket that keeps data: it survives its stack, refuses plain HTTP and reports every new object.

    Args:
        key: what objects are encrypted with; None for S3's own key.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        old_versions_kept: Duration,
        key: kms.IKey | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            bucket_name=name,
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key,
            bucket_key_enabled=True if key else None,  # a call to KMS per requester and while, not per object
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            versioned=True,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[_lifecycle(old_versions_kept)],
            removal_policy=RemovalPolicy.RETAIN,  # data outlives a stack; nothing may empty a bucket on the way
        )
        _speak_to_eventbridge(self.bucket)


def _lifecycle(old_versions_kept: Duration) -> s3.LifecycleRule:
    return s3.LifecycleRule(
        id="Tidy",
        abort_incomplete_multipart_upload_after=Duration.days(7),
        expired_object_delete_marker=True,
        noncurrent_version_expiration=old_versions_kept,
    )


def _speak_to_eventbridge(bucket: s3.Bucket) -> None:
    """Through the L1: `event_bridge_enabled=True` would bring a custom resource with a function of its own."""
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)
    resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
        event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
    )
