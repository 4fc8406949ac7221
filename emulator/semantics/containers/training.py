"""The files that a training container finds under /opt/ml/input/config.

AWS_NAME: How SageMaker provides training information
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html, read 2026-11
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ROOT = "/opt/ml"
HOST = "algo-1"
NETWORK_INTERFACE = "eth0"


def config_files(request: Mapping[str, Any]) -> dict[str, Any]:
    """JSON documents by file name, from a CreateTrainingJob request."""
    return {
        "hyperparameters.json": dict(request.get("HyperParameters") or {}),
        "inputdataconfig.json": {channel["ChannelName"]: _channel(channel) for channel in channels(request)},
        "resourceconfig.json": resource_config(request),
    }


def channels(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(request.get("InputDataConfig") or ())


def resource_config(request: Mapping[str, Any]) -> dict[str, Any]:
    """One instance, in the one group that SageMaker makes for a homogeneous cluster."""
    instance = request["ResourceConfig"].get("InstanceType", "")
    group = {"instance_group_name": "homogeneousCluster", "instance_type": instance, "hosts": [HOST]}
    return {
        "current_host": HOST,
        "current_instance_type": instance,
        "current_group_name": "homogeneousCluster",
        "hosts": [HOST],
        "instance_groups": [group],
        "network_interface_name": NETWORK_INTERFACE,
    }


def _channel(channel: Mapping[str, Any]) -> dict[str, str]:
    config = {
        "TrainingInputMode": channel.get("InputMode", "File"),
        "S3DistributionType": channel["DataSource"]["S3DataSource"].get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
    return {"ContentType": channel["ContentType"], **config} if "ContentType" in channel else config
