"""A season: the same flights each time, figures by month, and which alarm got which answer."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from driftloop.commands import demo
from driftloop.season import picture, results
from driftloop.season.flights import of_day
from driftloop.season.play import Answer
from driftloop.season.seen import Alarm, Seen, answered, spans
from infra.settings import load_model

T = datetime(2026, 1, 10, tzinfo=UTC)
DAY = timedelta(days=1)
FEATURES = ("month", "day", "carrier")


def test_a_days_flights_are_the_same_each_time_and_were_flown_that_day() -> None:
    flights = of_day(date(2013, 4, 12), FEATURES, 50)

    assert flights == of_day(date(2013, 4, 12), FEATURES, 50)
    assert len({flight.name for flight in flights}) == 50
    assert all(flight.body.startswith("4,12,") for flight in flights)
    assert {flight.is_late for flight in flights} == {True, False}


def test_months_compare_both_models_on_the_same_flights() -> None:
    april, may = date(2013, 4, 30), date(2013, 5, 1)
    answers = [
        Answer(april, 0.9, 0.1, True),
        Answer(april, 0.1, 0.9, False),
        Answer(may, 0.5, 0.5, True),
        Answer(may, 0.5, 0.5, False),
    ]

    first, second = results.months(answers)

    assert (first.loop_auc, first.frozen_auc, second.loop_auc) == (1.0, 0.0, 0.5)
    assert (first.loop_loss, first.frozen_loss) == pytest.approx((0.10536, 2.30259), abs=1e-5)
    assert second.loop_loss == pytest.approx(0.69315, abs=1e-5)
    assert (results.whole(answers).flights, results.whole(answers).late) == (4, 0.5)


def test_the_picture_marks_each_alarm_and_release_on_its_day() -> None:
    months = [results.Month(date(2013, month, 1), 10, 0.2, 0.6, 0.5, 0.5, 0.6) for month in (4, 5)]

    drawn = ET.fromstring(picture.svg(months, [date(2013, 4, 12)], [date(2013, 5, 3), date(2013, 5, 20)]))

    titles = [found.text for found in drawn.iter("{http://www.w3.org/2000/svg}title")]
    assert titles == ["alarm of 12 April", "release of 03 May", "release of 20 May"]


def test_an_alarm_stands_from_its_change_to_the_next() -> None:
    changes = [(T, "OK"), (T + DAY, "ALARM"), (T + 2 * DAY, "OK"), (T + 3 * DAY, "OK"), (T + 4 * DAY, "ALARM")]

    assert spans(changes) == [(T + DAY, T + 2 * DAY), (T + 4 * DAY, None)]


@pytest.mark.parametrize(
    ("decided", "expected"),
    [
        ([(T + DAY, "start", "quality: run 1 of 3")], "retrained (quality: run 1 of 3)"),
        (
            [(T + DAY, "wait", "cool-down"), (T + 2 * DAY, "start", "run 2 of 3"), (T + 2 * DAY, "wait", "a release")],
            "retrained (run 2 of 3)",
        ),
        ([(T + DAY, "wait", "a release is under way"), (T + DAY, "nothing", "")], "wait: a release is under way"),
        ([(T + 2 * DAY, "stop", "a person is called")], "stop: a person is called"),
        ([(T - DAY, "start", "before it stood"), (T + 9 * DAY, "start", "after it ended")], ""),
        ([], ""),
    ],
)
def test_an_alarms_answer_is_what_was_decided_while_it_stood(
    decided: list[tuple[datetime, str, str]], expected: str
) -> None:
    assert answered((T, T + 3 * DAY), decided).answer == expected


def test_an_alarm_without_an_answer_and_a_message_nobody_could_handle_are_faults() -> None:
    silent, heard = Alarm(T, None, ""), Alarm(T, None, "retrained")

    assert Seen((heard,), 1, (), {}).faults == []
    assert Seen((heard, silent), 1, (), {"driftloop-flights-ingest": 2}).faults == [
        "the alarm of 10 January was not answered",
        "2 messages in driftloop-flights-ingest-dlq",
    ]


@pytest.mark.parametrize("mode", demo.Mode)
@pytest.mark.parametrize("length", demo.Length)
def test_what_the_demo_changes_are_settings_that_a_model_has(
    tmp_path: Path, mode: demo.Mode, length: demo.Length
) -> None:
    model = load_model(Path(demo.settings_file(tmp_path, demo.changes(mode, length))))

    assert model.release.experiment.mode == mode.value
    assert model.monitoring.label_delay_s == (86_400 if length is demo.Length.FAST else 7 * 86_400)
