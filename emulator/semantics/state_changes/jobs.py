"""Events of training and processing jobs.

AWS_NAME: SageMaker Training Job State Change, SageMaker Processing Job State Change
SOURCE: automating-sagemaker-with-eventbridge.html#eventbridge-training (read 2026-11)
DIFFERS: AWS publishes no full sample of the processing event; ours is what DescribeProcessingJob answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.semantics.state_changes.times import epoch_ms

_TRAINING = (
    "TrainingJobName",
    "TrainingJobArn",
    "TrainingJobStatus",
    "SecondaryStatus",
    "FailureReason",
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ModelArtifacts",
    "ResourceConfig",
    "VpcConfig",
    "StoppingCondition",
    "CreationTime",
    "TrainingStartTime",
    "TrainingEndTime",
    "LastModifiedTime",
    "SecondaryStatusTransitions",
)


def training(job: Mapping[str, Any], tags: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    detail = {key: job[key] for key in _TRAINING if key in job}
    return "SageMaker Training Job State Change", {**epoch_ms(detail), "Tags": dict(tags)}


def processing(job: Mapping[str, Any], tags: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    return "SageMaker Processing Job State Change", {**epoch_ms(dict(job)), "Tags": dict(tags)}
