"""Endpoint configurations that AWS does not take.

AWS_NAME: CreateEndpointConfig (combinations)
SOURCE: API_CreateEndpointConfig (with ShadowProductionVariants one production and one shadow variant),
    shadow-tests-create.html, serverless-endpoints.html#serverless-endpoints-how-it-works-exclusions (no data capture,
    several variants, multi-model, inference pipelines), public reports that variant names are unique, read 2026-11
DIFFERS: the wording of these refusals is ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emulator.semantics.endpoints import variants


def refusal(config: Mapping[str, Any]) -> str | None:
    """Why a configuration is refused; None when it is taken."""
    names = variants.names(config)
    if len(set(names)) < len(names):
        return "Production variant names must be unique within an endpoint configuration."
    shadows = config.get("ShadowProductionVariants") or ()
    if shadows and (len(shadows), len(config["ProductionVariants"])) != (1, 1):
        return "With ShadowProductionVariants there can be one production variant and one shadow variant only."
    if variants.is_serverless(config):
        return _serverless_refusal(config)
    if config.get("AsyncInferenceConfig") and len(config["ProductionVariants"]) > 1:
        return "Asynchronous endpoints support one production variant only."
    if config.get("AsyncInferenceConfig") and shadows:
        return "ShadowProductionVariants is not supported for asynchronous endpoints."
    return None


def _serverless_refusal(config: Mapping[str, Any]) -> str | None:
    if (config.get("DataCaptureConfig") or {"EnableCapture": False}).get("EnableCapture", True):
        return "DataCaptureConfig is not supported for serverless endpoints."
    if config.get("ShadowProductionVariants"):
        return "ShadowProductionVariants is not supported for serverless endpoints."
    if len(config["ProductionVariants"]) > 1:
        return "Serverless endpoints support one production variant only."
    if config.get("AsyncInferenceConfig"):
        return "AsyncInferenceConfig is not supported for serverless endpoints."
    memory = config["ProductionVariants"][0]["ServerlessConfig"].get("MemorySizeInMB", 0)
    if memory % 1024:
        return f"MemorySizeInMB must be a multiple of 1024, is {memory}."
    return None


def model_refusal(item: Mapping[str, Any], containers: Sequence[Mapping[str, Any]]) -> str | None:
    """Why a variant cannot have this model; None when it can."""
    if "ServerlessConfig" in item and len(containers) > 1:
        return "Inference pipelines are not supported for serverless endpoints."
    if "ServerlessConfig" in item and any(container.get("Mode") == "MultiModel" for container in containers):
        return "Multi-model endpoints are not supported for serverless endpoints."
    return None
