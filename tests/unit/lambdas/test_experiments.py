"""An experiment in production is planned, told, looked at and decided once."""

import json
from dataclasses import replace
from functools import partial

import pytest

from lambdas.answer_waits import sources
from lambdas.shared.ledger.table import Delete, Table
from tests.unit.lambdas.test_concurrency import _at_once
from tests.unit.lambdas.waiting import CHALLENGER, CHAMPION, FINE, PROD, Trial, both, callback, endpoint, tick
from tests.unit.lambdas.world import EXPERIMENT, LEDGER, World, batch_of


@pytest.fixture
def trial(world: World) -> Trial:
    """In mode paired."""
    return Trial(world, world.answer_waits())


@pytest.fixture
def split(world: World) -> Trial:
    """In mode split, a fifth of the requests for the challenger."""
    return Trial(world, world.answer_waits(replace(EXPERIMENT, mode="split")), "split")


def test_the_first_release_skips_the_experiment_and_says_so(trial: Trial) -> None:
    trial.send(callback("experiment", mode="none", config="", variants="champion"))

    reason = "first release: no champion to compare with, experiment skipped"
    uri = "s3://driftloop-artifacts/flights/releases/20260301T070000-1a2b3c4d/experiment.json"
    assert trial.verdict() == {"verdict": "promote", "reason": reason, "report_uri": uri}
    assert trial.report()["reason"] == reason
    assert trial.world.told() == ["experiment-skipped"]


def test_what_it_can_detect_is_told_once_when_both_variants_are_up(trial: Trial) -> None:
    trial.start()
    trial.send(callback("experiment"))
    trial.tick(1)
    trial.tick(2)

    [(kind, text)] = trial.world.mail()
    assert kind == "experiment-started"
    assert "an improvement of the mean log_loss of 0.07459 or more with power 0.8" in text
    assert "100 labelled pairs" in text
    assert "Time limit: 6 h" in text
    assert trial.world.schedules() == {"driftloop-flights-tok0000002": "rate(60 minutes)"}


def test_while_one_message_begins_it_another_does_not_tell_too_but_soon_would(trial: Trial) -> None:
    trial.start()
    [told] = trial.world.rows("NOTICE")
    Table(trial.world.clients.dynamodb, LEDGER).write(Delete(told["pk"], told["sk"]))  # people do not know yet

    trial.send(callback("experiment"))
    assert trial.world.told() == ["experiment-started"]

    trial.tick(1)
    assert trial.world.told() == ["experiment-started"] * 2


def test_until_both_variants_are_up_nothing_starts_and_it_ticks_every_minute(trial: Trial) -> None:
    trial.world.sagemaker.endpoints[PROD] = both(status="Updating", config="before")
    trial.send(callback("experiment"))
    trial.tick(10)

    assert trial.world.rows("EXPERIMENT") == []
    assert trial.world.schedules() == {"driftloop-flights-tok0000002": "rate(1 minute)"}

    trial.tick(45)

    assert "not up by" in trial.world.sagemaker.answers["tok0000002"]["FailureReason"]


def test_production_that_was_rolled_back_silently_fails_the_step(trial: Trial) -> None:
    trial.start()
    trial.world.sagemaker.endpoints[PROD] = endpoint(config="before")

    trial.tick(10)

    assert "it serves 'before': rolled back" in trial.world.sagemaker.answers["tok0000002"]["FailureReason"]
    assert trial.world.schedules() == {}


def test_a_challenger_that_is_better_is_promoted_with_the_table(trial: Trial) -> None:
    trial.start()
    trial.pairs(champion=0.5, challenger=0.7)

    trial.tick(60)

    assert trial.verdict()["verdict"] == "promote"
    assert trial.verdict()["reason"].startswith("the challenger is better: improvement +0.33")
    [row] = trial.report()["table"]
    assert (row["hour"], row["difference"]["n"]) == ("2026/03/01/06", 150)
    assert trial.report()["plan"]["challenger_n"] == 100
    assert trial.world.told() == ["experiment-started", "experiment-ended"]
    assert "2026/03/01/06  champion n 150" in trial.world.mail()[1][1]
    assert [row["what"] for row in trial.world.rows("AUDIT")] == ["experiment.promote"]
    assert trial.world.schedules() == {}


