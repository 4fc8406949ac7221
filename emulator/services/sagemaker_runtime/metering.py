"""What AWS measures of an endpoint's requests.

AWS_NAME: endpoint invocation metrics (AWS/SageMaker)
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html#cloudwatch-metrics-endpoint-invocation
    (latencies in microseconds), API_ScalingPolicyMetric (InvocationsPerInstance: 1/number of instances a request),
    deployment-guardrails-configuration.html (alarms of one fleet by EndpointConfigName), read 2026-11
"""

from __future__ import annotations

from emulator.kernel.ports import Kernel
from emulator.services.sagemaker_runtime.turns import Place

_MICROSECONDS = 1_000_000


def measure(kernel: Kernel, endpoint: str, place: Place, status: int, model_s: float, overhead_s: float) -> None:
    """One request that a container has answered, or failed to answer (`status` 0)."""
    dimensions = {"EndpointName": endpoint, "VariantName": place.variant.name}
    is_client_error, is_server_error = 400 <= status < 500, status >= 500 or status == 0
    for name, value, unit in (
        ("Invocations", 1, "None"),
        ("Invocation4XXErrors", int(is_client_error), "None"),
        ("Invocation5XXErrors", int(is_server_error), "None"),
        ("InvocationModelErrors", int(is_client_error or is_server_error), "None"),
        ("ModelLatency", model_s * _MICROSECONDS, "Microseconds"),
        ("OverheadLatency", overhead_s * _MICROSECONDS, "Microseconds"),
        ("InvocationsPerInstance", 1 / max(place.variant.size, 1), "None"),
    ):
        kernel.measure("AWS/SageMaker", name, dimensions, value, unit)
        of_fleet = {**dimensions, "EndpointConfigName": place.pool.config_name}
        kernel.measure("AWS/SageMaker", name, of_fleet, value, unit)
