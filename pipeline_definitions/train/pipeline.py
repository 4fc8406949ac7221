"""The `train` pipeline, written with the SageMaker SDK.

validate -> prepare -> train -> evaluate -> good enough? -> no worse than the champion? -> baselines -> register | fail.
`make pipelines` builds `definition.json` from it.

No step argument holds the execution's id: a step that mentions it can never be served from the step cache. It appears
only in the package's metadata.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sagemaker.core.shapes import MetricDefinition, ProcessingInput
from sagemaker.core.training.configs import Compute, InputData, OutputDataConfig, StoppingCondition
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo, ConditionLessThanOrEqualTo
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.steps import ProcessingStep, Step, TrainingStep
from sagemaker.train.model_trainer import ModelTrainer

from pipeline_definitions.shared import tokens
from pipeline_definitions.shared.offline_session import OfflineSession
from pipeline_definitions.shared.steps import (
    RegisterModelStep,
    Value,
    contract_input,
    input_file,
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

_PROCESSING_MAX_S: Final = 3600
_TRAINING_MAX_S: Final = 4 * 3600
_CONTENT_TYPES: Final = ["text/csv", "application/json"]
_NUMBER: Final = r"([0-9.]+(?:[eE][-+]?[0-9]+)?)"

_EVALUATION: Final = PropertyFile(name="Evaluation", output_name="evaluation", path="evaluation.json")

DATA_MANIFEST: Final = ParameterString("DataManifest")
BATCH_ID: Final = ParameterString("BatchId")
ATTEMPT: Final = ParameterInteger("Attempt", default_value=1)
OUTPUT_PREFIX: Final = ParameterString("OutputPrefix")
CODE_VERSION: Final = ParameterString("CodeVersion", default_value="unknown")
GATE_METRIC: Final = ParameterString("GateMetric", default_value="auc", enum_values=["auc", "accuracy", "f1"])
GATE_THRESHOLD: Final = ParameterFloat("GateThreshold", default_value=0.6)
CHAMPION_MARGIN: Final = ParameterFloat("ChampionMargin", default_value=0.02)
PRODUCTION_ROLE: Final = ParameterString("ProductionRoleArn", default_value="none")
DRIFT_METHOD: Final = ParameterString("DriftMethod", default_value="Robust", enum_values=["Robust", "Simple"])
DRIFT_THRESHOLD: Final = ParameterFloat("DriftThreshold", default_value=0.1)
QUALITY_METRIC: Final = ParameterString("QualityMetric", default_value="auc")
QUALITY_MARGIN: Final = ParameterFloat("QualityMargin", default_value=0.1)
HOLDOUT_FRACTION: Final = ParameterFloat("HoldoutFraction", default_value=0.2)
NUM_ROUND: Final = ParameterInteger("NumRound", default_value=150)
MAX_DEPTH: Final = ParameterInteger("MaxDepth", default_value=4)
LEARNING_RATE: Final = ParameterFloat("LearningRate", default_value=0.05)
SUBSAMPLE: Final = ParameterFloat("Subsample", default_value=0.8)
COLSAMPLE_BY_TREE: Final = ParameterFloat("ColsampleByTree", default_value=0.8)
MIN_CHILD_WEIGHT: Final = ParameterFloat("MinChildWeight", default_value=20.0)
SEED: Final = ParameterInteger("Seed", default_value=20130101)
PROCESSING_INSTANCE_TYPE: Final = ParameterString("ProcessingInstanceType", default_value="ml.m5.large")
TRAINING_INSTANCE_TYPE: Final = ParameterString("TrainingInstanceType", default_value="ml.m5.xlarge")
MODEL_APPROVAL_STATUS: Final = ParameterString(
    "ModelApprovalStatus",
    default_value="PendingManualApproval",
    enum_values=["PendingManualApproval", "Approved", "Rejected"],
)

COMMON_PARAMETERS: Final = (
    BATCH_ID,
    ATTEMPT,
    OUTPUT_PREFIX,
    CODE_VERSION,
    GATE_METRIC,
    GATE_THRESHOLD,
    CHAMPION_MARGIN,
    PRODUCTION_ROLE,
    DRIFT_METHOD,
    DRIFT_THRESHOLD,
    QUALITY_METRIC,
    QUALITY_MARGIN,
    HOLDOUT_FRACTION,
    NUM_ROUND,
    MAX_DEPTH,
    LEARNING_RATE,
    SUBSAMPLE,
    COLSAMPLE_BY_TREE,
    MIN_CHILD_WEIGHT,
    SEED,
    PROCESSING_INSTANCE_TYPE,
    TRAINING_INSTANCE_TYPE,
    MODEL_APPROVAL_STATUS,
)
"""Everything a person or an event may vary. Those without a default say what a run is about: it must be told."""

PARAMETERS: Final = (DATA_MANIFEST, *COMMON_PARAMETERS)


@dataclass(frozen=True)
class Data:
    """What a run is made from.

    Attributes:
        manifest: URI of the batch that `Validate` reads.
        fresh_until: up to when captured requests are in it; `none` for uploaded files.
    """

    manifest: Value
    fresh_until: Value


def build(session: OfflineSession) -> str:
    """Compose the definition.

    Returns:
        JSON text with stand-in names (`tokens`).
    """
    return render("train", session, PARAMETERS, steps(session, Data(DATA_MANIFEST, fresh_until="none")))


def steps(session: OfflineSession, data: Data) -> list[Step]:
    """From a batch to a registered model: what `train` and `retrain` have in common."""
    validate = _validate(session, data)
    prepare = _prepare(session, validate)
    train = _train(session, prepare)
    evaluate = _evaluate(session, prepare, train)
    baselines = _baselines(session, prepare, evaluate)
    register = _register(train, evaluate, baselines, _metadata(data, validate, prepare, evaluate))
    return [validate, prepare, train, evaluate, _gate(evaluate, [*baselines, register])]


def _validate(session: OfflineSession, data: Data) -> ProcessingStep:
    """Judge each file of the batch by the contract; the good ones become one table."""
    report_uri = under(OUTPUT_PREFIX, "validation")
    return script_step(
        "Validate",
        _processor(session, sklearn_image()),
        arguments={
            "contract": tokens.CONTRACT_PATH,
            "report-uri": under(OUTPUT_PREFIX, "validation", "report.json"),
        },
        inputs=[contract_input(), input_file("manifest", data.manifest)],
        outputs=[
            output_folder("validation", report_uri),
            output_folder("accepted", under(OUTPUT_PREFIX, "accepted")),
        ],
        script="validate.pyz",
    )


def _prepare(session: OfflineSession, validate: ProcessingStep) -> ProcessingStep:
    """Derive the target, choose the features, split by time."""
    names = ("train", "holdout", "features")
    return script_step(
        "Prepare",
        _processor(session, sklearn_image()),
        arguments={
            "contract": tokens.CONTRACT_PATH,
            "holdout-fraction": HOLDOUT_FRACTION.to_string(),
        },
        inputs=[contract_input(), input_file("accepted", output_uri(validate, "accepted"))],
        outputs=[output_folder(name, under(OUTPUT_PREFIX, "prepared", name)) for name in names],
    )


def _train(session: OfflineSession, prepare: ProcessingStep) -> TrainingStep:
    """Fit the model in script mode.

    The source is named by the toolkit's own hyperparameters and not by ModelTrainer's `source_code`, which would upload
    it under a time stamp: no two builds alike, and never a cache hit.
    """
    trainer = ModelTrainer(
        sagemaker_session=session,
        training_image=xgboost_image(),
        role=tokens.TRAIN_ROLE_ARN,
        base_job_name="train",
        compute=Compute(instance_type=TRAINING_INSTANCE_TYPE, instance_count=1, volume_size_in_gb=30),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=_TRAINING_MAX_S),
        output_data_config=OutputDataConfig(s3_output_path=under(OUTPUT_PREFIX, "model")),
        hyperparameters=_hyperparameters(),
    ).with_metric_definitions(_metric_definitions())
    channels = {"train": "train", "validation": "holdout", "features": "features"}
    step_args = trainer.train(
        input_data_config=[
            InputData(channel_name=channel, data_source=output_uri(prepare, output))
            for channel, output in channels.items()
        ]
    )
    return TrainingStep(name="Train", step_args=step_args)


def _hyperparameters() -> dict[str, Any]:
    """XGBoost's own names, as text: the API takes nothing else."""
    return {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": tokens.SOURCE_URI,
        "num_round": NUM_ROUND.to_string(),
        "max_depth": MAX_DEPTH.to_string(),
        "eta": LEARNING_RATE.to_string(),
        "subsample": SUBSAMPLE.to_string(),
        "colsample_bytree": COLSAMPLE_BY_TREE.to_string(),
        "min_child_weight": MIN_CHILD_WEIGHT.to_string(),
        "seed": SEED.to_string(),
    }


