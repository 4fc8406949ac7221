"""The instances that run, by endpoint and configuration; what requests see of them; what becomes of one that dies.

AWS_NAME: endpoint fleet
SOURCE: deployment-guardrails-blue-green.html (the old and the new fleet), realtime-endpoints (an unhealthy instance is
    replaced and the endpoint stays InService), read 2026-11
DIFFERS: instances are processes of this machine; one that dies is replaced at once instead of in minutes.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from emulator.kernel import traffic
from emulator.kernel.faults import Fault
from emulator.kernel.ports import Kernel
from emulator.kernel.store import Row
from emulator.semantics.endpoints import routes, variants
from emulator.semantics.endpoints.asynchronous import Asynchronous
from emulator.semantics.endpoints.asynchronous import settings as asynchronous_settings
from emulator.semantics.endpoints.capture import Capture
from emulator.semantics.endpoints.capture import settings as capture_settings
from emulator.semantics.faults import kinds
from emulator.services.sagemaker.hosting import blueprints
from emulator.services.sagemaker.hosting.blueprints import Blueprint
from emulator.services.sagemaker.hosting.idling import Idle
from emulator.services.sagemaker.hosting.instance import HostedInstance
from emulator.services.sagemaker.jobs.failure import JobFailure
from emulator.services.sagemaker.logs import LogWriter

_RESTART_S = 1.0
_DRAINED_WITHIN_S = 70.0
"""More than a container may take for a request."""


@dataclass(eq=False)
class Generation:
    """The instances that run one configuration. `share` of the traffic reaches the first `active` of a variant's."""

    endpoint: str
    config_name: str
    home: Path
    blueprints: dict[str, Blueprint]
    production: list[str]
    shadow: str | None
    capture: Capture | None
    asynchronous: Asynchronous | None = None
    instances: dict[str, list[HostedInstance]] = field(default_factory=dict)
    share: float = 0.0
    active: int | None = None

    @property
    def images(self) -> dict[str, list[str]]:
        return {name: blueprint.images for name, blueprint in self.blueprints.items()}

    def running(self) -> dict[str, int]:
        return {name: len(found) for name, found in self.instances.items()}


@dataclass
class Standing:
    """What is live at an endpoint: its generations, the leading one first, and the weights of its variants."""

    generations: list[Generation]
    weights: dict[str, float]


