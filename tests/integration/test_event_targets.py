"""Every kind of target over HTTP: an event arrives there as AWS would bring it."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.support.waiting import eventually

Client = Callable[[str], Any]
ROLE = "arn:aws:iam::123456789012:role/events"
IN = "us-east-1:123456789012:"


def _follow(client: Client, name: str, target: dict[str, Any]) -> None:
    events = client("events")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [f"targets.{name}"]}))
    events.put_targets(Rule=name, Targets=[{"Id": "t", "RoleArn": ROLE, **target}])
    entry = {"Source": f"targets.{name}", "DetailType": "d", "Detail": '{"n": 1, "key": "k"}'}
    assert client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def _receive(client: Client, url: str) -> dict[str, Any]:
    sqs = client("sqs")
    got = eventually(lambda: sqs.receive_message(QueueUrl=url, AttributeNames=["All"]).get("Messages") or None)
    return dict(got[0])


def test_a_fifo_queue_gets_the_event_in_its_group(client: Client) -> None:
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = client("sqs").create_queue(QueueName="targets.fifo", Attributes=attributes)["QueueUrl"]

    _follow(client, "fifo", {"Arn": f"arn:aws:sqs:{IN}targets.fifo", "SqsParameters": {"MessageGroupId": "g"}})

    message = _receive(client, url)
    assert message["Attributes"]["MessageGroupId"] == "g"
    assert json.loads(message["Body"])["detail"] == {"n": 1, "key": "k"}


def test_a_topic_gets_what_the_transformer_makes(client: Client) -> None:
    url = client("sqs").create_queue(QueueName="targets-sns")["QueueUrl"]
    topic = client("sns").create_topic(Name="targets")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{IN}targets-sns")
    transformer = {"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": '"<n> from <aws.events.rule-name>"'}

    _follow(client, "sns", {"Arn": topic, "InputTransformer": transformer})

    assert json.loads(_receive(client, url)["Body"])["Message"] == '"1 from sns"'


def test_a_state_machine_starts_with_the_event(client: Client) -> None:
    states = client("stepfunctions")
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    arn = states.create_state_machine(name="targets", definition=definition, roleArn=ROLE)["stateMachineArn"]

    _follow(client, "states", {"Arn": arn, "InputPath": "$.detail"})

    execution = eventually(lambda: states.list_executions(stateMachineArn=arn)["executions"] or None)[0]
    found = states.describe_execution(executionArn=execution["executionArn"])
    assert json.loads(found["input"]) == {"n": 1, "key": "k"}


def test_a_stream_gets_the_event_by_its_partition_key(client: Client) -> None:
    kinesis = client("kinesis")
    kinesis.create_stream(StreamName="targets", ShardCount=1)
    arn = kinesis.describe_stream(StreamName="targets")["StreamDescription"]["StreamARN"]

    _follow(client, "kinesis", {"Arn": arn, "KinesisParameters": {"PartitionKeyPath": "$.detail.key"}})

    shard = kinesis.list_shards(StreamName="targets")["Shards"][0]["ShardId"]
    start = kinesis.get_shard_iterator(StreamName="targets", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    (record,) = eventually(lambda: kinesis.get_records(ShardIterator=start["ShardIterator"])["Records"] or None)
    assert record["PartitionKey"] == "k"
    assert json.loads(record["Data"])["detail"]["n"] == 1


def test_a_delivery_stream_gets_the_event(client: Client) -> None:
    client("s3").create_bucket(Bucket="targets-firehose")
    destination = {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::targets-firehose"}
    made = client("firehose").create_delivery_stream(
        DeliveryStreamName="targets", ExtendedS3DestinationConfiguration=destination
    )

    _follow(client, "firehose", {"Arn": made["DeliveryStreamARN"]})

    s3 = client("s3")
    (found,) = eventually(lambda: s3.list_objects_v2(Bucket="targets-firehose").get("Contents") or None)
    body = s3.get_object(Bucket="targets-firehose", Key=found["Key"])["Body"].read()
    assert json.loads(body)["detail"]["n"] == 1


def test_a_log_group_gets_the_event_as_a_line(client: Client) -> None:
    logs = client("logs")
    logs.create_log_group(logGroupName="/aws/events/targets")

    _follow(client, "logs", {"Arn": f"arn:aws:logs:{IN}log-group:/aws/events/targets"})

    (line,) = eventually(lambda: logs.filter_log_events(logGroupName="/aws/events/targets")["events"] or None)
    assert json.loads(line["message"])["detail"]["n"] == 1


def test_a_pipeline_starts_with_parameters_from_the_event(client: Client) -> None:
    sagemaker = client("sagemaker")
    step = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "enough"}}
    parameter = {"Name": "Key", "Type": "String", "DefaultValue": "none"}
    definition = json.dumps({"Version": "2020-12-01", "Parameters": [parameter], "Steps": [step]})
    arn = sagemaker.create_pipeline(PipelineName="targets", PipelineDefinition=definition, RoleArn=ROLE)["PipelineArn"]
    given = {"PipelineParameterList": [{"Name": "Key", "Value": "$.detail.key"}]}

    _follow(client, "pipeline", {"Arn": arn, "SageMakerPipelineParameters": given})

    listed = eventually(
        lambda: sagemaker.list_pipeline_executions(PipelineName="targets")["PipelineExecutionSummaries"] or None
    )
    execution = listed[0]["PipelineExecutionArn"]
    found = sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=execution)
    assert found["PipelineParameters"] == [{"Name": "Key", "Value": "k"}]


class _Handler(BaseHTTPRequestHandler):
    seen: list[tuple[str, dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Nothing on stderr."""


@pytest.fixture
def web() -> Iterator[ThreadingHTTPServer]:
    _Handler.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_an_api_destination_gets_the_event_with_the_connections_key(client: Client, web: ThreadingHTTPServer) -> None:
    events = client("events")
    auth = {"ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "secret"}}
    connection = events.create_connection(Name="targets", AuthorizationType="API_KEY", AuthParameters=auth)
    destination = events.create_api_destination(
        Name="targets",
        ConnectionArn=connection["ConnectionArn"],
        InvocationEndpoint=f"http://127.0.0.1:{web.server_port}/hooks/*",
        HttpMethod="POST",
    )
    parameters = {"PathParameterValues": ["a b"], "QueryStringParameters": {"q": "1"}, "HeaderParameters": {"X-A": "b"}}

    _follow(client, "http", {"Arn": destination["ApiDestinationArn"], "HttpParameters": parameters})

    path, headers, body = eventually(lambda: _Handler.seen or None)[0]
    assert path == "/hooks/a%20b?q=1"
    assert (headers["x-key"], headers["x-a"]) == ("secret", "b")
    assert json.loads(body)["detail"]["n"] == 1
