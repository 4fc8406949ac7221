"""The retraining guard: what an alarm that stands means now. What it remembers and facts in, what to do out.

In this order, the first that holds:

1. The alarm does not stand: nothing; one that is OK closes the episode.
2. Something is under way (a run, a candidate that nobody decided on, a release): wait for its end.
3. What the alarm looks at was still answered by the former champion, or no fresh request can have its label: wait.
4. As many runs as may be did not help: stop, and call a person.
5. The cool-down, or the cap of a day: wait.
6. The money is used up, or nobody can say what was spent: stop, and call a person.
7. Start.

Whoever waits is asked again at the end of each run, at each change of the alarm, and by the reconciler.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from lambdas.shared.events import parse_time, render_time
from lambdas.shared.ledger.episodes import Episode, Guard, WantedRun
from lambdas.shared.ledger.runs import Fresh, Wanted
from lambdas.shared.settings import RetrainingPolicy

DRIFT: Final = "drift"
QUALITY: Final = "quality"
FROM_THE_BEGINNING: Final = "none"
_DAY: Final = timedelta(days=1)


class Outcome(Enum):
    """What a decision comes to."""

    NOTHING = "nothing"
    WAIT = "wait"
    STOP = "stop"
    START = "start"


class Cause(Enum):
    """Why a person is called."""

    NO_HELP = "retraining-stopped"
    MONEY = "retraining-budget"
    IMPOSSIBLE = "retraining-impossible"


@dataclass(frozen=True)
class Alarm:
    """The one alarm that asks for retraining.

    Attributes:
        state: OK, ALARM or INSUFFICIENT_DATA.
        standing: which of the alarms behind it are in ALARM: `drift`, `quality`.
    """

    state: str
    standing: frozenset[str]


@dataclass(frozen=True)
class Champion:
    """What production serves.

    Attributes:
        live_since: None if that was never written down, which is taken for long ago.
        history_uri: the rows that it was made from; empty if its package does not say.
        fresh_until: up to when captured requests are among them, None for a champion made from files alone.
        is_first: nothing was live before it, so nothing was captured before it.
    """

    package_arn: str
    live_since: datetime | None
    history_uri: str
    fresh_until: datetime | None = None
    is_first: bool = False


@dataclass(frozen=True)
class UnderWay:
    """What has to end before a run makes sense; each empty if there is none.

    Attributes:
        batch_id: a run that goes on, or waits for its turn.
        candidate: a package of the guard's last run that nobody has decided on, or whose decision was not taken in.
        release: a package that is being released, or queued.
    """

    batch_id: str = ""
    candidate: str = ""
    release: str = ""


@dataclass(frozen=True)
class Facts:
    """All that a decision depends on besides what the guard remembers.

    Attributes:
        ended: when runs ended, by batch; those that did.
        spent_usd: on retraining, in the last `budget_days`.
        unpriced: why nobody can say what was spent; empty if somebody can.
    """

    now: datetime
    alarm: Alarm
    champion: Champion | None
    under_way: UnderWay
    ended: Mapping[str, datetime]
    spent_usd: float = 0.0
    unpriced: str = ""


@dataclass(frozen=True)
class Decision:
    """What to do, and what the guard remembers of it.

    Attributes:
        why: in words that stay the same as long as nothing changes.
        cause: why a person is called, of a stop.
        wanted: the run, of a start.
    """

    outcome: Outcome
    why: str
    guard: Guard
    cause: Cause | None = None
    wanted: Wanted | None = None

    @property
    def said(self) -> str:
        """The decision in words."""
        return f"{self.outcome.value}: {self.why}"


def decide(guard: Guard, facts: Facts, policy: RetrainingPolicy) -> Decision:
    """What an alarm means now. The same facts again decide the same, and change nothing."""
    now = max(facts.now, parse_time(guard.at)) if guard.at else facts.now
    if facts.alarm.state != "ALARM":
        return _calm(guard, facts.alarm, now)
    if facts.champion is None:
        return Decision(Outcome.WAIT, "production serves no package that the ledger knows", guard)
    guard = replace(guard, episode=_episode(guard, facts.champion, now, policy))
    waiting = (
        _under_way(facts.under_way)
        or _too_early(facts.alarm, facts.champion, now, policy)
        or _unlabelled(facts.champion, now, policy)
    )
    if waiting:
        return Decision(Outcome.WAIT, waiting, guard)
    if stopped := _fruitless(guard, policy):
        return stopped
    if waiting := _cooling_down(guard, facts, now, policy) or _capped(guard, now, policy):
        return Decision(Outcome.WAIT, waiting, guard)
    return _impossible(guard, facts, facts.champion, policy) or _start(guard, facts.alarm, facts.champion, now, policy)


def remembered(before: Guard, decision: Decision, now: datetime) -> Guard | None:
    """What the guard remembers from now on; None if it is what it remembered before."""
    after = replace(decision.guard, said=decision.said)
    if after == before or (before == Guard() and decision.outcome is Outcome.NOTHING):
        return None
    at = max(render_time(now), before.at)
    return replace(after, version=before.version + 1, at=at)


def _calm(guard: Guard, alarm: Alarm, now: datetime) -> Decision:
    """Without data nobody knows; the episode stays as it is."""
    if alarm.state == "OK" and guard.episode and not guard.episode.closed_at:
        guard = replace(guard, episode=replace(guard.episode, closed_at=render_time(now)))
    return Decision(Outcome.NOTHING, f"the alarm is {alarm.state}", guard)


def _episode(guard: Guard, champion: Champion, now: datetime, policy: RetrainingPolicy) -> Episode:
    """The one that goes on, or a new one.

    An alarm that comes back within the cool-down was never away: flapping gets no fresh count of runs.
    """
    known = guard.episode
    if known and known.champion == champion.package_arn:
        away_s = (now - parse_time(known.closed_at)).total_seconds() if known.closed_at else 0
        if not known.closed_at or away_s < policy.cooldown_s:
            return replace(known, closed_at="")
    version = champion.package_arn.rpartition("/")[2]
    return Episode(f"{version}-{now:%Y%m%dT%H%M%S}", champion.package_arn, render_time(now))


def _under_way(under_way: UnderWay) -> str:
    if under_way.batch_id:
        return f"batch {under_way.batch_id} runs or waits for its turn"
    if under_way.release:
        return f"{under_way.release} is being released"
    if under_way.candidate:
        return f"{under_way.candidate} waits for a person's decision, or for its being taken in"
    return ""


def _too_early(alarm: Alarm, champion: Champion, now: datetime, policy: RetrainingPolicy) -> str:
    """An alarm counts when all that its window holds was answered by this champion; labels of that come later."""
    if not alarm.standing:
        return "neither drift nor quality stands behind the alarm"
    if champion.live_since is None:
        return ""
    drift = champion.live_since + timedelta(seconds=policy.window_s)
    counts_from = {DRIFT: drift, QUALITY: drift + timedelta(seconds=policy.label_delay_s)}
    first = min(counts_from[name] for name in alarm.standing)
    return "" if now >= first else f"until {render_time(first)} the alarm's window still describes the former champion"


def _unlabelled(champion: Champion, now: datetime, policy: RetrainingPolicy) -> str:
    """A run without a window of labelled fresh requests would fail, or learn nothing new."""
    since = champion.fresh_until or (champion.live_since if champion.is_first else None)
    if since is None:
        return ""
    labelled = since + timedelta(seconds=policy.window_s + policy.label_delay_s)
    return "" if now >= labelled else f"until {render_time(labelled)} the champion's fresh requests have no labels yet"


def _fruitless(guard: Guard, policy: RetrainingPolicy) -> Decision | None:
    tried = [run for run in guard.runs if guard.episode and run.episode == guard.episode.id]
    if len(tried) < policy.runs_max:
        return None
    why = f"{len(tried)} runs of episode {tried[-1].episode} did not help; the alarm still stands"
    return Decision(Outcome.STOP, why, guard, cause=Cause.NO_HELP)


def _cooling_down(guard: Guard, facts: Facts, now: datetime, policy: RetrainingPolicy) -> str:
    """From the end of the champion's last run, also if the alarm was OK in between."""
    mine = [run for run in guard.runs if facts.champion and run.champion == facts.champion.package_arn]
    if not mine:
        return ""
    ended = facts.ended.get(mine[-1].batch_id, parse_time(mine[-1].wanted_at))
    until = ended + timedelta(seconds=policy.cooldown_s)
    return "" if now >= until else f"cool-down until {render_time(until)}"


