"""One model: how its data comes in, how it is trained, how it is released."""

from dataclasses import replace

from aws_cdk import CfnOutput, Environment, IgnoreMode, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.apart import Apart
from infra.constructs.ingest import Ingest
from infra.constructs.model_monitor import ModelMonitor
from infra.constructs.pipeline import RegistryAccounts
from infra.constructs.release import Release
from infra.constructs.retraining import Reconciler, Retraining
from infra.constructs.training import Training
from infra.constructs.watching import Watching
from infra.names import ModelNames, stack_id
from infra.policies.tags import tag
from infra.settings import ModelSettings


class ModelStack(Stack):
    """The stack `Driftloop-<model>`; settings alone make it another model's."""

    def __init__(
        self,
        scope: Construct,
        model: ModelSettings,
        apart: Apart,
        functions_path: str,
        env: Environment | None = None,
    ) -> None:
        names = apart.names
        super().__init__(
            scope,
            stack_id(names.shared.prefix, model.name),
            description=f"Driftloop: the loop of the model {model.name}",
            env=env,
        )
        code = lambda_.Code.from_asset(functions_path, exclude=["__pycache__"], ignore_mode=IgnoreMode.GIT)
        if apart.accounts.apart:
            apart = replace(
                apart, key_arn=ssm.StringParameter.value_for_string_parameter(self, names.shared.key_parameter)
            )
        registry = RegistryAccounts(self, "Registry")
        ingest = Ingest(self, "Ingest", model=model, names=names, code=code, apart=apart)
        Training(self, "Training", model=model, names=names, registry_account=registry.account, apart=apart)
        monitor = self._monitor(model, names, apart)
        release = Release(
            self,
            "Release",
            model=model,
            names=names,
            code=code,
            ingest_queue=ingest.watched.queue,
            registry_account=registry.account,
            apart=apart,
            monitor=monitor,
        )
        Watching(
            self,
            "Watching",
            model=model,
            names=names,
            registry_account=registry.account,
            apart=apart,
            monitor=monitor,
        )
        retraining = Retraining(
            self, "Retraining", model=model, names=names, code=code, ingest_queue=ingest.watched.queue
        )
        watched = {"INGEST": ingest.watched, "RELEASE": release.watched, "RETRAINING": retraining.watched}
        queues = {name: each.queue for name, each in {**watched, "WAITS": release.waits}.items()}
        Reconciler(
            self,
            "Reconciler",
            model=model,
            names=names,
            code=code,
            queues=queues,
        )
        self._output(names)
        if production := apart.accounts.apart.get("prod"):
            CfnOutput(self, "EndpointAccount", value=production)
        tag(self, names.shared.prefix, model.name)

    def _monitor(self, model: ModelSettings, names: ModelNames, apart: Apart) -> ModelMonitor | None:
        """AWS's, where the settings ask for it."""
        if not model.monitoring.is_model_monitor:
            return None
        return ModelMonitor(self, "ModelMonitor", model=model, names=names, key_arn=apart.key_arn)

    def _output(self, names: ModelNames) -> None:
        CfnOutput(self, "DataUri", value=f"s3://{names.shared.raw_bucket}/{names.raw_prefix}")
        CfnOutput(self, "RawBucket", value=names.shared.raw_bucket)
        CfnOutput(self, "ArtifactBucket", value=names.shared.artifact_bucket)
        CfnOutput(self, "PeopleTopicArn", value=names.shared.people_topic_arn)
        CfnOutput(self, "Endpoint", value=names.endpoint)
        CfnOutput(self, "PackageGroup", value=names.package_group)
        CfnOutput(self, "TrainPipeline", value=names.train_pipeline)
        CfnOutput(self, "RetrainPipeline", value=names.retrain_pipeline)
        CfnOutput(self, "ReleasePipeline", value=names.release_pipeline)
        CfnOutput(self, "RollbackPipeline", value=names.rollback_pipeline)
        CfnOutput(self, "WatchPipeline", value=names.watch_pipeline)
