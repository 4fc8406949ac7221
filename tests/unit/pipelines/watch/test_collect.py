"""What a version is compared with where people ask for bias or attribution: its own hold-out, or a clear word."""

from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline_definitions.watch.scripts.collect.serving import Asked, NoBaselineError, Serving

BUCKET = "s3://artifacts/flights"
METADATA = {"holdout": f"{BUCKET}/holdout.csv", "predictions": f"{BUCKET}/predictions.csv"}


def _serving(**metadata: str) -> Serving:
    package: dict[str, Any] = {
        "CustomerMetadataProperties": metadata,
        "InferenceSpecification": {"Containers": [{"ModelDataUrl": f"{BUCKET}/model.tar.gz"}]},
    }
    return Serving("arn:package/1", datetime(2026, 1, 1, tzinfo=UTC), package)


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (Asked(bias=False, attribution=False), set()),
        (Asked(bias=True, attribution=False), {"holdout", "predictions"}),
        (Asked(bias=False, attribution=True), {"holdout", "model"}),
        (Asked(bias=True, attribution=True), {"holdout", "predictions", "model"}),
    ],
)
def test_what_is_asked_for_is_compared_with_the_versions_own_files(asked: Asked, names: set[str]) -> None:
    found = _serving(**METADATA).compared_with(asked)

    assert set(found) == names
    assert all(uri.startswith(BUCKET) for uri in found.values())


def test_a_version_from_before_its_predictions_were_kept_is_named_and_one_that_nobody_asks_about_is_fine() -> None:
    old = _serving(holdout=METADATA["holdout"])

    assert old.compared_with(Asked(bias=False, attribution=False)) == {}
    with pytest.raises(NoBaselineError, match="package/1: expected 'predictions' among its metadata"):
        old.compared_with(Asked(bias=True, attribution=False))