def _metric_definitions() -> list[MetricDefinition]:
    """What SageMaker reads from the training log, for DescribeTrainingJob and CloudWatch."""
    return [
        MetricDefinition(name=f"{data}:{metric}", regex=f"{data}-{metric}:{_NUMBER}")
        for data in ("train", "validation")
        for metric in ("logloss", "auc")
    ]


def _evaluate(session: OfflineSession, prepare: ProcessingStep, train: TrainingStep) -> ProcessingStep:
    """Score the hold-out with the code that will serve, and with the champion's."""
    return script_step(
        "Evaluate",
        _processor(session, xgboost_image()),
        arguments={
            "metric": GATE_METRIC,
            "production-endpoint": tokens.ENDPOINT,
            "production-role-arn": PRODUCTION_ROLE,
        },
        inputs=[
            input_file("model", train.properties.ModelArtifacts.S3ModelArtifacts),
            input_file("holdout", output_uri(prepare, "holdout")),
        ],
        outputs=[output_folder(name, under(OUTPUT_PREFIX, name)) for name in ("evaluation", "predictions")],
        property_files=[_EVALUATION],
        script="evaluate.pyz",
    )


def _baselines(session: OfflineSession, prepare: ProcessingStep, evaluate: ProcessingStep) -> list[ProcessingStep]:
    """What monitoring will compare production with: the training data, and the quality on the hold-out."""
    data = _baseline(
        session,
        "DataBaseline",
        "baseline",
        input_file("data", output_uri(prepare, "train")),
        {
            "contract": tokens.CONTRACT_PATH,
            "comparison-method": DRIFT_METHOD,
            "comparison-threshold": DRIFT_THRESHOLD.to_string(),
        },
    )
    quality = _baseline(
        session,
        "QualityBaseline",
        "model-quality-baseline",
        input_file("data", output_uri(evaluate, "predictions")),
        {
            "probability-attribute": "prediction",
            "quality-metrics": QUALITY_METRIC,
            "quality-margin": QUALITY_MARGIN.to_string(),
        },
    )
    return [data, quality]


