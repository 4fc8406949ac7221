"""Events of our services against the names and types of AWS's own schema registry.

eventbridge_schemas.json is the registry's content of 2026-11 flattened (`*`: required there). It was inferred from
samples, so `required` is often over-strict and new fields are missing: each departure stands below with its reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.semantics.s3 import object_events
from emulator.semantics.s3.object_events import ObjectChange
from emulator.services import sagemaker
from tests.support.emulator import ROLE, World, world
from tests.support.waiting import eventually
from tests.unit.emulator.sagemaker.requests import (
    SKLEARN,
    create_pipeline,
    execution_end,
    processing_arguments,
    start,
    tarball,
    training_arguments,
)

SCHEMAS = json.loads((Path(__file__).parent / "eventbridge_schemas.json").read_text("utf-8"))
PIPELINE = "SageMaker Model Building Pipeline Execution Status Change"
STEP = "SageMaker Model Building Pipeline Execution Step Status Change"
ENDPOINT = "SageMaker Endpoint State Change"
CONFIG = "SageMaker Endpoint Config State Change"
MODEL = "SageMaker Model State Change"
TRAINING = "SageMaker Training Job State Change"
PACKAGE = "SageMaker Model Package State Change"

_TAGS = "live events carry Tags as a map (docs and awslabs/mlspace fixtures); the registry has Key and Value"
_FIRST = "an execution or step that begins has no earlier status and no end"
_STEP_KIND = "metadata names the step's own job; the registry knows the sample's processing job only"
_PACKAGE = "the guide's example has it; the registry's schema of packages is of 2018"
_AS_ASKED = "repeats the request, which may leave it out; the registry's sample had it"
DEPARTURES = {
    "Object Deleted.object.etag: missing": "a delete marker has no content, so no etag",
    f"{CONFIG}.Tags: dict for an array": _TAGS,
    f"{ENDPOINT}.Tags: dict for an array": _TAGS,
    f"{ENDPOINT}.ProductionVariants: unknown": "in the guide's example",
    f"{MODEL}.Tags: dict for an array": _TAGS,
    f"{TRAINING}.Tags: dict for an array": _TAGS,
    f"{TRAINING}.AlgorithmSpecification.MetricDefinitions: unknown": "as DescribeTrainingJob answers it",
    f"{TRAINING}.SecondaryStatusTransitions[].EndTime: unknown": "as DescribeTrainingJob answers it",
    f"{TRAINING}.InputDataConfig[].CompressionType: missing": _AS_ASKED,
    f"{TRAINING}.InputDataConfig[].ContentType: missing": _AS_ASKED,
    f"{TRAINING}.InputDataConfig[].RecordWrapperType: missing": _AS_ASKED,
    f"{TRAINING}.InputDataConfig[].DataSource.S3DataSource.S3DataDistributionType: missing": _AS_ASKED,
    f"{PIPELINE}.executionEndTime: missing": _FIRST,
    f"{PIPELINE}.previousPipelineExecutionStatus: missing": _FIRST,
    f"{STEP}.previousStepStatus: missing": _FIRST,
    f"{STEP}.stepEndTime: missing": _FIRST,
    f"{STEP}.failureReason: missing": "only steps that failed have one",
    f"{STEP}.cacheHitResult: missing": "only steps found in the cache have one",
    f"{STEP}.metadata.processingJob: missing": _STEP_KIND,
    f"{STEP}.metadata.registerModel: unknown": _STEP_KIND,
    f"{STEP}.metadata.trainingJob: unknown": _STEP_KIND,
    f"{PACKAGE}.CreationTime: unknown": _PACKAGE,
    f"{PACKAGE}.InferenceSpecification: unknown": _PACKAGE,
    f"{PACKAGE}.LastModifiedTime: unknown": _PACKAGE,
    f"{PACKAGE}.MetadataProperties: unknown": _PACKAGE,
    f"{PACKAGE}.ModelApprovalStatus: unknown": _PACKAGE,
    f"{PACKAGE}.ModelPackageGroupName: unknown": _PACKAGE,
    f"{PACKAGE}.ModelPackageStatus: unknown": _PACKAGE,
    f"{PACKAGE}.ModelPackageStatusDetails: unknown": _PACKAGE,
    f"{PACKAGE}.ModelPackageVersion: unknown": _PACKAGE,
}
"""Each departure of ours from the registry, and why it stands."""
UNREGISTERED = {
    "SageMaker Processing Job State Change": "AWS registers no schema; ours is what Describe answers",
    "SageMaker Endpoint Deployment State Change": "AWS registers no schema; ours is as the guide's examples",
}
Emitted = list[tuple[str, str, dict[str, Any], list[str]]]
"""Source, detail-type, detail and resources of each event."""
TYPES = {"string": str, "boolean": bool, "number": (int, float)}


def _problems(schema: Any, value: Any, path: str) -> Iterator[str]:
    """Where a value breaks a schema: `path: why`, with `[]` for any element of an array."""
    match schema:
        case dict():
            if isinstance(value, dict):
                yield from _problems_of_object(schema, value, path)
            else:
                yield f"{path}: {type(value).__name__} for an object"
        case [element]:
            if isinstance(value, list):
                for item in value:
                    yield from _problems(element, item, f"{path}[]")
            else:
                yield f"{path}: {type(value).__name__} for an array"
        case "json":
            pass
        case _:
            is_flag_for_number = schema == "number" and isinstance(value, bool)
            if not isinstance(value, TYPES[schema]) or is_flag_for_number:
                yield f"{path}: {type(value).__name__} for a {schema}"


def _problems_of_object(schema: dict[str, Any], value: dict[str, Any], path: str) -> Iterator[str]:
    fields = {name.removesuffix("*"): part for name, part in schema.items()}
    for name in value.keys() - fields.keys():
        yield f"{path}.{name}: unknown"
    for name in schema:
        if name.endswith("*") and name[:-1] not in value:
            yield f"{path}.{name[:-1]}: missing"
    for name in value.keys() & fields.keys():
        yield from _problems(fields[name], value[name], f"{path}.{name}")


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emitted]:
    """What a pipeline, a package, a model and an endpoint emit, and what S3 says of objects."""
    aws = world(tmp_path_factory.mktemp("shapes"), {"sagemaker": sagemaker.OPERATIONS})
    sagemaker.start(aws.kernel)
    _run_a_pipeline(aws)
    _serve(aws)
    yield [*_of_s3(), *(("aws.sagemaker", kind, _as_json(detail), where) for kind, detail, where in aws.events.all)]
    aws.close()


def _as_json(detail: dict[str, Any]) -> dict[str, Any]:
    """As it is delivered; what is no JSON fails here."""
    found: dict[str, Any] = json.loads(json.dumps(detail))
    return found


def _of_s3() -> Iterator[tuple[str, str, dict[str, Any], list[str]]]:
    for kind, is_marker in (("created", False), ("deleted", False), ("deleted", True)):
        for version in ("v1", None):
            change = ObjectChange(kind, "bucket", "key", 5, "" if is_marker else "e1", version, is_marker)
            name, detail = object_events.render(change, "PutObject", "0055", "r-1", "123456789012")
            yield "aws.s3", name, detail, ["arn:aws:s3:::bucket"]


def _run_a_pipeline(aws: World) -> None:
    """A step that succeeds, a training job, a package; then one that fails."""
    aws.s3.put("s3://bucket/prepare.py", "open('/opt/ml/processing/output/result/train.csv', 'w').write('1')")
    aws.s3.put("s3://bucket/bad.py", "raise SystemExit(1)")
    aws.s3.put("s3://bucket/source.tar.gz", tarball(train_py="open('/opt/ml/model/m', 'w').write('m')"))
    containers = [{"Image": SKLEARN, "ModelDataUrl": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}}]
    prepared = {"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['result'].S3Output.S3Uri"}
    specification = {
        "Containers": containers,
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    registered = {"ModelPackageGroupName": "group", "InferenceSpecification": specification}
    create_pipeline(
        aws,
        {"Name": "Prepare", "Type": "Processing", "Arguments": processing_arguments("s3://bucket/prepare.py")},
        {"Name": "Train", "Type": "Training", "Arguments": training_arguments(prepared)},
        {"Name": "Register", "Type": "RegisterModel", "Arguments": registered},
        {
            "Name": "Bad",
            "Type": "Processing",
            "Arguments": processing_arguments("s3://bucket/bad.py"),
            "DependsOn": ["Register"],
        },
        PipelineDescription="what it does",
    )
    done = execution_end(aws, start(aws, PipelineExecutionDescription="d", PipelineExecutionDisplayName="n"))
    assert done["Bad"]["StepStatus"] == "Failed"
    arn = done["Register"]["Metadata"]["RegisterModel"]["Arn"]
    aws.sagemaker("UpdateModelPackage", ModelPackageArn=arn, ModelApprovalStatus="Approved")


def _serve(aws: World) -> None:
    aws.s3.put("s3://bucket/model.tar.gz", tarball(code__inference_py="def model_fn(model_dir):\n    return 1\n"))
    container = {"Image": SKLEARN, "ModelDataUrl": "s3://bucket/model.tar.gz", "ContainerHostname": "first"}
    tags = [{"Key": "team", "Value": "a"}]
    aws.sagemaker("CreateModel", ModelName="m", PrimaryContainer=container, ExecutionRoleArn=ROLE, Tags=tags)
    variant = {
        "VariantName": "champion",
        "ModelName": "m",
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
        "InitialVariantWeight": 1.0,
    }
    aws.sagemaker("CreateEndpointConfig", EndpointConfigName="c", ProductionVariants=[variant])
    aws.sagemaker("CreateEndpoint", EndpointName="e", EndpointConfigName="c")
    aws.events.wait(lambda kind, detail: kind == ENDPOINT and detail["EndpointStatus"] == "IN_SERVICE")
    aws.sagemaker("UpdateEndpoint", EndpointName="e", EndpointConfigName="c")
    aws.events.wait(lambda kind, detail: kind == ENDPOINT and detail["EndpointStatus"] == "UPDATING")
    eventually(lambda: aws.sagemaker("DescribeEndpoint", EndpointName="e")["EndpointStatus"] == "InService")
    aws.sagemaker("DeleteEndpoint", EndpointName="e")


def test_every_kind_of_event_that_we_emit_is_here(emitted: Emitted) -> None:
    kinds = {kind for _, kind, _, _ in emitted}

    assert kinds == {
        PIPELINE,
        STEP,
        ENDPOINT,
        CONFIG,
        MODEL,
        TRAINING,
        PACKAGE,
        *UNREGISTERED,
        "Object Created",
        "Object Deleted",
    }


def test_names_and_types_are_those_of_the_registry(emitted: Emitted) -> None:
    found = {
        f"{kind}{problem}"
        for source, kind, detail, _ in emitted
        if kind not in UNREGISTERED
        for problem in _problems(SCHEMAS[f"{source} | {kind}"]["detail"], detail, "")
    }

    assert sorted(found) == sorted(DEPARTURES)


def test_every_event_names_its_resources(emitted: Emitted) -> None:
    for _, kind, _, resources in emitted:
        assert resources, kind
        assert all(arn.startswith("arn:aws:") for arn in resources), kind
