"""Brings an endpoint from one fleet to the next: stage by stage, with alarms watched between the stages.

AWS_NAME: UpdateEndpoint (traffic shifting, baking, rollback)
SOURCE: deployment-guardrails-blue-green-{all-at-once,canary,linear}.html, deployment-guardrails-rolling.html,
    deployment-guardrails-configuration.html (alarms are watched while baking; all traffic goes back), read 2026-11
DIFFERS: alarms are looked at every 10 s of the kernel's time. Why a deployment was taken back stays readable in
    FailureReason; AWS documents that field for failed endpoints only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from emulator.kernel.ports import Kernel
from emulator.semantics.endpoints import progress, variants
from emulator.semantics.endpoints.deployments import Deployment, Stage
from emulator.services.sagemaker.hosting import alarms
from emulator.services.sagemaker.hosting import endpoint_records as records
from emulator.services.sagemaker.hosting.fleet import Fleet, Generation
from emulator.services.sagemaker.jobs.failure import JobFailure

_WATCHED_EVERY_S = 10.0


@dataclass(frozen=True)
class Change:
    """From the blue generation to the green one, whose production and shadow variants will be `shown`, `shadows`."""

    deployment: Deployment
    blue: Generation
    green: Generation
    shown: Sequence[variants.Variant]
    shadows: Sequence[variants.Variant]

    @property
    def wanted(self) -> dict[str, int]:
        """Instances by variant in the end."""
        return variants.counts([*self.shown, *self.shadows])

    @property
    def weights(self) -> dict[str, float]:
        return {item["VariantName"]: item["DesiredWeight"] for item in [*self.shown, *self.shadows]}


class Rollout:
    """Carries out one change."""

    def __init__(self, kernel: Kernel, fleet: Fleet, change: Change) -> None:
        self._kernel = kernel
        self._fleet = fleet
        self._change = change
        self._name = change.green.endpoint
        self._began_at = kernel.clock.now()

    def run(self) -> None:
        """Until the green generation has all the traffic and the blue one may go.

        Raises:
            JobFailure: why it has to be taken back; `take_back` does that.
        """
        if self._change.deployment.batch is None:
            self._blue_green()
        else:
            self._rolling(self._change.deployment.batch)

    def take_back(self) -> None:
        """All traffic on the blue generation, which is brought back to its full size if it was reduced.

        Raises:
            JobFailure: the blue generation could not be brought back.
        """
        change = self._change
        shown = records.existing(self._kernel, self._name)["ProductionVariants"]
        while missing := _missing(change.blue, variants.counts(shown), change.deployment.rollback_batch):
            self._fleet.launch(change.blue, missing)
            self._fleet.refresh(self._name)
        with self._fleet.lock:
            change.blue.share, change.blue.active = 1.0, None
            change.green.share = 0.0
            self._fleet.refresh(self._name)
        self._fleet.retire(change.green)

    def _blue_green(self) -> None:
        change = self._change
        self._say(progress.launching(max(change.wanted.values()), self._now()))
        self._fleet.launch(change.green, change.wanted)
        self._fleet.provision()
        for stage in change.deployment.stages:
            count = stage.instances(min(change.wanted.values()))
            self._say(progress.activating(stage, count, self._now()))
            if stage.is_last:
                self._hand_over()
            else:
                self._share(stage, None if stage.is_last else count)
            self._bake(stage, count)

    def _rolling(self, batch: int) -> None:
        """Single variant: a batch of new instances comes, takes its share, is watched, and as many old ones go."""
        change = self._change
        (variant, total), *shadows = change.wanted.items()
        extra = dict(shadows)
        for stage in change.deployment.stages:
            count = stage.instances(total)
            more = count - change.green.running().get(variant, 0)
            self._say(progress.launching(more, self._now()))
            self._fleet.launch(change.green, {variant: more, **extra})
            extra = {}
            self._fleet.provision()
            self._say(progress.activating(stage, count, self._now()))
            if stage.is_last:
                self._hand_over()
            else:
                self._share(stage, None)
            self._bake(stage, count)
            going = min(batch, change.blue.running().get(variant, 0))
            self._say(progress.terminating(going, self._now()))
            if not stage.is_last:
                self._fleet.retire(change.blue, {variant: going})

    def _share(self, stage: Stage, active: int | None) -> None:
        blue, green = self._change.blue, self._change.green
        with self._fleet.lock:
            green.share, green.active = stage.share, active
            blue.share = 1 - stage.share
            self._fleet.lead([blue, green], self._blue_weights())

    def _hand_over(self) -> None:
        """All traffic to the green generation, whose variants, weights and capture hold from now on."""
        blue, green = self._change.blue, self._change.green
        with self._fleet.lock:
            green.share, green.active, blue.share = 1.0, None, 0.0
            self._fleet.lead([green, blue], {**self._blue_weights(), **self._change.weights})

    def _blue_weights(self) -> dict[str, float]:
        row = records.existing(self._kernel, self._name)
        every = [*row["ProductionVariants"], *row.get("ShadowProductionVariants", ())]
        return {item["VariantName"]: item["CurrentWeight"] for item in every}

    def _bake(self, stage: Stage, count: int) -> None:
        """Wait as long as the stage says, and look at the alarms meanwhile."""
        if not stage.wait_s:
            return
        self._say(progress.baking(stage, count, self._now()))
        left = float(stage.wait_s)
        while left > 0:
            self._check()
            step = min(_WATCHED_EVERY_S, left)
            self._kernel.dispatcher.pause(step)
            left -= step
        self._check()

    def _check(self) -> None:
        role_arn = next(iter(self._change.blue.blueprints.values())).containers[0].role_arn
        standing = alarms.standing(self._kernel, self._change.deployment.alarms, role_arn)
        if standing:
            raise JobFailure(f"Rolled back: alarm(s) {', '.join(sorted(standing))} in state ALARM.")
        limit_s = self._change.deployment.timeout_s
        if limit_s is not None and (self._now() - self._began_at).total_seconds() > limit_s:
            raise JobFailure(f"Rolled back: the deployment took longer than {limit_s} seconds.")

    def _say(self, status: progress.Status) -> None:
        running = self._change.green.running()
        shadows = variants.pending(self._change.shadows, running, status)
        summary = {
            "EndpointConfigName": self._change.green.config_name,
            "StartTime": self._began_at,
            "ProductionVariants": variants.pending(self._change.shown, running, status),
            **({"ShadowProductionVariants": shadows} if shadows else {}),
        }
        records.progress(self._kernel, self._name, PendingDeploymentSummary=summary)

    def _now(self) -> datetime:
        return self._kernel.clock.now()


def _missing(blue: Generation, wanted: dict[str, int], batch: int | None) -> dict[str, int]:
    """Instances that the blue generation lacks, a batch at most."""
    running = blue.running()
    lacking = {name: count - running.get(name, 0) for name, count in wanted.items()}
    return {name: min(count, batch or count) for name, count in lacking.items() if count > 0}
