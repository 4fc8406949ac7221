"""What containers are given and how their ends are told."""

from __future__ import annotations

import json

import pytest

from emulator.semantics.containers import failures, metrics, toolkit

REQUEST = {
    "TrainingJobName": "job",
    "ResourceConfig": {"InstanceType": "ml.m5.large"},
    "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": "s3://b/p"}}}],
}


def script(**hyperparameters: str) -> toolkit.Script:
    found = toolkit.script(
        {"sagemaker_program": "train.py", "sagemaker_submit_directory": "s3://b/s", **hyperparameters}
    )
    assert found is not None
    return found


def test_quoted_and_plain_hyperparameters_mean_the_same() -> None:
    quoted = toolkit.script({"sagemaker_program": '"train.py"', "sagemaker_submit_directory": '"s3://b/s"', "a": '"x"'})

    assert quoted == script(a="x")


def test_what_sagemaker_itself_uses_does_not_reach_the_script() -> None:
    chosen = script(sagemaker_region="r", _tuning_objective_metric="auc", b="1", a="true", o='{"k": 1}')

    assert chosen.arguments == ("-a", "True", "-b", "1", "-o", "k=1")


def test_without_a_program_there_is_no_script() -> None:
    assert toolkit.script({"num_round": "1", "sagemaker_program": ""}) is None


def test_the_environment_tells_where_everything_is() -> None:
    env = toolkit.environment(REQUEST, script(max_depth="5", flag="true"), 4)

    assert (env["SM_CHANNEL_TRAIN"], env["SM_CHANNELS"]) == ("/opt/ml/input/data/train", '["train"]')
    assert (env["SM_HP_MAX_DEPTH"], env["SM_HP_FLAG"], env["SM_NUM_CPUS"]) == ("5", "true", "4")
    assert json.loads(env["SM_TRAINING_ENV"])["job_name"] == "job"


def test_a_metric_is_the_first_group_of_each_match_and_what_is_no_number_is_none() -> None:
    patterns = metrics.compile_definitions([{"Name": "auc", "Regex": "auc=(\\S+)"}, {"Name": "n", "Regex": "[0-9]+"}])

    assert list(metrics.find(patterns, "auc=0.5 auc=x auc=1e-3")) == [
        ("auc", 0.5),
        ("auc", 0.001),
        ("n", 0.0),
        ("n", 5.0),
        ("n", 1.0),
        ("n", 3.0),
    ]


def test_a_regex_that_does_not_compile_names_its_metric() -> None:
    with pytest.raises(ValueError, match="metric 'auc': regex"):
        metrics.compile_definitions([{"Name": "auc", "Regex": "("}])


def test_reasons_are_never_longer_than_aws_allows() -> None:
    reason = failures.of_training(1, "x" * 5000)

    assert (len(reason), reason[-14:]) == (1024, ", exit code: 1"[-14:])
    assert len(failures.of_step({"FailureReason": "y" * 2000, "ExitMessage": "z"})) == 1024


def test_the_last_traceback_explains_a_death() -> None:
    lines = ["Traceback (most recent call last):", "old", "fine", "Traceback (most recent call last):", "  at", "E: x"]

    assert failures.error_message(lines) == "Traceback (most recent call last):\n  at\nE: x"
    assert failures.error_message(["a", "b"]) == "a\nb"