@pytest.mark.parametrize(
    ("challenger", "said"), [(0.3, "the challenger is worse"), (0.5, "the challenger is not shown to be better")]
)
def test_a_challenger_that_is_not_better_is_not_promoted(trial: Trial, challenger: float, said: str) -> None:
    trial.start()
    trial.pairs(champion=0.5, challenger=challenger)

    trial.tick(60)

    assert trial.verdict()["verdict"] == "keep"
    assert trial.verdict()["reason"].startswith(said)


@pytest.fixture
def climbing(world: World) -> Trial:
    """In mode split, from a fifth of the requests by way of a third to a half."""
    return Trial(world, world.answer_waits(replace(EXPERIMENT, mode="split", ramp=(0.3, 0.5))), "split")


def _shares(trial: Trial) -> list[float]:
    """The challenger's shares that were asked for."""
    changes = [request for change, request in trial.world.sagemaker.changes if change.endswith("and_capacities")]
    return [request["DesiredWeightsAndCapacities"][1]["DesiredWeight"] for request in changes]


def test_a_challenger_that_does_no_harm_gets_more_of_the_traffic_look_by_look(climbing: Trial) -> None:
    climbing.start()
    climbing.tick(60)
    assert _shares(climbing) == []  # nobody has asked it yet

    climbing.traffic(65, requests=100)
    climbing.tick(70)
    climbing.tick(80)  # no look is due
    climbing.traffic(75, requests=99)
    climbing.tick(135)
    assert _shares(climbing) == [0.3]

    climbing.traffic(140, requests=1)
    climbing.tick(200)
    assert _shares(climbing) == [0.3, 0.5]


def test_what_was_answered_before_the_last_share_is_not_compared(climbing: Trial) -> None:
    climbing.start(sd=0.3)
    climbing.answers(CHAMPION, ("0.9" for _ in range(900)))
    climbing.answers(CHALLENGER, ("0.1" for _ in range(900)), first=900)
    for minute in (5, 65):
        climbing.traffic(minute, requests=100)
        climbing.tick(minute + 60)
    climbing.answers(CHAMPION, (str(0.5 + k % 7 / 100) for k in range(800)), minute=130, first=2000)
    climbing.answers(CHALLENGER, (str(0.7 + k % 7 / 100) for k in range(800)), minute=130, first=2800)
    climbing.labels({f"r{k}": "1" for k in range(3600)}, minute=150)

    climbing.tick(190)

    report = climbing.report()
    assert climbing.verdict()["verdict"] == "promote", report
    assert (report["total"]["champion"]["n"], report["total"]["challenger"]["n"]) == (800, 800)
    assert [climb["challenger"] for climb in report["shares"]] == [0.3, 0.5]


def test_a_challenger_that_does_harm_is_taken_out_before_it_gets_more(climbing: Trial) -> None:
    climbing.start()
    climbing.traffic(5, requests=100, errors=50)

    climbing.tick(60)

    assert (climbing.verdict()["verdict"], _shares(climbing)) == ("keep", [])


def test_while_the_endpoint_is_busy_the_share_stays(climbing: Trial) -> None:
    climbing.start()
    climbing.traffic(5, requests=100)
    climbing.world.sagemaker.endpoints[PROD] |= {"EndpointStatus": "Updating"}

    climbing.tick(60)

    assert _shares(climbing) == []


