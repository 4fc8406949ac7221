"""AWS::SNS::Subscription."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, document, picked

_ATTRIBUTES = ("FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy")


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    request = picked(properties, "TopicArn", "Protocol", "Endpoint")
    found = picked(properties, *_ATTRIBUTES)
    attributes = {
        name: str(value).lower() if isinstance(value, bool) else document(value) for name, value in found.items()
    }
    answer = deployment.call("sns", "Subscribe", {**request, "Attributes": attributes, "ReturnSubscriptionArn": True})
    return Created(answer["SubscriptionArn"], {"Arn": answer["SubscriptionArn"]})


TYPE = ResourceType("AWS::SNS::Subscription", frozenset({"Endpoint", "Protocol", "TopicArn", *_ATTRIBUTES}), create)
