"""The comparison that an experiment is planned from: of its own metric, or none."""

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.answer_waits.judge import Spread
from lambdas.answer_waits.sources import NoComparisonError, read_spread

URI = "s3://driftloop-artifacts/flights/releases/r/staging/comparison.json"
COMPARISON = {
    "metric": "log_loss",
    "champion": {"loss": {"sd": 0.4}},
    "challenger": {"loss": {"sd": 0.3}},
    "difference": {"sd": 0.2},
    "other_metrics": {
        "squared_error": {
            "champion": {"loss": {"sd": 0.04}},
            "challenger": {"loss": {"sd": 0.03}},
            "difference": {"sd": 0.02},
        }
    },
}


class Bucket:
    """S3 with one object, or with one answer to everything."""

    def __init__(self, found: dict[str, Any] | str) -> None:
        self._found = found

    def get_object(self, **_: str) -> dict[str, Any]:
        if isinstance(self._found, str):
            raise ClientError({"Error": {"Code": self._found, "Message": "no"}}, "GetObject")
        return {"Body": io.BytesIO(json.dumps(self._found).encode())}


def spread(found: dict[str, Any] | str, metric: str = "log_loss") -> Spread:
    bucket: Any = Bucket(found)
    return read_spread(bucket, URI, metric)


def test_the_plan_is_made_from_losses_of_the_experiments_own_metric() -> None:
    assert spread(COMPARISON) == Spread(0.4, 0.3, 0.2)
    assert spread(COMPARISON, "squared_error") == Spread(0.04, 0.03, 0.02)


def test_losses_of_another_metric_are_no_plan() -> None:
    of_log_loss = {name: value for name, value in COMPARISON.items() if name != "other_metrics"}

    with pytest.raises(NoComparisonError, match="expected losses of squared_error, found log_loss"):
        spread(of_log_loss, "squared_error")


@pytest.mark.parametrize("code", ["NoSuchKey", "NoSuchBucket", "AccessDenied"])
def test_a_missing_comparison_is_named_whatever_s3_calls_it(code: str) -> None:
    with pytest.raises(NoComparisonError, match=rf"{URI}' does not exist, or may not be read \({code}\)"):
        spread(code)


def test_what_s3_may_answer_another_time_is_asked_again() -> None:
    with pytest.raises(ClientError, match="SlowDown"):
        spread("SlowDown")
