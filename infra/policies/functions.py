"""What the functions of the loop may do: the ledger, people, and the one pipeline that each of them starts."""

from aws_cdk import aws_iam as iam

from infra.names import SharedNames
from infra.policies.statements import allow


def use_ledger(names: SharedNames) -> iam.PolicyStatement:
    """Read and write rows of the ledger; transactions of puts and deletes ask for the same verbs."""
    return allow(
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        on=names.ledger_arn,
    )


def tell_people(names: SharedNames) -> iam.PolicyStatement:
    """Publish to the people topic."""
    return allow("sns:Publish", on=names.people_topic_arn)


def watch_and_start(pipeline_arn: str) -> list[iam.PolicyStatement]:
    """Start one pipeline, and read why an execution of it failed."""
    return [
        allow("sagemaker:StartPipelineExecution", on=pipeline_arn),
        allow(
            "sagemaker:ListPipelineExecutionSteps",
            on=f"{pipeline_arn}/execution/*",
            because="SageMaker names an execution when it starts",
        ),
    ]
