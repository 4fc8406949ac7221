"""The `watch` pipeline: what came to production lately, and how the answers have stood up to what came to pass.

collect -> requests? -> data quality, and feature attribution where it is asked for; answers whose labels are due? ->
model quality, and bias where it is asked for. One run looks at one variant, with the baselines of the package that
serves as it. A run ends well whether or not it finds drift: alarms read the metrics.
"""

from typing import Any, Final

from sagemaker.core.shapes import ProcessingInput
from sagemaker.core.workflow.conditions import ConditionEquals
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterInteger, ParameterString
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.steps import ProcessingStep

from pipeline_definitions.shared import tokens
from pipeline_definitions.shared.offline_session import OfflineSession
from pipeline_definitions.shared.steps import (
    PROCESSING_DIR,
    contract_input,
    input_file,
    manifest_input,
    output_folder,
    output_uri,
    render,
    script_processor,
    script_step,
    sklearn_image,
    under,
    wheels_input,
    xgboost_image,
)

_MAX_S: Final = 3600
_COLLECTED: Final = PropertyFile(name="Collected", output_name="collected", path="collected.json")
_CAPTURED_ANSWERS: Final = '{"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}'
_CAPTURED_REQUESTS: Final = '{"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput"]}}'

SCHEDULED_TIME: Final = ParameterString("ScheduledTime")
VARIANT: Final = ParameterString("Variant", default_value="champion")
CAPTURE_URI: Final = ParameterString("CaptureUri")
LABELS_URI: Final = ParameterString("LabelsUri")
REPORTS_URI: Final = ParameterString("ReportsUri")
SCHEDULE_PREFIX: Final = ParameterString("SchedulePrefix")
WINDOW_S: Final = ParameterInteger("WindowS", default_value=86_400)
LABEL_DELAY_S: Final = ParameterInteger("LabelDelayS", default_value=604_800)
BIAS: Final = ParameterString("Bias", default_value="off", enum_values=["off", "on"])
ATTRIBUTION: Final = ParameterString("Attribution", default_value="off", enum_values=["off", "on"])
PRODUCTION_ROLE: Final = ParameterString("ProductionRoleArn", default_value="none")
INSTANCE_TYPE: Final = ParameterString("ProcessingInstanceType", default_value="ml.m5.large")

PARAMETERS: Final = (
    SCHEDULED_TIME,
    VARIANT,
    CAPTURE_URI,
    LABELS_URI,
    REPORTS_URI,
    SCHEDULE_PREFIX,
    WINDOW_S,
    LABEL_DELAY_S,
    BIAS,
    ATTRIBUTION,
    PRODUCTION_ROLE,
    INSTANCE_TYPE,
)
"""What a schedule says is `ScheduledTime` and `Variant`; the rest is the model's."""

_SCHEDULE: Final = Join(on="-", values=[SCHEDULE_PREFIX, VARIANT])


def build(session: OfflineSession) -> str:
    """Compose the definition.

    Returns:
        JSON text with stand-in names (`tokens`).
    """
    collect = _collect(session)
    parts = [
        _if(collect, "HasRequests", "requests", _data_quality(session, collect)),
        _if(collect, "HasAnswers", "answers", _model_quality(session, collect)),
        _if(collect, "AsksBias", "bias", _bias(session, collect)),
        _if(collect, "AsksAttribution", "attribution", _attribution(session, collect)),
    ]
    return render("watch", session, PARAMETERS, [collect, *parts])


def _collect(session: OfflineSession) -> ProcessingStep:
    """Who serves since when, and which files tell of it."""
    return script_step(
        "Collect",
        _processor(session),
        arguments={
            "at": SCHEDULED_TIME,
            "endpoint": tokens.ENDPOINT,
            "variant": VARIANT,
            "schedule": _SCHEDULE,
            "capture-uri": CAPTURE_URI,
            "labels-uri": LABELS_URI,
            "output-uri": _report("collected"),
            "window-s": WINDOW_S.to_string(),
            "label-delay-s": LABEL_DELAY_S.to_string(),
            "bias": BIAS,
            "attribution": ATTRIBUTION,
            "production-role-arn": PRODUCTION_ROLE,
        },
        outputs=[output_folder("collected", _report("collected"))],
        property_files=[_COLLECTED],
        script="collect.pyz",
    )