def _capped(guard: Guard, now: datetime, policy: RetrainingPolicy) -> str:
    recent = [run for run in guard.runs if parse_time(run.wanted_at) > now - _DAY]
    if len(recent) < policy.per_day_max:
        return ""
    until = parse_time(recent[-policy.per_day_max].wanted_at) + _DAY if policy.per_day_max else now + _DAY
    return f"{policy.per_day_max} runs a day are allowed; the next at {render_time(until)}"


def _impossible(guard: Guard, facts: Facts, champion: Champion, policy: RetrainingPolicy) -> Decision | None:
    if not champion.history_uri:
        why = f"the metadata of {champion.package_arn} do not say which rows it was made from"
        return Decision(Outcome.STOP, why, guard, cause=Cause.IMPOSSIBLE)
    if facts.unpriced:
        return Decision(Outcome.STOP, f"what was spent is unknown: {facts.unpriced}", guard, cause=Cause.IMPOSSIBLE)
    if facts.spent_usd >= policy.budget_usd:
        why = f"the budget of {policy.budget_usd:.2f} USD in {policy.budget_days} days is used up"
        return Decision(Outcome.STOP, why, guard, cause=Cause.MONEY)
    return None


def _start(guard: Guard, alarm: Alarm, champion: Champion, now: datetime, policy: RetrainingPolicy) -> Decision:
    assert guard.episode is not None
    number = 1 + sum(run.episode == guard.episode.id for run in guard.runs)
    digest = hashlib.sha256(f"{champion.package_arn}\0{guard.episode.id}\0{number}".encode()).hexdigest()
    batch_id = f"{now:%Y%m%dT%H%M%S}-{digest[:12]}"
    run = WantedRun(batch_id, champion.package_arn, guard.episode.id, render_time(now))
    why = f"{' and '.join(sorted(alarm.standing))}: run {number} of {policy.runs_max} of episode {guard.episode.id}"
    return Decision(
        Outcome.START,
        why,
        replace(guard, runs=(*_still_needed(guard, now), run)),
        wanted=Wanted(batch_id, _fresh(champion, guard.episode, now, policy), why, run.wanted_at),
    )


def _fresh(champion: Champion, episode: Episode, now: datetime, policy: RetrainingPolicy) -> Fresh:
    """Up to where labels are complete: what has none yet would be missing from this run and from the next as well."""
    return Fresh(
        history_uri=champion.history_uri,
        history_share=policy.history_share,
        fresh_since=render_time(champion.fresh_until) if champion.fresh_until else FROM_THE_BEGINNING,
        fresh_until=render_time(now - timedelta(seconds=policy.label_delay_s)),
        episode=episode.id,
    )


def _still_needed(guard: Guard, now: datetime) -> tuple[WantedRun, ...]:
    """Those of the episode, and those of the last day."""
    return tuple(
        run
        for run in guard.runs
        if (guard.episode and run.episode == guard.episode.id) or parse_time(run.wanted_at) > now - _DAY
    )