def _baseline(
    session: OfflineSession, name: str, analysis: str, data: ProcessingInput, arguments: dict[str, Any]
) -> ProcessingStep:
    return script_step(
        name,
        _processor(session, sklearn_image()),
        arguments={"analysis": analysis, **arguments},
        inputs=[contract_input(), wheels_input(), data],
        outputs=[output_folder("report", under(OUTPUT_PREFIX, "baselines", analysis))],
        script="analyze.pyz",
    )


def _gate(evaluate: ProcessingStep, register: list[Any]) -> ConditionStep:
    """Register what is good enough and no worse than the champion; else end with a reason that a person can read."""
    value = _evaluated(evaluate, "gate.value")
    short = ["hold-out ", GATE_METRIC, " is ", value, ", below the threshold ", GATE_THRESHOLD.to_string()]
    below = FailStep(name="BelowThreshold", error_message=Join(values=[*short, "; nothing was registered"]))
    return ConditionStep(
        name="Gate",
        conditions=[ConditionGreaterThanOrEqualTo(left=value, right=GATE_THRESHOLD)],
        if_steps=[_not_worse(evaluate, register)],
        else_steps=[below],
    )


def _not_worse(evaluate: ProcessingStep, register: list[Any]) -> ConditionStep:
    """Register what is not surely worse than the champion by more than the margin; the threshold may be a low bar."""
    said = _evaluated(evaluate, "champion.said")
    margin = [" (margin ", CHAMPION_MARGIN.to_string(), "); nothing was registered"]
    return ConditionStep(
        name="ChampionGate",
        conditions=[
            ConditionLessThanOrEqualTo(left=_evaluated(evaluate, "champion.worse_by_at_least"), right=CHAMPION_MARGIN)
        ],
        if_steps=register,
        else_steps=[FailStep(name="WorseThanChampion", error_message=Join(values=[said, *margin]))],
    )


