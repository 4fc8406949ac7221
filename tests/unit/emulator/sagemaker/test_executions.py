"""Pipelines really execute."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.kernel.errors import AwsError, EmulatorError
from tests.support.emulator import ROLE, World
from tests.unit.emulator.sagemaker.requests import (
    TOKEN,
    create_pipeline,
    definition,
    execution_end,
    processing_arguments,
    run,
    start,
    tarball,
    training_arguments,
)

WAIT = "import signal; print('armed'); signal.pause()"


def process(name: str, script: str, *arguments: Any, **keys: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "Processing", "Arguments": processing_arguments(script, *arguments), **keys}


def fail(name: str, message: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}}


def gate(threshold: float, if_steps: list[dict[str, Any]], else_steps: list[dict[str, Any]]) -> dict[str, Any]:
    value = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"}, "Path": "auc.value"}}
    condition = {"Type": "GreaterThanOrEqualTo", "LeftValue": value, "RightValue": threshold}
    return {
        "Name": "Gate",
        "Type": "Condition",
        "Arguments": {"Conditions": [condition], "IfSteps": if_steps, "ElseSteps": else_steps},
    }


REPORT = [{"PropertyFileName": "Report", "OutputName": "result", "FilePath": "report.json"}]
REGISTER = {
    "Name": "Register",
    "Type": "RegisterModel",
    "Arguments": {
        "ModelPackageGroupName": "group",
        "InferenceSpecification": {
            "Containers": [{"Image": "i:1", "ModelDataUrl": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        "CustomerMetadataProperties": {"attempt": {"Get": "Parameters.Attempt"}},
        "ModelMetrics": {"Bias": {}, "Explainability": None},
    },
}


@pytest.fixture
def scripts(aws: World) -> World:
    out = "/opt/ml/processing/output/result"
    aws.s3.put("s3://bucket/prepare.py", f"import sys; open('{out}/train.csv', 'w').write(' '.join(sys.argv[1:]))")
    aws.s3.put("s3://bucket/evaluate.py", f"open('{out}/report.json', 'w').write('{{\"auc\": {{\"value\": 0.7}}}}')")
    aws.s3.put("s3://bucket/bad.py", "open('/opt/ml/output/message', 'w').write('bad data'); raise SystemExit(1)")
    aws.s3.put("s3://bucket/wait.py", WAIT)
    train = "open('/opt/ml/model/m', 'w').write(open('/opt/ml/input/data/train/train.csv').read()); print('auc=0.7')"
    aws.s3.put("s3://bucket/source.tar.gz", tarball(train_py=train))
    return aws


def loop(threshold: float) -> list[dict[str, Any]]:
    prepared = {"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['result'].S3Output.S3Uri"}
    return [
        process("Prepare", "s3://bucket/prepare.py", {"Get": "Parameters.Attempt"}, {"Get": "Parameters.Word"}),
        {"Name": "Train", "Type": "Training", "Arguments": training_arguments(prepared)},
        process("Evaluate", "s3://bucket/evaluate.py", PropertyFiles=REPORT, DependsOn=["Train"]),
        gate(threshold, [REGISTER], [fail("Below", {"Std:Join": {"On": " ", "Values": ["auc below", threshold]}})]),
    ]


PARAMETERS = [{"Name": "Attempt", "Type": "Integer", "DefaultValue": 1}, {"Name": "Word", "Type": "String"}]


def test_a_whole_loop_prepares_trains_evaluates_and_registers(scripts: World) -> None:
    create_pipeline(scripts, *loop(0.6), parameters=PARAMETERS)

    arn = start(scripts, PipelineParameters=[{"Name": "Word", "Value": "w"}])

    done = execution_end(scripts, arn)
    assert done[""]["PipelineExecutionStatus"] == "Succeeded"
    assert list(done)[1:] == ["Register", "Gate", "Evaluate", "Train", "Prepare"]
    assert done["Gate"]["Metadata"] == {"Condition": {"Outcome": "True"}}
    package = scripts.sagemaker(
        "DescribeModelPackage", ModelPackageName=done["Register"]["Metadata"]["RegisterModel"]["Arn"]
    )
    assert (package["ModelApprovalStatus"], package["CustomerMetadataProperties"]) == (
        "PendingManualApproval",
        {"attempt": "1"},
    )
    assert package["MetadataProperties"] == {"GeneratedBy": arn}
    assert package["CreatedBy"]["IamIdentity"]["Arn"] == ROLE
    assert package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] in [
        f"s3://bucket/{k}" for k in scripts.s3.keys("bucket")
    ]
    job = done["Train"]["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
    assert job.startswith(f"pipelines-{arn.rpartition('/')[2]}-train-")


def test_the_branch_not_taken_never_appears_and_a_fail_step_gives_its_reason(scripts: World) -> None:
    create_pipeline(scripts, *loop(0.9), parameters=PARAMETERS)

    done = execution_end(scripts, start(scripts, PipelineParameters=[{"Name": "Word", "Value": "w"}]))

    assert "Register" not in done
    assert done["Below"]["FailureReason"] == "auc below 0.9"
    assert done["Below"]["Metadata"] == {"Fail": {"ErrorMessage": "auc below 0.9"}}
    assert done[""]["PipelineExecutionStatus"] == "Failed"
    assert done[""]["FailureReason"] == "Step failure: One or multiple steps failed."


def test_a_failed_job_fails_its_step_with_the_message_and_nothing_follows(scripts: World) -> None:
    done = run(
        scripts, process("Bad", "s3://bucket/bad.py"), process("Next", "s3://bucket/evaluate.py", DependsOn=["Bad"])
    )

    expected = "AlgorithmError: See job logs for more information, exit code: 1. bad data"
    assert done["Bad"]["FailureReason"] == expected
    assert "Next" not in done
    detail = scripts.events.details("Model Building Pipeline Execution Step Status Change")[-1]
    assert (detail["currentStepStatus"], detail["failureReason"]) == ("Failed", expected)


def test_a_request_that_sagemaker_refuses_fails_the_step_with_its_words(scripts: World) -> None:
    train = {"Name": "Train", "Type": "Training", "Arguments": training_arguments("s3://bucket/nothing/")}

    done = run(scripts, train)

    start_ = (
        "ClientError: Failed to invoke sagemaker:CreateTrainingJob. Error Details: No S3 objects found under S3 URL"
    )
    assert done["Train"]["FailureReason"].startswith(start_)


def test_a_property_file_that_is_missing_fails_the_condition(scripts: World) -> None:
    elsewhere = [{**REPORT[0], "FilePath": "other.json"}]

    done = run(scripts, process("Evaluate", "s3://bucket/evaluate.py", PropertyFiles=elsewhere), gate(0.5, [], []))

    assert done["Gate"]["FailureReason"] == (
        "ClientError: property file 'Report' of step 'Evaluate' not found at s3://bucket/result/other.json: NoSuchKey"
    )


def test_step_and_execution_events_have_the_shape_of_aws(scripts: World) -> None:
    done = run(scripts, process("One", "s3://bucket/evaluate.py"))

    arn = done[""]["PipelineExecutionArn"]
    steps = scripts.events.details("Model Building Pipeline Execution Step Status Change")
    assert [item["currentStepStatus"] for item in steps] == ["Starting", "Executing", "Succeeded"]
    assert steps[-1]["metadata"] == {"processingJob": {"arn": done["One"]["Metadata"]["ProcessingJob"]["Arn"]}}
    assert (steps[-1]["stepType"], steps[-1]["previousStepStatus"]) == ("Processing", "Executing")
    kind, last, resources = scripts.events.all[-1]
    assert kind == "SageMaker Model Building Pipeline Execution Status Change"
    assert resources == [done[""]["PipelineArn"], arn]
    assert (last["previousPipelineExecutionStatus"], last["currentPipelineExecutionStatus"]) == (
        "Executing",
        "Succeeded",
    )
    assert last["executionEndTime"].endswith("Z")


def test_the_same_token_starts_one_execution(scripts: World) -> None:
    create_pipeline(scripts, fail("F", "x"))

    first, second, other = start(scripts), start(scripts), start(scripts, token=TOKEN[::-1])

    assert first == second != other
    execution_end(scripts, first)
    execution_end(scripts, other)
    listed = scripts.sagemaker("ListPipelineExecutions", PipelineName="p")["PipelineExecutionSummaries"]
    assert [item["PipelineExecutionArn"] for item in listed] == [other, first]


def test_stopping_an_execution_stops_its_jobs(scripts: World) -> None:
    create_pipeline(
        scripts, process("Wait", "s3://bucket/wait.py"), process("Next", "s3://bucket/wait.py", DependsOn=["Wait"])
    )
    arn = start(scripts)
    scripts.logs.wait("armed")

    scripts.sagemaker("StopPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken=TOKEN)

    done = execution_end(scripts, arn)
    assert (done[""]["PipelineExecutionStatus"], done["Wait"]["StepStatus"]) == ("Stopped", "Stopped")
    assert "Next" not in done
    with pytest.raises(AwsError, match="has status Stopped"):
        scripts.sagemaker("StopPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken=TOKEN)


def test_steps_run_in_parallel_up_to_the_limit(scripts: World) -> None:
    steps = [process(name, "s3://bucket/evaluate.py") for name in "ABC"]

    run(scripts, *steps, ParallelismConfiguration={"MaxParallelExecutionSteps": 1})

    order = [
        (item["stepName"], item["currentStepStatus"])
        for item in scripts.events.details("Model Building Pipeline Execution Step Status Change")
        if item["currentStepStatus"] != "Executing"
    ]
    assert order == [(name, status) for name in "ABC" for status in ("Starting", "Succeeded")]


def test_a_lambda_step_passes_its_arguments_and_takes_the_declared_outputs(scripts: World) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
    seen: list[Any] = []

    def function(payload: bytes) -> dict[str, Any]:
        seen.append(json.loads(payload))
        return {"Payload": json.dumps({"count": 3, "names": ["a"], "more": 1}).encode()}

    scripts.functions[arn] = function
    outputs = [{"OutputName": "count", "OutputType": "Integer"}, {"OutputName": "names", "OutputType": "String"}]
    call = {"Name": "Call", "Type": "Lambda", "FunctionArn": arn, "Arguments": {"x": 1}, "OutputParameters": outputs}
    message = {
        "Std:Join": {"On": "/", "Values": [{"Get": f"Steps.Call.OutputParameters['{n}']"} for n in ("count", "names")]}
    }

    done = run(scripts, call, fail("F", message))

    assert (seen, done["F"]["FailureReason"]) == ([{"x": 1}], '3/["a"]')
    assert done["Call"]["Metadata"]["Lambda"]["OutputParameters"][0] == {"Name": "count", "Value": "3"}


def test_a_function_that_fails_fails_its_step(scripts: World) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
    body = json.dumps({"errorType": "KeyError", "errorMessage": "'x'"}).encode()
    scripts.functions[arn] = lambda payload: {"FunctionError": "Unhandled", "Payload": body}

    done = run(scripts, {"Name": "Call", "Type": "Lambda", "FunctionArn": arn, "Arguments": {}})

    assert done["Call"]["FailureReason"] == f"ClientError: Lambda function {arn} failed: KeyError: 'x'"


def test_parameters_of_an_execution_can_be_read_back(scripts: World) -> None:
    create_pipeline(scripts, fail("F", "x"), parameters=PARAMETERS)

    arn = start(scripts, PipelineParameters=[{"Name": "Word", "Value": "w"}, {"Name": "Attempt", "Value": "2"}])

    found = scripts.sagemaker("ListPipelineParametersForExecution", PipelineExecutionArn=arn)["PipelineParameters"]
    assert found == [{"Name": "Attempt", "Value": "2"}, {"Name": "Word", "Value": "w"}]
    execution_end(scripts, arn)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "parameter 'Word': has no default and no value was given"),
        ([{"Name": "Word", "Value": "w"}, {"Name": "Nope", "Value": "1"}], "parameter 'Nope': not defined"),
        ([{"Name": "Word", "Value": "w"}, {"Name": "Attempt", "Value": "x"}], "'x' is not of type Integer"),
    ],
)
def test_wrong_parameters_start_nothing(scripts: World, given: list[dict[str, str]], message: str) -> None:
    create_pipeline(scripts, fail("F", "x"), parameters=PARAMETERS)

    with pytest.raises(AwsError, match=message):
        start(scripts, PipelineParameters=given)

    assert scripts.sagemaker("ListPipelineExecutions", PipelineName="p")["PipelineExecutionSummaries"] == []


def test_an_execution_keeps_the_definition_it_started_with(scripts: World) -> None:
    create_pipeline(scripts, process("Wait", "s3://bucket/wait.py"))
    arn = start(scripts)

    scripts.sagemaker("UpdatePipeline", PipelineName="p", PipelineDefinition=definition(fail("F", "new")))

    kept = scripts.sagemaker("DescribePipelineDefinitionForExecution", PipelineExecutionArn=arn)["PipelineDefinition"]
    assert "Wait" in kept
    assert "new" in scripts.sagemaker("DescribePipeline", PipelineName="p")["PipelineDefinition"]
    scripts.logs.wait("armed")
    with pytest.raises(AwsError, match="running executions"):
        scripts.sagemaker("DeletePipeline", PipelineName="p", ClientRequestToken=TOKEN)
    scripts.sagemaker("StopPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken=TOKEN)
    execution_end(scripts, arn)


def test_names_of_pipelines_are_unique_and_a_repeated_request_is_harmless(aws: World) -> None:
    create_pipeline(aws, fail("F", "x"))
    create_pipeline(aws, fail("F", "x"))

    request = {"PipelineName": "p", "PipelineDefinition": definition(fail("F", "x")), "RoleArn": ROLE}
    with pytest.raises(AwsError, match="Pipeline names must be unique"):
        aws.sagemaker("CreatePipeline", ClientRequestToken=TOKEN[::-1], **request)


def test_what_aws_refuses_and_what_we_lack_are_told_apart(aws: World) -> None:
    with pytest.raises(
        AwsError, match=r"Unable to parse pipeline definition\. step 'X': unknown step type 'Nope'"
    ) as refusal:
        create_pipeline(aws, {"Name": "X", "Type": "Nope"})
    with pytest.raises(EmulatorError, match="step 'X': type 'Tuning' is not emulated yet"):
        create_pipeline(aws, {"Name": "X", "Type": "Tuning", "Arguments": {}})

    assert refusal.value.code == "ValidationException"
    with pytest.raises(
        AwsError, match=r"Pipeline 'arn:aws:sagemaker:us-east-1:123456789012:pipeline/p' does not exist\."
    ):
        aws.sagemaker("DescribePipeline", PipelineName="p")
