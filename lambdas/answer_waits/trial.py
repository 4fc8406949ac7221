"""An experiment wait, moved on by one look: start, guard-rails, outcome. Reads, asks the judge, records."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from lambdas.answer_waits import decision, judge, notices
from lambdas.answer_waits.decision import EndpointSeen, Pending
from lambdas.answer_waits.experiments import Experiment, Experiments
from lambdas.answer_waits.judge import Bucket, Evidence, Health, Judgement, Verdict
from lambdas.answer_waits.records import Captured, Joined, join, read_captured
from lambdas.answer_waits.schedules import Schedules
from lambdas.answer_waits.sources import HourlyLines, NoComparisonError, read_buckets, read_spread
from lambdas.answer_waits.waits import Answer, Wait, Waits
from lambdas.shared.clients import Clients
from lambdas.shared.events import parse_time, render_time
from lambdas.shared.ledger.trail import AuditEntry, audit_put
from lambdas.shared.observability import log
from lambdas.shared.people import People
from lambdas.shared.settings import AnswerWaitsSettings

CHAMPION, CHALLENGER = "champion", "challenger"
_SKIPPED = {
    "none": "first release: no champion to compare with, experiment skipped",
    "off": "the settings ask for no experiment",
}
"""Why there is no experiment, by the mode that `change_endpoint` answers."""
_TELLS_WITHIN = timedelta(minutes=1)
"""Whoever begins an experiment tells people of it; a message that comes meanwhile must not tell them as well."""


@dataclass(frozen=True)
class Reading:
    """What one look read.

    Attributes:
        counts: what was read, what did not join, what was cut.
    """

    joined: Joined
    challenger: Captured
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Trial:
    """The experiments of one model, with what they need."""

    settings: AnswerWaitsSettings
    clients: Clients
    waits: Waits
    experiments: Experiments
    schedules: Schedules
    people: People

    def advance(self, wait: Wait, seen: EndpointSeen | None, now: datetime) -> None:
        """Look once; what is decided is in the ledger afterwards."""
        if wait.mode in _SKIPPED:
            self._decide_without(wait, Judgement(Verdict.PROMOTE, _SKIPPED[wait.mode]), now)
            return
        running = self.experiments.find(wait.release_id)
        if running and running.verdict:  # the step was run again: the verdict stands
            self._decide(wait, running.verdict, running.reason, running.report, now)
            return
        found = decision.look(wait, seen)
        if isinstance(found, Answer):
            self.waits.decide(wait, found, audit_put(self.settings.model, self._failed(wait, found, now)))
        elif running:
            self._look(wait, running, found, now)
        elif found is Pending.UP:
            self._start(wait, now)
        elif now >= parse_time(wait.since) + timedelta(seconds=self.settings.deadline_s):
            late = decision.late(wait, seen)
            self.waits.decide(wait, late, audit_put(self.settings.model, self._failed(wait, late, now)))

    def _start(self, wait: Wait, now: datetime) -> None:
        aim = self.settings.experiment
        try:
            spread = read_spread(self.clients.s3, wait.comparison_uri, aim.metric)
        except NoComparisonError as exc:
            self._decide_without(wait, Judgement(Verdict.INCONCLUSIVE, f"no plan: {exc}; the champion stays"), now)
            return
        planned = judge.plan(replace(aim, mode=wait.mode), spread)  # the mode that the endpoint has
        self.schedules.slow_down(wait.token, aim.look_every_s, parse_time(wait.deadline_at))
        experiment = Experiment(wait.release_id, planned, spread, started_at=now, looked_at=now)
        if self.experiments.begin(experiment):
            log.info("experiment.started", extra={"release_id": wait.release_id, **asdict(planned)})
            self.people.tell(notices.started(self.settings.model, wait, aim, planned))

    def _look(self, wait: Wait, running: Experiment, found: Pending, now: datetime) -> None:
        """Guard-rails always; captured answers and labels when a look is due or the end has come."""
        aim = self.settings.experiment
        if now >= running.started_at + _TELLS_WITHIN:  # whoever began it may have died before people knew
            self.people.tell(notices.started(self.settings.model, wait, aim, running.plan))
        buckets = read_buckets(
            self.clients.at(wait.stage).cloudwatch, wait.endpoint, CHALLENGER, running.started_at, now
        )
        abort = judge.broken_guard_rail(aim.guard_rails, Health(buckets))
        is_time_over = now >= running.started_at + timedelta(seconds=aim.duration_max_s)
        is_due = now >= running.looked_at + timedelta(seconds=aim.look_every_s)
        if not (abort or is_time_over or is_due):
            return
        if not (abort or is_time_over) and len(running.climbs) < len(aim.ramp):
            self._climb(wait, running, found, now)
            return
        reading = self._read(wait, running)
        captured = reading.challenger.counts
        health = Health(buckets, captured["captured"], captured["null"])
        judgement = judge.judge(
            running.plan,
            reading.joined.evidence,
            abort=judge.broken_guard_rail(aim.guard_rails, health),
            is_time_over=is_time_over,
        )
        log.info("experiment.looked", extra={"release_id": wait.release_id, "reason": judgement.reason})
        if judgement.verdict is Verdict.CONTINUE:
            self.experiments.looked(running, reading.joined.evidence, now)
            return
        report = json.dumps(self._report(wait, running, judgement, reading, buckets, now))
        ended = self.experiments.ended(running, judgement, report)
        self._decide(wait, str(judgement.verdict), judgement.reason, report, now, ended)

    def _climb(self, wait: Wait, running: Experiment, found: Pending, now: datetime) -> None:
        """Give the challenger its next share, once it was seen to do no harm at the present one."""
        aim, metrics = self.settings.experiment, self.clients.at(wait.stage).cloudwatch
        seen = read_buckets(metrics, wait.endpoint, CHALLENGER, running.steady_at, now)
        if sum(bucket.requests for bucket in seen) < aim.guard_rails.requests_min or found is not Pending.UP:
            return
        share = aim.ramp[len(running.climbs)]
        self.clients.at(wait.stage).sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=wait.endpoint,
            DesiredWeightsAndCapacities=[
                {"VariantName": CHAMPION, "DesiredWeight": 1 - share},
                {"VariantName": CHALLENGER, "DesiredWeight": share},
            ],
        )
        self.experiments.climbed(running, share, now)
        log.info("experiment.climbed", extra={"release_id": wait.release_id, "share": share})

    def _read(self, wait: Wait, running: Experiment) -> Reading:
        folder = f"{self.settings.capture_uri}/{wait.endpoint}"
        sources = {
            name: HourlyLines(self.clients.s3, uri, running.steady_at)
            for name, uri in (
                (CHAMPION, f"{folder}/{CHAMPION}"),
                (CHALLENGER, f"{folder}/{CHALLENGER}"),
                ("labels", self.settings.labels_uri),
            )
        }
        champion, challenger = (read_captured(sources[name], running.steady_at) for name in (CHAMPION, CHALLENGER))
        joined = join(wait.mode, self.settings.experiment.metric, champion, challenger, sources["labels"])
        counts = {f"{name} objects": source.objects for name, source in sources.items()}
        for name, captured in ((CHAMPION, champion), (CHALLENGER, challenger)):
            counts |= {f"{name} {what}": count for what, count in captured.counts.items()}
        cut = [name for name, source in sources.items() if source.is_cut]
        cut += [name for name, captured in ((CHAMPION, champion), (CHALLENGER, challenger)) if captured.is_cut]
        counts |= {**joined.counts, **{f"{name} cut: there was more than a look can read": 1 for name in cut}}
        return Reading(joined, challenger, counts)

    def _report(
        self,
        wait: Wait,
        running: Experiment,
        judgement: Judgement,
        reading: Reading,
        buckets: list[Bucket],
        now: datetime,
    ) -> dict[str, Any]:
        """The whole table on which it was decided."""
        evidence = reading.joined.evidence
        latest = [asdict(bucket) for bucket in buckets[-12:]]
        return {
            "verdict": str(judgement.verdict),
            "reason": judgement.reason,
            "release_id": wait.release_id,
            "model_package_arn": wait.package_arn,
            "endpoint": wait.endpoint,
            "mode": wait.mode,
            "settings": asdict(self.settings.experiment),
            "started_at": render_time(running.started_at),
            "decided_at": render_time(now),
            "shares": [{"at": render_time(at), "challenger": share} for at, share in running.climbs],
            "comparison": asdict(running.spread),
            "plan": asdict(running.plan),
            "table": [{"hour": hour, **_arms(seen)} for hour, seen in sorted(reading.joined.by_hour.items())],
            "total": _arms(evidence),
            "counts": dict(reading.counts),
            "challenger_latest": latest,
        }

    def _decide_without(self, wait: Wait, judgement: Judgement, now: datetime) -> None:
        """A verdict without an experiment."""
        verdict = str(judgement.verdict)
        report = {"verdict": verdict, "reason": judgement.reason, "release_id": wait.release_id, "mode": wait.mode}
        self._decide(wait, verdict, judgement.reason, json.dumps(report), now)

    def _decide(self, wait: Wait, verdict: str, reason: str, report: str, now: datetime, *more: Any) -> None:
        report_uri = f"{self.settings.report_uri}/{wait.release_id}/experiment.json"
        answer = Answer({"verdict": verdict, "reason": reason, "report_uri": report_uri}, report=report)
        entry = AuditEntry(
            render_time(now), "answer_waits", f"experiment.{verdict}", wait.package_arn, reason, wait.token
        )
        if self.waits.decide(wait, answer, audit_put(self.settings.model, entry), *more):
            log.info("experiment.ended", extra={"release_id": wait.release_id, "verdict": verdict, "reason": reason})

    def _failed(self, wait: Wait, answer: Answer, now: datetime) -> AuditEntry:
        return AuditEntry(
            render_time(now), "answer_waits", "experiment.failed", wait.package_arn, answer.reason, wait.token
        )


def _arms(evidence: Evidence) -> dict[str, Any]:
    """Samples that are not empty, as count, mean and standard deviation."""
    return {
        name: {"n": sample.n, "mean": sample.mean, "sd": sample.variance**0.5}
        for name, sample in vars(evidence).items()
        if sample.n
    }
