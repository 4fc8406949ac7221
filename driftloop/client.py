"""Ask a model on an endpoint. In a split experiment a caller's key always meets the same variant.

Speaks to the endpoint through boto3 alone, so it serves an account as well as the emulator.
"""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import boto3
from botocore.exceptions import ClientError

WEIGHTS_KEPT_S: Final = 60.0


@dataclass(frozen=True)
class Prediction:
    """What a model answered.

    Attributes:
        variant: which variant answered.
        inference_id: what a label has to carry, to be joined with this answer.
    """

    body: bytes
    content_type: str
    variant: str
    inference_id: str

    @property
    def text(self) -> str:
        """The answer as text."""
        return self.body.decode()


@dataclass
class EndpointClient:
    """Calls endpoints; may be shared by threads.

    Attributes:
        clock: seconds, for how long weights are believed.
    """

    runtime: Any = field(default_factory=lambda: boto3.client("sagemaker-runtime"))
    sagemaker: Any = field(default_factory=lambda: boto3.client("sagemaker"))
    clock: Callable[[], float] = time.monotonic
    _weights: dict[str, tuple[float, Mapping[str, float]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def invoke(
        self,
        endpoint: str,
        body: bytes | str,
        key: str | None = None,
        inference_id: str | None = None,
        *,
        content_type: str = "text/csv",
    ) -> Prediction:
        """Ask for a prediction.

        Args:
            key: of a caller, such as a customer's id: the same key meets the same variant while weights stay.
                Without it the endpoint chooses.
            inference_id: one is made up if none is given.
        """
        name = inference_id or str(uuid.uuid4())
        request = {"EndpointName": endpoint, "Body": body, "ContentType": content_type, "InferenceId": name}
        target = self._target(endpoint, key)
        try:
            answer = self._ask(request, target)
        except ClientError as error:
            if target is None or error.response["Error"]["Code"] != "ValidationError":
                raise
            with self._lock:
                self._weights.pop(endpoint, None)  # the experiment may have ended within the minute
            answer = self._ask(request, self._target(endpoint, key))
        return Prediction(answer["Body"].read(), answer["ContentType"], answer["InvokedProductionVariant"], name)

    def _ask(self, request: Mapping[str, Any], target: str | None) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self.runtime.invoke_endpoint(
            **request, **({"TargetVariant": target} if target else {})
        )
        return answer

    def _target(self, endpoint: str, key: str | None) -> str | None:
        if key is None:
            return None
        weights = self._weights_of(endpoint)
        return assign(key, weights) if len(weights) > 1 else None

    def _weights_of(self, endpoint: str) -> Mapping[str, float]:
        with self._lock:
            read_at, weights = self._weights.get(endpoint, (float("-inf"), {}))
            now = self.clock()
            if now - read_at >= WEIGHTS_KEPT_S:
                weights = self._read(endpoint)
                self._weights[endpoint] = (now, weights)
            return weights

    def _read(self, endpoint: str) -> Mapping[str, float]:
        """Weights of the variants that answer; a shadow never does."""
        found = self.sagemaker.describe_endpoint(EndpointName=endpoint)
        return {
            variant["VariantName"]: variant.get("CurrentWeight", 0.0) for variant in found.get("ProductionVariants", [])
        }


def assign(key: str, weights: Mapping[str, float]) -> str | None:
    """The variant of a key: keys share the variants as the weights say; None when no variant has a weight.

    The key's hash is a point on a line on which every variant has a stretch, in the order of names: of two variants,
    the one that gains weight keeps the keys that it has.
    """
    total = sum(weights.values())
    if total <= 0:
        return None
    point = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64 * total
    reached = 0.0
    names = sorted(name for name, weight in weights.items() if weight > 0)
    for name in names:
        reached += weights[name]
        if point < reached:
            return name
    return names[-1]  # rounding
