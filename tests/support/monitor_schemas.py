"""JSON schemas of Model Monitor's files, written from the documentation's pages and a real file (shared facts)."""

from typing import Any

_COMMON = {"type": "object", "required": ["num_present", "num_missing"], "additionalProperties": {"type": "integer"}}
_NUMBER = {"type": "number"}


def _closed(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    properties = {**required, **(optional or {})}
    return {"type": "object", "required": list(required), "properties": properties, "additionalProperties": False}


def _list(item: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": item, **more}


_BUCKET = _closed({"lower_bound": _NUMBER, "upper_bound": _NUMBER, "count": _NUMBER})
_SKETCH = _closed({"parameters": _closed({"c": _NUMBER, "k": _NUMBER}), "data": _list(_list(_NUMBER))})
_KLL = _closed({"kll": _closed({"buckets": _list(_BUCKET, minItems=10, maxItems=10), "sketch": _SKETCH})})
_CATEGORY = _closed({"value": {"type": "string"}, "count": {"type": "integer"}})
_NUMERICAL = _closed(
    {
        "common": _COMMON,
        **dict.fromkeys(("mean", "sum", "std_dev", "min", "max"), _NUMBER),
        "distribution": _KLL,
    },
    {"approximate_num_distinct_values": {"type": "integer"}, "completeness": _NUMBER},
)
_TEXT = _closed(
    {"common": _COMMON, "distinct_count": _NUMBER},
    {"completeness": _NUMBER, "distribution": _closed({"categorical": _closed({"buckets": _list(_CATEGORY)})})},
)
_NAME = {"name": {"type": "string"}}

STATISTICS = _closed(
    {
        "version": {"const": 0.0},
        "dataset": _closed({"item_count": {"type": "integer"}}),
        "features": _list(
            {
                "oneOf": [
                    _closed(
                        {
                            **_NAME,
                            "inferred_type": {"enum": ["Integral", "Fractional"]},
                            "numerical_statistics": _NUMERICAL,
                        }
                    ),
                    _closed({**_NAME, "inferred_type": {"enum": ["String", "Unknown"]}, "string_statistics": _TEXT}),
                ]
            }
        ),
    }
)

_SWITCH = {"enum": ["Enabled", "Disabled"]}
CONSTRAINTS = _closed(
    {
        "version": {"const": 0.0},
        "features": _list(
            _closed(
                {
                    **_NAME,
                    "inferred_type": {"enum": ["Integral", "Fractional", "String", "Unknown"]},
                    "completeness": _NUMBER,
                },
                {
                    "num_constraints": _closed({"is_non_negative": {"type": "boolean"}}),
                    "string_constraints": _closed({"domains": _list({"type": "string"})}),
                    "monitoringConfigOverrides": {"type": "object"},
                },
            )
        ),
        "monitoring_config": _closed(
            {
                "evaluate_constraints": _SWITCH,
                "emit_metrics": _SWITCH,
                "datatype_check_threshold": _NUMBER,
                "domain_content_threshold": _NUMBER,
                "distribution_constraints": _closed(
                    {
                        "perform_comparison": _SWITCH,
                        "comparison_threshold": _NUMBER,
                        "comparison_method": {"enum": ["Simple", "Robust"]},
                        "categorical_comparison_threshold": _NUMBER,
                        "categorical_drift_method": {"enum": ["LInfinity", "ChiSquared"]},
                    }
                ),
            }
        ),
    }
)

CHECKS = (
    "data_type_check",
    "completeness_check",
    "baseline_drift_check",
    "missing_column_check",
    "extra_column_check",
    "categorical_values_check",
)
VIOLATIONS = _closed(
    {
        "violations": _list(
            _closed(
                {
                    "feature_name": {"type": "string"},
                    "constraint_check_type": {"enum": list(CHECKS)},
                    "description": {"type": "string"},
                }
            )
        )
    }
)
