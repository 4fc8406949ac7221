"""An alarm that stands is answered by one run on what production saw, and by no other while a person decides."""

from tests.e2e.conftest import Loop
from tests.e2e.production import ask, label, weather
from tests.support import datasets
from tests.support.waiting import eventually

MODEL = "adrift"


def test_an_alarm_that_stands_becomes_a_version_made_from_fresh_data(loop: Loop) -> None:
    _serve(loop)
    label(loop, MODEL, ask(loop, MODEL, weather(3000, 3800), "day"))
    loop.client("cloudwatch").set_alarm_state(
        AlarmName=f"driftloop-{MODEL}-drift", StateValue="ALARM", StateReason="a person says so"
    )
    eventually(lambda: "former champion" in _said(loop))  # the alarm's window is an hour

    loop.driftloop("advance", "PT70M")
    eventually(lambda: loop.runs(f"{MODEL}-retrain"))
    (run,) = loop.ended(f"{MODEL}-retrain")
    loop.driftloop("advance", "PT10M")

    assert run["PipelineExecutionStatus"] == "Succeeded", loop.steps(run)
    old, new = loop.packages(MODEL)
    metadata = loop.sagemaker.describe_model_package(ModelPackageName=new)["CustomerMetadataProperties"]
    wanted = next(row for row in loop.ledger(f"BATCH#{MODEL}") if row["sk"] == metadata["batch_id"])
    assert metadata["fresh_until"] == wanted["fresh"]["fresh_until"]
    champion = loop.sagemaker.describe_model_package(ModelPackageName=old)["CustomerMetadataProperties"]
    assert wanted["fresh"]["history_uri"] == champion["data"]
    eventually(lambda: f"{new} waits for a person" in _said(loop))
    assert len(loop.runs(f"{MODEL}-retrain")) == 1


def _serve(loop: Loop) -> None:
    """Production serves a first version."""
    loop.upload(MODEL, "weather.csv", datasets.rainfall(0, 3000))
    loop.ended(f"{MODEL}-train")
    (package,) = loop.packages(MODEL)
    loop.sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    loop.ended(f"{MODEL}-release")
    loop.told(MODEL, "release-done")


def _said(loop: Loop) -> str:
    """What the guard has decided so far, as the audit trail has it."""
    rows = [row for row in loop.ledger(f"AUDIT#{MODEL}") if row["what"].startswith("retraining.")]
    return "\n".join(f"{row['time']} {row['what']}: {row['why']}" for row in rows)
