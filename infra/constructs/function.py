"""A function, fed from a queue or called: small, with a role and a log group of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.names import arn
from infra.policies.statements import allow

TIMEOUT: Final = Duration.seconds(30)
_BATCH_SIZE: Final = 10
"""The most that Lambda takes without a batching window; more gains nothing while a message costs a few calls."""


@dataclass(frozen=True)
class Feed:
    """Where a function's records come from.

    Attributes:
        window_s: how long the poller gathers before it calls the function; 0 calls at once.
    """

    queue: sqs.Queue
    window_s: int


def visibility_timeout(window_s: int, timeout: Duration = TIMEOUT) -> Duration:
    """How long a message stays hidden while a function has it.

    Source: Lambda developer guide, "Using Lambda with Amazon SQS": at least six times the function's timeout, plus
    the batching window.
    """
    return Duration.seconds(6 * int(timeout.to_seconds()) + window_s)


class LoopFunction(Construct):
    """A function of the `lambdas` package.

    Args:
        capability: package under `lambdas` that holds the handler, such as `start_training`.
        feed: the queue that it is fed from; None for one that is called.
        permissions: what its role may do besides writing its own log and reading its queue.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        capability: str,
        code: lambda_.Code,
        feed: Feed | None,
        environment: Mapping[str, str],
        permissions: Sequence[iam.PolicyStatement],
        timeout: Duration = TIMEOUT,
    ) -> None:
        super().__init__(scope, construct_id)
        log_group = self._log_group(name)
        self.role = self._role(name, permissions)
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler=f"lambdas.{capability}.handler.handler",
            code=code,
            memory_size=256,
            timeout=timeout,
            role=self.role,
            log_group=log_group,
            environment={"POWERTOOLS_SERVICE_NAME": name, "POWERTOOLS_LOG_LEVEL": "INFO", **environment},
        )
        if feed:
            self.function.add_event_source(_event_source(feed))

    def _log_group(self, name: str) -> logs.LogGroup:
        """Made here: Lambda would make one that keeps everything for ever, and CDK's retention is a custom resource."""
        return logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/lambda/{name}",
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _role(self, name: str, permissions: Sequence[iam.PolicyStatement]) -> iam.Role:
        role = iam.Role(self, "Role", role_name=name, assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        write_log = allow(
            "logs:CreateLogStream",
            "logs:PutLogEvents",
            on=arn("logs", f"log-group:/aws/lambda/{name}:*"),
            because="Lambda names the streams of the function's log group",
        )
        for statement in (write_log, *permissions):
            role.add_to_policy(statement)
        return role


def _event_source(feed: Feed) -> sources.SqsEventSource:
    return sources.SqsEventSource(
        feed.queue,
        batch_size=_BATCH_SIZE,
        max_batching_window=Duration.seconds(feed.window_s),
        report_batch_item_failures=True,
    )
