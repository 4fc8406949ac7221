"""What each step type takes: its keys, its arguments, and which of them must be there.

AWS_NAME: Pipeline steps
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html; argument names are the members of
    the Create request that the step makes (botocore 1.44.5, sagemaker), read 2026-11
DIFFERS: types and keys in NOT_EMULATED are known and refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass

COMMON_KEYS = frozenset({"Name", "Type", "Arguments", "DependsOn", "DisplayName", "Description"})
_JOB_KEYS = frozenset({"CacheConfig", "RetryPolicies"})

NOT_EMULATED = frozenset(
    {
        "Tuning",
        "Transform",
        "QualityCheck",
        "ClarifyCheck",
        "EMR",
        "EMRServerless",
        "AutoML",
        "EndpointConfig",
        "Endpoint",
        "InferenceComponent",
        "ForEach",
        "Cleanup",
        "Lineage",
        "Job",
    }
)


@dataclass(frozen=True)
class StepType:
    """Keys beside the common ones, argument names (None: any), and the arguments and keys that must be there."""

    keys: frozenset[str] = frozenset()
    arguments: frozenset[str] | None = None
    required_arguments: frozenset[str] = frozenset()
    required_keys: frozenset[str] = frozenset()


STEP_TYPES: dict[str, StepType] = {
    "Processing": StepType(
        keys=_JOB_KEYS | {"PropertyFiles"},
        arguments=frozenset(
            {
                "ProcessingJobName",
                "ProcessingInputs",
                "ProcessingOutputConfig",
                "ProcessingResources",
                "StoppingCondition",
                "AppSpecification",
                "Environment",
                "NetworkConfig",
                "RoleArn",
                "Tags",
                "ExperimentConfig",
            }
        ),
        required_arguments=frozenset({"ProcessingResources", "AppSpecification", "RoleArn"}),
    ),
    "Training": StepType(
        keys=_JOB_KEYS,
        arguments=frozenset(
            {
                "TrainingJobName",
                "HyperParameters",
                "AlgorithmSpecification",
                "RoleArn",
                "InputDataConfig",
                "OutputDataConfig",
                "ResourceConfig",
                "VpcConfig",
                "StoppingCondition",
                "Tags",
                "EnableNetworkIsolation",
                "EnableInterContainerTrafficEncryption",
                "EnableManagedSpotTraining",
                "CheckpointConfig",
                "DebugHookConfig",
                "DebugRuleConfigurations",
                "TensorBoardOutputConfig",
                "ExperimentConfig",
                "ProfilerConfig",
                "ProfilerRuleConfigurations",
                "Environment",
                "RetryStrategy",
                "RemoteDebugConfig",
                "InfraCheckConfig",
                "SessionChainingConfig",
                "ServerlessJobConfig",
                "MlflowConfig",
                "ModelPackageConfig",
            }
        ),
        required_arguments=frozenset({"AlgorithmSpecification", "OutputDataConfig", "ResourceConfig", "RoleArn"}),
    ),
    "Model": StepType(
        keys=frozenset({"RetryPolicies"}),
        arguments=frozenset(
            {
                "ModelName",
                "PrimaryContainer",
                "Containers",
                "InferenceExecutionConfig",
                "ExecutionRoleArn",
                "Tags",
                "VpcConfig",
                "EnableNetworkIsolation",
            }
        ),
    ),
    "RegisterModel": StepType(
        keys=frozenset({"RetryPolicies"}),
        arguments=frozenset(
            {
                "ModelPackageName",
                "ModelPackageGroupName",
                "ModelPackageDescription",
                "ModelPackageRegistrationType",
                "InferenceSpecification",
                "ValidationSpecification",
                "SourceAlgorithmSpecification",
                "CertifyForMarketplace",
                "Tags",
                "ModelApprovalStatus",
                "MetadataProperties",
                "ModelMetrics",
                "ClientToken",
                "Domain",
                "Task",
                "SamplePayloadUrl",
                "CustomerMetadataProperties",
                "DriftCheckBaselines",
                "AdditionalInferenceSpecifications",
                "SkipModelValidation",
                "SourceUri",
                "SecurityConfig",
                "ModelCard",
                "ModelLifeCycle",
                "ManagedStorageType",
            }
        ),
        required_arguments=frozenset({"ModelPackageGroupName"}),
    ),
    "Callback": StepType(
        keys=frozenset({"SqsQueueUrl", "OutputParameters", "CacheConfig"}), required_keys=frozenset({"SqsQueueUrl"})
    ),
    "Condition": StepType(
        arguments=frozenset({"Conditions", "IfSteps", "ElseSteps"}), required_arguments=frozenset({"Conditions"})
    ),
    "Fail": StepType(arguments=frozenset({"ErrorMessage"})),
    "Lambda": StepType(
        keys=frozenset({"FunctionArn", "OutputParameters", "CacheConfig"}), required_keys=frozenset({"FunctionArn"})
    ),
}
