"""The `release` pipeline, written with the SageMaker SDK: one step makes an approved package what production serves.

`make pipelines` builds `definition.json` from it.
"""

from typing import Final

from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString

from pipeline_definitions.shared import tokens
from pipeline_definitions.shared.offline_session import OfflineSession
from pipeline_definitions.shared.steps import render, script_processor, script_step, sklearn_image

_PROCESSING_INSTANCE: Final = "ml.t3.medium"
"""The step only asks and waits."""

_DEADLINE_S: Final = 45 * 60
"""How long an endpoint may take to come up or to roll back: several times what it usually does."""

_MAX_RUNTIME_S: Final = 2 * _DEADLINE_S + 15 * 60
"""Room for an endpoint that is busy when the release starts, and for putting the previous model back."""


def build(session: OfflineSession) -> str:
    """Compose the definition.

    Returns:
        JSON text with stand-in names (`tokens`).
    """
    package_arn = ParameterString("ModelPackageArn")
    endpoint = ParameterString("EndpointName", default_value=tokens.ENDPOINT)
    instance_type = ParameterString("InstanceType", default_value="ml.m5.large")
    instance_count = ParameterInteger("InstanceCount", default_value=1)
    release_id = ParameterString("ReleaseId")
    tolerance = ParameterFloat("Tolerance", default_value=1e-05)
    release = script_step(
        "Release",
        script_processor(session, sklearn_image(), tokens.RELEASE_ROLE_ARN, _PROCESSING_INSTANCE, _MAX_RUNTIME_S),
        arguments={
            "model-package-arn": package_arn,
            "endpoint-name": endpoint,
            "instance-type": instance_type,
            "instance-count": instance_count.to_string(),
            "release-id": release_id,
            "tolerance": tolerance.to_string(),
            "serve-role-arn": tokens.SERVE_ROLE_ARN,
            "deadline-s": str(_DEADLINE_S),
        },
    )
    parameters = [package_arn, endpoint, instance_type, instance_count, release_id, tolerance]
    return render("release", session, parameters, [release])
