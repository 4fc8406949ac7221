"""Release and serve: from a person's approval to the endpoint that answers."""

import json
from collections.abc import Iterable
from dataclasses import asdict

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.apart import Apart
from infra.constructs.function import TIMEOUT, Feed, LoopFunction, visibility_timeout
from infra.constructs.ingest import ended_executions
from infra.constructs.model_monitor import ModelMonitor
from infra.constructs.pipeline import CommittedPipeline, PipelineSource
from infra.constructs.queue import WatchedQueue
from infra.constructs.rollback_alarms import RollbackAlarms
from infra.constructs.training import asset_bucket
from infra.definition import Place
from infra.names import ModelNames
from infra.policies import keys, releases, traffic
from infra.policies.functions import tell_people, use_ledger, watch_and_start
from infra.policies.statements import allow
from infra.release_settings import STAGES
from infra.settings import ModelSettings
from infra.staging import stage_file
from lambdas.shared import events as vocabulary
from pipeline_definitions.shared import tokens
from pipeline_definitions.shared.definitions import AssetFile

_TAKEN_DOWN = ("dev", "staging")
"""Stages whose endpoints a failed release leaves to be taken down."""
_LOOK = Duration.minutes(5)
"""A look at an experiment reads all that was captured since it began."""


class Release(Construct):
    """The queues, functions, pipelines and roles that bring an approved version into production, and back."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        model: ModelSettings,
        names: ModelNames,
        code: lambda_.Code,
        ingest_queue: sqs.Queue,
        registry_account: str,
        apart: Apart,
        monitor: ModelMonitor | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._model, self._names, self._code, self._apart = model, names, code, apart
        self._monitor = monitor
        self.watched = self._queue("Queue", "release")
        self.waits = self._queue("Waits", "waits", _LOOK)
        self._take_events()
        self._decide(ingest_queue)
        serve = [
            *releases.serve(names, registry_account, apart.at_home),
            *traffic.watch_alarms(names, model.release, apart.at_home),
            *apart.use_key(*keys.WRITE),
        ]
        serve_role = self._role("ServeRole", "serve", "sagemaker", serve)
        if "prod" in apart.at_home and model.release.has_rollback_alarms:
            RollbackAlarms(self, "RollbackAlarms", names=names, rails=model.release.experiment.guard_rails)
        self._change = self._change_endpoint(serve_role)
        self._answer_waits()
        self._pipelines(registry_account)

    def _queue(self, construct_id: str, name: str, timeout: Duration = TIMEOUT) -> WatchedQueue:
        return WatchedQueue(
            self,
            construct_id,
            name=self._names.of(name),
            visibility_timeout=visibility_timeout(0, timeout),
            people_topic_arn=self._names.shared.people_topic_arn,
        )

    def _take_events(self) -> None:
        names = self._names
        self.watched.take(
            "Packages",
            name=names.of("packages"),
            description=f"Versions of {names.model} that were registered, approved or rejected",
            pattern=events.EventPattern(
                source=[vocabulary.SAGEMAKER_SOURCE],
                detail_type=[vocabulary.PACKAGE_CHANGED],
                detail={"ModelPackageGroupName": [names.package_group]},
            ),
        )
        self.watched.take(
            "EndedReleases",
            name=names.of("ended-releases"),
            description=f"Releases and rollbacks of {names.model} that ended",
            pattern=ended_executions(*(names.pipeline_arn(name) for name in names.release_pipelines)),
        )
        self.waits.take(
            "Endpoints",
            name=names.of("endpoints"),
            description=f"Endpoints of {names.model} that came up, changed or failed",
            pattern=events.EventPattern(
                account=self._apart.event_accounts,
                source=[vocabulary.SAGEMAKER_SOURCE],
                detail_type=[vocabulary.ENDPOINT_CHANGED],
                detail={"EndpointName": list(names.endpoints)},
            ),
        )

    def _decide(self, ingest_queue: sqs.Queue) -> None:
        names = self._names
        self._function(
            "DecideRelease",
            "decide_release",
            self.watched,
            environment={
                "INGEST_QUEUE_URL": ingest_queue.queue_url,
                "RELEASE_PIPELINE": names.release_pipeline,
                "ROLLBACK_PIPELINE": names.rollback_pipeline,
                "REPORT_URI": self._uri("releases"),
                "ENDPOINT_PREFIX": names.package_group,
                "KEEP_STAGES": self._keeps_stages,
                "ATTEMPTS_MAX": str(self._model.attempts_max),
                **self._apart.environment(_TAKEN_DOWN),
            },
            permissions=[
                use_ledger(names.shared),
                tell_people(names.shared),
                *(each for name in names.release_pipelines for each in watch_and_start(names.pipeline_arn(name))),
                *releases.clean_up(names, self._apart.at_home),
                *self._apart.act(_TAKEN_DOWN),
                releases.read_packages(names),
                allow("sqs:SendMessage", on=[ingest_queue.queue_arn, self.watched.dead_letters.queue_arn]),
            ],
        )

    def _change_endpoint(self, serve_role: iam.Role) -> LoopFunction:
        model, names = self._model, self._names
        return self._function(
            "ChangeEndpoint",
            "change_endpoint",
            None,
            environment={
                "ENDPOINT_PREFIX": names.package_group,
                "SERVE_ROLE_ARN": serve_role.role_arn,
                "CAPTURE_URI": self._uri("capture"),
                "MACHINES": json.dumps({stage: asdict(model.machines(stage)) for stage in STAGES}),
                **self._traffic(),
                "EXPERIMENT_MODE": model.release.experiment.mode,
                "CHALLENGER_WEIGHT": str(model.release.experiment.start_weight),
                "KEEP_STAGES": self._keeps_stages,
                **self._apart.environment(),
                **self._apart.serve_environment(),
                **(self._monitor.environment if self._monitor else {}),
            },
            permissions=[
                *self._change_at_home(serve_role),
                *self._apart.act(),
                *(self._monitor.make if self._monitor else ()),
            ],
        )

    def _change_at_home(self, serve_role: iam.Role) -> list[iam.PolicyStatement]:
        names, stages = self._names, self._apart.at_home
        if not stages:
            return [releases.read_packages(names)]
        return [
            *releases.change_endpoints(names, serve_role.role_arn, stages),
            *traffic.watch_alarms(names, self._model.release, stages),
            *traffic.scale(names, self._model.release, stages),
        ]

    def _traffic(self) -> dict[str, str]:
        """How production's traffic shifts and how many instances it has, where the settings say so."""
        release, found = self._model.release, {}
        if release.traffic:
            shifting = {key: value for key, value in asdict(release.traffic).items() if key != "rollback_alarms"}
            alarms = self._names.rollback_alarms if release.has_rollback_alarms else ()
            found["TRAFFIC"] = json.dumps({**shifting, "timeout_s": release.deadline_s, "alarms": alarms})
        if release.scaling:
            found["SCALING"] = json.dumps(asdict(release.scaling))
        return found

    def _answer_waits(self) -> None:
        names, queue = self._names, self.waits.queue
        send = allow("sqs:SendMessage", on=queue.queue_arn)
        tick_role = self._role("TickRole", "tick", "scheduler", [send])
        self._function(
            "AnswerWaits",
            "answer_waits",
            self.waits,
            environment={
                "WAITS_QUEUE_ARN": queue.queue_arn,
                "TICK_PREFIX": names.package_group,
                "TICK_ROLE_ARN": tick_role.role_arn,
                "CAPTURE_URI": self._uri("capture"),
                "LABELS_URI": self._uri("labels"),
                "REPORT_URI": self._uri("releases"),
                "DEADLINE_S": str(self._model.release.deadline_s),
                "EXPERIMENT": json.dumps(asdict(self._model.release.experiment), sort_keys=True),
                **self._apart.environment(),
            },
            permissions=[
                use_ledger(names.shared),
                tell_people(names.shared),
                allow("sqs:SendMessage", on=self.waits.dead_letters.queue_arn),
                *releases.answer_waits(names, tick_role.role_arn, self._apart.at_home),
                *traffic.move_weights(names, self._model.release, self._apart.at_home),
                *self._apart.act(),
                *self._apart.use_key(*keys.WRITE),
            ],
            timeout=_LOOK,
        )

    def _function(
        self,
        construct_id: str,
        capability: str,
        source: WatchedQueue | None,
        *,
        environment: dict[str, str],
        permissions: list[iam.PolicyStatement],
        timeout: Duration = TIMEOUT,
    ) -> LoopFunction:
        names = self._names
        return LoopFunction(
            self,
            construct_id,
            name=names.of(capability.replace("_", "-")),
            capability=capability,
            code=self._code,
            feed=Feed(source.queue, 0) if source else None,
            environment={**(self._books(source) if source else {}), **environment},
            permissions=permissions,
            timeout=timeout,
        )

    def _books(self, source: WatchedQueue) -> dict[str, str]:
        """Where a function that is fed from a queue keeps its books, tells people, and puts what it cannot handle."""
        return {
            "MODEL": self._names.model,
            "LEDGER_TABLE": self._names.shared.ledger,
            "PEOPLE_TOPIC_ARN": self._names.shared.people_topic_arn,
            "DEAD_LETTER_QUEUE_URL": source.dead_letters.queue_url,
        }

    def _pipelines(self, registry_account: str) -> None:
        names, queue = self._names, self.waits.queue
        role = self._role("Role", "release", "sagemaker", ())
        assets = asset_bucket(self)
        for statement in (
            *releases.run_releases(names, role.role_arn, assets, registry_account),
            *releases.ask_endpoints(names, self._apart.at_home),
            *self._apart.act(),
            *self._apart.use_key(*keys.WRITE),
        ):
            role.add_to_policy(statement)
        role.add_to_policy(allow("lambda:InvokeFunction", on=self._change.function.function_arn))
        role.add_to_policy(allow("sqs:SendMessage", on=queue.queue_arn))
        for construct_id, pipeline in (("Pipeline", "release"), ("Rollback", "rollback")):
            CommittedPipeline(
                self,
                construct_id,
                name=names.of(pipeline),
                source=self._source(pipeline, role),
                role=role,
                registry_account=registry_account,
            )

    def _source(self, pipeline: str, role: iam.Role) -> PipelineSource:
        names, tests = self._names, self._model.release.tests
        contract = stage_file(self._model.contract_text().encode(), "contract.json")
        return PipelineSource(
            pipeline=pipeline,
            defaults={
                "TestInstanceType": self._model.instances.processing,
                "P50Ms": tests.p50_ms,
                "P95Ms": tests.p95_ms,
                "Requests": tests.requests,
                "Concurrency": tests.concurrency,
                "Slices": ",".join(tests.slices) or "none",
                "SliceMargin": tests.slice_margin,
                "ChampionMargin": tests.champion_margin,
                "CalibrationMax": tests.calibration_max,
            },
            extra_files=(AssetFile("contract.json", contract),),
            places=(
                Place(tokens.RELEASE_ROLE_ARN, "ReleaseRole", role.role_arn),
                Place(tokens.ENDPOINT, "Endpoint", names.endpoint),
                Place(tokens.CHANGE_ENDPOINT_ARN, "ChangeEndpoint", self._change.function.function_arn),
                Place(tokens.WAITS_QUEUE_URL, "Waits", self.waits.queue.queue_url),
            ),
            roles=self._apart.roles(),
            output_key_arn=self._apart.key_arn,
        )

    @property
    def _keeps_stages(self) -> str:
        return "true" if self._model.release.keep_stages else "false"

    def _uri(self, part: str) -> str:
        """Where this model keeps something in the artifact bucket."""
        return f"s3://{self._names.shared.artifact_bucket}/{self._names.model}/{part}"

    def _role(self, construct_id: str, name: str, service: str, statements: Iterable[iam.PolicyStatement]) -> iam.Role:
        principal = iam.ServicePrincipal(f"{service}.amazonaws.com")
        role = iam.Role(self, construct_id, role_name=self._names.of(name), assumed_by=principal)
        for statement in statements:
            role.add_to_policy(statement)
        return role
