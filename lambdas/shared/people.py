"""Telling people: one message per thing that happened, in words, through the people topic."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lambdas.shared.ledger.trail import Trail

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

_MAX_SUBJECT: Final = 100
"""Source: SNS API reference, Publish: ASCII, no line breaks, fewer than 100 characters; read 2026-09."""
_MAX_TEXT: Final = 8_000


@dataclass(frozen=True)
class Notice:
    """Something that a person should know.

    Attributes:
        id: the same occasion has the same id, so that a repeated event tells nobody twice.
        kind: a constant that filters and tests may rely on, such as `pending-approval`.
        subject: a line.
        text: what happened, why, and what to do next.
    """

    id: str
    kind: str
    subject: str
    text: str


@dataclass(frozen=True)
class People:
    """The people who watch over one model."""

    sns: "SNSClient"
    topic_arn: str
    model: str
    trail: Trail

    def tell(self, notice: Notice) -> None:
        """Publish unless it was; a crash in between tells twice rather than never."""
        if self.trail.was_told(notice.id):
            return
        self.sns.publish(
            TopicArn=self.topic_arn,
            Subject=_subject(notice.subject),
            Message=notice.text[:_MAX_TEXT],
            MessageAttributes={
                "kind": {"DataType": "String", "StringValue": notice.kind},
                "model": {"DataType": "String", "StringValue": self.model},
            },
        )
        self.trail.told(notice.id, notice.subject)


def _subject(text: str) -> str:
    ascii_line = " ".join(text.encode("ascii", "replace").decode().split())
    return ascii_line[: _MAX_SUBJECT - 1]
