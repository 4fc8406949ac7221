"""Release and serve: from a person's approval to the endpoint that answers."""

from collections.abc import Iterable

from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.function import Feed, QueueFunction, visibility_timeout
from infra.constructs.ingest import ended_executions
from infra.constructs.pipeline import CommittedPipeline, PipelineSource
from infra.constructs.queue import WatchedQueue
from infra.constructs.training import asset_bucket
from infra.definition import Place
from infra.names import ModelNames, arn
from infra.policies import jobs
from infra.policies.functions import tell_people, use_ledger, watch_and_start
from infra.policies.statements import allow
from infra.settings import ModelSettings
from lambdas.shared import events as vocabulary
from pipeline_definitions.shared import tokens


class Release(Construct):
    """The release queue, the function `decide_release`, the `release` pipeline, and the endpoint's role."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        model: ModelSettings,
        names: ModelNames,
        code: lambda_.Code,
        ingest_queue: sqs.Queue,
        registry_account: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self.watched = WatchedQueue(
            self,
            "Queue",
            name=names.of("release"),
            visibility_timeout=visibility_timeout(0),
            people_topic_arn=names.shared.people_topic_arn,
        )
        self._take_events(names)
        self._decide(model, names, code, ingest_queue)
        serve_role = self._role("ServeRole", names.of("serve"), _serve(names, registry_account))
        role = self._role("Role", names.of("release"), ())
        for statement in _release(names, role, serve_role, asset_bucket(self), registry_account):
            role.add_to_policy(statement)
        CommittedPipeline(
            self,
            "Pipeline",
            name=names.release_pipeline,
            source=_source(model, names, role, serve_role),
            role=role,
            registry_account=registry_account,
        )

    def _take_events(self, names: ModelNames) -> None:
        self.watched.take(
            "Packages",
            name=names.of("packages"),
            description=f"Versions of {names.model} that were registered, approved or rejected",
            pattern=events.EventPattern(
                source=[vocabulary.SAGEMAKER_SOURCE],
                detail_type=[vocabulary.PACKAGE_CHANGED],
                detail={"ModelPackageGroupName": [names.package_group]},
            ),
        )
        self.watched.take(
            "EndedReleases",
            name=names.of("ended-releases"),
            description=f"Releases of {names.model} that ended",
            pattern=ended_executions(names.pipeline_arn(names.release_pipeline)),
        )

    def _decide(self, model: ModelSettings, names: ModelNames, code: lambda_.Code, ingest_queue: sqs.Queue) -> None:
        QueueFunction(
            self,
            "DecideRelease",
            name=names.of("decide-release"),
            capability="decide_release",
            code=code,
            feed=Feed(self.watched.queue, 0),
            environment={
                "MODEL": model.name,
                "LEDGER_TABLE": names.shared.ledger,
                "PEOPLE_TOPIC_ARN": names.shared.people_topic_arn,
                "RELEASE_PIPELINE": names.release_pipeline,
                "INGEST_QUEUE_URL": ingest_queue.queue_url,
                "DEAD_LETTER_QUEUE_URL": self.watched.dead_letters.queue_url,
                "ATTEMPTS_MAX": str(model.attempts_max),
            },
            permissions=[
                use_ledger(names.shared),
                tell_people(names.shared),
                *watch_and_start(names.pipeline_arn(names.release_pipeline)),
                allow(
                    "sagemaker:DescribeModelPackage",
                    on=names.package_arns,
                    because="packages are numbered as they are registered",
                ),
                allow("sqs:SendMessage", on=[ingest_queue.queue_arn, self.watched.dead_letters.queue_arn]),
            ],
        )

    def _role(self, construct_id: str, name: str, statements: Iterable[iam.PolicyStatement]) -> iam.Role:
        sagemaker = iam.ServicePrincipal("sagemaker.amazonaws.com")
        role = iam.Role(self, construct_id, role_name=name, assumed_by=sagemaker)
        for statement in statements:
            role.add_to_policy(statement)
        return role


def _serve(names: ModelNames, registry_account: str) -> list[iam.PolicyStatement]:
    """What the endpoint's containers need: their model, their image, a log."""
    return [
        *jobs.use_objects(names.shared.artifact_bucket, f"{names.model}/", "s3:GetObject"),
        *jobs.pull_images(registry_account),
        *jobs.write_logs_and_metrics(f"Endpoints/{names.endpoint}"),
    ]


def _release(
    names: ModelNames, role: iam.Role, serve_role: iam.Role, assets: str, registry_account: str
) -> list[iam.PolicyStatement]:
    """What the step `Release` needs: this model's packages, models, endpoint configs and its one endpoint."""
    return [
        jobs.run_steps("Processing"),
        jobs.pass_role(role.role_arn),
        jobs.pass_role(serve_role.role_arn),
        *jobs.pull_images(registry_account),
        *jobs.write_logs_and_metrics("ProcessingJobs"),
        *jobs.read_assets(assets),
        *jobs.use_objects(
            names.shared.artifact_bucket, f"{names.model}/", "s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"
        ),
        *_make_endpoint(names),
    ]


def _make_endpoint(names: ModelNames) -> list[iam.PolicyStatement]:
    made = [arn("sagemaker", f"{kind}/{names.package_group}-*") for kind in ("model", "endpoint-config")]
    endpoint = arn("sagemaker", f"endpoint/{names.endpoint}")
    return [
        allow(
            "sagemaker:AddTags",
            "sagemaker:CreateEndpointConfig",
            "sagemaker:CreateModel",
            "sagemaker:DescribeEndpointConfig",
            "sagemaker:DescribeModel",
            on=made,
            because="each release makes a model and an endpoint config with a name of its own under the model's prefix",
        ),
        allow(
            "sagemaker:CreateEndpoint",
            "sagemaker:UpdateEndpoint",
            on=[endpoint, made[1]],
            because="both verbs ask for the endpoint and for its new config, which has a name of its own",
        ),
        allow(
            "sagemaker:AddTags",
            "sagemaker:DescribeEndpoint",
            "sagemaker:InvokeEndpoint",
            on=endpoint,
        ),
        allow(
            "sagemaker:DescribeModelPackage",
            "sagemaker:CreateModel",
            on=names.package_arns,
            because="packages are numbered as they are registered",
        ),
    ]


def _source(model: ModelSettings, names: ModelNames, role: iam.Role, serve_role: iam.Role) -> PipelineSource:
    return PipelineSource(
        pipeline="release",
        defaults={"InstanceType": model.instances.endpoint},
        extra_files=(),
        places=(
            Place(tokens.ARTIFACT_BUCKET, "ArtifactBucket", names.shared.artifact_bucket),
            Place(tokens.RELEASE_ROLE_ARN, "ReleaseRole", role.role_arn),
            Place(tokens.SERVE_ROLE_ARN, "ServeRole", serve_role.role_arn),
            Place(tokens.MODEL_PACKAGE_GROUP, "PackageGroup", names.package_group),
            Place(tokens.ENDPOINT, "Endpoint", names.endpoint),
        ),
    )
