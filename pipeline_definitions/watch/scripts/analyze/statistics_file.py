"""statistics.json: what Model Monitor writes of a data set, and what is read back as a baseline.

Bucket counts are exact when every value was kept, else those of the sketch, as AWS's are. `std_dev` is that of the
population. `version` is 0.0, as in files that AWS really wrote.

Source: docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-statistics.html, and a real file, read 2026-11.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from pipeline_definitions.watch.scripts.analyze.columns import NUMERIC, Column, Numbers, Profile, Words, edges
from pipeline_definitions.watch.scripts.analyze.sketch import Sketch

Json = Mapping[str, Any]

VERSION: Final = 0.0


def render(profile: Profile) -> dict[str, Any]:
    """The file's content."""
    return {
        "version": VERSION,
        "dataset": {"item_count": profile.item_count},
        "features": [_feature(column) for column in profile.columns],
    }


def parse(document: Json, errors: Mapping[str, float]) -> Profile:
    """A baseline, ours or AWS's.

    Args:
        errors: of sketches, by feature, where they are known better than from the file.
    """
    features = document.get("features", ())
    columns = tuple(_column(feature, errors.get(feature["name"])) for feature in features)
    return Profile(int(document["dataset"]["item_count"]), columns)


def _feature(column: Column) -> dict[str, Any]:
    head = {"name": column.name, "inferred_type": column.inferred_type}
    common = {"common": {"num_present": column.present, "num_missing": column.missing}}
    if column.inferred_type in NUMERIC and column.numbers:
        return {**head, "numerical_statistics": {**common, **_numbers(column.numbers, column.completeness)}}
    words = column.words or Words(0, {})
    return {**head, "string_statistics": {**common, **_words(words, column.completeness)}}


def _numbers(numbers: Numbers, completeness: float) -> dict[str, Any]:
    bounds = numbers.edges.tolist()
    buckets = [
        {"lower_bound": low, "upper_bound": high, "count": float(count)}
        for low, high, count in zip(bounds[:-1], bounds[1:], numbers.buckets, strict=True)
    ]
    sketch = numbers.sketch
    parameters = {"c": sketch.shrink, "k": float(sketch.size)}
    kept = [level.tolist() for level in sketch.levels]
    return {
        "mean": numbers.mean,
        "sum": numbers.total,
        "std_dev": numbers.std,
        "min": numbers.minimum,
        "max": numbers.maximum,
        "approximate_num_distinct_values": numbers.distinct,
        "completeness": completeness,
        "distribution": {"kll": {"buckets": buckets, "sketch": {"parameters": parameters, "data": kept}}},
    }


def _words(words: Words, completeness: float) -> dict[str, Any]:
    found: dict[str, Any] = {"distinct_count": float(words.distinct), "completeness": completeness}
    if words.is_listed:
        buckets = [{"value": word, "count": count} for word, count in words.counts.items()]
        found["distribution"] = {"categorical": {"buckets": buckets}}
    return found


def _column(feature: Json, error: float | None) -> Column:
    kind = "numerical_statistics" if "numerical_statistics" in feature else "string_statistics"
    told = feature.get(kind, {})
    common = told.get("common", {"num_present": 0, "num_missing": 0})
    numeric = kind == "numerical_statistics"
    return Column(
        str(feature["name"]),
        str(feature["inferred_type"]),
        int(common["num_present"]),
        int(common["num_missing"]),
        numbers=_read_numbers(told, error) if numeric else None,
        words=None if numeric else _read_words(told),
    )


def _read_numbers(told: Json, error: float | None) -> Numbers | None:
    kept = told.get("distribution", {}).get("kll", {}).get("sketch")
    if not kept or not any(kept["data"]):
        return None
    parameters = kept["parameters"]
    sketch = Sketch.of_levels(kept["data"], int(parameters["k"]), float(parameters["c"]))
    mean, total, std, minimum, maximum = (float(told[key]) for key in ("mean", "sum", "std_dev", "min", "max"))
    distinct = int(told.get("approximate_num_distinct_values", np.unique(np.concatenate(sketch.levels)).size))
    points = sketch.points()
    counts = points.counts(edges(minimum, maximum))
    known = sketch.error if error is None else error
    return Numbers(mean, total, std, minimum, maximum, distinct, counts, sketch, points, known)


def _read_words(told: Json) -> Words:
    buckets = told.get("distribution", {}).get("categorical", {}).get("buckets")
    counts = {str(bucket["value"]): int(bucket["count"]) for bucket in buckets or ()}
    return Words(int(told.get("distinct_count", len(counts))), counts, is_listed=buckets is not None)
