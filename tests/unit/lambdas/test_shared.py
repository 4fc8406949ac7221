"""Small parts that the functions share: settings, records, people, executions, packages."""

import json
import re
from dataclasses import asdict, replace
from datetime import UTC, datetime

import pytest

from lambdas.shared.executions import start, token
from lambdas.shared.packages import describe
from lambdas.shared.people import Notice
from lambdas.shared.records import DeadLetters, handle_records
from lambdas.shared.settings import (
    MissingSettingError,
    read_answer_waits,
    read_decide_release,
    read_start_retraining,
    read_start_training,
)
from tests.unit.lambdas.world import EXPERIMENT, POLICY, FakeSageMaker, World, batch_of

ENVIRONMENT = {
    "MODEL": "flights",
    "LEDGER_TABLE": "ledger",
    "PEOPLE_TOPIC_ARN": "topic",
    "INGEST_QUEUE_URL": "ingest",
    "DEAD_LETTER_QUEUE_URL": "dead",
    "ATTEMPTS_MAX": "1",
    "RAW_BUCKET": "raw",
    "RAW_PREFIX": "raw/flights/",
    "ARTIFACT_BUCKET": "artifacts",
    "TRAIN_PIPELINE": "train",
    "RETRAIN_PIPELINE": "retrain",
    "RELEASE_PIPELINE": "release",
    "BATCH_MIN_FILES": "1",
    "BATCH_WINDOW_S": "2",
}


GUARD_ENVIRONMENT = {
    "MODEL": "flights",
    "LEDGER_TABLE": "ledger",
    "PEOPLE_TOPIC_ARN": "topic",
    "INGEST_QUEUE_URL": "ingest",
    "DEAD_LETTER_QUEUE_URL": "dead",
    "ATTEMPTS_MAX": "1",
    "RETRAIN_ALARM": "retrain",
    "DRIFT_ALARM": "drift",
    "QUALITY_ALARM": "quality",
    "TRAIN_PIPELINE": "train",
    "RETRAIN_PIPELINE": "retrain",
    "RETRAINING": json.dumps(asdict(POLICY)),
}


@pytest.mark.parametrize("variable", sorted(GUARD_ENVIRONMENT))
def test_a_missing_variable_of_the_guard_is_named(variable: str) -> None:
    with pytest.raises(MissingSettingError, match=variable):
        read_start_retraining({**GUARD_ENVIRONMENT, variable: ""})


@pytest.mark.parametrize("change", [{"tea": 1}, {"cooldown_s": "long"}, {"runs_max": -1}, {"history_share": 2}])
def test_a_retraining_policy_that_is_none_is_named(change: dict[str, object]) -> None:
    text = json.dumps(asdict(POLICY) | change)

    with pytest.raises(MissingSettingError, match="RETRAINING: expected"):
        read_start_retraining({**GUARD_ENVIRONMENT, "RETRAINING": text})


def test_the_retraining_policy_is_read() -> None:
    assert read_start_retraining(GUARD_ENVIRONMENT).policy == POLICY


WAITS_ENVIRONMENT = {
    "MODEL": "flights",
    "LEDGER_TABLE": "ledger",
    "PEOPLE_TOPIC_ARN": "topic",
    "DEAD_LETTER_QUEUE_URL": "dead",
    "WAITS_QUEUE_ARN": "queue",
    "TICK_PREFIX": "driftloop-flights",
    "TICK_ROLE_ARN": "role",
    "CAPTURE_URI": "s3://artifacts/flights/capture/",
    "LABELS_URI": "s3://artifacts/flights/labels",
    "REPORT_URI": "s3://artifacts/flights/releases",
    "DEADLINE_S": "2700",
    "EXPERIMENT": json.dumps(asdict(EXPERIMENT)),
}


@pytest.mark.parametrize("variable", sorted(WAITS_ENVIRONMENT))
def test_a_missing_variable_of_answer_waits_is_named(variable: str) -> None:
    with pytest.raises(MissingSettingError, match=variable):
        read_answer_waits({**WAITS_ENVIRONMENT, variable: ""})


@pytest.mark.parametrize("text", ["{", "{}", '{"guard_rails": {}}', '{"mode": "paired"}'])
def test_an_experiment_that_is_none_is_named(text: str) -> None:
    with pytest.raises(MissingSettingError, match="EXPERIMENT: expected JSON"):
        read_answer_waits({**WAITS_ENVIRONMENT, "EXPERIMENT": text})


