"""The step Assemble, as its container runs it: captures and labels on S3, history in a file, a table out."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import contracts
from tests.support.analysis import captured, label
from tests.support.assembling import FLIGHT, Site, flights, history
from tests.support.batches import Store, validate_entries

CONTRACT = contracts.FLIGHTS
SEEN = [column["name"] for column in CONTRACT["columns"] if not column.get("optional")]
OLD = ["2", "1", "800", "1000", "UA", "EWR", "ORD", "719", "8", "0"]


@pytest.fixture
def site(store: Store, tmp_path: Path) -> Site:
    return Site(store, tmp_path)


def test_labelled_requests_come_behind_history_with_the_time_of_the_inference(site: Site) -> None:
    site.capture(*flights("late", at="2026-03-02T12:00:00Z"), *flights("early", at="2026-03-02T12:00:01Z"))
    site.label(label("late", "1"), label("early", "0"))

    found = site.assemble(CONTRACT, history(SEEN, [[*OLD, "-4", "2026-02-01T05:00:00Z"]]))

    assert found.ended.code == 0, found.ended.stderr
    assert list(found.rows[0]) == SEEN  # `tailnum` is optional and nobody captures it
    assert [(row["month"], row["carrier"], row["arr_delay"], row["time_hour"]) for row in found.rows] == [
        ("2", "UA", "-4", "2026-02-01T05:00:00Z"),
        ("3", "UA", "16", "2026-03-02T12:00:00+00:00"),
        ("3", "UA", "15", "2026-03-02T12:00:01+00:00"),
    ]
    assert (found.report["fresh"]["rows"], found.report["history"]["taken"]) == (2, 1)


def test_the_manifest_leads_validate_to_the_table_which_it_accepts(site: Site, tmp_path: Path) -> None:
    contract = {**CONTRACT, "min_rows": 2}
    site.capture(*flights("a", "b"))
    site.label(label("a", "1"), label("b", "0"))

    found = site.assemble(contract)

    [file] = found.json("manifest.json")["files"]
    assert (file["bucket"], file["key"]) == (site.store.bucket, "m/batches/b/attempt-1/assembled/data.csv")
    assert file["sha256"] == found.report["data"]["sha256"] == hashlib.sha256(found.data).hexdigest()
    site.store.client.put_object(Bucket=file["bucket"], Key=file["key"], Body=found.data)
    judged = validate_entries(site.store, tmp_path / "next", contract, [file])
    assert judged.ended.code == 0, judged.ended.stderr
    assert judged.report["accepted_rows"] == 2


def test_every_shape_of_a_captured_request_gives_its_rows(site: Site) -> None:
    named = dict(zip(contracts.features(CONTRACT), FLIGHT.split(","), strict=True))
    instances = json.dumps({"instances": [named, {**named, "dest": "LAX", "distance": 2454.5, "minute": None}]})
    encoded = base64.b64encode(f"{FLIGHT}\n".encode()).decode()
    quoted = FLIGHT.replace("ORD", '"O,D"')
    site.capture(
        captured(instances, "{}", event_id="json", at="2026-03-01T00:00:00Z", kind=("application/json", "JSON")),
        captured(f"{FLIGHT}\n{quoted}\n", "0.1\n0.2\n", event_id="two", at="2026-03-01T00:00:01Z"),
        captured(encoded, "MC4x", event_id="b64", at="2026-03-01T00:00:02Z", kind=("text/csv", "BASE64")),
    )
    site.label(label("json", "[1, 0]", "JSON"), label("two", "0,1"), label("b64", "true"))
    contract = {**CONTRACT, "columns": [{**column, "nullable": True} for column in CONTRACT["columns"]]}

    found = site.assemble(contract)

    assert [(row["dest"], row["distance"], row["minute"], row["arr_delay"]) for row in found.rows] == [
        ("ORD", "719", "0", "16"),
        ("LAX", "2454.5", "", "15"),
        ("ORD", "719", "0", "15"),
        ("O,D", "719", "0", "16"),
        ("ORD", "719", "0", "16"),
    ]


def test_a_request_of_champion_and_shadow_counts_once_and_those_without_a_label_are_counted(site: Site) -> None:
    for variant in ("champion", "challenger"):
        site.capture(*flights("a", "b"), *flights("c"), variant=variant)
    site.label(label("a", "1"), label("b", "0"), label("elsewhere", "1"))

    report = site.assemble(CONTRACT).report

    counts = {name: report["requests"][name] for name in ("captured", "captured_again", "labelled", "unlabelled")}
    assert counts == {"captured": 3, "captured_again": 3, "labelled": 2, "unlabelled": 1}
    assert report["labels"]["of_others"] == 1
    assert report["fresh"]["rows"] == 2


def test_the_last_label_wins_and_a_late_one_counts(site: Site) -> None:
    site.capture(*flights("a", "b", at="2026-03-01T12:00:00Z"))
    site.label(label("a", "1"), hour="2026/03/02/00")
    site.label("no label", label("a", "0"), label("b", "1"), label("b", "1"), hour="2026/03/20/00")

    found = site.assemble(CONTRACT)

    assert [row["arr_delay"] for row in found.rows] == ["15", "16"]
    labels = found.report["labels"]
    assert (labels["corrected"], labels["repeated"], labels["unreadable"]) == (1, 1, 1)
    assert found.report["requests"]["late"] == 2


def test_the_window_takes_its_beginning_and_leaves_its_end(site: Site) -> None:
    times = ("2026-02-28T23:59:59Z", "2026-03-01T00:00:00Z", "2026-03-31T23:59:59Z", "2026-04-01T00:00:00Z")
    for number, at in enumerate(times):
        site.capture(*flights(str(number), at=at))
    site.label(*(label(str(number), "1") for number in range(4)), hour="2026/04/08/00")

    found = site.assemble(CONTRACT, since="2026-03-01T00:00:00Z")

    assert [row["time_hour"][:10] for row in found.rows] == ["2026-03-01", "2026-03-31"]
    assert found.report["captured"]["outside_window"] == 2


def test_rows_that_break_the_contract_are_left_out_with_their_reason(site: Site) -> None:
    broken = {
        "month": FLIGHT.replace("3,", "13,", 1),
        "origin": FLIGHT.replace("EWR", "SFO"),
        "nul": FLIGHT.replace("ORD", "O\0"),
        "short": "1,2,3",
        "half": FLIGHT.replace("ORD", "\ud800"),
    }
    site.capture(*flights("good"), *(flights(name, row=row)[0] for name, row in broken.items()))
    site.label(*(label(name, "1") for name in ("good", *broken)))

    found = site.assemble(CONTRACT)

    assert found.report["fresh"] == {
        "rows": 1,
        "left_out": 4,
        "reasons": {
            "column 'month': above 12": 1,
            "column 'origin': not an allowed value": 1,
            "a cell with a NUL character": 1,
            "a cell that is no text (half of a surrogate pair)": 1,
        },
    }
    assert found.report["requests"]["unusable"] == 1
    assert "3 cells where 10 are known" in found.report["requests"]["examples"][0]


@pytest.mark.parametrize(
    ("data", "said"), [("1,0", "2 labels for 1 rows"), ("12.5", "a label that is neither 1 nor 0: '12.5'")]
)
def test_a_label_that_does_not_fit_its_request_is_counted(site: Site, data: str, said: str) -> None:
    site.capture(*flights("good", "odd"))
    site.label(label("good", "1"), label("odd", data))

    requests = site.assemble(CONTRACT).report["requests"]

    assert (requests["unusable"], requests["examples"]) == (1, [f"odd: {said}"])


def test_history_that_is_not_older_than_what_was_captured_is_left_out(site: Site) -> None:
    site.capture(*flights("a", at="2026-03-02T12:00:00Z"))
    site.label(label("a", "1"))
    times = ("2026-03-02T11:59:59Z", "2026-03-02T12:00:00Z", "2026-03-05T00:00:00Z")

    found = site.assemble(CONTRACT, history(SEEN, ([*OLD, "0", at] for at in times)))

    assert [row["month"] for row in found.rows] == ["2", "3"]
    assert found.report["history"]["overlapping"] == 2


def test_history_gives_a_share_that_the_seed_decides(site: Site) -> None:
    site.capture(*flights("a"))
    site.label(label("a", "1"))
    rows = [[*OLD, number, "2026-02-01T00:00:00Z"] for number in range(2000)]

    half, again, other, none = (
        site.assemble(CONTRACT, history(SEEN, rows), history_share=share, seed=seed).report
        for share, seed in ((0.5, 1), (0.5, 1), (0.5, 2), (0.0, 1))
    )

    assert 900 < half["history"]["taken"] < 1100
    assert half["data"]["sha256"] == again["data"]["sha256"] != other["data"]["sha256"]
    assert none["data"]["rows"] == 1


def test_rows_of_history_that_a_stricter_contract_refuses_are_left_out(site: Site) -> None:
    site.capture(*flights("a"))
    site.label(label("a", "1"))
    rows = [[*OLD, "0", "2026-02-01T00:00:00Z"], ["0", *OLD[1:], "0", "2026-02-01T00:00:00Z"]]

    found = site.assemble(CONTRACT, history(SEEN, rows)).report["history"]

    assert (found["taken"], found["left_out"], found["reasons"]) == (1, 1, {"column 'month': below 1": 1})


def test_a_clock_of_numbers_goes_on_where_history_ended(site: Site) -> None:
    contract = contracts.RAINFALL
    names = [column["name"] for column in contract["columns"]]
    weather = ",".join(["0.5"] * 8)
    for name, at in (("later", "2026-03-03T00:00:00Z"), ("first", "2026-03-02T00:00:00Z")):
        site.capture(captured(f"{weather}\n{weather}", "0.1\n0.1", at=at, event_id=name), name=name)
    site.label(label("later", "1,0"), label("first", "0,0"))

    found = site.assemble(contract, history(names, [[41, *weather.split(","), 1]]))

    assert [(row["day"], row["rain"]) for row in found.rows] == [
        *(("41", "1"), ("42", "0"), ("42", "0"), ("43", "1"), ("43", "0")),
    ]


def test_the_same_requests_give_the_same_bytes_however_they_were_written(site: Site, store: Store) -> None:
    names = [f"r{number}" for number in range(6)]
    records = [flights(name, at=f"2026-03-01T12:00:0{number}Z")[0] for number, name in enumerate(names)]
    labels = [label(name, "1") for name in names]
    site.capture(*records)
    site.label(*labels)
    whole = site.assemble(CONTRACT).report["data"]["sha256"]
    store.client.delete_object(Bucket=store.bucket, Key="m/capture/e/champion/2026/03/01/12/a.jsonl")

    for number, record in enumerate(reversed(records)):
        site.capture(record, name=str(number), variant="champion" if number % 2 else "challenger")

    assert site.assemble(CONTRACT).report["data"]["sha256"] == whole


def _no_captures(site: Site) -> None:
    site.label(label("a", "1"))


def _no_labels(site: Site) -> None:
    site.capture(*flights("a"))


def _only_bad(site: Site) -> None:
    site.capture(*flights("a", row=FLIGHT.replace("EWR", "SFO")))
    site.label(label("a", "1"))


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (_no_captures, "0 captured objects, 0 lines"),
        (_no_labels, "1 requests, 0 of them labelled (0 unusable), 0 labels in 0 objects"),
        (_only_bad, "1 rows left out; column 'origin': not an allowed value (1)"),
    ],
)
def test_without_a_labelled_fresh_row_it_fails_and_says_what_is_wanting(site: Site, prepare: Any, said: str) -> None:
    prepare(site)

    found = site.assemble(CONTRACT)

    assert found.ended.code == 1
    assert (found.ended.message or "").startswith("no labelled fresh row from the beginning to 2026-04-01")
    assert said in (found.ended.message or "")
    assert not found.ml.output("assembled/manifest.json").exists()


def test_a_target_that_no_label_can_decide_is_refused_by_name(site: Site) -> None:
    target = {"name": "rain", "type": "integer", "role": "target", "min": 1, "max": 1}
    contract = {**contracts.RAINFALL, "columns": [*contracts.RAINFALL["columns"][:-1], target]}

    found = site.assemble(contract)

    assert found.ended.code == 1
    assert (found.ended.message or "").startswith("column 'rain': no value between 1 and 1 is on each side of 0.5")
