"""Train and register: the package group, the pipelines that train, and the role that their steps run with."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import Aws, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.apart import Apart
from infra.constructs.pipeline import CommittedPipeline, PipelineSource
from infra.definition import Place
from infra.names import ModelNames
from infra.policies import jobs, keys, releases
from infra.policies.statements import allow
from infra.settings import ModelSettings
from infra.staging import stage_file
from pipeline_definitions.shared import tokens
from pipeline_definitions.shared.definitions import AssetFile

_CHAMPIONS = ("prod",)
"""Where the champion serves that a new model is compared with."""


class Training(Construct):
    """How a model is made, and where it is registered."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        model: ModelSettings,
        names: ModelNames,
        registry_account: str,
        apart: Apart,
    ) -> None:
        super().__init__(scope, construct_id)
        self._package_group(names, apart)
        role = iam.Role(
            self, "Role", role_name=names.of("train"), assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com")
        )
        for statement in (
            *self._permissions(names, role, registry_account),
            *releases.find_champion(names, apart.at_home),
            *apart.act(_CHAMPIONS),
            *apart.use_key(*keys.WRITE),
        ):
            role.add_to_policy(statement)
        for construct_id, pipeline in (("Pipeline", "train"), ("Retrain", "retrain")):
            CommittedPipeline(
                self,
                construct_id,
                name=names.of(pipeline),
                source=_source(pipeline, model, names, role, apart),
                role=role,
                registry_account=registry_account,
            )

    def _package_group(self, names: ModelNames, apart: Apart) -> None:
        group = sagemaker.CfnModelPackageGroup(
            self,
            "PackageGroup",
            model_package_group_name=names.package_group,
            model_package_group_description=f"Versions of the model {names.model}",
            model_package_group_policy=_shared_with(names, sorted(set(apart.accounts.apart.values()))),
        )
        group.apply_removal_policy(RemovalPolicy.RETAIN)  # registered versions are a record; a full group cannot go

    def _permissions(self, names: ModelNames, role: iam.Role, registry_account: str) -> list[iam.PolicyStatement]:
        shared = names.shared
        return [
            jobs.run_steps("Processing", "Training"),
            jobs.pass_role(role.role_arn),
            *jobs.pull_images(registry_account),
            *jobs.write_logs_and_metrics("ProcessingJobs", "TrainingJobs"),
            *jobs.read_assets(asset_bucket(self)),
            *jobs.use_objects(shared.raw_bucket, names.raw_prefix, "s3:GetObject", "s3:GetObjectVersion"),
            *jobs.use_objects(
                shared.artifact_bucket, f"{names.model}/", "s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"
            ),
            *_register(names),
        ]


def asset_bucket(scope: Construct) -> str:
    """The bucket that `cdk bootstrap` made for files, by the name that the default synthesizer gives it."""
    stack = Stack.of(scope)
    qualifier = stack.synthesizer.bootstrap_qualifier
    return f"cdk-{qualifier}-assets-{stack.account}-{stack.region}"


def _shared_with(names: ModelNames, accounts: Sequence[str]) -> dict[str, Any] | None:
    """What the accounts of stages may do with packages: look at them, and make models of them.

    Source: SageMaker developer guide, "Deploy a Model Version from a Different Account", read 2026-11.
    """
    if not accounts:
        return None
    allowed = (
        ("Group", ["sagemaker:DescribeModelPackageGroup"], names.package_group_arn),
        ("Packages", ["sagemaker:CreateModel", "sagemaker:DescribeModelPackage"], names.package_arns),
    )
    principal = {"AWS": [f"arn:{Aws.PARTITION}:iam::{account}:root" for account in accounts]}
    statements = [
        {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": actions, "Resource": resource}
        for sid, actions, resource in allowed
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _register(names: ModelNames) -> list[iam.PolicyStatement]:
    return [
        allow("sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackageGroup", on=names.package_group_arn),
        allow(
            "sagemaker:AddTags",
            "sagemaker:CreateModelPackage",
            on=names.package_arns,
            because="packages are numbered as they are registered",
        ),
    ]


def _fresh(model: ModelSettings) -> dict[str, object]:
    """Where the retraining finds what production saw, and what came to pass."""
    folder = f"s3://{tokens.ARTIFACT_BUCKET}/{model.name}"
    return {
        "CaptureUri": f"{folder}/capture/{tokens.ENDPOINT}",
        "LabelsUri": f"{folder}/labels",
        "HistoryShare": model.retraining.history_share,
    }


def _source(pipeline: str, model: ModelSettings, names: ModelNames, role: iam.Role, apart: Apart) -> PipelineSource:
    contract = stage_file(model.contract_text().encode(), "contract.json")
    return PipelineSource(
        pipeline=pipeline,
        defaults={
            **(_fresh(model) if pipeline == "retrain" else {}),
            "GateMetric": model.metric,
            "GateThreshold": model.thresholds[model.metric],
            "ChampionMargin": model.release.tests.champion_margin,
            "DriftMethod": model.monitoring.drift.method,
            "DriftThreshold": model.monitoring.drift.threshold,
            "QualityMetric": model.monitoring.quality.metric,
            "QualityMargin": model.monitoring.quality.margin,
            "ProcessingInstanceType": model.instances.processing,
            "TrainingInstanceType": model.instances.training,
            **model.parameters,
        },
        extra_files=(AssetFile("contract.json", contract),),
        places=(
            Place(tokens.ARTIFACT_BUCKET, "ArtifactBucket", names.shared.artifact_bucket),
            Place(tokens.RAW_BUCKET, "RawBucket", names.shared.raw_bucket),
            Place(tokens.TRAIN_ROLE_ARN, "TrainRole", role.role_arn),
            Place(tokens.MODEL_PACKAGE_GROUP, "PackageGroup", names.package_group),
            Place(tokens.ENDPOINT, "Endpoint", names.endpoint),
        ),
        roles=apart.roles(_CHAMPIONS),
        output_key_arn=apart.key_arn,
    )
