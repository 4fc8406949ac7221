"""The step Evaluate: the new model beside the one that production serves, on the same rows."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.scripts import Ended, MlDir
from tests.support.small_models import Aws, Model, evaluate

pytestmark = pytest.mark.xdist_group("pipelines-model-tests")  # with whom it shares the trained models


def judged(aws: Aws, folder: Path, challenger: Model, role_arn: str = "none") -> tuple[dict[str, Any], Ended]:
    """What Evaluate says of a model that was just trained."""
    ml = MlDir(folder)
    ml.put("model/model.tar.gz", challenger.archive)
    ml.put("holdout/holdout.csv", challenger.holdout)
    ended = evaluate(ml, aws.production, aws.store.env, role_arn)
    assert ended.code == 0, ended.stderr
    return dict(json.loads(ml.output("evaluation/evaluation.json").read_text())["champion"]), ended


def test_without_a_production_nobody_is_compared_with(aws: Aws, tmp_path: Path, good: Model) -> None:
    champion, ended = judged(aws, tmp_path, good)

    reason = f"{aws.production} serves nobody: there is no champion to compare with"
    assert champion == {"package_arn": None, "worse_by_at_least": 0.0, "said": reason}
    assert reason in ended.stderr


def test_a_better_model_is_better_than_its_champion(aws: Aws, tmp_path: Path, good: Model, bad: Model) -> None:
    package = aws.register(bad)
    aws.serve(package)

    champion, _ = judged(aws, tmp_path, good)

    assert champion["package_arn"] == package
    assert champion["worse_by_at_least"] < champion["worse_by"] < champion["worse_by_at_most"] < -0.1
    assert "the log loss is better by" in champion["said"]


def test_a_model_that_learned_nothing_is_surely_worse(aws: Aws, tmp_path: Path, good: Model, bad: Model) -> None:
    aws.serve(aws.register(good))

    champion, _ = judged(aws, tmp_path, bad)

    assert champion["worse_by_at_least"] > 0.1
    assert champion["rows"] == 1200
    assert "the log loss is worse by" in champion["said"]


def test_the_same_model_again_is_neither_better_nor_worse(aws: Aws, tmp_path: Path, good: Model) -> None:
    aws.serve(aws.register(good))

    champion, _ = judged(aws, tmp_path, good)

    assert (champion["worse_by"], champion["worse_by_at_least"], champion["worse_by_at_most"]) == (0, 0, 0)


@pytest.mark.usefixtures("several_accounts")
def test_the_champion_is_found_in_the_account_that_production_has(aws: Aws, tmp_path: Path, good: Model) -> None:
    role, package = "arn:aws:iam::333333333333:role/release", aws.register(good)
    aws.serve(package, aws.in_account(role))

    there, here = (judged(aws, tmp_path / place, good, found)[0] for place, found in (("a", role), ("b", "none")))

    assert (there["package_arn"], here["package_arn"]) == (package, None)


def test_a_champion_whose_archive_is_gone_keeps_nobody_from_being_trained(
    aws: Aws, tmp_path: Path, good: Model
) -> None:
    package = aws.register(good)
    aws.serve(package)
    uri = aws.sagemaker.describe_model_package(ModelPackageName=package)["InferenceSpecification"]["Containers"][0]
    aws.store.client.delete_object(Bucket=aws.store.bucket, Key=uri["ModelDataUrl"].split("/", 3)[3])

    champion, ended = judged(aws, tmp_path, good)

    assert champion["worse_by_at_least"] == 0
    assert "not compared with the champion: s3://" in ended.stderr
    assert "the object is gone" in champion["said"]


def test_a_model_that_cannot_be_scored_fails_with_the_reason(aws: Aws, tmp_path: Path, good: Model) -> None:
    ml = MlDir(tmp_path)
    ml.put("model/model.tar.gz", b"no archive")
    ml.put("holdout/holdout.csv", good.holdout)

    ended = evaluate(ml, aws.production, aws.store.env)

    assert ended.code == 1
    assert ended.message
    assert "its archive cannot be scored" in ended.message
