"""AWS::ECR::Repository."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, document, picked

_CREATED_WITH = ("EncryptionConfiguration", "ImageScanningConfiguration", "ImageTagMutability", "Tags")
_SET_AFTERWARDS = ("LifecyclePolicy", "RepositoryPolicyText")


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    name = properties.get("RepositoryName") or deployment.physical_name(logical_id, 256, is_lower=True)
    request = {"repositoryName": name}
    request.update({key[0].lower() + key[1:]: value for key, value in picked(properties, *_CREATED_WITH).items()})
    made = deployment.call("ecr", "CreateRepository", request)["repository"]
    if "RepositoryPolicyText" in properties:
        policy = {"repositoryName": name, "policyText": document(properties["RepositoryPolicyText"])}
        deployment.call("ecr", "SetRepositoryPolicy", policy)
    if "LifecyclePolicy" in properties:
        text = properties["LifecyclePolicy"]["LifecyclePolicyText"]
        deployment.call("ecr", "PutLifecyclePolicy", {"repositoryName": name, "lifecyclePolicyText": text})
    return Created(name, {"Arn": made["repositoryArn"], "RepositoryUri": made["repositoryUri"]})


TYPE = ResourceType("AWS::ECR::Repository", frozenset({"RepositoryName", *_CREATED_WITH, *_SET_AFTERWARDS}), create)
