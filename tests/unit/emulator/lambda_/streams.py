"""Records of a stream for tests of what becomes of them."""

from datetime import UTC, datetime, timedelta

from emulator.semantics.lambda_.stream_records import Record

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def record(number: int, age_s: float = 0, key: str = "k") -> Record:
    return Record(str(number), NOW - timedelta(seconds=age_s), key, {"n": number})


def records(count: int, first: int = 1) -> tuple[Record, ...]:
    return tuple(record(number) for number in range(first, first + count))