@pytest.mark.parametrize("change", [{"mode": "tea"}, {"minimum_effect": 0}])
def test_an_experiment_that_cannot_be_planned_is_named(change: dict[str, object]) -> None:
    text = json.dumps(asdict(EXPERIMENT) | change)

    with pytest.raises(MissingSettingError, match="EXPERIMENT: expected"):
        read_answer_waits({**WAITS_ENVIRONMENT, "EXPERIMENT": text})


def test_a_metric_without_a_value_a_record_is_named(world: World) -> None:
    with pytest.raises(MissingSettingError, match="a metric of log_loss, squared_error, found 'auc'"):
        world.answer_waits(replace(EXPERIMENT, metric="auc"))


def test_the_settings_of_an_experiment_are_read() -> None:
    settings = read_answer_waits(WAITS_ENVIRONMENT)

    assert settings.experiment == EXPERIMENT
    assert settings.capture_uri == "s3://artifacts/flights/capture"


@pytest.mark.parametrize("variable", sorted(set(ENVIRONMENT) - {"RELEASE_PIPELINE"}))
def test_a_missing_variable_is_named(variable: str) -> None:
    with pytest.raises(MissingSettingError, match=variable):
        read_start_training({**ENVIRONMENT, variable: ""})


def test_a_number_that_is_none_is_named() -> None:
    with pytest.raises(MissingSettingError, match="ATTEMPTS_MAX: expected a whole number, found 'many'"):
        read_decide_release({**ENVIRONMENT, "ATTEMPTS_MAX": "many"})


def test_one_bad_record_does_not_stop_the_others(world: World) -> None:
    handled = []

    def handle(message_id: str, _: object) -> None:
        if message_id == "m1":
            raise RuntimeError("not now")
        handled.append(message_id)

    good = {"kind": "StartRequested", "model": "flights", "time": "2026-03-01T06:00:00Z"}
    failed = handle_records(batch_of(good, good, "?", good), handle, DeadLetters(world.clients.sqs, "dead-letters"))

    assert handled == ["m0", "m3"]
    assert failed == ["m1"]


def test_people_hear_of_an_occasion_once_whatever_its_words(world: World) -> None:
    people = world.start_training().books.people

    people.tell(Notice("same", "training-failed", "ätsch\nline", "first"))
    people.tell(Notice("same", "training-failed", "again", "second"))

    assert world.mail() == [("training-failed", "first")]


def test_a_token_is_the_same_for_the_same_parts_and_fits() -> None:
    assert token("b", 1) == token("b", "1")
    assert token("b", 1) != token("b1", "")
    assert len(token("b", 1)) == 64


@pytest.mark.parametrize("title", ["20260301T060000-abc-attempt-1", "été!!", "x" * 200, "-a--b-"])
def test_a_display_name_is_what_sagemaker_takes(title: str) -> None:
    asked: dict[str, str] = {}

    class Recorder(FakeSageMaker):
        def start_pipeline_execution(self, **request: str) -> dict[str, str]:
            asked.update(request)
            return {"PipelineExecutionArn": "arn"}

    start(Recorder(), "p", {}, request_token="t", title=title)  # type: ignore[arg-type]

    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,81}", asked["PipelineExecutionDisplayName"])


@pytest.mark.parametrize(
    ("context", "who"),
    [
        ({"LastModifiedBy": {"UserProfileName": "ana", "IamIdentity": {"Arn": "arn:x"}}}, "ana"),
        ({"LastModifiedBy": {"IamIdentity": {"Arn": "arn:x", "PrincipalId": "p"}}}, "arn:x"),
        ({"LastModifiedBy": {"IamIdentity": {"PrincipalId": "p"}}}, "p"),
        ({"CreatedBy": {"UserProfileName": "ben"}}, "ben"),
        ({}, "unknown"),
    ],
)
def test_who_changed_a_package(context: dict[str, object], who: str) -> None:
    fake = FakeSageMaker(packages={"arn": {"ModelApprovalStatus": "Approved", **context}})

    assert describe(fake, "arn").who == who  # type: ignore[arg-type]


def test_a_package_of_another_origin_has_no_batch() -> None:
    modified = datetime(2026, 3, 1, tzinfo=UTC)
    fake = FakeSageMaker(packages={"arn": {"LastModifiedTime": modified}})

    package = describe(fake, "arn")  # type: ignore[arg-type]

    assert (package.status, package.batch_id, package.attempt) == ("PendingManualApproval", "", 1)
    assert package.modified_at == modified
