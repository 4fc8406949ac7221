"""SEARCH expressions."""

import pytest

from emulator.semantics.cloudwatch import metric_search
from emulator.semantics.cloudwatch.metric_search import Found, SearchError

METRICS = [
    Found("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "flights-ingest-dlq"}),
    Found("AWS/SQS", "NumberOfMessagesSent", {"QueueName": "flights-ingest"}),
    Found("AWS/Lambda", "Errors", {"FunctionName": "start-training"}),
    Found("loop", "drift", {}),
]


def search(text: str) -> list[int]:
    fits = metric_search.compile_search(text)
    return [number for number, metric in enumerate(METRICS) if fits(metric)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{AWS/SQS,QueueName}", [0, 1]),
        ('{AWS/SQS, QueueName} MetricName="NumberOfMessagesSent"', [1]),
        ("{AWS/SQS,QueueName} dlq", [0]),
        ("{AWS/SQS,QueueName} -dlq", [1]),
        ("{AWS/SQS,QueueName} NOT dlq", [1]),
        ("Namespace=AWS/Lambda Errors", [2]),
        ('QueueName=("flights-ingest" OR "none")', [1]),
        ("Errors OR drift", [2, 3]),
        ("(Errors OR drift) AND start", [2]),
        ('"drift"', [3]),
        ("{loop}", [3]),
        ("messages", [0, 1]),
    ],
)
def test_a_search_finds(text: str, expected: list[int]) -> None:
    assert search(text) == expected


@pytest.mark.parametrize("text", ["{}", "(a", "NOT"])
def test_a_malformed_search_is_refused(text: str) -> None:
    with pytest.raises(SearchError):
        search(text)
