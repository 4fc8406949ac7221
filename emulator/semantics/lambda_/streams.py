"""A stream as its readers see it from outside: its shards, how they descend from each other, how far they go.

Children are read only after their parents have been read to the end.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

AWS_NAME = "Lambda readers of resharded streams"
SOURCE = (
    "https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-after-resharding.html, "
    "https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html (read 2026-11-23)"
)


@dataclass(frozen=True)
class Shard:
    """`last` is the sequence number of its newest record ("" when it never had one); a closed shard gets no more."""

    shard_id: str
    parents: tuple[str, ...]
    is_closed: bool
    last: str


@dataclass(frozen=True)
class Stream:
    """`created` tells a stream from a later one of the same name; records older than `retention_s` are gone."""

    created: str
    retention_s: int
    shards: tuple[Shard, ...]


def readable(shards: Collection[Shard], finished: Collection[str]) -> list[Shard]:
    """The shards whose parents are finished, or gone from the stream."""
    there = {shard.shard_id for shard in shards}
    return [shard for shard in shards if all(parent in finished or parent not in there for parent in shard.parents)]


def is_behind(shard: Shard, read: str) -> bool:
    """Whether the shard has had records after `read`."""
    return bool(shard.last) and (read == "" or int(shard.last) > int(read))
