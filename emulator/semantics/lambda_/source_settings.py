"""What a mapping of each kind of event source may say, what it says by default, and what AWS refuses in it.

Texts are AWS's own where a public report quotes them; the others name the field and the limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emulator.semantics.lambda_ import event_filters

AWS_NAME = "Lambda event source mappings: parameters"
SOURCE = (
    "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html, "
    "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html, "
    "https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html (read 2026-11-23)"
)
DIFFERS = (
    "Kafka, MQ, DocumentDB, provisioned pollers, tumbling windows and encrypted filters (hence FilterCriteriaError) "
    "are refused by name; "
    "a mapping is in its new state when the answer that says Creating, Updating or Deleting has been given"
)

FILTERS_MAX = 5
RECORD_AGE_MIN_S = 60
PARTIAL = "ReportBatchItemFailures"
Settings = dict[str, Any]


class InvalidMapping(ValueError):  # noqa: N818 - AWS names it InvalidParameterValueException
    """AWS refuses the mapping; the text says why."""


class NotEmulated(ValueError):  # noqa: N818 - said of a field, not of a failure
    """AWS may well take it; the emulator does not."""


@dataclass(frozen=True)
class Kind:
    """A kind of event source: its name, its batches, its settings with their defaults, the positions it starts from."""

    name: str
    batch_size: int
    batch_size_max: int
    defaults: tuple[tuple[str, Any], ...]
    optional: frozenset[str]
    positions: frozenset[str] = frozenset()

    @property
    def is_stream(self) -> bool:
        return bool(self.positions)


_COMMON = frozenset({"Enabled", "EventSourceArn", "FilterCriteria", "FunctionName", "MetricsConfig", "Tags", "UUID"})
_EVERY: tuple[tuple[str, Any], ...] = (("MaximumBatchingWindowInSeconds", 0), ("FunctionResponseTypes", []))
_STREAM: tuple[tuple[str, Any], ...] = (
    *_EVERY,
    ("ParallelizationFactor", 1),
    ("DestinationConfig", {"OnFailure": {}}),
    ("MaximumRecordAgeInSeconds", -1),
    ("BisectBatchOnFunctionError", False),
    ("MaximumRetryAttempts", -1),
    ("TumblingWindowInSeconds", 0),
)
_OF_QUEUES, _OF_STREAMS = _COMMON | {"ScalingConfig"}, _COMMON | {"StartingPosition", "StartingPositionTimestamp"}
_POSITIONS = frozenset({"TRIM_HORIZON", "LATEST"})
KINDS = {
    kind.name: kind
    for kind in (
        Kind("sqs", 10, 10_000, _EVERY, _OF_QUEUES),
        Kind("sqs-fifo", 10, 10, _EVERY, _OF_QUEUES),
        Kind("kinesis", 100, 10_000, _STREAM, _OF_STREAMS, _POSITIONS | {"AT_TIMESTAMP"}),
        Kind("dynamodb", 100, 10_000, _STREAM, _OF_STREAMS, _POSITIONS),
    )
}
_ELSEWHERE = frozenset({"kafka", "kafka-cluster", "mq", "rds", "docdb"})
_NEVER_READ = (
    "AmazonManagedKafkaEventSourceConfig",
    "DocumentDBEventSourceConfig",
    "KMSKeyArn",
    "LoggingConfig",
    "ProvisionedPollerConfig",
    "Queues",
    "SelfManagedEventSource",
    "SelfManagedKafkaEventSourceConfig",
    "SourceAccessConfigurations",
    "Topics",
    "TumblingWindowInSeconds",
)


def kind_of(arn: str) -> Kind:
    """The kind of source that an ARN names.

    Raises:
        NotEmulated: a source that AWS has and the emulator has not.
        InvalidMapping: no event source at all.
    """
    parts = arn.split(":", 5)
    service, resource = (parts[2], parts[5]) if len(parts) == 6 else ("", "")
    if service in _ELSEWHERE:
        raise NotEmulated(f"EventSourceArn '{arn}': the event source '{service}'")
    if service == "sqs":
        return KINDS["sqs-fifo" if resource.endswith(".fifo") else "sqs"]
    is_stream = (service == "kinesis" and resource.startswith("stream/")) or (
        service == "dynamodb" and "/stream/" in resource
    )
    if not is_stream:
        raise InvalidMapping("Unrecognized event source.")
    return KINDS[service]


def refuse_unread(params: Settings) -> None:
    """Refuse, by name, what no mapping of the emulator reads.

    Raises:
        NotEmulated: naming the fields.
    """
    found = [name for name in _NEVER_READ if params.get(name)]
    if found:
        raise NotEmulated(", ".join(found))


def created(kind: Kind, params: Settings) -> Settings:
    """The settings of a new mapping: what was asked for, over the defaults.

    Raises:
        InvalidMapping: AWS refuses them.
    """
    settings = {"BatchSize": kind.batch_size, **dict(kind.defaults), **_asked(kind, params)}
    _check_position(kind, settings)
    _check(kind, settings)
    return settings


def updated(kind: Kind, before: Settings, params: Settings) -> Settings:
    """The settings of a mapping after an update. An empty FilterCriteria or ScalingConfig takes them away.

    Raises:
        InvalidMapping: AWS refuses them.
    """
    settings = {**before, **_asked(kind, params)}
    for name in ("FilterCriteria", "ScalingConfig"):
        if name in params and not settings.get(name):
            settings.pop(name, None)
    _check(kind, settings)
    return settings


def _asked(kind: Kind, params: Settings) -> Settings:
    known = kind.optional | {"BatchSize"} | dict(kind.defaults).keys()
    for name, value in params.items():
        if name not in known and value is not None and name not in _NEVER_READ:
            if name == "StartingPosition":
                raise InvalidMapping("StartingPosition is not valid for SQS event sources.")
            raise InvalidMapping(f"Unsupported {name} parameter for given event source mapping type.")
    outside = {"Enabled", "EventSourceArn", "FunctionName", "Tags", "UUID"}
    return {name: value for name, value in params.items() if name in known - outside and value is not None}


def _check(kind: Kind, settings: Settings) -> None:
    _check_batches(kind, settings)
    _check_filters(kind, settings.get("FilterCriteria") or {})
    _check_destination(settings.get("DestinationConfig") or {})
    unread = set(settings.get("MetricsConfig", {}).get("Metrics", [])) - {"EventCount"}
    if unread:
        raise NotEmulated(f"MetricsConfig {', '.join(sorted(unread))}")
    age_s = settings.get("MaximumRecordAgeInSeconds", -1)
    if -1 < age_s < RECORD_AGE_MIN_S:
        raise InvalidMapping(
            f"MaximumRecordAgeInSeconds must be -1 or between {RECORD_AGE_MIN_S} and 604800, not {age_s}"
        )


def _check_batches(kind: Kind, settings: Settings) -> None:
    size, window_s = settings["BatchSize"], settings["MaximumBatchingWindowInSeconds"]
    if size > kind.batch_size_max:
        raise InvalidMapping(f"BatchSize must be at most {kind.batch_size_max} for this event source, not {size}")
    if kind.name == "sqs-fifo" and window_s:
        raise InvalidMapping("Batching window is not supported for FIFO queues")
    if kind.name == "sqs" and size > 10 and not window_s:
        raise InvalidMapping(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        )


def _check_position(kind: Kind, settings: Settings) -> None:
    if not kind.is_stream:
        return
    position, at = settings.get("StartingPosition"), settings.get("StartingPositionTimestamp")
    if position is None:
        raise InvalidMapping(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
            "Member must not be null."
        )
    if position not in kind.positions:
        raise InvalidMapping(f"Unsupported starting position for arn type: {kind.name}")
    if (position == "AT_TIMESTAMP") != (at is not None):
        raise InvalidMapping("StartingPositionTimestamp belongs to, and only to, StartingPosition AT_TIMESTAMP")


def _check_filters(kind: Kind, criteria: Settings) -> None:
    filters = criteria.get("Filters") or []
    if len(filters) > FILTERS_MAX:
        raise InvalidMapping(f"FilterCriteria has {len(filters)} filters; an event source has at most {FILTERS_MAX}")
    try:
        event_filters.compile(tuple(one.get("Pattern", "") for one in filters), kind.name)
    except event_filters.InvalidFilter as error:
        raise InvalidMapping("Invalid filter pattern definition.") from error


def _check_destination(config: Settings) -> None:
    if config.get("OnSuccess"):
        raise InvalidMapping("Unsupported DestinationConfig parameter for given event source mapping type.")
    arn = config.get("OnFailure", {}).get("Destination", "")
    if arn.startswith("kafka://"):
        raise NotEmulated(f"DestinationConfig.OnFailure '{arn}': a Kafka topic")
    if arn and arn.split(":")[2:3] not in (["sqs"], ["sns"], ["s3"]):
        raise InvalidMapping(f"The destination ARN {arn} is invalid: it must be an SQS queue, SNS topic or S3 bucket")
