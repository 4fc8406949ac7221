"""AWS's Model Monitor for one model, where the settings ask for it: what `release` is told to make its schedules of.

The schedules themselves need an endpoint and a version's baselines, so no template makes them.
"""

from aws_cdk import Aws, CfnMapping, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra.names import ModelNames, arn, role_arn
from infra.policies import jobs
from infra.policies.statements import allow
from infra.settings import ModelSettings
from infra.staging import ROOT, stage_file
from pipeline_definitions.shared.images import MONITOR_ACCOUNTS

_KINDS = ("data", "model")
_IMAGE = "sagemaker-model-monitor-analyzer"
_PREPROCESSOR = ROOT / "pipeline_definitions/watch/preprocessor.py"
_NO_FEATURES = "FEATURES: tuple[str, ...] = ()"


class ModelMonitor(Construct):
    """The image of the region, the preprocessor of the model, and who may do what with schedules."""

    def __init__(
        self, scope: Construct, construct_id: str, *, model: ModelSettings, names: ModelNames, key_arn: str
    ) -> None:
        super().__init__(scope, construct_id)
        self._model, self._names, self._key_arn = model, names, key_arn
        table = {region: {"Account": account} for region, account in MONITOR_ACCOUNTS.items()}
        self._account = CfnMapping(self, "Accounts", mapping=table, lazy=True).find_in_map(Aws.REGION, "Account")
        text = preprocessor(model)
        self._preprocessor = assets.Asset(self, "Preprocessor", path=str(stage_file(text.encode(), "preprocessor.py")))

    @property
    def environment(self) -> dict[str, str]:
        """What the function that changes endpoints is told."""
        model, monitoring = self._model, self._model.monitoring
        folder = f"s3://{self._names.shared.artifact_bucket}/{model.name}"
        told = {
            "image_uri": f"{self._account}.dkr.ecr.{Aws.REGION}.{Aws.URL_SUFFIX}/{_IMAGE}",
            "role_arn": self._role_arn,
            "labels_uri": f"{folder}/labels",
            "reports_uri": f"{folder}/monitoring",
            "preprocessor_uri": self._preprocessor.s3_object_url,
            "instance_type": model.instances.processing,
            "every_h": monitoring.every_h,
            "label_delay_s": monitoring.label_delay_s,
            "key_arn": self._key_arn,
        }
        return {"MODEL_MONITOR": Stack.of(self).to_json_string(told)}

    @property
    def make(self) -> list[iam.PolicyStatement]:
        """Make job definitions, and have schedules run them."""
        names = self._names
        schedules = (names.data_quality_schedule, names.model_quality_schedule)
        return [
            allow(
                *(f"sagemaker:Create{kind}JobDefinition" for kind in ("DataQuality", "ModelQuality")),
                on=[arn("sagemaker", f"{kind}-quality-job-definition/{names.package_group}-*") for kind in _KINDS],
                because="each release makes job definitions with names of its own",
            ),
            allow(
                *(f"sagemaker:{verb}MonitoringSchedule" for verb in ("Create", "Describe", "Update")),
                on=[arn("sagemaker", f"monitoring-schedule/{name}") for name in schedules],
            ),
            jobs.pass_role(self._role_arn),
        ]

    @property
    def run(self) -> list[iam.PolicyStatement]:
        """What the schedules' jobs need besides what a look by the pipeline needs."""
        return jobs.pull_images(self._account)

    @property
    def _role_arn(self) -> str:
        """That of the pipeline which looks at the same files."""
        return role_arn(Aws.ACCOUNT_ID, self._names.of("watch"))


def preprocessor(model: ModelSettings) -> str:
    """The script with a model's features in it.

    Raises:
        ValueError: the script has no place for them.
    """
    text = _PREPROCESSOR.read_text("utf-8")
    if _NO_FEATURES not in text:
        raise ValueError(f"{_PREPROCESSOR}: expected a line '{_NO_FEATURES}', found none")
    features = tuple(column.name for column in model.schema.columns if column.role == "feature")
    return text.replace(_NO_FEATURES, f"FEATURES: tuple[str, ...] = {features!r}")
