"""Lambda functions really run: from their zip, as their role, with AWS's own runtime client."""

import io
import json
import urllib.request
import uuid
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from emulator.kernel.ports import Kernel
from tests.support.processes import carrying
from tests.support.waiting import eventually

Client = Callable[[str], Any]
SOURCE = """
import json, os, sys
import boto3

def handler(event, context):
    print("asked", sorted(event))
    if event.get("fail"):
        raise ValueError("no")
    if event.get("exit"):
        os._exit(7)
    if event.get("hang"):
        while True:
            pass
    if "Records" in event:
        bad = [r["messageId"] for r in event["Records"] if r["body"] == "bad"]
        return {"batchItemFailures": [{"itemIdentifier": i} for i in bad]}
    return {
        "arn": boto3.client("sts").get_caller_identity()["Arn"],
        "env": os.environ["GREETING"],
        "cwd": os.getcwd(),
        "has_pandas": "pandas" in sys.modules or bool(__import__("importlib.util").util.find_spec("pandas")),
    }
"""


def _zip(**files: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.py", text)
    return packed.getvalue()


@pytest.fixture(scope="session")
def function(client: Client) -> str:
    role = client("iam").create_role(RoleName="fn-role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    client("lambda").create_function(
        FunctionName="fn",
        Runtime="python3.13",
        Role=role,
        Handler="h.handler",
        Timeout=2,
        Code={"ZipFile": _zip(h=SOURCE)},
        Environment={"Variables": {"GREETING": "hello"}},
    )
    return "fn"


def _invoke(client: Client, name: str, **event: Any) -> tuple[str | None, Any]:
    answer = client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return answer.get("FunctionError"), json.loads(answer["Payload"].read())


def test_a_function_acts_as_its_role_in_its_own_environment(client: Client, function: str) -> None:
    error, answer = _invoke(client, function)

    assert error is None
    assert answer["arn"].startswith("arn:aws:sts::123456789012:assumed-role/fn-role/")
    assert (answer["env"], answer["cwd"], answer["has_pandas"]) == ("hello", "/var/task", False)


@pytest.mark.parametrize(
    ("event", "kind", "message"),
    [
        ({"fail": 1}, "ValueError", "no"),
        ({"exit": 1}, "Runtime.ExitError", "exit status 7"),
        ({"hang": 1}, "Sandbox.Timedout", "Task timed out after 2.00 seconds"),
    ],
)
def test_a_function_that_fails_answers_as_aws_does(
    client: Client, function: str, event: dict[str, int], kind: str, message: str
) -> None:
    error, answer = _invoke(client, function, **event)

    assert error == "Unhandled"
    assert answer["errorType"] == kind
    assert message in answer["errorMessage"]
    assert _invoke(client, function)[0] is None


def test_a_function_that_cannot_be_imported_says_why(client: Client, function: str) -> None:
    role = client("lambda").get_function_configuration(FunctionName=function)["Role"]
    code = {"ZipFile": _zip(h="import nothing_like_it")}
    client("lambda").create_function(FunctionName="broken", Runtime="python3.13", Role=role, Handler="h.x", Code=code)

    error, answer = _invoke(client, "broken")

    assert error == "Unhandled"
    assert answer["errorType"] == "Runtime.ImportModuleError"
    assert "nothing_like_it" in answer["errorMessage"]


def test_what_a_function_prints_is_in_cloudwatch_logs(client: Client, function: str) -> None:
    _invoke(client, function, marker=1)
    logs = client("logs")

    def lines() -> list[str] | None:
        streams = logs.describe_log_streams(logGroupName="/aws/lambda/fn")["logStreams"]
        found = [
            event["message"]
            for stream in streams
            for event in logs.get_log_events(logGroupName="/aws/lambda/fn", logStreamName=stream["logStreamName"])[
                "events"
            ]
        ]
        return found if any("asked ['marker']" in line for line in found) else None

    assert any(line.startswith("REPORT RequestId:") for line in eventually(lines))


def test_a_function_measures_itself(client: Client, function: str, kernel: Kernel) -> None:
    before = _measured(client, function, kernel)

    _invoke(client, function, fail=1)

    after = _measured(client, function, kernel)
    assert {name: after[name] - before[name] for name in ("Invocations", "Errors")} == {"Invocations": 1, "Errors": 1}
    assert after["Duration"] > before["Duration"]


def _measured(client: Client, function: str, kernel: Kernel) -> dict[str, float]:
    now = kernel.clock.now()
    call = {"Namespace": "AWS/Lambda", "Dimensions": [{"Name": "FunctionName", "Value": function}], "Period": 86_400}
    call |= {"StartTime": now - timedelta(hours=12), "EndTime": now + timedelta(minutes=1), "Statistics": ["Sum"]}
    found = {
        name: client("cloudwatch").get_metric_statistics(MetricName=name, **call)["Datapoints"]
        for name in ("Invocations", "Errors", "Duration")
    }
    return {name: sum(point["Sum"] for point in points) for name, points in found.items()}


def test_a_queue_feeds_a_function_and_keeps_what_the_function_could_not_handle(client: Client, function: str) -> None:
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="fn-queue", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:fn-queue"
    client("lambda").create_event_source_mapping(
        FunctionName=function, EventSourceArn=arn, FunctionResponseTypes=["ReportBatchItemFailures"]
    )

    for body in ("good", "bad", "good"):
        sqs.send_message(QueueUrl=url, MessageBody=body)

    def left() -> bool:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return [found[name] for name in names] == ["0", "1"]

    assert eventually(left)


def test_a_mapping_outlives_a_queue_that_is_deleted_and_made_anew(client: Client, function: str) -> None:
    sqs = client("sqs")
    create = {"QueueName": "fn-phoenix", "Attributes": {"VisibilityTimeout": "60"}}
    url = sqs.create_queue(**create)["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:fn-phoenix"
    client("lambda").create_event_source_mapping(FunctionName=function, EventSourceArn=arn)
    sqs.delete_queue(QueueUrl=url)
    journal = f"{sqs.meta.endpoint_url}/_emulator/journal?"
    eventually(lambda: "lambda.poll.failed" in _text(journal))

    sqs.create_queue(**create)
    sqs.send_message(QueueUrl=url, MessageBody="good")

    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    eventually(
        lambda: set(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()) == {"0"}
    )


def _text(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read(), "utf-8")


def test_a_deleted_function_leaves_no_environment_behind(client: Client, function: str) -> None:
    role = client("lambda").get_function_configuration(FunctionName=function)["Role"]
    marker = uuid.uuid4().hex
    source = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait()", "{marker}"])
def handler(event, context):
    return 1
"""
    code = {"ZipFile": _zip(h=source)}
    client("lambda").create_function(
        FunctionName="gone", Runtime="python3.13", Role=role, Handler="h.handler", Code=code
    )
    assert _invoke(client, "gone") == (None, 1)
    assert eventually(lambda: carrying(marker))

    client("lambda").delete_function(FunctionName="gone")

    eventually(lambda: not carrying(marker))


def test_a_queue_feeds_the_version_that_an_alias_means(kernel: Kernel, client: Client) -> None:
    functions, sqs, name = client("lambda"), client("sqs"), "fed-by-alias"
    code = {"ZipFile": _zip(h="def handler(event, context):\n    pass")}
    role = "arn:aws:iam::123456789012:role/fn-role"
    functions.create_function(FunctionName=name, Runtime="python3.13", Role=role, Handler="h.handler", Code=code)
    functions.publish_version(FunctionName=name)
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    url = sqs.create_queue(QueueName=f"{name}-q")["QueueUrl"]
    functions.create_event_source_mapping(
        FunctionName=f"{name}:live", EventSourceArn=f"arn:aws:sqs:us-east-1:123456789012:{name}-q"
    )

    sqs.send_message(QueueUrl=url, MessageBody="m")

    def streams() -> list[str]:
        try:
            found = client("logs").describe_log_streams(logGroupName=f"/aws/lambda/{name}")["logStreams"]
        except client("logs").exceptions.ResourceNotFoundException:
            return []
        return [stream["logStreamName"] for stream in found]

    assert "[1]" in eventually(streams)[0]
