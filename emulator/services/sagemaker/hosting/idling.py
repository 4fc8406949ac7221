"""Serverless variants: an instance comes with the first request and goes when none has come for a while.

AWS_NAME: serverless inference
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html (scales to zero, cold starts, concurrency up
    to MaxConcurrency, then throttling), read 2026-11
DIFFERS: one process answers all concurrent requests, where AWS has an environment for each; AWS does not say after how
    long an idle environment goes, here after 5 to 10 minutes. Memory is not limited.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from emulator.kernel import traffic
from emulator.kernel.ports import Kernel
from emulator.services.sagemaker.jobs.failure import JobFailure

if TYPE_CHECKING:
    from emulator.services.sagemaker.hosting.fleet import Fleet, Generation

_LOOKED_EVERY_S = 300.0


class Idle:
    """Wakes serverless variants and lets them sleep."""

    def __init__(self, kernel: Kernel, fleet: Fleet) -> None:
        self._kernel = kernel
        self._fleet = fleet
        self._waking = threading.Lock()

    def wake(self, generation: Generation, variant: str) -> None:
        """Bring one instance up, unless somebody else has."""
        with self._waking, self._kernel.dispatcher.busy(f"cold start of {generation.endpoint}"):
            if generation.instances.get(variant):
                return
            try:
                self._fleet.launch(generation, {variant: 1})
            except JobFailure as failure:
                self._kernel.journal.append("endpoint.cold_start.failed", generation.endpoint, error=str(failure))
                return
            self._fleet.refresh(generation.endpoint)
            self._kernel.journal.append("endpoint.cold_start", f"{generation.endpoint}/{variant}")

    def watch(self, generation: Generation) -> None:
        """Look now and then whether the serverless variants of a generation are still in use."""
        if any(blueprint.max_concurrency is not None for blueprint in generation.blueprints.values()):
            self._look_later(generation, self._uses(generation))

    def _look_later(self, generation: Generation, uses: int) -> None:
        at = self._kernel.clock.now() + timedelta(seconds=_LOOKED_EVERY_S)
        self._kernel.dispatcher.post_at("serverless", partial(self._look, generation, uses), at, recurs=True)

    def _look(self, generation: Generation, uses: int) -> None:
        if not self._fleet.is_live(generation):
            return
        now = self._uses(generation)
        if now == uses:
            with self._waking:
                self._fleet.retire(generation, generation.running())
        self._look_later(generation, now)

    def _uses(self, generation: Generation) -> int:
        return traffic.of(self._kernel.engines).uses(generation.endpoint)
