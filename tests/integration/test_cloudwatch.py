"""CloudWatch over HTTP: metrics, alarms that really go off, what they tell, in every protocol that clients speak."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.parsers import RpcV2CBORParser
from botocore.serialize import RpcV2CBORSerializer

from emulator.kernel.ports import Kernel
from emulator.services.cloudwatch import Engine
from tests.support.waiting import eventually

Client = Callable[[str], Any]


def next_minute(kernel: Kernel, minutes: int = 1) -> datetime:
    """The whole minute that begins after now: what was just put lies in the period that it ends."""
    return kernel.clock.now().replace(second=0, microsecond=0) + timedelta(minutes=minutes)


def state(client: Client, name: str) -> str:
    found = client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    return str([*found["MetricAlarms"], *found["CompositeAlarms"]][0]["StateValue"])


def alarm(name: str, **changes: Any) -> dict[str, Any]:
    found = {
        "AlarmName": name,
        "Namespace": f"test/{name}",
        "MetricName": "m",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    }
    return {**found, **changes}


def queue(client: Client, name: str) -> tuple[str, str]:
    return client("sqs").create_queue(QueueName=name)["QueueUrl"], f"arn:aws:sqs:us-east-1:123456789012:{name}"


def test_a_new_alarm_has_insufficient_data_and_says_why(client: Client) -> None:
    cloudwatch = client("cloudwatch")

    cloudwatch.put_metric_alarm(**alarm("fresh"), Tags=[{"Key": "team", "Value": "loop"}])

    found = cloudwatch.describe_alarms(AlarmNames=["fresh"])["MetricAlarms"][0]
    assert (found["StateValue"], found["StateReason"]) == ("INSUFFICIENT_DATA", "Unchecked: Initial alarm creation")
    assert cloudwatch.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"] == [
        {"Key": "team", "Value": "loop"}
    ]


def test_a_message_in_a_dead_letter_queue_raises_its_alarm_and_tells_the_topic(client: Client, kernel: Kernel) -> None:
    url, _ = queue(client, "cw-dlq")
    inbox_url, inbox_arn = queue(client, "cw-inbox")
    topic = client("sns").create_topic(Name="cw-people")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=inbox_arn)
    watched = {
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{"Name": "QueueName", "Value": "cw-dlq"}],
        "Statistic": "Maximum",
        "TreatMissingData": "notBreaching",
        "AlarmActions": [topic],
    }
    client("cloudwatch").put_metric_alarm(**alarm("cw-dlq", **watched))
    engine, at = Engine.of(kernel), next_minute(kernel)
    engine.tick(at)
    assert state(client, "cw-dlq") == "OK"

    client("sqs").send_message(QueueUrl=url, MessageBody="could not be handled")
    engine.tick(at + timedelta(minutes=1))
    engine.tick(at + timedelta(minutes=2))

    assert state(client, "cw-dlq") == "ALARM"
    notice = eventually(lambda: client("sqs").receive_message(QueueUrl=inbox_url).get("Messages"))[0]
    envelope = json.loads(notice["Body"])
    message = json.loads(envelope["Message"])
    assert envelope["Subject"] == 'ALARM: "cw-dlq" in US East (N. Virginia)'
    assert (message["OldStateValue"], message["NewStateValue"]) == ("OK", "ALARM")
    assert message["Trigger"]["Dimensions"] == [{"value": "cw-dlq", "name": "QueueName"}]
    history = client("cloudwatch").describe_alarm_history(AlarmName="cw-dlq")["AlarmHistoryItems"]
    told = [item["HistorySummary"] for item in history if item["HistoryItemType"] == "Action"]
    assert told == [f"Successfully executed action {topic}"], "actions run on transitions only"


def test_state_changes_are_events_on_the_default_bus(client: Client, kernel: Kernel) -> None:
    url, arn = queue(client, "cw-events")
    pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": ["cw-told"]}}
    client("events").put_rule(Name="cw-events", EventPattern=json.dumps(pattern))
    client("events").put_targets(Rule="cw-events", Targets=[{"Id": "q", "Arn": arn}])

    client("cloudwatch").put_metric_alarm(**alarm("cw-told"))
    client("cloudwatch").put_metric_data(Namespace="test/cw-told", MetricData=[{"MetricName": "m", "Value": 3}])
    Engine.of(kernel).tick(next_minute(kernel))

    found: dict[str, Any] = {}

    def both() -> bool:
        for message in client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            event = json.loads(message["Body"])
            found[event["detail-type"]] = event
        return len(found) == 2

    eventually(both)
    assert found["CloudWatch Alarm Configuration Change"]["detail"]["operation"] == "create"
    event = found["CloudWatch Alarm State Change"]
    assert event["resources"] == ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:cw-told"]
    assert event["detail"]["previousState"]["value"] == "INSUFFICIENT_DATA"
    assert event["detail"]["state"]["reason"].startswith("Threshold Crossed: 1 datapoint [3.0 (")


def test_a_composite_alarm_follows_its_children(client: Client, kernel: Kernel) -> None:
    cloudwatch = client("cloudwatch")
    for name in ("cw-a", "cw-b"):
        cloudwatch.put_metric_alarm(**alarm(name))
    cloudwatch.put_composite_alarm(AlarmName="cw-both", AlarmRule='ALARM("cw-a") AND NOT OK(cw-b)')
    eventually(lambda: state(client, "cw-both") == "OK")

    cloudwatch.set_alarm_state(AlarmName="cw-a", StateValue="ALARM", StateReason="a test")

    eventually(lambda: state(client, "cw-both") == "ALARM")
    found = cloudwatch.describe_alarms(ChildrenOfAlarmName="cw-both")
    assert [row["AlarmName"] for row in found["MetricAlarms"]] == ["cw-a", "cw-b"]
    with pytest.raises(ClientError, match="composite alarm"):
        cloudwatch.delete_alarms(AlarmNames=["cw-a"])


def test_metric_filters_make_metrics_of_log_events(client: Client, kernel: Kernel) -> None:
    logs, cloudwatch = client("logs"), client("cloudwatch")
    logs.create_log_group(logGroupName="cw-logs")
    logs.create_log_stream(logGroupName="cw-logs", logStreamName="s")
    transformation = {
        "metricName": "latency",
        "metricNamespace": "test/logs",
        "metricValue": "$.ms",
        "unit": "Milliseconds",
    }
    pattern = '{ $.level = "ERROR" && $.ms > 10 }'
    logs.put_metric_filter(
        logGroupName="cw-logs", filterName="slow", filterPattern=pattern, metricTransformations=[transformation]
    )
    now = kernel.clock.now()
    lines = [{"level": "ERROR", "ms": 250}, {"level": "ERROR", "ms": 5}, {"level": "INFO", "ms": 900}]
    events = [{"timestamp": int(now.timestamp() * 1000), "message": json.dumps(line)} for line in lines]

    logs.put_log_events(logGroupName="cw-logs", logStreamName="s", logEvents=events)

    found = cloudwatch.get_metric_statistics(
        Namespace="test/logs",
        MetricName="latency",
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        Period=600,
        Statistics=["Sum", "SampleCount"],
    )["Datapoints"]
    assert [(point["Sum"], point["SampleCount"], point["Unit"]) for point in found] == [(250.0, 1.0, "Milliseconds")]


def test_get_metric_data_computes_expressions_and_pages(client: Client, kernel: Kernel) -> None:
    cloudwatch, now = client("cloudwatch"), kernel.clock.now().replace(second=0, microsecond=0)
    data = [
        {"MetricName": name, "Timestamp": now - timedelta(minutes=minute), "Value": float(minute * factor)}
        for minute in range(1, 5)
        for name, factor in (("errors", 1), ("requests", 4))
    ]
    cloudwatch.put_metric_data(Namespace="test/math", MetricData=data)
    queries: list[dict[str, Any]] = [
        {
            "Id": name,
            "ReturnData": False,
            "MetricStat": {"Metric": {"Namespace": "test/math", "MetricName": name}, "Period": 60, "Stat": "Sum"},
        }
        for name in ("errors", "requests")
    ]
    queries.append({"Id": "rate", "Expression": "100 * errors / requests", "Label": "error rate"})
    call = {"MetricDataQueries": queries, "StartTime": now - timedelta(minutes=10), "EndTime": now, "MaxDatapoints": 3}

    pages = list(cloudwatch.get_paginator("get_metric_data").paginate(**call))

    values = [number for page in pages for result in page["MetricDataResults"] for number in result["Values"]]
    assert values == [25.0] * 4
    assert [page["MetricDataResults"][0]["StatusCode"] for page in pages] == ["PartialData", "Complete"]
    times = [at for page in pages for at in page["MetricDataResults"][0]["Timestamps"]]
    assert times == sorted(times, reverse=True)


def test_what_aws_refuses_is_refused_with_its_codes(client: Client) -> None:
    cloudwatch = client("cloudwatch")
    cases = [
        (
            "put_metric_data",
            {"Namespace": "x", "MetricData": [{"MetricName": "m", "Value": float("nan")}]},
            "InvalidParameterValue",
        ),
        ("put_metric_data", {"Namespace": "x", "MetricData": [{"MetricName": "m"}]}, "MissingParameter"),
        ("put_metric_alarm", alarm("bad", Period=45), "ValidationError"),
        ("put_metric_alarm", alarm("bad", Period=60, EvaluationPeriods=1441), "ValidationError"),
        ("set_alarm_state", {"AlarmName": "none", "StateValue": "OK", "StateReason": "x"}, "ResourceNotFound"),
        ("get_dashboard", {"DashboardName": "none"}, "ResourceNotFound"),
        ("put_dashboard", {"DashboardName": "d", "DashboardBody": "{"}, "InvalidParameterInput"),
        ("put_metric_alarm", alarm("bad", AlarmActions=["arn:aws:ssm:us-east-1:1:opsitem:1"]), "NotEmulated"),
    ]
    for operation, params, code in cases:
        with pytest.raises(ClientError) as refused:
            getattr(cloudwatch, operation)(**params)
        assert refused.value.response["Error"]["Code"] == code, operation


def test_dashboards_are_kept(client: Client) -> None:
    cloudwatch, body = client("cloudwatch"), json.dumps({"widgets": []})

    cloudwatch.put_dashboard(DashboardName="loop", DashboardBody=body)

    assert cloudwatch.get_dashboard(DashboardName="loop")["DashboardBody"] == body
    assert [
        entry["DashboardName"] for entry in cloudwatch.list_dashboards(DashboardNamePrefix="loop")["DashboardEntries"]
    ] == ["loop"]


def test_a_widget_comes_back_as_a_png(client: Client) -> None:
    widget = json.dumps({"metrics": [["test/none", "m"]], "width": 200, "height": 100})

    image = client("cloudwatch").get_metric_widget_image(MetricWidget=widget)["MetricWidgetImage"]

    assert image.startswith(b"\x89PNG")


def test_a_large_put_comes_compressed_and_is_understood(client: Client, kernel: Kernel) -> None:
    data = [{"MetricName": f"metric-{number}", "Value": float(number)} for number in range(1000)]

    client("cloudwatch").put_metric_data(Namespace="test/large", MetricData=data)

    pages = client("cloudwatch").get_paginator("list_metrics").paginate(Namespace="test/large")
    assert sum(len(page["Metrics"]) for page in pages) == 1000


def test_the_command_line_puts_reads_and_describes(kernel: Kernel, client: Client) -> None:
    def aws(*words: str) -> Any:
        environ = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": kernel.region,
        }
        command = [
            str(Path(sys.executable).parent / "aws"),
            "--endpoint-url",
            kernel.endpoint_url,
            "--region",
            kernel.region,
        ]
        done = subprocess.run([*command, "cloudwatch", *words], capture_output=True, env=environ, check=True, text=True)
        return json.loads(done.stdout) if done.stdout else None

    aws("put-metric-data", "--namespace", "test/cli", "--metric-name", "m", "--value", "7")
    watch = ["--namespace", "test/cli", "--metric-name", "m", "--statistic", "Maximum", "--period", "60"]
    compare = ["--threshold", "5", "--comparison-operator", "GreaterThanThreshold", "--evaluation-periods", "1"]
    aws("put-metric-alarm", "--alarm-name", "cw-cli", *watch, *compare)
    Engine.of(kernel).tick(next_minute(kernel))

    found = aws("describe-alarms", "--alarm-names", "cw-cli")["MetricAlarms"][0]
    assert found["StateValue"] == "ALARM"
    assert json.loads(found["StateReasonData"])["recentDatapoints"] == [7.0]


def test_the_query_protocol_of_older_clients_is_understood(kernel: Kernel) -> None:
    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=kernel.region)
    loader = session._session.get_component("data_loader")
    known = loader.load_service_model

    def speaking_query(name: str, kind: str, api_version: str | None = None) -> Any:
        model = known(name, kind, api_version)
        speaks = {**model.get("metadata", {}), "protocol": "query", "protocols": ["query"]}
        return {**model, "metadata": speaks} if (name, kind) == ("cloudwatch", "service-2") else model

    loader.load_service_model = speaking_query
    old = session.client("cloudwatch", endpoint_url=kernel.endpoint_url)

    assert old.meta.service_model.resolved_protocol == "query"
    now = kernel.clock.now()
    old.put_metric_data(Namespace="test/query", MetricData=[{"MetricName": "m", "Value": 2.5, "Timestamp": now}])
    old.put_metric_alarm(**alarm("cw-query"))

    assert old.list_metrics(Namespace="test/query")["Metrics"][0]["MetricName"] == "m"
    assert old.describe_alarms(AlarmNames=["cw-query"])["MetricAlarms"][0]["StateUpdatedTimestamp"].tzinfo is not None
    with pytest.raises(ClientError, match="ResourceNotFound"):
        old.set_alarm_state(AlarmName="none", StateValue="OK", StateReason="x")


def test_cbor_of_other_sdks_is_understood(kernel: Kernel, client: Client) -> None:
    model = client("cloudwatch").meta.service_model
    headers = {
        "smithy-protocol": "rpc-v2-cbor",
        "Content-Type": "application/cbor",
        "Accept": "application/cbor",
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/monitoring/aws4_request, x=y",
    }

    def call(name: str, **params: Any) -> tuple[int, dict[str, Any]]:
        operation = model.operation_model(name)
        body = bytearray()
        RpcV2CBORSerializer()._serialize_data_item(body, params, operation.input_shape)
        url = f"{kernel.endpoint_url}/service/GraniteServiceVersion20100801/operation/{name}"
        request = urllib.request.Request(url, bytes(body), headers)
        try:
            answer = urllib.request.urlopen(request)
        except urllib.error.HTTPError as error:
            answer = error
        parts = {
            "status_code": answer.status,
            "headers": {k.lower(): v for k, v in answer.headers.items()},
            "body": answer.read(),
        }
        return answer.status, RpcV2CBORParser().parse(parts, operation.output_shape)

    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert call("PutMetricData", Namespace="test/cbor", MetricData=[{"MetricName": "m", "Value": 1.5}])[0] == 200
    assert call("ListMetrics", Namespace="test/cbor")[1]["Metrics"][0]["MetricName"] == "m"
    old = {"MetricName": "m", "Value": 1.5, "Timestamp": at - timedelta(days=60)}
    status, refused = call("PutMetricData", Namespace="test/cbor", MetricData=[old])
    assert (status, refused["Error"]["Code"]) == (400, "InvalidParameterValue")
    assert call("DescribeAlarms", AlarmNames=["none"])[1]["MetricAlarms"] == []