def _if(collect: ProcessingStep, name: str, what: str, step: ProcessingStep) -> ConditionStep:
    found = JsonGet(step_name=collect.name, property_file=_COLLECTED, json_path=what)
    return ConditionStep(name=name, conditions=[ConditionEquals(left=found, right=1)], if_steps=[step], else_steps=[])


def _data_quality(session: OfflineSession, collect: ProcessingStep) -> ProcessingStep:
    """Requests against the data that the package was trained on."""
    return _analysis(
        session,
        collect,
        "DataQuality",
        "data-quality",
        arguments={"dataset-format": _CAPTURED_REQUESTS},
        inputs=[
            manifest_input("data", _collected(collect, "requests-manifest.json")),
            manifest_input("baseline", _collected(collect, "baseline-manifest.json")),
            input_file("window", _collected(collect, "requests-window.json")),
        ],
    )


def _model_quality(session: OfflineSession, collect: ProcessingStep) -> ProcessingStep:
    """Answers against what came to pass, as far as it is told."""
    return _analysis(
        session,
        collect,
        "ModelQuality",
        "model-quality",
        arguments={"probability-attribute": "prediction", "label-delay-max-s": LABEL_DELAY_S.to_string()},
        inputs=[
            manifest_input("data", _collected(collect, "answers-manifest.json")),
            manifest_input("labels", _collected(collect, "labels-manifest.json")),
            manifest_input("baseline", _collected(collect, "quality-baseline-manifest.json")),
            input_file("window", _collected(collect, "answers-window.json")),
        ],
    )


def _bias(session: OfflineSession, collect: ProcessingStep) -> ProcessingStep:
    """How otherwise a group is treated than on the hold-out."""
    return _analysis(
        session,
        collect,
        "Bias",
        "bias",
        arguments={"dataset-format": _CAPTURED_ANSWERS, "probability-attribute": "prediction"},
        inputs=[
            manifest_input("data", _collected(collect, "answers-manifest.json")),
            manifest_input("labels", _collected(collect, "labels-manifest.json")),
            manifest_input("holdout", _collected(collect, "holdout-manifest.json")),
            manifest_input("predictions", _collected(collect, "predictions-manifest.json")),
            input_file("window", _collected(collect, "answers-window.json")),
        ],
    )


def _attribution(session: OfflineSession, collect: ProcessingStep) -> ProcessingStep:
    """Whether the same features matter as on the hold-out: asked of the model itself, in the image that it serves in.

    The wheels fit that image too: both have Python 3.12, and polars is built for the stable ABI.
    """
    return _analysis(
        session,
        collect,
        "Attribution",
        "attribution",
        arguments={"dataset-format": _CAPTURED_REQUESTS},
        inputs=[
            manifest_input("data", _collected(collect, "requests-manifest.json")),
            manifest_input("holdout", _collected(collect, "holdout-manifest.json")),
            manifest_input("model", _collected(collect, "model-manifest.json")),
            input_file("window", _collected(collect, "requests-window.json")),
        ],
        image=xgboost_image(),
    )


def _analysis(
    session: OfflineSession,
    collect: ProcessingStep,
    name: str,
    analysis: str,
    *,
    arguments: dict[str, Any],
    inputs: list[ProcessingInput],
    image: str | None = None,
) -> ProcessingStep:
    window = "requests" if arguments.get("dataset-format") == _CAPTURED_REQUESTS else "answers"
    return script_step(
        name,
        _processor(session, image),
        arguments={
            "analysis": analysis,
            "contract": tokens.CONTRACT_PATH,
            "window": f"{PROCESSING_DIR}/input/window/{window}-window.json",
            "endpoint": tokens.ENDPOINT,
            "schedule": _SCHEDULE,
            **arguments,
        },
        inputs=[contract_input(), wheels_input(), *inputs],
        outputs=[output_folder("report", _report(analysis))],
        script="analyze.pyz",
        flags=["publish"],
    )


def _report(part: str) -> Any:
    return under(REPORTS_URI, VARIANT, SCHEDULED_TIME, part)


def _collected(collect: ProcessingStep, name: str) -> Any:
    return under(output_uri(collect, "collected"), name)


def _processor(session: OfflineSession, image: str | None = None) -> Any:
    return script_processor(session, image or sklearn_image(), tokens.WATCH_ROLE_ARN, INSTANCE_TYPE, _MAX_S)
