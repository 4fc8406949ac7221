"""What arrives, good and bad: one run for what comes together, bad files set aside alone, reasons a person can read."""

from concurrent.futures import ThreadPoolExecutor

from tests.e2e.conftest import Loop
from tests.support import datasets
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
    files = loop.settled_files("many", 100)
    assert {row["state"] for row in files.values()} == {"CONSUMED"}
    assert len({row["batch_id"] for row in files.values()}) == 1


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
    files = loop.settled_files("messy", 6)
    assert files["good.csv"]["state"] == "CONSUMED"
    for name, said in {
        "no column.csv": "temperature",
        "wrong type.csv": "visibility",
        "picture.csv": "",
        "empty.csv": "empty",
        "notes.txt": ".csv",
    }.items():
        assert files[name]["state"] == "QUARANTINED", files
        assert said in files[name]["reason"]
    text = loop.told("messy", "file-quarantined")
    assert "messy" in text


def test_the_same_content_again_starts_nothing(loop: Loop) -> None:
    before = len(loop.runs("messy-train"))

    loop.upload("messy", "good again.csv", datasets.rainfall(0, 5000))

    assert loop.settled_files("messy", 7)["good again.csv"]["state"] == "DUPLICATE"
    assert len(loop.runs("messy-train")) == before


def test_a_message_that_nobody_can_handle_is_kept_and_may_be_replayed(loop: Loop) -> None:
    sqs = loop.client("sqs")
    queue = sqs.get_queue_url(QueueName="driftloop-rainfall-ingest")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="not an event")
    dead = sqs.get_queue_url(QueueName="driftloop-rainfall-ingest-dlq")["QueueUrl"]

    def waiting() -> bool:
        found = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["ApproximateNumberOfMessages"])
        return bool(found["Attributes"]["ApproximateNumberOfMessages"] == "1")

    assert eventually(waiting)
    assert "1 message(s) in driftloop-rainfall-ingest-dlq" in loop.driftloop("status")
    assert "Replayed 1 message(s)" in loop.driftloop("replay", "driftloop-rainfall-ingest")
    assert eventually(waiting), "the function refuses it again, and it is kept again"
