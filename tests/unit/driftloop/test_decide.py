"""Which version `approve MODEL` means: the one that waits, never a guess."""

from typing import Any

import pytest

from driftloop.commands import decide
from driftloop.errors import UserError
from driftloop.stacks import Model

MODEL = Model(
    "flights",
    "s",
    "s3://raw/raw/flights/",
    "group",
    "train",
    "retrain",
    "release",
    "rollback",
    "watch",
    "prod",
    "topic",
    "ledger",
    "artifacts",
)
ARN = "arn:aws:sagemaker:us-east-1:123456789012:model-package/group/"


class Registry:
    """A model registry that has these versions waiting."""

    def __init__(self, *waiting: int) -> None:
        self._waiting = waiting
        self.asked: dict[str, Any] = {}

    def list_model_packages(self, **params: Any) -> dict[str, Any]:
        self.asked = params
        return {"ModelPackageSummaryList": [{"ModelPackageArn": f"{ARN}{version}"} for version in self._waiting]}


def test_the_one_version_that_waits_is_meant() -> None:
    registry = Registry(7)

    assert decide.pending(registry, MODEL) == f"{ARN}7"

    assert registry.asked == {"ModelPackageGroupName": "group", "ModelApprovalStatus": "PendingManualApproval"}


def test_when_none_waits_a_person_learns_where_to_look() -> None:
    with pytest.raises(UserError, match="no version of 'flights' waits for approval; see `driftloop status`"):
        decide.pending(Registry(), MODEL)


def test_when_several_wait_they_are_listed_to_choose_from() -> None:
    with pytest.raises(UserError, match=r"name one by its ARN:\n  \S+group/7\n  \S+group/8"):
        decide.pending(Registry(7, 8), MODEL)
