"""Ingest: from an object under `raw/<model>/` to the start of a run, and from the end of a run to the next."""

from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.apart import Apart
from infra.constructs.function import Feed, LoopFunction, visibility_timeout
from infra.constructs.queue import WatchedQueue
from infra.names import ModelNames
from infra.policies import keys, releases
from infra.policies.functions import tell_people, use_ledger, watch_and_start
from infra.policies.statements import allow, bucket_arn
from infra.settings import ModelSettings
from lambdas.shared import events as vocabulary


class Ingest(Construct):
    """The ingest queue, the rules that feed it, and the function `start_training`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        model: ModelSettings,
        names: ModelNames,
        code: lambda_.Code,
        apart: Apart,
    ) -> None:
        super().__init__(scope, construct_id)
        window_s = model.batch.window_s
        self.watched = WatchedQueue(
            self,
            "Queue",
            name=names.of("ingest"),
            visibility_timeout=visibility_timeout(window_s),
            people_topic_arn=names.shared.people_topic_arn,
        )
        self._take_objects(names)
        self._take_ended_runs(names)
        LoopFunction(
            self,
            "StartTraining",
            name=names.of("start-training"),
            capability="start_training",
            code=code,
            feed=Feed(self.watched.queue, window_s),
            environment=self._environment(model, names),
            permissions=[*self._permissions(names), *apart.use_key(*keys.WRITE)],
        )

    def _take_objects(self, names: ModelNames) -> None:
        self.watched.take(
            "Objects",
            name=names.of("objects"),
            description=f"Data files of {names.model}",
            pattern=events.EventPattern(
                source=[vocabulary.S3_SOURCE],
                detail_type=[vocabulary.OBJECT_CREATED],
                detail={
                    "bucket": {"name": [names.shared.raw_bucket]},
                    "object": {"key": [{"prefix": names.raw_prefix}]},
                },
            ),
        )

    def _take_ended_runs(self, names: ModelNames) -> None:
        self.watched.take(
            "EndedRuns",
            name=names.of("ended-runs"),
            description=f"Runs that train {names.model} and ended",
            pattern=ended_executions(*map(names.pipeline_arn, names.train_pipelines)),
        )

    def _environment(self, model: ModelSettings, names: ModelNames) -> dict[str, str]:
        return {
            "MODEL": model.name,
            "LEDGER_TABLE": names.shared.ledger,
            "PEOPLE_TOPIC_ARN": names.shared.people_topic_arn,
            "RAW_BUCKET": names.shared.raw_bucket,
            "RAW_PREFIX": names.raw_prefix,
            "ARTIFACT_BUCKET": names.shared.artifact_bucket,
            "TRAIN_PIPELINE": names.train_pipeline,
            "RETRAIN_PIPELINE": names.retrain_pipeline,
            "INGEST_QUEUE_URL": self.watched.queue.queue_url,
            "DEAD_LETTER_QUEUE_URL": self.watched.dead_letters.queue_url,
            "BATCH_MIN_FILES": str(model.batch.min_files),
            "BATCH_WINDOW_S": str(model.batch.window_s),
            "ATTEMPTS_MAX": str(model.attempts_max),
        }

    def _permissions(self, names: ModelNames) -> list[iam.PolicyStatement]:
        return [
            use_ledger(names.shared),
            tell_people(names.shared),
            *(each for name in names.train_pipelines for each in watch_and_start(names.pipeline_arn(name))),
            *_use_batches(names),
            releases.read_packages(names),
            allow("sqs:SendMessage", on=[self.watched.queue.queue_arn, self.watched.dead_letters.queue_arn]),
        ]


def ended_executions(*pipeline_arns: str) -> events.EventPattern:
    """Executions of these pipelines that came to an end, in whatever way."""
    return events.EventPattern(
        source=[vocabulary.SAGEMAKER_SOURCE],
        detail_type=[vocabulary.EXECUTION_CHANGED],
        detail={
            "pipelineArn": list(pipeline_arns),
            "currentPipelineExecutionStatus": list(vocabulary.TERMINAL_STATUSES),
        },
    )


def _use_batches(names: ModelNames) -> list[iam.PolicyStatement]:
    bucket = bucket_arn(names.shared.artifact_bucket)
    batches = f"{names.model}/batches/"
    reason = "batches are named when their files have arrived"
    return [
        allow("s3:PutObject", on=f"{bucket}/{batches}*/manifest.json", because=reason),
        allow("s3:GetObject", on=f"{bucket}/{batches}*/validation/report.json", because=reason),
        # Without it S3 answers 403 and not 404 where a run ended before it wrote its report.
        allow("s3:ListBucket", on=bucket, only_if={"StringLike": {"s3:prefix": [f"{batches}*"]}}),
    ]