class Fleet:
    """Holds the instances that are live, and publishes the routes to them."""

    def __init__(self, kernel: Kernel, logs: LogWriter) -> None:
        self.lock = threading.RLock()
        self._kernel = kernel
        self._logs = logs
        self._live: dict[str, Standing] = {}
        self._idle = Idle(kernel, self)
        kernel.faults.act_on(kinds.SERVER_CRASHES, self._crash)

    def draw(self, endpoint: str, config: Row) -> Generation:
        """A generation for a configuration, its models unpacked; nothing runs yet.

        Raises:
            JobFailure: the reason, in AWS's words where they are known.
        """
        home = self._kernel.state_dir / "endpoints" / endpoint / self._kernel.ids.alnum(10)
        try:
            items = variants.all_of(config)
            drawn = {item["VariantName"]: blueprints.draw(self._kernel, endpoint, item, home) for item in items}
        except Exception as error:
            blueprints.remove(home)
            raise error if isinstance(error, JobFailure) else JobFailure(f"InternalServerError: {error}") from error
        production = [item["VariantName"] for item in config["ProductionVariants"]]
        shadow = next((item["VariantName"] for item in config.get("ShadowProductionVariants", ())), None)
        role_arn = drawn[production[0]].containers[0].role_arn
        capture = capture_settings(config, role_arn)
        later = asynchronous_settings(config, role_arn)
        return Generation(endpoint, config["EndpointConfigName"], home, drawn, production, shadow, capture, later)

    def launch(self, generation: Generation, wanted: Mapping[str, int]) -> None:
        """Add instances to a generation and wait until all answer; none has traffic by that.

        Raises:
            JobFailure: one did not come up; those that were added are gone again.
        """
        new = [self._new(generation, name) for name, count in wanted.items() for _ in range(count)]
        try:
            for instance in new:
                instance.start()
            for instance in new:
                instance.await_ready()
        except JobFailure:
            self._stop(new)
            raise
        with self.lock:
            for instance in new:
                generation.instances.setdefault(instance.blueprint.variant, []).append(instance)

    def provision(self) -> None:
        """The time that AWS needs for new instances; the one place where a latency profile holds endpoints up."""
        self._kernel.dispatcher.pause(self._kernel.latency.endpoint_s)

    def lead(self, generations: list[Generation], weights: Mapping[str, float]) -> list[Generation]:
        """Make these the live generations of their endpoint, the leading one first; returns those that were."""
        endpoint = generations[0].endpoint
        with self.lock:
            before = self._live.get(endpoint)
            self._live[endpoint] = Standing(generations, dict(weights))
            self._publish(endpoint)
        for generation in generations:
            self._idle.watch(generation)
        for instance in [item for found in generations for items in found.instances.values() for item in items]:
            if not instance.is_well:  # it died before anybody took note
                self._kernel.dispatcher.post("instance.replace", partial(self._crashed, instance))
        return before.generations if before else []

    def reweigh(self, endpoint: str, weights: Mapping[str, float]) -> None:
        with self.lock:
            self._live[endpoint].weights.update(weights)
            self._publish(endpoint)

    def leading(self, endpoint: str) -> Generation:
        """The generation that an endpoint's configuration names."""
        with self.lock:
            return self._live[endpoint].generations[0]

    def is_live(self, generation: Generation) -> bool:
        with self.lock:
            standing = self._live.get(generation.endpoint)
            return standing is not None and generation in standing.generations

    def refresh(self, endpoint: str) -> None:
        """Instances have been launched: let them have their traffic."""
        with self.lock:
            self._publish(endpoint)

    def retire(self, generation: Generation, wanted: Mapping[str, int] | None = None) -> None:
        """Take instances out of the traffic (all, or so many of each variant), let their requests end, stop them."""
        with self.lock:
            leaving = []
            for name, found in generation.instances.items():
                count = len(found) if wanted is None else wanted.get(name, 0)
                kept, gone = found[: len(found) - count], found[len(found) - count :]
                generation.instances[name] = kept
                leaving += gone
            if generation.endpoint in self._live:
                self._publish(generation.endpoint)
        self._stop(leaving)
        if wanted is None:
            blueprints.remove(generation.home)

    def forget(self, endpoint: str) -> list[Generation]:
        """The endpoint takes no more requests; returns what was live."""
        with self.lock:
            traffic.of(self._kernel.engines).publish(endpoint, None)
            before = self._live.pop(endpoint, None)
        return before.generations if before else []

    def _new(self, generation: Generation, variant: str) -> HostedInstance:
        blueprint = generation.blueprints[variant]
        return HostedInstance(self._kernel, self._logs, blueprint, generation.home / variant, self._crashed)

    def _stop(self, instances: list[HostedInstance]) -> None:
        addresses = [instance.instance_id for instance in instances]
        traffic.of(self._kernel.engines).await_idle(addresses, _DRAINED_WITHIN_S)
        for instance in instances:
            instance.stop()

    def _publish(self, endpoint: str) -> None:
        standing = self._live[endpoint]
        leader = standing.generations[0]
        found = [self._variant(standing, name) for name in leader.production]
        shadow = self._variant(standing, leader.shadow) if leader.shadow else None
        route = routes.Route(endpoint, tuple(found), shadow, leader.capture, leader.asynchronous)
        traffic.of(self._kernel.engines).publish(endpoint, route)

    def _variant(self, standing: Standing, name: str) -> routes.Variant:
        pools = [_pool(generation, name) for generation in standing.generations if generation.share > 0]
        leader = standing.generations[0]
        blueprint = leader.blueprints[name]
        serverless = None
        if blueprint.max_concurrency is not None:
            serverless = routes.Serverless(blueprint.max_concurrency, partial(self._idle.wake, leader, name))
        return routes.Variant(name, standing.weights[name], tuple(pools), blueprint.strategy, serverless)

    def _crash(self, fault: Fault) -> list[str]:
        """Kill live instances of what the fault names; answers their variants."""
        with self.lock:
            standing = [generation for found in self._live.values() for generation in found.generations]
            running = [item for found in standing for items in found.instances.values() for item in items]
        named = [(f"{item.blueprint.endpoint}/{item.blueprint.variant}", item) for item in running if item.is_well]
        hit = [(name, item) for name, item in named if fault.strikes(fault.kind, name)][: fault.left]
        for _, item in hit:
            item.crash()
        return [name for name, _ in hit]

    def _crashed(self, instance: HostedInstance) -> None:
        """Note it, take it out of the traffic, and start another."""
        name = f"{instance.blueprint.endpoint}/{instance.blueprint.variant}"
        with self.lock:
            generation = self._generation_of(instance)
            if generation is None:
                return
            self._publish(generation.endpoint)
        self._kernel.journal.append("endpoint.instance.crashed", name, instance=instance.instance_id)
        with self._kernel.dispatcher.busy(f"instance of {name}"):
            self._replace(generation, instance)

    def _replace(self, generation: Generation, old: HostedInstance) -> None:
        """One that will not come up is tried again a little later, as long as the old one's place is there."""
        name = old.blueprint.variant
        new = self._new(generation, name)
        new.start()
        try:
            new.await_ready()
        except JobFailure as failure:
            new.stop()
            self._note("endpoint.instance.not_replaced", generation, name, error=str(failure))
            if self._generation_of(old) is generation:
                self._kernel.dispatcher.post("instance.replace", partial(self._replace, generation, old), _RESTART_S)
            return
        if not self._swap(generation, old, new):
            new.stop()
            return
        old.stop()
        self._note("endpoint.instance.replaced", generation, name)

    def _swap(self, generation: Generation, old: HostedInstance, new: HostedInstance) -> bool:
        with self.lock:
            if self._generation_of(old) is not generation:
                return False
            found = generation.instances[old.blueprint.variant]
            found[found.index(old)] = new
            self._publish(generation.endpoint)
            return True

    def _generation_of(self, instance: HostedInstance) -> Generation | None:
        with self.lock:
            standing = self._live.get(instance.blueprint.endpoint)
            for generation in standing.generations if standing else ():
                if instance in generation.instances.get(instance.blueprint.variant, ()):
                    return generation
        return None

    def _note(self, kind: str, generation: Generation, variant: str, **facts: Any) -> None:
        self._kernel.journal.append(kind, f"{generation.endpoint}/{variant}", **facts)


def _pool(generation: Generation, name: str) -> routes.Pool:
    well = [item.route for item in generation.instances.get(name, ())[: generation.active] if item.is_well]
    return routes.Pool(generation.config_name, generation.share, tuple(well))
