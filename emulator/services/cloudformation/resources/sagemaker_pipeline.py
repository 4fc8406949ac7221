"""AWS::SageMaker::Pipeline, its definition inline."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, only

_PROPERTIES = frozenset(
    {
        "ParallelismConfiguration",
        "PipelineDefinition",
        "PipelineDescription",
        "PipelineDisplayName",
        "PipelineName",
        "RoleArn",
        "Tags",
    }
)


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    only(f"{logical_id} PipelineDefinition", properties["PipelineDefinition"], "PipelineDefinitionBody")
    body = properties["PipelineDefinition"]["PipelineDefinitionBody"]
    token = deployment.kernel.ids.uuid()
    request = {**properties, "PipelineDefinition": body, "ClientRequestToken": token}
    deployment.call("sagemaker", "CreatePipeline", request)
    return Created(properties["PipelineName"])


TYPE = ResourceType("AWS::SageMaker::Pipeline", _PROPERTIES, create)
