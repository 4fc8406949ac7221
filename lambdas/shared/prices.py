"""What SageMaker's machines cost: on-demand, US East (N. Virginia), for training and processing jobs alike.

A job is billed by the second for each of its instances. Storage, data transfer and S3 are cents beside that and are
left out; other regions cost up to half as much again. Whoever has other prices changes this table.

Source: Amazon SageMaker AI pricing, https://aws.amazon.com/sagemaker-ai/pricing/ (processing, training), by way of
public repositories that quote it and agree with each other; read 2026-11-24.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

READ: Final = "2026-11-24"
"""When the prices were looked up."""

USD_PER_H: Final[Mapping[str, float]] = MappingProxyType(
    {
        "ml.t3.medium": 0.05,
        "ml.t3.large": 0.10,
        "ml.t3.xlarge": 0.20,
        "ml.t3.2xlarge": 0.399,
        "ml.m5.large": 0.115,
        "ml.m5.xlarge": 0.23,
        "ml.m5.2xlarge": 0.461,
        "ml.m5.4xlarge": 0.922,
        "ml.m5.12xlarge": 2.765,
        "ml.m5.24xlarge": 5.53,
        "ml.c5.xlarge": 0.204,
        "ml.c5.2xlarge": 0.408,
        "ml.c5.4xlarge": 0.816,
        "ml.c5.9xlarge": 1.836,
        "ml.c5.18xlarge": 3.672,
        "ml.r5.2xlarge": 0.605,
        "ml.r5.4xlarge": 1.21,
        "ml.r5.8xlarge": 2.419,
        "ml.g4dn.xlarge": 0.7364,
        "ml.g4dn.2xlarge": 0.94,
        "ml.g4dn.4xlarge": 1.505,
        "ml.g4dn.8xlarge": 2.72,
        "ml.g4dn.12xlarge": 4.89,
        "ml.g4dn.16xlarge": 5.44,
        "ml.g5.2xlarge": 1.515,
        "ml.g5.12xlarge": 7.09,
        "ml.p3.2xlarge": 3.825,
        "ml.p3.8xlarge": 14.688,
        "ml.p3.16xlarge": 28.152,
    }
)


class UnknownPriceError(LookupError):
    """A machine whose price nobody wrote down: what was spent on it is unknown.

    Attributes:
        instance_type: of the machine.
    """

    def __init__(self, instance_type: str) -> None:
        self.instance_type = instance_type
        super().__init__(f"no price for {instance_type} in the table of {READ}; add it to lambdas/shared/prices.py")


def cost_usd(instance_type: str, instance_count: int, billable_s: float) -> float:
    """What machines cost for a while.

    Raises:
        UnknownPriceError: the table does not have them.
    """
    if instance_type not in USD_PER_H:
        raise UnknownPriceError(instance_type)
    return USD_PER_H[instance_type] * instance_count * billable_s / 3600