def test_in_mode_split_each_variant_is_judged_by_its_own_labels(split: Trial) -> None:
    split.start(sd=0.3)
    split.answers(CHAMPION, (str(0.5 + k % 7 / 100) for k in range(800)))
    split.answers(CHALLENGER, (str(0.7 + k % 7 / 100) for k in range(200)), first=800)
    split.labels({f"r{k}": "1" for k in range(1000)})

    split.tick(60)

    assert split.verdict()["verdict"] == "promote"
    total = split.report()["total"]
    assert (total["champion"]["n"], total["challenger"]["n"]) == (800, 200)
    assert "which answers 20% of the requests" in split.world.mail()[0][1]


def test_looks_are_as_far_apart_as_the_settings_say(trial: Trial) -> None:
    trial.start()
    trial.pairs(champion=0.5, challenger=0.7)

    trial.tick(59)

    assert trial.verdict() == {}


def test_labels_that_come_late_are_joined_when_they_come(trial: Trial) -> None:
    trial.start()
    trial.pairs(champion=0.5, challenger=0.7, n=90)
    trial.tick(60)
    waiting = trial.verdict()
    trial.answers(CHAMPION, ["0.5"] * 20, first=90)
    trial.answers(CHALLENGER, ["0.71"] * 20, first=90)
    trial.labels({f"r{k}": "1" for k in range(90, 110)}, minute=130)

    trial.tick(135)

    assert waiting == {}
    assert trial.verdict()["verdict"] == "promote"
    assert [row["difference"]["n"] for row in trial.report()["table"]] == [90, 20]


def test_too_few_labels_by_the_time_limit_are_inconclusive(trial: Trial) -> None:
    trial.start()
    trial.pairs(champion=0.5, challenger=0.7, n=99)
    for minute in range(60, 360, 60):
        trial.tick(minute)
    before = trial.verdict()

    trial.tick(360)

    assert before == {}
    assert trial.verdict()["verdict"] == "inconclusive"
    assert "99 of 100 labelled pairs; the champion stays" in trial.verdict()["reason"]


@pytest.mark.parametrize(
    ("traffic", "said"),
    [
        ({"errors": 5.0}, "guard-rail: 5 5xx in 200 requests (2.5%), at most 2.0%"),
        ({"p95_ms": 1500.0}, "guard-rail: p95 1500 ms over the last 200 requests, at most 1000 ms"),
    ],
)
def test_a_guard_rail_ends_it_at_the_next_tick_however_good_the_predictions(
    trial: Trial, traffic: dict[str, float], said: str
) -> None:
    trial.start()
    trial.pairs(champion=0.5, challenger=0.9)
    trial.traffic(**traffic)

    trial.tick(10)

    assert (trial.verdict()["verdict"], trial.verdict()["reason"]) == ("keep", said)


def test_a_bad_end_is_not_hidden_by_a_good_beginning(trial: Trial) -> None:
    trial.start()
    trial.traffic(5, requests=100_000)
    trial.traffic(15, requests=120, errors=10)

    trial.tick(20)

    assert trial.verdict()["reason"].startswith("guard-rail: 10 5xx in 120 requests")


def test_a_few_requests_break_no_guard_rail(trial: Trial) -> None:
    trial.start()
    trial.traffic(requests=99, errors=99)

    trial.tick(10)

    assert trial.verdict() == {}


def test_answers_that_are_no_predictions_end_it_at_the_next_look(trial: Trial) -> None:
    trial.start()
    trial.answers(CHALLENGER, ["0.5"] * 98 + ["nan", ""])

    trial.tick(60)

    assert trial.verdict()["reason"] == "guard-rail: 2 null predictions in 100 requests (2.0%), at most 1.0%"


def test_without_a_comparison_there_is_no_plan_and_the_champion_stays(trial: Trial) -> None:
    trial.world.sagemaker.endpoints[PROD] = both()

    trial.send(callback("experiment"))

    assert trial.verdict()["verdict"] == "inconclusive"
    assert "comparison.json' does not exist" in trial.verdict()["reason"]


