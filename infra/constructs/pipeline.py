"""A SageMaker pipeline from its committed definition, with its scripts as assets."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import CfnMapping, Fn, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.definition import Place, PlacedAsset, asset_places, code_version, fill, with_output_key
from infra.staging import stage_file
from pipeline_definitions.shared import definitions
from pipeline_definitions.shared.images import REGISTRY_ACCOUNTS
from pipeline_definitions.shared.tokens import REGISTRY_HOST

_OUTPUT_KEY = "token-output-key"
_ROLE_PARAMETERS = {"dev": "DevRoleArn", "staging": "StagingRoleArn", "prod": "ProductionRoleArn"}


@dataclass(frozen=True)
class PipelineSource:
    """Which committed pipeline, and what a model makes of it.

    Attributes:
        pipeline: `train` or `release`.
        defaults: parameter defaults that this model changes; `CodeVersion` is added where the pipeline has it.
        extra_files: asset files besides the step scripts, such as the contract.
        places: what stands where the definition has a stand-in, assets and registry aside.
        roles: what steps take on in stages with accounts of their own, by stage.
        output_key_arn: what the steps encrypt their outputs with; empty for S3's own key.
    """

    pipeline: str
    defaults: Mapping[str, object]
    extra_files: tuple[definitions.AssetFile, ...]
    places: tuple[Place, ...]
    roles: Mapping[str, str]
    output_key_arn: str


class RegistryAccounts(Construct):
    """The account of AWS's image registry, region by region, as a table in the template."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        table = {region: {"Account": account} for region, account in REGISTRY_ACCOUNTS.items()}
        self._mapping = CfnMapping(self, "Accounts", mapping=table, lazy=True)

    @property
    def account(self) -> str:
        """The registry's account in the region of the stack."""
        return self._mapping.find_in_map(Stack.of(self).region, "Account")


class CommittedPipeline(Construct):
    """A pipeline whose definition stands inline in the template."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        source: PipelineSource,
        role: iam.Role,
        registry_account: str,
    ) -> None:
        super().__init__(scope, construct_id)
        files = _asset_files(source)
        placed = tuple(self._place(file) for file in files)
        text = _with_defaults(source, files)
        places = (*source.places, *asset_places(placed), _registry(self, registry_account))
        text, elsewhere = _in_other_accounts(text, source)
        pipeline = sagemaker.CfnPipeline(
            self,
            "Pipeline",
            pipeline_name=name,
            pipeline_definition={"PipelineDefinitionBody": fill(source.pipeline, text, (*places, *elsewhere))},
            role_arn=role.role_arn,
        )
        pipeline.node.add_dependency(role)  # its policy too: a run may start the moment the pipeline is there

    def _place(self, file: definitions.AssetFile) -> PlacedAsset:
        asset = assets.Asset(self, f"File-{file.name.replace('.', '-')}", path=str(file.path))
        return PlacedAsset(file.name, asset.s3_bucket_name, asset.s3_object_key)


def _asset_files(source: PipelineSource) -> tuple[definitions.AssetFile, ...]:
    built = definitions.built_assets(source.pipeline)
    packed = (definitions.AssetFile(name, stage_file(content, name)) for name, content in built.items())
    return (*definitions.asset_files(source.pipeline), *packed, *source.extra_files)


def _with_defaults(source: PipelineSource, files: tuple[definitions.AssetFile, ...]) -> str:
    """The definition with the model's defaults, and with the version of the code it runs."""
    text = definitions.with_defaults(definitions.definition_text(source.pipeline), source.defaults)
    if '"CodeVersion"' not in text:
        return text
    contents = {file.name: Path(file.path).read_bytes() for file in files}
    return definitions.with_defaults(text, {"CodeVersion": code_version(text, contents)})


def _in_other_accounts(text: str, source: PipelineSource) -> tuple[str, tuple[Place, ...]]:
    """Roles and key of other accounts, put in last: they make no other version of the code."""
    tokens = {stage: f"token-role-of-{stage}" for stage in source.roles}
    places = [Place(tokens[stage], f"RoleOf{stage.title()}", role_arn) for stage, role_arn in source.roles.items()]
    text = definitions.with_defaults(text, {_ROLE_PARAMETERS[stage]: token for stage, token in tokens.items()})
    if source.output_key_arn:
        text = with_output_key(text, _OUTPUT_KEY)
        places.append(Place(_OUTPUT_KEY, "OutputKey", source.output_key_arn))
    return text, tuple(places)


def _registry(scope: Construct, account: str) -> Place:
    stack = Stack.of(scope)
    return Place(REGISTRY_HOST, "Registry", Fn.join("", [account, f".dkr.ecr.{stack.region}.{stack.url_suffix}"]))
