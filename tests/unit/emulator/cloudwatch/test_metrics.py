"""Datapoints put and read, queues' gauges, detectors, dashboards, and what survives."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.kernel.errors import AwsError
from emulator.semantics.cloudwatch import series, statistics
from emulator.services.cloudwatch.metric_store import Datapoint, MetricStore, metric
from tests.unit.emulator.cloudwatch.conftest import Watch


def test_statistics_come_by_period_with_their_unit(watch: Watch) -> None:
    start = watch.clock.now()
    for value in (1.0, 2.0, 3.0):
        watch.put(value, Unit="Count", Dimensions=[{"Name": "d", "Value": "v"}])
        watch.clock.advance(30)

    found = watch(
        "GetMetricStatistics",
        Namespace="test",
        MetricName="m",
        Dimensions=[{"Name": "d", "Value": "v"}],
        StartTime=start,
        EndTime=watch.clock.now(),
        Period=60,
        Statistics=["Sum", "Maximum"],
        ExtendedStatistics=["p50"],
    )

    assert found["Datapoints"] == [
        {"Timestamp": start, "Unit": "Count", "Sum": 3.0, "Maximum": 2.0, "ExtendedStatistics": {"p50": 1.5}},
        {
            "Timestamp": start + timedelta(seconds=60),
            "Unit": "Count",
            "Sum": 3.0,
            "Maximum": 3.0,
            "ExtendedStatistics": {"p50": 3.0},
        },
    ]


def test_metrics_with_other_dimensions_are_other_metrics(watch: Watch) -> None:
    watch.put(1)
    watch.put(2, Dimensions=[{"Name": "d", "Value": "v"}])

    everything = watch("ListMetrics", Namespace="test")["Metrics"]
    of_d = watch("ListMetrics", Dimensions=[{"Name": "d"}])["Metrics"]

    assert len(everything) == 2
    assert [found["Dimensions"] for found in of_d] == [[{"Name": "d", "Value": "v"}]]


def test_metrics_that_are_silent_for_two_weeks_are_listed_no_more(watch: Watch) -> None:
    watch.put(1)
    watch.clock.advance(4 * 3600)
    assert watch("ListMetrics", RecentlyActive="PT3H")["Metrics"] == []
    assert len(watch("ListMetrics")["Metrics"]) == 1

    watch.clock.advance(14 * 86_400)

    assert watch("ListMetrics")["Metrics"] == []


def test_a_bad_entry_spoils_the_whole_request(watch: Watch) -> None:
    data = [{"MetricName": "m", "Value": 1.0}, {"MetricName": "m", "Value": float("inf")}]

    with pytest.raises(AwsError, match="InvalidParameterValue"):
        watch("PutMetricData", Namespace="test", MetricData=data)

    assert watch("ListMetrics")["Metrics"] == []


def test_a_queue_reports_its_depth_while_it_is_used(watch: Watch) -> None:
    watch.depths = [("dlq", 2, 1, 0), ("idle", 0, 0, 0)]
    watch.minute()
    watch.depths = [("dlq", 0, 0, 0), ("idle", 0, 0, 0)]
    watch.minute()

    listed = watch("ListMetrics", Namespace="AWS/SQS", MetricName="ApproximateNumberOfMessagesVisible")["Metrics"]
    assert [found["Dimensions"][0]["Value"] for found in listed] == ["dlq"]
    wanted = metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "dlq"})
    rows = watch.engine.metrics.readings(wanted, 0, watch.clock.now().timestamp())
    assert [reading.total for _, reading, _ in rows] == [2.0, 0.0]


def test_sent_and_deleted_messages_are_counted(watch: Watch) -> None:
    url = '"QueueUrl": "http://localhost/123456789012/q"'
    watch.engine.saw("sqs", "SendMessage", f"{{{url}}}".encode())
    watch.engine.saw("sqs", "SendMessageBatch", f'{{{url}, "Entries": [{{}}, {{}}]}}'.encode())
    watch.engine.saw("sqs", "ReceiveMessage", f"{{{url}}}".encode())

    rows = watch.engine.metrics.readings(metric("AWS/SQS", "NumberOfMessagesSent", {"QueueName": "q"}), 0, 1e11)

    assert sum(reading.total for _, reading, _ in rows) == 3


def test_a_service_measures_itself(watch: Watch) -> None:
    watch.engine.measure("AWS/Lambda", "Errors", {"FunctionName": "f"}, 1, "Count")

    assert watch("ListMetrics", Namespace="AWS/Lambda")["Metrics"][0]["MetricName"] == "Errors"
    with pytest.raises(AwsError, match="AWS/"):
        watch("PutMetricData", Namespace="AWS/Lambda", MetricData=[{"MetricName": "Errors", "Value": 1.0}])


def test_what_services_measured_is_written_at_the_end(watch: Watch) -> None:
    watch.engine.measure("AWS/Lambda", "Errors", {"FunctionName": "f"}, 1, "Count")

    watch.engine.close()

    again = MetricStore(watch.world.kernel.state_dir / "metrics.sqlite")
    assert len(again.metrics(0)) == 1
    again.close()


def test_a_detector_is_trained_by_datapoints(watch: Watch) -> None:
    single = {"Namespace": "test", "MetricName": "m", "Stat": "Average"}
    number = watch("PutAnomalyDetector", SingleMetricAnomalyDetector=single)["AnomalyDetectorId"]
    assert watch("PutAnomalyDetector", **single)["AnomalyDetectorId"] == number
    states = [watch("DescribeAnomalyDetectors")["AnomalyDetectors"][0]["StateValue"]]

    for value in (1, 2, 3):
        watch.put(value)
        watch.clock.advance(60)
        states.append(watch("DescribeAnomalyDetectors")["AnomalyDetectors"][0]["StateValue"])

    assert states == ["PENDING_TRAINING", *["TRAINED_INSUFFICIENT_DATA"] * 2, "TRAINED"]
    watch("DeleteAnomalyDetector", AnomalyDetectorId=number)
    with pytest.raises(AwsError, match="ResourceNotFound"):
        watch("DeleteAnomalyDetector", SingleMetricAnomalyDetector=single)


def test_a_widget_becomes_a_png(watch: Watch) -> None:
    for value in (1, 5, 3):
        watch.put(value)
        watch.clock.advance(300)
    widget = {"metrics": [["test", "m", {"stat": "Sum"}]], "title": "Title", "width": 320, "height": 200}

    image = watch("GetMetricWidgetImage", MetricWidget=json.dumps(widget))["MetricWidgetImage"]

    assert image[:8] == b"\x89PNG\r\n\x1a\n"
    with pytest.raises(AwsError, match="Invalid metric widget"):
        watch("GetMetricWidgetImage", MetricWidget="{}")


def test_deeply_nested_expressions_are_refused_not_broken(watch: Watch) -> None:
    query = {"Id": "e", "Expression": "(" * 2000 + "1"}
    now = watch.clock.now()

    with pytest.raises(AwsError, match="ValidationError"):
        watch("GetMetricData", MetricDataQueries=[query], StartTime=now - timedelta(hours=1), EndTime=now)
    with pytest.raises(AwsError, match="ValidationError"):
        watch("PutCompositeAlarm", AlarmName="deep", AlarmRule="(" * 5000 + "TRUE")


def test_datapoints_survive_and_old_ones_go(tmp_path: Path) -> None:
    wanted = metric("n", "m", {"a": "b"})
    store = MetricStore(tmp_path / "metrics.sqlite")
    store.add([Datapoint(wanted, at, statistics.several([(1.0, 2.0), (3.0, 1.0)])) for at in (0.0, 6_000_000.0)])
    store.add_soon(Datapoint(wanted, 6_000_001.0, statistics.single(7.0)))
    store.close()

    again = MetricStore(tmp_path / "metrics.sqlite")
    again.prune(6_000_060.0)

    rows = again.readings(wanted, 0, 1e9)
    assert [(at, reading.total) for at, reading, _ in rows] == [(6_000_000.0, 5.0), (6_000_001.0, 7.0)]
    assert rows[0][1].values == ((1.0, 2.0), (3.0, 1.0))
    assert again.metrics(0) == [wanted]
    again.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 599), st.floats(-1e6, 1e6)), max_size=30), st.sampled_from(statistics.SIMPLE))
def test_a_summary_says_what_the_readings_say(tmp_path: Path, points: list[tuple[int, float]], statistic: str) -> None:
    wanted = metric("n", uuid.uuid4().hex)
    store = MetricStore(tmp_path / "metrics.sqlite")
    store.add([Datapoint(wanted, float(at), statistics.single(value)) for at, value in points])

    rows = [(at, reading) for at, reading, _ in store.readings(wanted, 0, 600)]
    slow = series.aggregated(series.bucketed(rows, 0, 60), statistic, 60)
    fast = series.aggregated(series.bucketed(store.summaries(wanted, 0, 600, 60), 0, 60), statistic, 60)

    assert dict(fast.points) == pytest.approx(dict(slow.points), abs=1e-3)
    assert dict(fast.counts) == dict(slow.counts)
    store.close()
