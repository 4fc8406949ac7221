"""A queue between a rule and a function, with a dead-letter queue that someone hears of."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct


class WatchedQueue(Construct):
    """A queue, its dead-letter queue, and the alarm that tells people when a message is in the latter."""

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str, visibility_timeout: Duration, people_topic_arn: str
    ) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = dead_letter_queue(self, f"{name}-dlq")
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=name,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            visibility_timeout=visibility_timeout,
            retention_period=Duration.days(4),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=5),
        )
        told = "A message could not be handled. Read it, mend the cause, then `driftloop replay`."
        alarm_on(self, self.dead_letters, f"{name}-dlq", told, people_topic_arn)

    def take(self, rule_id: str, *, name: str, description: str, pattern: events.EventPattern) -> events.Rule:
        """Send what matches the pattern into the queue; what cannot be delivered for a day goes to the dead letters."""
        target = targets.SqsQueue(
            self.queue, dead_letter_queue=self.dead_letters, max_event_age=Duration.hours(24), retry_attempts=185
        )
        return events.Rule(
            self, rule_id, rule_name=name, description=description, event_pattern=pattern, targets=[target]
        )


def dead_letter_queue(scope: Construct, name: str) -> sqs.Queue:
    """Where a message waits that nobody could handle, or an event that could not be delivered."""
    return sqs.Queue(
        scope,
        "DeadLetters",
        queue_name=name,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=Duration.days(14),
    )


def alarm_on(scope: Construct, dead_letters: sqs.Queue, name: str, told: str, people_topic_arn: str) -> None:
    """Tell people when something lies in a dead-letter queue."""
    alarm = cloudwatch.Alarm(
        scope,
        "DeadLetterAlarm",
        alarm_name=name,
        alarm_description=told,
        metric=dead_letters.metric_approximate_number_of_messages_visible(
            period=Duration.minutes(1), statistic="Maximum"
        ),
        threshold=0,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluation_periods=1,
        # SQS stops reporting a queue that nobody used for six hours: silence means empty.
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    topic = sns.Topic.from_topic_arn(scope, "People", people_topic_arn)
    alarm.add_alarm_action(actions.SnsAction(topic))
