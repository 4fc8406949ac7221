"""The steps TestDev, TestStaging and VerifyProduction: the script against a real model behind a runtime on loopback."""

import csv
import io
import json
import re
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.batches import Store
from tests.support.endpoints import Ask, Container, Fault, Reply, runtime, sound
from tests.support.scripts import XGBOOST, Ended, MlDir
from tests.support.small_models import Aws, Model

pytestmark = pytest.mark.xdist_group("pipelines-model-tests")  # one worker trains the models that these tests share

SCRIPT = "release/scripts/model_tests.pyz"
CONTRACT = {
    "name": "small",
    "target": {"name": "late", "column": "delay", "greater_than": 15},
    "columns": [
        {"name": "hour", "type": "integer", "role": "feature", "min": 0, "max": 23},
        {"name": "carrier", "type": "string", "role": "feature", "max_length": 2, "allowed": ["AA", "BB", "CC"]},
        {"name": "distance", "type": "number", "role": "feature", "min": 0, "max": 5000},
        {"name": "delay", "type": "number", "role": "target"},
    ],
}


SETTINGS = {
    "tolerance": "1.0E-5",
    "p50-ms": "5000.0",
    "p95-ms": "9000.0",
    "requests": 20,
    "concurrency": 2,
    "slices": "none",
    "slice-margin": 0.05,
    "champion-margin": 0.02,
    "calibration-max": 0.1,
}


@dataclass(frozen=True)
class Outcome:
    """How a suite ended, and what it wrote."""

    ended: Ended
    ml: MlDir
    report_key: str

    @property
    def report(self) -> dict[str, Any]:
        return dict(json.loads(self.ml.output("report/report.json").read_text()))

    @property
    def html(self) -> str:
        return self.ml.output("report/report.html").read_text()

    @property
    def comparison(self) -> dict[str, Any]:
        return dict(json.loads(self.ml.output("report/comparison.json").read_text()))

    def check(self, name: str) -> dict[str, Any]:
        return dict(next(check for check in self.report["checks"] if check["name"] == name))

    @property
    def failed(self) -> list[str]:
        return [check["name"] for check in self.report["checks"] if check["outcome"] == "failed"]

    @property
    def reasons(self) -> str:
        return " ".join(check["said"] for check in self.report["checks"] if check["outcome"] == "failed")


