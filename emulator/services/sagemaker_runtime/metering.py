"""What AWS measures of an endpoint's requests.

AWS_NAME: endpoint invocation metrics (AWS/SageMaker)
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html#cloudwatch-metrics-endpoint-invocation
    (latencies in microseconds), API_ScalingPolicyMetric (InvocationsPerInstance: 1/number of instances a request),
    deployment-guardrails-configuration.html (alarms of one fleet by EndpointConfigName), read 2026-11
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from emulator.kernel.ports import Kernel
from emulator.services.sagemaker_runtime.turns import Place, Request

_NAMESPACE = "AWS/SageMaker"
_NOT_OF_ASYNCHRONOUS = frozenset({"Invocations", "InvocationsPerInstance", "OverheadLatency"})
"""Source: async-inference-monitor.html."""
_MICROSECONDS = 1_000_000
_EVERY_S = 1.0
_BEFORE_THE_MINUTE_S = 0.1
"""Alarms are looked at when a minute ends: what happened in it has to be told by then."""
Key = tuple[str, str, str, bool]
Seen = tuple[int, int, int, float]
"""Status (0: no answer), model and overhead latency in microseconds, one over the number of instances."""


class Metering:
    """Requests are counted as they come and told every second, so that a request costs next to nothing."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._lock = threading.Lock()
        self._seen: dict[Key, list[Seen]] = {}
        self._since: datetime | None = None

    def count(self, request: Request, place: Place, status: int, model_s: float, overhead_s: float) -> None:
        """One request that a container has answered, or failed to answer."""
        key = (request.endpoint, place.variant.name, place.pool.config_name, request.is_asynchronous)
        share = 1 / max(place.variant.size, 1)
        seen = (status, round(model_s * _MICROSECONDS), round(overhead_s * _MICROSECONDS), share)
        with self._lock:
            self._seen.setdefault(key, []).append(seen)
            is_first = self._since is None
            if is_first:
                self._since = self._kernel.clock.now()
        if is_first:
            self._tell_soon()

    def tell(self) -> None:
        """Publish what was counted, stamped with the time of the first."""
        with self._lock:
            seen, self._seen = self._seen, {}
            since, self._since = self._since, None
        if since is None:
            return
        for (endpoint, variant, config, is_asynchronous), requests in seen.items():
            dimensions = {"EndpointName": endpoint, "VariantName": variant}
            values = _values(requests)
            if is_asynchronous:
                values = {name: found for name, found in values.items() if name not in _NOT_OF_ASYNCHRONOUS}
            self._kernel.measure_many(_NAMESPACE, dimensions, values, since)
            self._kernel.measure_many(_NAMESPACE, {**dimensions, "EndpointConfigName": config}, values, since)

    def _tell_soon(self) -> None:
        now = self._kernel.clock.now()
        left_s = 60 - now.second - now.microsecond / 1e6 - _BEFORE_THE_MINUTE_S
        if left_s > 0:
            self._kernel.dispatcher.post("endpoint metrics", self.tell, min(_EVERY_S, left_s))
        else:
            self.tell()


def _values(requests: list[Seen]) -> dict[str, tuple[str, Mapping[float, float]]]:
    """Metric -> unit, and its values with their counts."""
    statuses = Counter(status for status, _, _, _ in requests)
    client = sum(count for status, count in statuses.items() if 400 <= status < 500)
    server = sum(count for status, count in statuses.items() if status >= 500 or status == 0)
    return {
        "Invocations": ("None", {1.0: len(requests)}),
        "Invocation4XXErrors": ("None", _flags(client, len(requests))),
        "Invocation5XXErrors": ("None", _flags(server, len(requests))),
        "InvocationModelErrors": ("None", _flags(client + server, len(requests))),
        "ModelLatency": ("Microseconds", Counter(model for _, model, _, _ in requests)),
        "OverheadLatency": ("Microseconds", Counter(overhead for _, _, overhead, _ in requests)),
        "InvocationsPerInstance": ("None", Counter(share for _, _, _, share in requests)),
    }


def _flags(count: int, total: int) -> dict[float, float]:
    """One for so many requests, nothing for the others."""
    return {value: times for value, times in ((1.0, count), (0.0, total - count)) if times}