def test_losses_of_another_metric_than_the_experiments_are_no_plan_either(world: World) -> None:
    trial = Trial(world, world.answer_waits(replace(EXPERIMENT, metric="squared_error")))

    trial.start()

    assert trial.verdict()["verdict"] == "inconclusive"
    assert "expected losses of squared_error, found log_loss; the champion stays" in trial.verdict()["reason"]


def test_without_the_champions_losses_the_plan_asks_for_more_rather_than_less(trial: Trial) -> None:
    trial.world.sagemaker.endpoints[PROD] = both()
    trial.compare({"champion": None, "challenger": {"loss": {"sd": 4.0}}, "difference": None})

    trial.send(callback("experiment"))

    [row] = trial.world.rows("EXPERIMENT")
    assert json.loads(row["spread"])["difference"] == pytest.approx(4.0 * 2**0.5)
    assert json.loads(row["plan"])["challenger_n"] == 792


def test_a_look_that_cannot_read_all_says_so(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "OBJECTS_MAX", 1)
    trial.start()
    trial.pairs(champion=0.5, challenger=0.7)
    trial.answers(CHAMPION, ["0.5"] * 5, first=500)

    trial.tick(60)

    assert trial.report()["counts"]["champion cut: there was more than a look can read"] == 1
    assert "challenger cut: there was more than a look can read" not in trial.report()["counts"]


def test_handlers_at_once_start_one_experiment_and_give_one_verdict(trial: Trial) -> None:
    trial.start()
    trial.pairs(champion=0.5, challenger=0.7)
    trial.traffic(50, errors=100)
    bodies = [tick(40, "tok0000002"), tick(60, "tok0000002"), callback("experiment")] * 3
    function = trial.function

    answers = _at_once([partial(function.handle_batch, batch_of(body)) for body in bodies])

    assert answers == [FINE] * 9
    assert trial.report()["verdict"] == trial.verdict()["verdict"]  # the fake refuses contradictions
    assert len(trial.world.rows("EXPERIMENT")) == 1
    assert trial.world.schedules() == {}


def test_starting_at_once_is_starting_once(trial: Trial) -> None:
    trial.world.sagemaker.endpoints[PROD] = both()
    trial.compare({"challenger": {"loss": {"sd": 0.3}}, "champion": None, "difference": None})
    message = callback("experiment")
    function = trial.function

    _at_once([partial(function.handle_batch, batch_of(message, minute=minute)) for minute in range(4)])

    [row] = trial.world.rows("EXPERIMENT")
    assert row["version"] == 1
    assert set(trial.world.told()) == {"experiment-started"}


def test_a_verdict_stands_when_the_step_is_run_again(trial: Trial) -> None:
    trial.start()
    trial.pairs(champion=0.5, challenger=0.7)
    trial.tick(60)
    again = callback("experiment") | {"token": "tok0000003"}

    trial.send(again, minute=90)

    first, second = (trial.world.sagemaker.answers[token] for token in ("tok0000002", "tok0000003"))
    assert first["OutputParameters"] == second["OutputParameters"]
    assert trial.world.told() == ["experiment-started", "experiment-ended"]


def test_a_stopped_release_ends_its_experiment_without_a_verdict(trial: Trial) -> None:
    trial.start()

    trial.send(callback("stopping"), minute=30)

    assert trial.world.sagemaker.answers["tok0000002"]["FailureReason"] == "stopped"
    assert trial.world.schedules() == {}


def test_one_wait_that_cannot_be_looked_at_does_not_hold_up_another(trial: Trial) -> None:
    trial.world.sagemaker.endpoints["driftloop-flights-dev"] = endpoint("Creating")
    trial.start()
    trial.send(callback())
    trial.world.clients.metrics.series = None  # type: ignore[assignment]
    trial.world.sagemaker.endpoints["driftloop-flights-dev"] = endpoint()

    failed = trial.function.handle_batch(batch_of(tick(5)))

    assert failed != FINE
    assert "tok0000001" in trial.world.sagemaker.answers
