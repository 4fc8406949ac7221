"""What arrives, good and bad: one run for what comes together, bad files set aside alone, reasons a person can read."""

from concurrent.futures import ThreadPoolExecutor

from driftloop import datasets
from tests.e2e.conftest import Loop
from tests.support.waiting import eventually


def test_below_the_threshold_nothing_is_registered_and_the_reason_is_readable(loop: Loop) -> None:
    loop.upload("desert", "rain.csv", datasets.rainfall(0, 5000))

    (run,) = loop.ended("desert-train")

    assert run["PipelineExecutionStatus"] == "Failed"
    reason = loop.steps(run)["BelowThreshold"]["FailureReason"]
    assert "auc" in reason
    assert "0.999" in reason
    assert loop.packages("desert") == []
    assert reason in loop.driftloop("timeline", "desert")
    assert reason in loop.told("desert", "training-failed")


def test_a_hundred_files_at_once_are_one_run(loop: Loop) -> None:
    header, *rows = datasets.rainfall(0, 6000).splitlines()
    parts = [b"\n".join([header, *rows[start : start + 60], b""]) for start in range(0, 6000, 60)]

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda item: loop.upload("many", f"part {item[0]:03}+ü.csv", item[1]), enumerate(parts)))

    (run,) = loop.ended("many-train")
    assert run["PipelineExecutionStatus"] == "Succeeded"
    states = [row["state"] for row in loop.ledger("FILE#many")]
    assert states == ["CONSUMED"] * 100


def test_bad_files_are_quarantined_alone_with_their_reasons(loop: Loop) -> None:
    good = datasets.rainfall(0, 5000)
    loop.upload("messy", "no column.csv", datasets.without(good, ["temperature"]))
    loop.upload("messy", "wrong type.csv", datasets.edited(datasets.head(good, 50), {(7, "visibility"): "foggy"}))
    loop.upload("messy", "picture.csv", b"\x89PNG\r\n\x1a\n\x00\x00")
    loop.upload("messy", "empty.csv", b"")
    loop.upload("messy", "notes.txt", b"hello")
    loop.upload("messy", "good.csv", good)

    (run,) = loop.ended("messy-train")

    assert run["PipelineExecutionStatus"] == "Succeeded"

    def settled() -> dict[str, tuple[str, str]] | None:
        rows = {row["sk"].split("#")[0].rsplit("/", 1)[1]: row for row in loop.ledger("FILE#messy")}
        found = {name: (row["state"], row.get("reason", "")) for name, row in rows.items()}
        return found if len(found) >= 5 and not {s for s, _ in found.values()} & {"NEW", "CLAIMED"} else None

    files = eventually(settled)
    assert files["good.csv"][0] == "CONSUMED"
    for name, said in {
        "no column.csv": "temperature",
        "wrong type.csv": "visibility",
        "picture.csv": "",
        "empty.csv": "empty",
    }.items():
        assert files[name][0] == "QUARANTINED", files
        assert said in files[name][1]
    text = loop.told("messy", "file-quarantined")
    assert "messy" in text


def test_the_same_content_again_starts_nothing(loop: Loop) -> None:
    before = len(loop.runs("messy-train"))

    loop.upload("messy", "good again.csv", datasets.rainfall(0, 5000))

    def is_known() -> bool:
        rows = loop.ledger("FILE#messy")
        return any(row["sk"].startswith("raw/messy/good again.csv") and row["state"] == "DUPLICATE" for row in rows)

    assert eventually(is_known)
    assert len(loop.runs("messy-train")) == before
