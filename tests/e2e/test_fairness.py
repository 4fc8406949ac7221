"""Where the settings ask for it, a look at production also says whether a group is treated otherwise, and by what."""

import csv
from datetime import datetime, timedelta
from typing import Any

from tests.e2e.conftest import Loop
from tests.e2e.production import ask, label
from tests.support import contracts, datasets
from tests.support.waiting import eventually

MODEL = "weighed"
NAME = f"driftloop-{MODEL}"
FEATURES = contracts.features(contracts.FLIGHTS)


def test_a_group_that_is_judged_worse_than_on_the_holdout_is_told_to_people_and_starts_nothing(loop: Loop) -> None:
    loop.upload(MODEL, "2013-01.csv", datasets.flights(1))
    loop.ended(f"{MODEL}-train")
    (package,) = loop.packages(MODEL)
    loop.sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    loop.ended(f"{MODEL}-release")
    loop.told(MODEL, "release-done")
    flights = list(csv.DictReader(datasets.flights(2).decode().splitlines()))[::40][:400]
    truths = ask(
        loop, MODEL, [(",".join(row[name] for name in FEATURES), row["origin"] == "LGA") for row in flights], "f"
    )
    label(loop, MODEL, truths)  # all from LaGuardia were late, which the model cannot know, and no other
    loop.driftloop("advance", "PT10M")

    run = _looked(loop, loop.now())

    steps = loop.steps(run)
    assert run["PipelineExecutionStatus"] == "Succeeded", steps
    assert {steps[name]["StepStatus"] for name in ("Bias", "Attribution")} == {"Succeeded"}
    about = {"BiasStage": "Post-Training", "Label": "label", "LabelValue": "1", "Facet": "origin", "FacetValue": "LGA"}
    assert abs(_metric(loop, "bias-metrics", "bias_metric_AD", about)) > 0.5
    assert 0 < _metric(loop, "explainability-metrics", "monitor_ndcg") <= 1
    loop.driftloop("advance", "PT2M")
    assert _state(loop, "bias") == "ALARM"
    eventually(lambda: any(f"{NAME}-bias" in notice["text"] for notice in loop.notices()))
    assert _state(loop, "attribution") != "INSUFFICIENT_DATA"
    rule = loop.client("cloudwatch").describe_alarms(AlarmNames=[f"{NAME}-retrain"], AlarmTypes=["CompositeAlarm"])
    assert f"{NAME}-bias" not in rule["CompositeAlarms"][0]["AlarmRule"]


def _looked(loop: Loop, at: datetime) -> dict[str, Any]:
    """What the schedule starts, at once."""
    parameters = {"ScheduledTime": at.isoformat(), "Variant": "champion"}
    loop.sagemaker.start_pipeline_execution(
        PipelineName=f"{NAME}-watch",
        PipelineExecutionDisplayName="champion",
        ClientRequestToken=f"a-person-asks-for-a-look-{at:%Y%m%d%H%M%S}",
        PipelineParameters=[{"Name": name, "Value": value} for name, value in parameters.items()],
    )
    return loop.ended(f"{MODEL}-watch")[-1]


def _metric(loop: Loop, kind: str, name: str, about: dict[str, str] | None = None) -> float:
    dimensions = {"Endpoint": f"{NAME}-prod", "MonitoringSchedule": f"{NAME}-champion", **(about or {})}
    now = loop.now()
    found = loop.client("cloudwatch").get_metric_statistics(
        Namespace=f"aws/sagemaker/Endpoints/{kind}",
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Maximum"],
    )
    return float(found["Datapoints"][0]["Maximum"])


def _state(loop: Loop, name: str) -> str:
    [alarm] = loop.client("cloudwatch").describe_alarms(AlarmNames=[f"{NAME}-{name}"])["MetricAlarms"]
    return str(alarm["StateValue"])
