"""The few shapes that our steps are made of, so that a pipeline reads as its graph and not as SDK plumbing.

Needs the SageMaker SDK: for `pipeline.py` modules and the build, not for synth.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sagemaker.core import image_uris
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.properties import Properties, PropertyFile
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ProcessingStep, Step, StepTypeEnum

from pipeline_definitions.shared import images, tokens
from pipeline_definitions.shared.offline_session import OfflineSession

PROCESSING_DIR: Final = "/opt/ml/processing"

Value = Any
"""What the SDK takes in place of a string: text, a parameter, a property of a step, or a function of those."""


def xgboost_image() -> str:
    """Image of training, evaluation and serving."""
    return _image("xgboost", images.XGBOOST_VERSION)


def sklearn_image() -> str:
    """Image of the steps that need pandas and boto3 but no model."""
    return _image("sklearn", images.SKLEARN_VERSION)


def under(prefix: Value, *parts: str) -> Join:
    """A path below an S3 prefix that is known only when the pipeline runs."""
    return Join(on="/", values=[prefix, *parts])


def input_file(name: str, uri: Value) -> ProcessingInput:
    """Objects at `uri` (one, or all below a prefix), in `/opt/ml/processing/input/<name>/` when the script starts."""
    source = ProcessingS3Input(
        s3_uri=uri, local_path=f"{PROCESSING_DIR}/input/{name}", s3_data_type="S3Prefix", s3_input_mode="File"
    )
    return ProcessingInput(input_name=name, s3_input=source)


def manifest_input(name: str, uri: Value) -> ProcessingInput:
    """The objects that a ManifestFile at `uri` lists, in `/opt/ml/processing/input/<name>/` when the script starts."""
    source = ProcessingS3Input(
        s3_uri=uri, local_path=f"{PROCESSING_DIR}/input/{name}", s3_data_type="ManifestFile", s3_input_mode="File"
    )
    return ProcessingInput(input_name=name, s3_input=source)


def wheels_input() -> ProcessingInput:
    """The libraries that the image lacks, for `scripts/libraries.py`."""
    return input_file("wheels", tokens.WHEELS_URI)


def contract_input() -> ProcessingInput:
    """The model's contract: what `infra` merges from a model's settings and its schema."""
    return input_file("contract", tokens.CONTRACT_URI)


def output_folder(name: str, uri: Value) -> ProcessingOutput:
    """What the script leaves in `/opt/ml/processing/output/<name>/`, uploaded to `uri` when it ends well."""
    target = ProcessingS3Output(s3_uri=uri, local_path=f"{PROCESSING_DIR}/output/{name}", s3_upload_mode="EndOfJob")
    return ProcessingOutput(output_name=name, s3_output=target)


def output_uri(step: ProcessingStep, name: str) -> Value:
    """Where a step's output went: a reference, so that the reader waits for the writer."""
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


def script_step(
    name: str,
    processor: ScriptProcessor,
    arguments: Mapping[str, Value],
    inputs: Sequence[ProcessingInput] = (),
    outputs: Sequence[ProcessingOutput] = (),
    property_files: Sequence[PropertyFile] = (),
    script: str | None = None,
    flags: Sequence[str] = (),
) -> ProcessingStep:
    """A step that runs a script, `<name in lower case>.py` when none is named, with `--base-dir` and these arguments.

    The base directory is an argument although the scripts default to the same, so that a runner which cannot mount
    /opt/ml (macOS) finds and rewrites it.
    """
    words: list[Value] = ["--base-dir", PROCESSING_DIR]
    for option, value in arguments.items():
        words += [f"--{option}", value]
    words += [f"--{flag}" for flag in flags]
    step_args = processor.run(
        code=tokens.script_uri(script or f"{name.lower()}.py"),
        arguments=words,
        inputs=list(inputs),
        outputs=list(outputs),
    )
    return ProcessingStep(name=name, step_args=step_args, property_files=list(property_files))


def script_processor(
    session: OfflineSession, image: str, role_arn: str, instance_type: Value, max_runtime_s: int
) -> ScriptProcessor:
    """One instance of an image that runs a script of ours."""
    return ScriptProcessor(
        sagemaker_session=session,
        image_uri=image,
        command=["python3"],
        role=role_arn,
        instance_count=1,
        instance_type=instance_type,
        max_runtime_in_seconds=max_runtime_s,
    )


class RegisterModelStep(Step):  # type: ignore[misc]  # the SDK is untyped
    """A RegisterModel step whose arguments are exactly the CreateModelPackage request that it is given.

    The SDK's own way, `ModelBuilder.register()` into a `ModelStep`, detects the container by calling AWS, may insert a
    training job that repacks the archive, and writes empty SAGEMAKER_PROGRAM and SAGEMAKER_SUBMIT_DIRECTORY over what
    our archive needs to be served.
    """

    def __init__(self, name: str, request: Mapping[str, Value]) -> None:
        super().__init__(name=name, step_type=StepTypeEnum.REGISTER_MODEL)
        self._request = dict(request)
        self._properties = Properties(step_name=name, step=self, shape_name="DescribeModelPackageOutput")

    @property
    def arguments(self) -> dict[str, Value]:
        """The CreateModelPackage request."""
        return self._request

    @property
    def properties(self) -> Properties:
        """What later steps may refer to: the DescribeModelPackage response."""
        return self._properties


def render(name: str, session: OfflineSession, parameters: Sequence[Value], steps: Sequence[Step]) -> str:
    """The pipeline as the definition that CreatePipeline takes: pretty, keys sorted, steps in the order given.

    `name` never reaches the definition. Experiment tracking is off: it would make an experiment per pipeline as a side
    effect of each execution.
    """
    pipeline = Pipeline(
        name=name,
        sagemaker_session=session,
        parameters=list(parameters),
        steps=list(steps),
        pipeline_experiment_config=None,
    )
    return json.dumps(json.loads(pipeline.definition()), indent=2, sort_keys=True) + "\n"


def _image(framework: str, version: str) -> str:
    return str(image_uris.retrieve(framework, region=tokens.REGION, version=version, instance_type="ml.m5.large"))