def ask_everything(
    aws: Aws,
    folder: Path,
    suite: str,
    model: Model,
    fault: Fault = sound,
    package: str | None = None,
    variant: str = "champion",
    **changes: object,
) -> Outcome:
    """Run a suite against a model behind an endpoint."""
    ml, report_key = MlDir(folder / uuid4().hex), f"reports/{uuid4().hex}/{suite}"
    arguments = {
        "suite": suite,
        "endpoint-name": f"{aws.name}-{suite}",
        "production-endpoint": aws.production,
        "model-package-arn": package or aws.register(model),
        "contract": ml.put("contract/contract.json", json.dumps(CONTRACT).encode()),
        "report-uri": f"s3://{aws.store.bucket}/{report_key}",
        **SETTINGS,
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    words = [word for name, value in arguments.items() for word in (f"--{name}", str(value))]
    with runtime(model.serve, fault, variant) as url:
        env = {**aws.store.env, "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": url}
        return Outcome(ml.process(XGBOOST, SCRIPT, *words, env=env), ml, report_key)


Run = Callable[..., Outcome]


@pytest.fixture
def run(aws: Aws, tmp_path: Path) -> Run:
    return partial(ask_everything, aws, tmp_path)


def lines_of(ask: Ask) -> list[list[str]]:
    return list(csv.reader(io.StringIO(ask.body.decode())))


def higher(ask: Ask, model: Container) -> Reply:
    """Each answer a little higher."""
    reply = model(ask)
    return reply if reply.status != 200 else reply.with_predictions([min(p + 0.01, 1) for p in reply.predictions()])


def test_a_sound_model_passes_dev(run: Run, good: Model) -> None:
    tested = run("dev", good)

    assert tested.failed == [], tested.ended.stderr
    assert tested.ended.code == 0
    assert tested.ended.message is None
    assert tested.report["verdict"] == "passed"
    assert tested.check("same answers as when the model was judged")["facts"]["records"] == 20


@pytest.mark.parametrize("suite", ["dev", "staging", "production"])
def test_another_answer_to_a_golden_record_fails_every_suite(run: Run, good: Model, suite: str) -> None:
    tested = run(suite, good, higher)

    check = tested.check("same answers as when the model was judged")
    assert tested.ended.code == 1
    assert check["facts"]["differ"] == 20
    assert check["facts"]["largest gap"] == pytest.approx(0.01, abs=1e-4)
    assert re.search(
        r"20 of 20 golden records differ by more than 1e-05; for '.*' expected 0\.\d+, found '200 0", check["said"]
    )


def test_a_tolerance_is_kept_to(run: Run, good: Model) -> None:
    assert run("production", good, higher, tolerance=0.02).ended.code == 0


def on(matches: Callable[[Ask], bool], reply: Callable[[Ask, Container], Reply]) -> Fault:
    """A fault for some requests alone."""
    return lambda ask, model: reply(ask, model) if matches(ask) else model(ask)


def crash(ask: Ask, _: Container) -> Reply:
    return Reply(500, "text/plain", b"Traceback: something broke")


def answer(ask: Ask, _: Container) -> Reply:
    return Reply(200, ask.content_type, b"0.5\n" if ask.content_type == "text/csv" else b'{"predictions": [0.5]}')


def mute(ask: Ask, _: Container) -> Reply:
    return Reply(400, "text/plain", b"bad request")


@dataclass(frozen=True)
class Broken:
    """A way to break the contract, the check that finds it, and its words."""

    matches: Callable[[Ask], bool]
    reply: Callable[[Ask, Container], Reply]
    check: str
    words: str


def says(kind: str, body: bytes) -> Callable[[Ask, Container], Reply]:
    return lambda ask, model: Reply(200, kind, body)


def is_many(ask: Ask) -> bool:
    return ask.content_type == "text/csv" and ask.body.count(b"\n") == 19


def has_commas(count: int) -> Callable[[Ask], bool]:
    return lambda ask: ask.content_type == "text/csv" and ask.body.count(b",") == count


def mixed_up(ask: Ask, model: Container) -> Reply:
    reply = model(ask)
    return reply.with_predictions(reply.predictions()[::-1])


def is_json(ask: Ask) -> bool:
    return ask.content_type == "application/json"


MANY = "many rows of CSV"
ROUNDS = [
    {
        "too few rows": Broken(is_many, answer, MANY, "1 predictions for 20 rows"),
        "missing column taken": Broken(has_commas(1), answer, "column missing: distance", "not refused: sent"),
        "missing column not named": Broken(
            lambda ask: is_json(ask) and b"instances" in ask.body and b'"hour"' not in ask.body,
            mute,
            "column missing: hour",
            "the refusal does not name 'hour'",
        ),
        "extra column taken": Broken(has_commas(3), answer, "a column too many", "not refused: sent"),
        "unknown column breaks it": Broken(
            lambda ask: b"no_such_column" in ask.body, crash, "an unknown column", "came '500 Traceback"
        ),
        "text for a number taken": Broken(
            lambda ask: ask.body.startswith(b"abc"), answer, "text for hour", "not refused"
        ),
        "a number for text taken": Broken(
            lambda ask: b'"carrier": 7' in ask.body, answer, "7 for carrier", "not refused"
        ),
        "a value out of range breaks it": Broken(
            lambda ask: ask.body.startswith(b"24,"), crash, "hour above its maximum", "a server error: sent '24,"
        ),
        "a value out of range answered with nonsense": Broken(
            lambda ask: ask.body.startswith(b"-1,"),
            says("text/csv", b"nan"),
            "hour below its minimum",
            "not all answers are probabilities",
        ),
        "unicode breaks it": Broken(
            lambda ask: "東京".encode() in ask.body, crash, "unicode in carrier", "a server error"
        ),
        "an empty body breaks it": Broken(
            lambda ask: ask.body == b"", crash, "nothing", "sent '(nothing)' as text/csv"
        ),
        "a long cell breaks it": Broken(
            lambda ask: 200_000 < len(ask.body) < 300_000,
            crash,
            "200,000 characters in carrier",
            "a server error",
        ),
    },
    {
        "no probabilities": Broken(is_many, says("text/csv", b"1.5\n" * 20), MANY, "not all answers are probabilities"),
        "text for JSON": Broken(is_json, says("text/csv", b"0.5"), "an instance of JSON", "answered as 'text/csv'"),
    },
    {
        "rows mixed up": Broken(is_many, mixed_up, MANY, "the rows are answered otherwise than one by one"),
        "JSON of another shape": Broken(
            is_json, says("application/json", b"[0.5]"), "an instance of JSON", "no predictions in the answer"
        ),
    },
]
BROKEN = {case: (number, broken) for number, cases in enumerate(ROUNDS) for case, broken in cases.items()}


@pytest.fixture(scope="module")
def rounds(module_store: Store, good: Model, tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    """Everything that may be broken at the same time, broken at the same time."""

    def fault(cases: Iterable[Broken]) -> Fault:
        return lambda ask, model: next((case.reply for case in cases if case.matches(ask)), sound)(ask, model)

    folder, aws = tmp_path_factory.mktemp("rounds"), Aws(module_store)
    return [ask_everything(aws, folder, "dev", good, fault(list(cases.values()))) for cases in ROUNDS]


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_contract_is_said_with_what_was_sent_and_what_came(rounds: list[Outcome], case: str) -> None:
    number, broken = BROKEN[case]
    tested = rounds[number]

    assert tested.ended.code == 1
    assert broken.check in tested.failed
    assert broken.words in tested.check(broken.check)["said"]
    assert set(tested.check(broken.check)["facts"]) == {"sent", "expected", "came"}


def test_an_oversized_request_that_is_answered_fails(run: Run, good: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.endpoints.PAYLOAD_MAX_BYTES", 10**9)

    tested = run("dev", good, on(lambda ask: len(ask.body) > 6 * 1024 * 1024, answer))

    assert tested.failed == ["more than 6 MiB"]
    assert "expected refused with a 4xx, came '200 0.5'" in tested.reasons


def test_latency_within_its_budget_passes(run: Run, good: Model) -> None:
    tested = run("staging", good, requests=40, concurrency=4)

    assert tested.ended.code == 0, tested.ended.stderr
    assert tested.check("every request answered")["facts"] == {"requests": 40, "not answered": 0}
    assert len(tested.report["latency_ms"]) == 40
    assert 0 < tested.check("p50")["facts"]["found (ms)"] <= tested.check("p95")["facts"]["found (ms)"]


def test_latency_over_its_budget_fails_with_both_figures(run: Run, good: Model) -> None:
    tested = run("staging", good, p95_ms=0.001)

    assert tested.failed == ["p95"]
    assert re.fullmatch(r"p95 is [\d.]+ ms over 20 requests; budget 0.001 ms", tested.reasons)


def test_a_request_that_fails_under_the_load_fails_the_stage(run: Run, good: Model) -> None:
    seen: list[Ask] = []

    def tire(ask: Ask, model: Container) -> Reply:
        seen.append(ask)
        return crash(ask, model) if len(seen) == 30 else model(ask)  # 20 golden records and 2 to open come first

    tested = run("staging", good, tire)

    assert tested.failed == ["every request answered"]
    assert "1 of 20 requests were not answered; the first: '500 Traceback" in tested.reasons


def test_without_production_there_is_no_champion_and_the_report_says_so(run: Run, good: Model) -> None:
    tested = run("staging", good, slices="carrier")

    assert tested.ended.code == 0
    check = tested.check("challenger against champion")
    assert check["outcome"] == "skipped"
    assert "serves nobody: a first release has no champion to compare with" in check["said"]
    assert tested.check("carrier = 'AA'")["outcome"] == "skipped"
    assert tested.comparison["champion"] is None
    assert tested.comparison["difference"] is None
    assert tested.comparison["challenger"]["loss"]["sd"] > 0


def test_a_challenger_that_is_better_passes_with_its_gain(run: Run, aws: Aws, good: Model, bad: Model) -> None:
    aws.serve(aws.register(bad))

    tested = run("staging", good, slices="carrier,hour")

    assert tested.ended.code == 0, tested.ended.stderr
    facts = tested.check("challenger against champion")["facts"]
    assert facts["worse by"] < facts["interval to"] < 0
    assert facts["p value"] < 1e-6
    assert facts["challenger's AUC"] > facts["champion's AUC"] + 0.2
    assert tested.check("carrier = 'CC'")["facts"]["worse by"] < 0


def test_comparison_json_is_what_the_experiment_is_planned_from(run: Run, aws: Aws, good: Model, bad: Model) -> None:
    champion = aws.register(bad)
    aws.serve(champion)

    found = run("staging", good).comparison

    assert set(found) == {"rows", "champion", "challenger", "difference", "metric", "other_metrics"}
    assert (found["rows"], found["metric"]) == (1200, "log_loss")
    assert found["champion"]["package_arn"] == champion
    assert set(found["difference"]) == {"mean", "sd", "n"}
    gain = found["champion"]["loss"]["mean"] - found["challenger"]["loss"]["mean"]
    assert found["difference"]["mean"] == pytest.approx(gain)
    assert found["difference"]["mean"] > 0
    brier = found["other_metrics"]["squared_error"]
    gain = brier["champion"]["loss"]["mean"] - brier["challenger"]["loss"]["mean"]
    assert brier["difference"]["mean"] == pytest.approx(gain)
    assert 0 < brier["challenger"]["loss"]["mean"] < 0.25, "better than a coin"


def test_the_same_model_twice_differs_by_nothing(run: Run, aws: Aws, good: Model) -> None:
    aws.serve(aws.register(good))

    tested = run("staging", good)

    assert tested.ended.code == 0, tested.ended.stderr
    assert tested.comparison["difference"]["mean"] == pytest.approx(0, abs=1e-6)
    assert tested.comparison["difference"]["sd"] == pytest.approx(0, abs=1e-6)


def test_a_challenger_that_is_worse_by_more_than_the_margin_fails(run: Run, aws: Aws, good: Model, bad: Model) -> None:
    aws.serve(aws.register(good))

    tested = run("staging", bad)

    assert "challenger against champion" in tested.failed
    assert re.search(
        r"on 1200 rows the challenger's log loss is worse by 0\.\d+ \(interval 0\.\d+ to 0\.\d+, p = .*\); margin 0.02",
        tested.reasons,
    )


def test_a_challenger_within_the_margin_passes(run: Run, aws: Aws, good: Model, bad: Model) -> None:
    aws.serve(aws.register(good))

    tested = run("staging", bad, champion_margin=0.5, calibration_max=1)

    assert tested.ended.code == 0, tested.ended.stderr
    assert tested.check("challenger against champion")["facts"]["interval from"] > 0


def wrong_for_cc(ask: Ask, model: Container) -> Reply:
    """One carrier's answers the wrong way round."""
    reply = model(ask)
    if reply.status != 200 or ask.content_type != "text/csv":
        return reply
    pairs = zip(reply.predictions(), lines_of(ask), strict=True)
    return reply.with_predictions([1 - p if row[1] == "CC" else p for p, row in pairs])


def test_a_slice_that_is_worse_than_the_champion_fails_alone(run: Run, aws: Aws, good: Model) -> None:
    aws.serve(aws.register(good))

    tested = run("staging", good, wrong_for_cc, slices="carrier", tolerance=1, champion_margin=9, calibration_max=1)

    assert tested.failed == ["carrier = 'CC'"]
    assert tested.check("carrier = 'AA'")["outcome"] == "passed"
    assert re.search(r"on \d+ rows the challenger's log loss is worse by .* margin 0.05", tested.reasons)


def test_slices_with_few_rows_are_not_judged_and_counted(run: Run, aws: Aws, good: Model) -> None:
    aws.serve(aws.register(good))

    tested = run("staging", good, slices="hour,distance")

    assert tested.ended.code == 0, tested.ended.stderr
    small = tested.check("small slices")
    assert re.fullmatch(r"\d+ of \d+ values have fewer than 50 rows and were not judged", small["said"])
    assert all(check["facts"]["rows"] >= 50 for check in tested.report["checks"] if check["name"].startswith("hour = "))


def test_a_slice_column_that_is_no_feature_fails_with_what_to_change(run: Run, good: Model) -> None:
    tested = run("staging", good, slices="carier")

    assert tested.ended.code == 1
    assert "slices carier: expected features of the model (hour, carrier, distance)" in tested.reasons
    assert "change release.tests.slices in the model's settings" in tested.reasons


def too_sure(ask: Ask, model: Container) -> Reply:
    reply = model(ask)
    return reply if reply.status != 200 else reply.with_predictions([0.99] * len(reply.predictions()))


def test_a_calibrated_model_passes_and_one_that_is_too_sure_fails(run: Run, good: Model) -> None:
    sound_one, sure = run("staging", good), run("staging", good, too_sure, tolerance=1)

    assert sound_one.check("challenger")["facts"]["gap"] < 0.1
    assert sum(group["rows"] for group in sound_one.report["calibration"]["challenger"]) == 1200
    assert sure.failed == ["challenger"]
    assert re.search(r"frequency are 0\.\d+ apart, weighted over 1 bins; allowed 0.1", sure.reasons)


@pytest.mark.usefixtures("several_accounts")
def test_stages_in_other_accounts_are_asked_with_the_roles_that_they_trust(run: Run, aws: Aws, good: Model) -> None:
    """The registry stays at home: the packages are in no other account."""
    staging, production = (f"arn:aws:iam::{account * 12}:role/release" for account in "23")
    champion = aws.register(good)
    aws.serve(champion, aws.in_account(production))
    signers = set()

    def seen(ask: Ask, model: Container) -> Reply:
        signers.add(ask.access_key)
        return model(ask)

    tested = run("staging", good, seen, endpoint_role_arn=staging, production_role_arn=production)

    assert tested.ended.code == 0, tested.ended.stderr
    assert tested.report["champion_arn"] == champion
    assert len(signers) == 1
    assert "test" not in signers


@pytest.mark.usefixtures("several_accounts")
def test_production_in_another_account_is_not_seen_without_its_role(run: Run, aws: Aws, good: Model) -> None:
    aws.serve(aws.register(good), aws.in_account("arn:aws:iam::333333333333:role/release"))

    tested = run("staging", good)

    assert tested.check("challenger against champion")["outcome"] == "skipped"


def test_production_has_to_answer_from_the_champion_slot(run: Run, good: Model) -> None:
    right, wrong = run("production", good), run("production", good, variant="challenger")

    assert right.ended.code == 0
    assert wrong.failed == ["invoked variant"]
    assert "expected every answer from variant 'champion', found ['challenger']" in wrong.reasons


@pytest.mark.parametrize("key", ["golden_records", "holdout"])
def test_a_package_that_does_not_say_where_its_records_are_fails(run: Run, aws: Aws, good: Model, key: str) -> None:
    package = aws.register(good, **{key: ""})

    tested = run("staging", good, package=package)

    assert tested.ended.code == 1
    assert f"model package {package}: expected an S3 URI under '{key}'" in tested.reasons


def test_a_champion_whose_archive_is_gone_fails_with_its_uri(run: Run, aws: Aws, good: Model) -> None:
    champion = aws.register(good)
    aws.serve(champion)
    package: Any = aws.sagemaker.describe_model_package(ModelPackageName=champion)
    uri = package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
    aws.store.client.delete_object(Bucket=aws.store.bucket, Key=uri.removeprefix(f"s3://{aws.store.bucket}/"))

    tested = run("staging", good)

    assert tested.ended.code == 1
    assert f"{uri}: the object is gone" in tested.reasons


def test_a_package_without_a_golden_record_fails(run: Run, good: Model) -> None:
    tested = run("dev", replace(good, golden=[]))

    assert tested.failed == ["could be tested"]
    assert "expected some, found none" in tested.reasons


def repacked(model: Model, features: str) -> Model:
    """The same archive with another features.json."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(model.archive)) as old, tarfile.open(fileobj=packed, mode="w:gz") as new:
        for member in old:
            file, content = old.extractfile(member), features.encode()
            if file is not None and not member.name.endswith("features.json"):
                content = file.read()
            member.size = 0 if file is None else len(content)
            new.addfile(member, io.BytesIO(content))
    return replace(model, archive=packed.getvalue())


@pytest.mark.parametrize(
    ("features", "words"),
    [
        (
            '{"features": [{"name": "wind", "type": "number"}]}',
            "needs the columns wind, which the hold-out",
        ),
        ("{", "its archive cannot be scored: JSONDecodeError"),
    ],
)
def test_a_champion_that_cannot_be_scored_fails_with_the_reason(
    run: Run, aws: Aws, good: Model, features: str, words: str
) -> None:
    champion = aws.register(repacked(good, features))
    aws.serve(champion)

    tested = run("staging", good)

    assert tested.failed == ["could be tested"]
    assert f"model package {champion}: " in tested.reasons
    assert words in tested.reasons


def test_a_package_that_is_not_there_fails_with_a_report(run: Run, good: Model) -> None:
    arn = "arn:aws:sagemaker:us-east-1:123456789012:model-package/nobody/1"

    tested = run("dev", good, package=arn)

    assert tested.ended.code == 1
    assert tested.failed == ["could be tested"]
    assert tested.ended.message is not None
    assert "1 of 1 dev tests failed" in tested.ended.message


def test_a_failed_suite_uploads_its_reports_itself_and_says_where(run: Run, aws: Aws, good: Model) -> None:
    tested = run("staging", good, p95_ms=0.001)

    message = tested.ended.message or ""
    uploaded = aws.store.client.list_objects_v2(Bucket=aws.store.bucket, Prefix=tested.report_key)["Contents"]
    assert {item["Key"].rpartition("/")[2] for item in uploaded} == {"report.json", "report.html", "comparison.json"}
    assert aws.store.json(f"{tested.report_key}/report.json") == tested.report
    assert message.startswith(
        f"1 of {len(tested.report['checks'])} staging tests failed on endpoint {aws.name}-staging"
    )
    assert f"s3://{aws.store.bucket}/{tested.report_key}/report.html" in message
    assert len(message.encode()) <= 1024


def test_a_passed_suite_leaves_the_upload_to_sagemaker(run: Run, aws: Aws, good: Model) -> None:
    tested = run("production", good)

    assert "Contents" not in aws.store.client.list_objects_v2(Bucket=aws.store.bucket, Prefix=tested.report_key)
    assert tested.ml.output("report/report.html").exists()


def test_the_page_stands_alone_and_shows_what_came_as_text(run: Run, aws: Aws, good: Model) -> None:
    aws.serve(aws.register(good))
    evil = on(lambda ask: ask.body == b"", lambda ask, model: Reply(200, "text/csv", b"<script>alert(1)</script>"))

    dev, staging = run("dev", good, evil).html, run("staging", good, slices="carrier").html

    for page in (dev, staging):
        assert "<script" not in page
        assert not re.search(r"(src|href)=|@import|url\(", page)
    assert "&lt;script&gt;alert(1)" in dev
    assert '<div class="verdict failed"><strong>Failed</strong>' in dev
    assert staging.count("<svg") == 2
    assert all(word in staging for word in ("p95 budget 9000", "challenger", "champion", "carrier = "))
