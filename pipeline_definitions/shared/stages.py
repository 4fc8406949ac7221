"""What a release is made of: a change that is started, a wait that somebody answers, a test of what came up.

Needs the SageMaker SDK: for `pipeline.py` modules and the build, not for synth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sagemaker.core.lambda_helper import Lambda
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.mlops.workflow.callback_step import CallbackOutput, CallbackStep
from sagemaker.mlops.workflow.lambda_step import LambdaOutput, LambdaStep
from sagemaker.mlops.workflow.steps import ProcessingStep, Step

from pipeline_definitions.shared import tokens
from pipeline_definitions.shared.offline_session import OfflineSession
from pipeline_definitions.shared.steps import (
    Value,
    contract_input,
    output_folder,
    script_processor,
    script_step,
    under,
    xgboost_image,
)

_TESTS_MAX_S: Final = 3600
_CHANGED: Final = ("endpoint", "config", "variants", "mode", "previous")
"""What `change_endpoint` answers."""
_ANSWERS: Final[Mapping[str, Sequence[str]]] = {
    "remove": ("endpoint",),
    "scale": ("endpoint", "scaling"),
    "monitor": ("endpoint", "monitoring"),
}
"""What it answers to changes that nobody waits for."""

PACKAGE_ARN: Final = ParameterString("ModelPackageArn")
RELEASE_ID: Final = ParameterString("ReleaseId")
REPORT_PREFIX: Final = ParameterString("ReportPrefix")
INSTANCE_TYPE: Final = ParameterString("TestInstanceType", default_value="ml.m5.large")
TOLERANCE: Final = ParameterFloat("Tolerance", default_value=1e-05)
P50_MS: Final = ParameterFloat("P50Ms", default_value=250.0)
P95_MS: Final = ParameterFloat("P95Ms", default_value=1000.0)
REQUESTS: Final = ParameterInteger("Requests", default_value=200)
CONCURRENCY: Final = ParameterInteger("Concurrency", default_value=4)
SLICES: Final = ParameterString("Slices", default_value="none")
SLICE_MARGIN: Final = ParameterFloat("SliceMargin", default_value=0.05)
CHAMPION_MARGIN: Final = ParameterFloat("ChampionMargin", default_value=0.02)
CALIBRATION_MAX: Final = ParameterFloat("CalibrationMax", default_value=0.1)
_ROLES: Final = {
    "dev": ParameterString("DevRoleArn", default_value="none"),
    "staging": ParameterString("StagingRoleArn", default_value="none"),
    "production": ParameterString("ProductionRoleArn", default_value="none"),
}
"""By suite: the role in the stage's own account that its tests take on; none where the stage lives at home."""

PARAMETERS: Final = (
    PACKAGE_ARN,
    RELEASE_ID,
    REPORT_PREFIX,
    INSTANCE_TYPE,
    TOLERANCE,
    P50_MS,
    P95_MS,
    REQUESTS,
    CONCURRENCY,
    SLICES,
    SLICE_MARGIN,
    CHAMPION_MARGIN,
    CALIBRATION_MAX,
    *_ROLES.values(),
)


@dataclass(frozen=True)
class Stages:
    """Composes the steps of a release."""

    session: OfflineSession

    def change(self, name: str, change: str, stage: str, after: Sequence[Step], **more: Value) -> LambdaStep:
        """Have `change_endpoint` start a change."""
        inputs: dict[str, Value] = {
            "change": change,
            "stage": stage,
            "model_package_arn": PACKAGE_ARN,
            "release_id": RELEASE_ID,
            **more,
        }
        outputs = _ANSWERS.get(change, _CHANGED)
        return LambdaStep(
            name,
            lambda_func=Lambda(function_arn=tokens.CHANGE_ENDPOINT_ARN),
            inputs=inputs,
            outputs=[LambdaOutput(output) for output in outputs],
            depends_on=list(after),
        )

    def wait(self, name: str, kind: str, stage: str, change: LambdaStep, outputs: Sequence[str]) -> CallbackStep:
        """Wait until `answer_waits` says how a change, or an experiment, ended."""
        changed = {output: change.properties.Outputs[output] for output in _CHANGED}
        inputs = {"wait": kind, "stage": stage, "model_package_arn": PACKAGE_ARN, "release_id": RELEASE_ID, **changed}
        if kind == "experiment":
            inputs["comparison_uri"] = under(REPORT_PREFIX, "staging", "comparison.json")
        return CallbackStep(
            name,
            sqs_queue_url=tokens.WAITS_QUEUE_URL,
            inputs=inputs,
            outputs=[CallbackOutput(output) for output in outputs],
        )

    def test(self, name: str, suite: str, change: LambdaStep, ready: CallbackStep) -> ProcessingStep:
        """Run a suite of model tests against what came up."""
        step = script_step(
            name,
            script_processor(self.session, xgboost_image(), tokens.RELEASE_ROLE_ARN, INSTANCE_TYPE, _TESTS_MAX_S),
            arguments=_arguments(suite, change),
            inputs=[contract_input()],
            outputs=[output_folder("report", under(REPORT_PREFIX, suite))],
            script="model_tests.pyz",
        )
        step.add_depends_on([ready])
        return step


def _arguments(suite: str, change: LambdaStep) -> Mapping[str, Any]:
    return {
        "suite": suite,
        "contract": tokens.CONTRACT_PATH,
        "endpoint-name": change.properties.Outputs["endpoint"],
        "endpoint-role-arn": _ROLES[suite],
        "production-endpoint": tokens.ENDPOINT,
        "production-role-arn": _ROLES["production"],
        "model-package-arn": PACKAGE_ARN,
        "report-uri": under(REPORT_PREFIX, suite),
        "tolerance": TOLERANCE.to_string(),
        "p50-ms": P50_MS.to_string(),
        "p95-ms": P95_MS.to_string(),
        "requests": REQUESTS.to_string(),
        "concurrency": CONCURRENCY.to_string(),
        "slices": SLICES,
        "slice-margin": SLICE_MARGIN.to_string(),
        "champion-margin": CHAMPION_MARGIN.to_string(),
        "calibration-max": CALIBRATION_MAX.to_string(),
    }
