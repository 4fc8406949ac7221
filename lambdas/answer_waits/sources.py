"""What a look reads: lines of JSON below a folder's hours, the comparison before the experiment, CloudWatch metrics."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from lambdas.answer_waits.judge import Bucket, Spread
from lambdas.answer_waits.records import Line
from lambdas.shared.objects import is_not_there

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_s3 import S3Client

OBJECTS_MAX: Final = 2_000
"""Objects of one folder that a look opens, so that it ends within the function's time."""

_HOUR: Final = re.compile(r"/(\d{4}/\d\d/\d\d/\d\d)/[^/]+\.jsonl$")
_BUCKET_S: Final = 300
_METRICS: Final = {"requests": "Invocations", "errors": "Invocation5XXErrors", "p95": "ModelLatency"}


class HourlyLines:
    """Lines of all objects below `<uri>/yyyy/mm/dd/hh/` from an hour on, the earliest first; one object at a time.

    Attributes:
        objects: how many were opened.
        is_cut: there are more than `OBJECTS_MAX`.
    """

    def __init__(self, s3: "S3Client", uri: str, since: datetime) -> None:
        self._s3 = s3
        self._bucket, self._folder = _split(uri)
        self._since = since
        self.objects = 0
        self.is_cut = False

    def __iter__(self) -> Iterator[Line]:
        for key in self._keys():
            if self.objects == OBJECTS_MAX:
                self.is_cut = True
                return
            self.objects += 1
            found = _HOUR.search(key)
            body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"]
            yield from ((found[1], line) for line in body.iter_lines() if found and line.strip())

    def _keys(self) -> Iterator[str]:
        """Keys sort as their hours do, so a listing may begin in the middle."""
        after = f"{self._folder}/{self._since:%Y/%m/%d/%H}"
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{self._folder}/", StartAfter=after
        )
        for page in pages:
            yield from (item["Key"] for item in page.get("Contents", []) if _HOUR.search(item["Key"]))


class NoComparisonError(ValueError):
    """The comparison before the experiment is missing or says too little to plan with."""


def read_spread(s3: "S3Client", uri: str, metric: str) -> Spread:
    """Standard deviations of a metric's loss on the hold-out.

    Without the champion's losses the challenger's stand in for them; without losses on the same records the
    difference is taken as that of independent ones, which asks for too many records rather than too few.

    Raises:
        NoComparisonError: there is no comparison, or nothing of the challenger or of this metric in it.
    """
    bucket, key = _split(uri)
    try:
        found = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        return _spread(_of_metric(found, metric, uri))
    except NoComparisonError:
        raise
    except (ValueError, KeyError, TypeError) as exc:
        raise NoComparisonError(f"comparison '{uri}' cannot be read: {exc!r}") from exc
    except ClientError as exc:
        if not is_not_there(exc):
            raise
        code = exc.response["Error"]["Code"]
        raise NoComparisonError(f"comparison '{uri}' does not exist, or may not be read ({code})") from exc


def _of_metric(found: Mapping[str, Any], metric: str, uri: str) -> Mapping[str, Any]:
    """The part of a comparison that is about a metric: losses of another say nothing about the sample it takes."""
    if found["metric"] == metric:
        return found
    others: Mapping[str, Any] = found.get("other_metrics", {})
    if metric not in others:
        there = ", ".join([str(found["metric"]), *others])
        raise NoComparisonError(f"comparison '{uri}': expected losses of {metric}, found {there}")
    part: Mapping[str, Any] = others[metric]
    return part


def _spread(found: Mapping[str, Any]) -> Spread:
    challenger = float(found["challenger"]["loss"]["sd"])
    champion = float((found.get("champion") or found["challenger"])["loss"]["sd"])
    difference = float((found.get("difference") or {"sd": (champion**2 + challenger**2) ** 0.5})["sd"])
    return Spread(champion, challenger, difference)


def read_buckets(
    cloudwatch: "CloudWatchClient", endpoint: str, variant: str, since: datetime, until: datetime
) -> list[Bucket]:
    """A variant's requests in minutes, the oldest first. Units: ModelLatency is in microseconds."""
    begin = since.replace(second=0, microsecond=0)
    if until <= begin:
        return []
    dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]
    queries: Any = [_query(name, metric, dimensions) for name, metric in _METRICS.items()]
    series: dict[str, dict[datetime, float]] = {name: {} for name in _METRICS}
    for page in cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=begin, EndTime=until, ScanBy="TimestampAscending"
    ):
        for result in page["MetricDataResults"]:
            series[result["Id"]] |= dict(zip(result["Timestamps"], result["Values"], strict=True))
    return [
        Bucket(requests, series["errors"].get(at, 0.0), series["p95"][at] / 1000 if at in series["p95"] else None)
        for at, requests in sorted(series["requests"].items())
    ]


def _query(name: str, metric: str, dimensions: Sequence[Mapping[str, str]]) -> Mapping[str, Any]:
    wanted = {"Namespace": "AWS/SageMaker", "MetricName": metric, "Dimensions": dimensions}
    statistic = "p95" if name == "p95" else "Sum"
    return {"Id": name, "MetricStat": {"Metric": wanted, "Period": _BUCKET_S, "Stat": statistic}}


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