def _evaluated(evaluate: ProcessingStep, path: str) -> JsonGet:
    return JsonGet(step_name=evaluate.name, property_file=_EVALUATION, json_path=path)


def _register(
    train: TrainingStep, evaluate: ProcessingStep, baselines: list[ProcessingStep], metadata: Mapping[str, Value]
) -> RegisterModelStep:
    """A new version in the package group, which waits for a person."""
    report_uri = under(output_uri(evaluate, "evaluation"), "evaluation.json")
    data, quality = (_files(step) for step in baselines)
    return RegisterModelStep(
        "Register",
        {
            "ModelPackageGroupName": tokens.MODEL_PACKAGE_GROUP,
            "ModelApprovalStatus": MODEL_APPROVAL_STATUS,
            "InferenceSpecification": {
                "Containers": [_container(train)],
                "SupportedContentTypes": _CONTENT_TYPES,
                "SupportedResponseMIMETypes": _CONTENT_TYPES,
            },
            "ModelMetrics": {
                "ModelDataQuality": data,
                "ModelQuality": {"Statistics": _json(report_uri), "Constraints": quality["Constraints"]},
            },
            "DriftCheckBaselines": {"ModelDataQuality": data, "ModelQuality": quality},
            "CustomerMetadataProperties": dict(metadata),
        },
    )


def _files(baseline: ProcessingStep) -> dict[str, Any]:
    """What a baseline leaves, as a package names it."""
    report = output_uri(baseline, "report")
    return {
        "Statistics": _json(under(report, "statistics.json")),
        "Constraints": _json(under(report, "constraints.json")),
    }


def _json(uri: Any) -> dict[str, Any]:
    return {"ContentType": "application/json", "S3Uri": uri}


def _metadata(
    data: Data, validate: ProcessingStep, prepare: ProcessingStep, evaluate: ProcessingStep
) -> dict[str, Value]:
    """Where a package comes from, and what belongs to it: for releases, for the next retraining, and for people."""
    return {
        "data_manifest": data.manifest,
        "data": under(output_uri(validate, "accepted"), "data.csv"),
        "fresh_until": data.fresh_until,
        "batch_id": BATCH_ID,
        "attempt": ATTEMPT.to_string(),
        "code_version": CODE_VERSION,
        "execution_arn": ExecutionVariables.PIPELINE_EXECUTION_ARN,
        "golden_records": under(output_uri(evaluate, "evaluation"), "golden.json"),
        "holdout": under(output_uri(prepare, "holdout"), "holdout.csv"),
        "predictions": under(output_uri(evaluate, "predictions"), "predictions.csv"),
    }


def _container(train: TrainingStep) -> dict[str, Any]:
    """How the package is served: the archive brings its own code, and `*/*` lets it answer in the request's format."""
    return {
        "Image": xgboost_image(),
        "ModelDataUrl": train.properties.ModelArtifacts.S3ModelArtifacts,
        "Environment": {
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "*/*",
        },
    }


def _processor(session: OfflineSession, image: str) -> Any:
    return script_processor(session, image, tokens.TRAIN_ROLE_ARN, PROCESSING_INSTANCE_TYPE, _PROCESSING_MAX_S)
