"""What the templates promise as a whole."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

from tests.synth.conftest import synthesize
from tests.synth.template import Assembly, Template

STACKS = ("Driftloop", "Driftloop-flights", "Driftloop-rainfall")


def test_synth_gives_the_same_bytes_twice(assembly: Assembly, tmp_path: Path) -> None:
    again = synthesize(tmp_path)

    for stack in STACKS:
        assert again.template(stack).text == assembly.template(stack).text
        assert again.file_keys(stack) == assembly.file_keys(stack)


def test_nothing_is_made_that_nobody_asked_for(shared: Template, flights: Template) -> None:
    """Above all no custom resource: each brings a function with rights of its own."""
    assert Counter(shared.types().values()) == {
        "AWS::S3::Bucket": 2,
        "AWS::S3::BucketPolicy": 2,
        "AWS::DynamoDB::Table": 1,
        "AWS::SNS::Topic": 1,
        "AWS::SNS::TopicPolicy": 1,
    }
    assert Counter(flights.types().values()) == {
        "AWS::SQS::Queue": 11,
        "AWS::SQS::QueuePolicy": 11,
        "AWS::CloudWatch::Alarm": 12,
        "AWS::CloudWatch::CompositeAlarm": 1,
        "AWS::CloudWatch::Dashboard": 1,
        "AWS::Events::Rule": 7,
        "AWS::Logs::LogGroup": 6,
        "AWS::IAM::Role": 13,
        "AWS::IAM::Policy": 13,
        "AWS::Lambda::Function": 6,
        "AWS::Lambda::EventSourceMapping": 5,
        "AWS::SageMaker::ModelPackageGroup": 1,
        "AWS::SageMaker::Pipeline": 5,
        "AWS::Scheduler::Schedule": 3,
    }


def test_templates_fit_any_account_and_region(assembly: Assembly) -> None:
    for stack in STACKS:
        template = assembly.template(stack)
        body = {name: part for name, part in template.body.items() if name != "Mappings"}

        assert not re.search(r"\b\d{12}\b|\b(us|eu|ap)-[a-z]+-\d\b", str(body))


def test_stacks_are_linked_by_names_only(assembly: Assembly) -> None:
    for stack in STACKS:
        template = assembly.template(stack)

        assert "Fn::ImportValue" not in template.text
        assert not [output for output in template.body["Outputs"].values() if "Export" in output]


def test_outputs_say_where_things_are(shared: Template, flights: Template) -> None:
    assert shared.resolve(shared.body["Outputs"]["RawBucket"]["Value"]) == "<RawBucket672A0DBB>"
    outputs = {name: flights.resolve(output["Value"]) for name, output in flights.body["Outputs"].items()}
    assert outputs == {
        "ArtifactBucket": "driftloop-artifacts-123456789012-us-east-1",
        "DataUri": "s3://driftloop-raw-123456789012-us-east-1/raw/flights/",
        "Endpoint": "driftloop-flights-prod",
        "PackageGroup": "driftloop-flights",
        "PeopleTopicArn": "arn:aws:sns:us-east-1:123456789012:driftloop-people",
        "RawBucket": "driftloop-raw-123456789012-us-east-1",
        "ReleasePipeline": "driftloop-flights-release",
        "RollbackPipeline": "driftloop-flights-rollback",
        "RetrainPipeline": "driftloop-flights-retrain",
        "TrainPipeline": "driftloop-flights-train",
        "WatchPipeline": "driftloop-flights-watch",
    }


def test_another_model_is_the_same_stack_by_settings_alone(flights: Template, rainfall: Template) -> None:
    def shape(template: Template, model: str) -> Counter[tuple[str, str]]:
        named = [
            (resource_type, re.sub(r"[0-9A-F]{8}", "", logical_id).replace(model, "MODEL"))
            for logical_id, resource_type in template.types().items()
        ]
        return Counter(named)

    assert shape(flights, "flights") == shape(rainfall, "rainfall")
    assert "flights" not in rainfall.text


def test_everything_that_takes_tags_says_whose_it_is(flights: Template) -> None:
    tagged = [each["Tags"] for kind in set(flights.types().values()) for each in _with_tags(flights, kind)]

    assert len(tagged) > len(flights.resources("AWS::Lambda::Function"))
    for tags in tagged:
        assert {tag["Key"]: tag["Value"] for tag in tags} == {
            "driftloop:application": "driftloop",
            "driftloop:model": "flights",
        }
    assert len(_with_tags(flights, "AWS::Lambda::Function")) == len(flights.resources("AWS::Lambda::Function"))


def _with_tags(template: Template, kind: str) -> list[dict[str, Any]]:
    return [resource for resource in template.resources(kind).values() if "Tags" in resource]
