"""How long AWS takes, in the kernel's time, for what happens here at once.

AWS_NAME: instance provisioning
SOURCE: design.md of this project: a job takes 3 minutes, an endpoint 8; both are what users commonly see
DIFFERS: the time passes before the real work, which then takes as long as it takes here. A function's timeout is
    counted on the machine's clock, since the function itself runs on it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Latency:
    """A profile: seconds until a job's container starts, and until an endpoint's servers stand."""

    name: str
    job_s: float
    endpoint_s: float


INSTANT = Latency("instant", 0, 0)
"""For people: nothing waits."""

AWS = Latency("aws", 180, 480)
"""For proof: what polls inside a function does not live to see the end."""

PROFILES = {profile.name: profile for profile in (INSTANT, AWS)}
