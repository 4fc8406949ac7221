"""From event to function: every hop has a retry, a dead-letter queue, and an alarm that someone hears."""

from typing import Any

import pytest

from tests.events import sample
from tests.synth.template import Template

QUEUES = ("ingest", "release", "waits", "retraining", "reconcile")


def _matches(pattern: Any, value: Any) -> bool:
    """The part of EventBridge's patterns that our rules use: values, prefixes, nested fields."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(_matches(wanted, value.get(name)) for name, wanted in pattern.items())
    return any(
        isinstance(value, str) and value.startswith(wanted["prefix"]) if isinstance(wanted, dict) else value == wanted
        for wanted in pattern
    )


def _rules_for(template: Template, event: dict[str, Any]) -> list[str]:
    rules = template.resources("AWS::Events::Rule").values()
    return sorted(rule["Name"] for rule in rules if _matches(rule["EventPattern"], event))


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("s3_object_created", ["objects"]),
        ("train_execution_succeeded", ["ended-runs", "ended-trainings"]),
        ("release_execution_failed", ["ended-releases"]),
        ("model_package_approved", ["packages"]),
        ("endpoint_in_service", ["endpoints"]),
    ],
)
def test_each_event_of_the_loop_meets_the_rules_of_those_who_act_on_it(
    flights: Template, rainfall: Template, name: str, rules: list[str]
) -> None:
    assert _rules_for(flights, sample(name)) == [f"driftloop-flights-{rule}" for rule in rules]
    assert _rules_for(rainfall, sample(name)) == []


def test_a_run_that_only_started_meets_no_rule(flights: Template) -> None:
    assert _rules_for(flights, sample("train_execution_executing")) == []


@pytest.mark.parametrize("key", ["raw/rainfall/x.csv", "elsewhere/x.csv", "raw/flightsimulator/x.csv", "flights/x.csv"])
def test_an_object_outside_the_prefix_meets_no_rule(flights: Template, key: str) -> None:
    event = sample("s3_object_created")
    event["detail"]["object"]["key"] = key

    assert _rules_for(flights, event) == []


def test_the_artifact_bucket_starts_nothing(flights: Template) -> None:
    event = sample("s3_object_created")
    event["detail"]["bucket"]["name"] = "driftloop-artifacts-123456789012-us-east-1"

    assert _rules_for(flights, event) == []


def test_every_rule_retries_for_a_day_and_then_keeps_the_event(flights: Template) -> None:
    for rule in flights.resources("AWS::Events::Rule").values():
        [target] = rule["Targets"]
        assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
        assert "DeadLetters" in target["DeadLetterConfig"]["Arn"]


def test_rules_may_send_to_their_queue_and_to_its_dead_letters(flights: Template) -> None:
    allowed = {
        (statement["Resource"], arn)
        for policy in flights.resources("AWS::SQS::QueuePolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
        for arn in [statement["Condition"]["ArnEquals"]["aws:SourceArn"]]
    }

    for logical_id, rule in flights.resources("AWS::Events::Rule").items():
        [target] = rule["Targets"]
        for queue in (target["Arn"], target["DeadLetterConfig"]["Arn"]):
            assert (queue, f"<{logical_id}.Arn>") in allowed


def test_every_queue_that_a_function_reads_gives_up_into_a_dead_letter_queue(flights: Template) -> None:
    queues = flights.resources("AWS::SQS::Queue")
    main = {queue["QueueName"]: queue for queue in queues.values() if not queue["QueueName"].endswith("-dlq")}

    assert set(main) == {f"driftloop-flights-{name}" for name in QUEUES}
    for name, queue in main.items():
        dead_letters = queue["RedrivePolicy"]["deadLetterTargetArn"].strip("<>").partition(".")[0]
        assert queues[dead_letters]["QueueName"] == f"{name}-dlq"
        assert queue["SqsManagedSseEnabled"] is True


def test_every_dead_letter_queue_has_an_alarm_that_tells_people_and_knows_what_silence_means(flights: Template) -> None:
    alarms = {alarm["AlarmName"]: alarm for alarm in flights.resources("AWS::CloudWatch::Alarm").values()}
    dead = {
        queue["QueueName"] for queue in flights.resources("AWS::SQS::Queue").values() if "dlq" in queue["QueueName"]
    }

    assert dead == {f"driftloop-flights-{name}-dlq" for name in (*QUEUES, "watch")}
    for alarm in (alarms[name] for name in dead):
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["AlarmActions"] == ["arn:aws:sns:us-east-1:123456789012:driftloop-people"]


def test_a_message_stays_hidden_six_times_as_long_as_its_function_may_take(flights: Template) -> None:
    queues = flights.resources("AWS::SQS::Queue")
    functions = flights.resources("AWS::Lambda::Function")

    sources = flights.resources("AWS::Lambda::EventSourceMapping").values()
    assert len(sources) == len(QUEUES)
    for source in sources:
        queue = queues[source["EventSourceArn"].strip("<>").partition(".")[0]]
        timeout_s = functions[source["FunctionName"].strip("<>")]["Timeout"]
        assert queue["VisibilityTimeout"] >= 6 * timeout_s + source["MaximumBatchingWindowInSeconds"]
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_the_batching_window_is_the_models_setting(flights: Template, rainfall: Template) -> None:
    def windows(template: Template) -> list[int]:
        sources = template.resources("AWS::Lambda::EventSourceMapping").values()
        return sorted(source["MaximumBatchingWindowInSeconds"] for source in sources)

    assert windows(flights) == [0, 0, 0, 0, 2]
    assert windows(rainfall) == [0, 0, 0, 0, 0]


def test_a_look_at_an_experiment_has_five_minutes_and_its_message_six_times_that(flights: Template) -> None:
    functions = {each["FunctionName"]: each for each in flights.resources("AWS::Lambda::Function").values()}
    queues = {each["QueueName"]: each for each in flights.resources("AWS::SQS::Queue").values()}

    assert functions["driftloop-flights-answer-waits"]["Timeout"] == 300
    assert queues["driftloop-flights-waits"]["VisibilityTimeout"] == 1800


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_each_endpoint_of_the_model_is_heard_of_where_its_release_waits(flights: Template, stage: str) -> None:
    event = sample("endpoint_in_service")
    event["detail"]["EndpointName"] = f"driftloop-flights-{stage}"

    [rule] = [rule for rule in flights.resources("AWS::Events::Rule").values() if "endpoints" in rule["Name"]]

    assert _rules_for(flights, event) == [rule["Name"]]
    queue = rule["Targets"][0]["Arn"].strip("<>").partition(".")[0]
    assert flights.resources("AWS::SQS::Queue")[queue]["QueueName"] == "driftloop-flights-waits"


def test_an_endpoint_of_somebody_else_meets_no_rule(flights: Template) -> None:
    event = sample("endpoint_in_service")
    event["detail"]["EndpointName"] = "driftloop-flights-production"

    assert _rules_for(flights, event) == []


@pytest.mark.parametrize("pipeline", ["release", "rollback"])
def test_the_end_of_a_release_and_of_a_rollback_is_decided_on(flights: Template, pipeline: str) -> None:
    event = sample("release_execution_failed")
    event["detail"]["pipelineArn"] = f"arn:aws:sagemaker:us-east-1:123456789012:pipeline/driftloop-flights-{pipeline}"

    assert _rules_for(flights, event) == ["driftloop-flights-ended-releases"]
