"""Node.js, custom runtimes, layers, memory and initialization, for real."""

import base64
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config

from emulator.kernel.ports import Kernel
from tests.support.functions import Client, create, invoke, zipped
from tests.support.waiting import eventually

NODE = """
let count = 0;
console.log("loaded");
exports.handler = async (event, context) => {
  if (event.fail) throw new RangeError("no");
  if (event.late) setTimeout(() => { throw new TypeError("late"); }, 1), await new Promise(() => {});
  if (event.exit) process.exit(3);
  if (event.big) return "x".repeat(event.big);
  console.log("asked", event);
  return { count: ++count, id: context.awsRequestId, arn: context.invokedFunctionArn,
    left: context.getRemainingTimeInMillis(),
    cwd: process.cwd(), greeting: process.env.GREETING };
};
"""
BOOTSTRAP = """#!/usr/bin/env python3
import json, os, urllib.request
api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime"
def post(path, body, **headers):
    urllib.request.urlopen(urllib.request.Request(f"{api}/{path}", json.dumps(body).encode(), headers)).read()
if os.environ["_HANDLER"] == "broken":
    post("init/error", {"errorType": "Init.Broken", "errorMessage": "cannot"})
    raise SystemExit(1)
while True:
    with urllib.request.urlopen(f"{api}/invocation/next") as answer:
        event, headers = json.load(answer), dict(answer.headers)
    request_id = headers["Lambda-Runtime-Aws-Request-Id"]
    if event.get("fail"):
        post(f"invocation/{request_id}/error", {"errorType": "Custom", "errorMessage": "no"})
    else:
        post(f"invocation/{request_id}/response", {"handler": os.environ["_HANDLER"], "headers": sorted(headers)})
"""


@pytest.fixture(scope="module")
def node(client: Client) -> str:
    name = f"node-{uuid.uuid4().hex[:8]}"
    create(
        client,
        name,
        zipped({"index.js": NODE}),
        Runtime="nodejs22.x",
        Handler="index.handler",
        MemorySize=256,
        Environment={"Variables": {"GREETING": "hello"}},
    )
    return name


def test_a_node_function_runs_warm_with_its_context(client: Client, node: str) -> None:
    answers = [invoke(client, node)[1] for _ in range(2)]

    assert [answer["count"] for answer in answers] == [1, 2]
    assert answers[0]["arn"].endswith(f":function:{node}")
    assert (answers[0]["cwd"], answers[0]["greeting"]) == ("/var/task", "hello")
    assert 0 < answers[0]["left"] <= 3000


@pytest.mark.parametrize(
    ("event", "kind", "message"),
    [
        ({"fail": 1}, "RangeError", "no"),
        ({"late": 1}, "TypeError", "late"),
        ({"exit": 1}, "Runtime.ExitError", "exit status 3"),
    ],
)
def test_a_node_function_that_fails_answers_as_aws_does(
    client: Client, node: str, event: dict[str, int], kind: str, message: str
) -> None:
    error, answer = invoke(client, node, event)

    assert (error, answer["errorType"]) == ("Unhandled", kind)
    assert message in answer["errorMessage"]
    assert invoke(client, node)[0] is None


@pytest.mark.parametrize(
    ("files", "handler", "kind"),
    [
        ({"index.mjs": "export const handler = async () => 7;"}, "index.handler", None),
        ({"a/b.cjs": "exports.on = { x: (event, context, done) => done(null, 7) };"}, "a/b.on.x", None),
        ({"index.js": "exports.handler = ("}, "index.handler", "Runtime.UserCodeSyntaxError"),
        ({"index.js": ""}, "index.handler", "Runtime.HandlerNotFound"),
        ({"index.js": ""}, "other.handler", "Runtime.ImportModuleError"),
        ({"index.js": "require('@aws-sdk/client-s3')"}, "index.handler", "Runtime.ImportModuleError"),
    ],
)
def test_node_loads_what_aws_loads(client: Client, files: dict[str, str], handler: str, kind: str | None) -> None:
    name = f"node-{uuid.uuid4().hex[:8]}"
    create(client, name, zipped(files), Runtime="nodejs24.x", Handler=handler)

    error, answer = invoke(client, name)

    assert (answer if kind is None else answer["errorType"]) == (kind or 7)
    if "@aws-sdk" in str(files):
        assert "is not shipped with this emulator" in answer["errorMessage"]
    assert bool(error) is bool(kind)


@pytest.mark.parametrize("runtime", ["provided.al2", "provided.al2023"])
def test_a_custom_runtime_speaks_the_runtime_api(client: Client, runtime: str) -> None:
    name = f"custom-{uuid.uuid4().hex[:8]}"
    create(client, name, zipped({"bootstrap": BOOTSTRAP}, 0o755), Runtime=runtime, Handler="mine")

    error, answer = invoke(client, name)
    failed, why = invoke(client, name, {"fail": 1})

    assert (error, answer["handler"]) == (None, "mine")
    wanted = {"Lambda-Runtime-Aws-Request-Id", "Lambda-Runtime-Deadline-Ms", "Lambda-Runtime-Invoked-Function-Arn"}
    assert wanted <= set(answer["headers"])
    assert (failed, why["errorType"]) == ("Unhandled", "Custom")


@pytest.mark.parametrize(
    ("files", "handler", "kind"),
    [
        ({"bootstrap": BOOTSTRAP}, "broken", "Init.Broken"),
        ({"other": ""}, "mine", "Runtime.InvalidEntrypoint"),
    ],
)
def test_a_custom_runtime_that_does_not_start_says_why(
    client: Client, files: dict[str, str], handler: str, kind: str
) -> None:
    name = f"custom-{uuid.uuid4().hex[:8]}"
    create(client, name, zipped(files, 0o755), Runtime="provided.al2023", Handler=handler)

    error, answer = invoke(client, name)

    assert (error, answer["errorType"]) == ("Unhandled", kind)


def _layer(client: Client, files: dict[str, str]) -> str:
    made = client("lambda").publish_layer_version(
        LayerName=f"layer-{uuid.uuid4().hex[:8]}", Content={"ZipFile": zipped(files)}, CompatibleRuntimes=["python3.13"]
    )
    return str(made["LayerVersionArn"])


def test_layers_are_at_opt_and_on_the_path_the_later_over_the_earlier(client: Client) -> None:
    first = _layer(client, {"python/shared.py": "who = 'first'", "data/a.txt": "a", "top.txt": "t"})
    second = _layer(client, {"python/shared.py": "who = 'second'", "python/lib/python3.13/site-packages/deep.py": ""})
    code = "import os, shared, deep\ndef handler(event, context): return [shared.who, deep.__file__, "
    code += "open('/opt/data/a.txt').read(), open('/opt/top.txt').read(), shared.__file__]"
    name = f"layered-{uuid.uuid4().hex[:8]}"
    create(client, name, code, Layers=[first, second])

    error, answer = invoke(client, name)

    assert error is None
    assert answer == [
        *("second", "/opt/python/lib/python3.13/site-packages/deep.py", "a", "t", "/opt/python/shared.py"),
    ]


def test_a_layer_that_brings_its_own_boto3_is_believed(client: Client) -> None:
    layer = _layer(client, {"python/boto3.py": "mine = True"})
    name = f"layered-{uuid.uuid4().hex[:8]}"
    create(client, name, "import boto3\ndef handler(event, context): return boto3.mine", Layers=[layer])

    assert invoke(client, name) == (None, True)


def test_layer_versions_are_numbered_listed_found_by_arn_and_deleted(client: Client) -> None:
    api: Any = client("lambda")
    name = f"layer-{uuid.uuid4().hex[:8]}"
    publish = {"LayerName": name, "CompatibleRuntimes": ["python3.13"]}
    first, second = (
        api.publish_layer_version(**publish, Content={"ZipFile": zipped({f"{n}.txt": "x"})}, Description=str(n))
        for n in (1, 2)
    )

    assert [first["Version"], second["Version"]] == [1, 2]
    assert [one["Version"] for one in api.list_layer_versions(LayerName=name)["LayerVersions"]] == [2, 1]
    found = api.get_layer_version_by_arn(Arn=first["LayerVersionArn"])
    assert (found["Description"], found["Content"]["CodeSha256"]) == ("1", first["Content"]["CodeSha256"])
    api.delete_layer_version(LayerName=name, VersionNumber=2)
    latest = {one["LayerName"]: one["LatestMatchingVersion"]["Version"] for one in api.list_layers()["Layers"]}
    assert latest[name] == 1
    third = api.publish_layer_version(**publish, Content={"ZipFile": zipped({"3.txt": "x"})})
    assert third["Version"] == 3


def test_at_most_five_layers_and_one_version_of_each(client: Client) -> None:
    layer = _layer(client, {"python/x.py": ""})

    for layers, message in (([layer] * 6, "more than 5 layers"), ([layer] * 2, "Two different versions")):
        with pytest.raises(client("lambda").exceptions.InvalidParameterValueException, match=message):
            create(client, "never", "x = 1", Layers=layers)


def _report(answer: Any) -> dict[str, str]:
    log = base64.b64decode(answer["LogResult"]).decode()
    report = log.split("REPORT ")[1].split("\n")[0]
    return dict(part.split(": ", 1) for part in report.split("\t") if ": " in part)


def test_the_report_tells_the_memory_and_a_function_over_its_memory_is_ended(client: Client, kernel: Kernel) -> None:
    if kernel.spawner.isolation != "namespace":
        pytest.skip("memory is measured from /proc")
    name = f"memory-{uuid.uuid4().hex[:8]}"
    create(client, name, "def handler(event, context): return len(b'x' * (event['mb'] << 20))", Timeout=30)
    api: Any = client("lambda")
    small, large = (api.invoke(FunctionName=name, Payload=json.dumps({"mb": mb}), LogType="Tail") for mb in (8, 200))

    assert 20 < int(_report(small)["Max Memory Used"].split()[0]) < 90
    assert json.loads(large["Payload"].read())["errorType"] == "Runtime.OutOfMemory"
    report = _report(large)
    assert (report["Max Memory Used"], report["Status"]) == ("128 MB", "error")
    assert report["Error Type"] == "Runtime.OutOfMemory"
    assert invoke(client, name, {"mb": 1}) == (None, 1 << 20)


def test_loading_does_not_count_as_the_functions_time(client: Client) -> None:
    name = f"slow-{uuid.uuid4().hex[:8]}"
    code = "import threading\nthreading.Event().wait(1.5)\ndef handler(event, context): return 1"
    create(client, name, code, Timeout=1)

    answer = client("lambda").invoke(FunctionName=name, LogType="Tail")

    report = _report(answer)
    assert "FunctionError" not in answer
    assert float(report["Init Duration"].split()[0]) > 1500
    assert float(report["Duration"].split()[0]) < 1000
    assert int(report["Billed Duration"].split()[0]) > 1500


@pytest.mark.parametrize(
    ("code", "handler", "kind"),
    [
        ("def handler(", "app.handler", "Runtime.UserCodeSyntaxError"),
        ("x = 1", "app.handler", "Runtime.HandlerNotFound"),
        ("x = 1", "handler", "Runtime.MalformedHandlerName"),
        ("import os\nos._exit(0)", "app.handler", "Runtime.ExitError"),
        ("def handler(event, context): return object()", "app.handler", "Runtime.MarshalError"),
        (
            "import os, signal\ndef handler(e, c): os.kill(os.getpid(), signal.SIGSEGV)",
            "app.handler",
            "Runtime.ExitError",
        ),
    ],
)
def test_each_way_to_fail_has_aws_own_error(client: Client, code: str, handler: str, kind: str) -> None:
    name = f"fails-{uuid.uuid4().hex[:8]}"
    create(client, name, code, Handler=handler)

    error, answer = invoke(client, name)

    assert (error, answer["errorType"]) == ("Unhandled", kind)
    if "_exit" in code:
        assert answer["errorMessage"].endswith("Error: Runtime exited without providing a reason")
    if "SIGSEGV" in code:
        assert answer["errorMessage"].endswith("signal: segmentation fault")


def test_logs_are_json_where_the_function_wants_them(client: Client) -> None:
    name = f"json-{uuid.uuid4().hex[:8]}"
    code = "import logging\ndef handler(event, context):\n    logging.getLogger().warning('careful')"
    group = f"/shared/{name}"
    create(client, name, code, LoggingConfig={"LogFormat": "JSON", "LogGroup": group})
    invoke(client, name)
    logs = client("logs")

    def lines() -> list[dict[str, Any]] | None:
        streams = logs.describe_log_streams(logGroupName=group)["logStreams"] if _has(logs, group) else []
        found = [
            json.loads(event["message"])
            for stream in streams
            for event in logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
        ]
        return found if any(line.get("type") == "platform.report" for line in found) else None

    found = eventually(lines)
    assert [line["type"] for line in found if "type" in line] == [
        "platform.initStart",
        "platform.start",
        "platform.report",
    ]
    assert [line["level"] for line in found if line.get("message") == "careful"] == ["WARNING"]
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert f"/{name}[$LATEST]" in streams[0]["logStreamName"]


def test_node_logs_are_json_from_the_level_on(client: Client) -> None:
    name = f"json-{uuid.uuid4().hex[:8]}"
    code = "exports.handler = async () => { console.info('quiet'); console.warn({ careful: true }); };"
    logging = {"LogFormat": "JSON", "ApplicationLogLevel": "WARN"}
    create(client, name, zipped({"app.js": code}), Runtime="nodejs22.x", LoggingConfig=logging)

    answer = client("lambda").invoke(FunctionName=name, LogType="Tail")

    lines = [json.loads(line) for line in base64.b64decode(answer["LogResult"]).decode().splitlines()]
    assert [line["message"] for line in lines if "level" in line] == [{"careful": True}]


def _has(logs: Any, group: str) -> bool:
    return bool(logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"])


@pytest.fixture
def impatient(kernel: Kernel) -> Any:
    """A client that tries once, where boto3 by itself waits and tries again."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    once = Config(retries={"total_max_attempts": 1})
    return boto3.client("lambda", region_name=kernel.region, endpoint_url=kernel.endpoint_url, config=once, **keys)


def test_a_throttled_client_sees_the_reason(client: Client, impatient: Any) -> None:
    name = f"shut-{uuid.uuid4().hex[:8]}"
    create(client, name, "def handler(event, context): return 1")
    impatient.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)

    with pytest.raises(impatient.exceptions.TooManyRequestsException) as refused:
        impatient.invoke(FunctionName=name)

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert refused.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_eight_callers_share_what_is_reserved(client: Client, impatient: Any) -> None:
    name = f"pair-{uuid.uuid4().hex[:8]}"
    create(client, name, "import threading\ndef handler(event, context): return threading.Event().wait(0.5)")
    impatient.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)

    def call(_: int) -> str:
        try:
            return "FunctionError" if "FunctionError" in impatient.invoke(FunctionName=name) else "ran"
        except impatient.exceptions.TooManyRequestsException as refused:
            return str(refused.response["Reason"])

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(call, range(8)))

    assert set(found) == {"ran", "ReservedFunctionConcurrentInvocationLimitExceeded"}
    assert invoke(client, name) == (None, False)


def test_a_record_arrives_at_a_real_queue(client: Client) -> None:
    sqs = client("sqs")
    queue = sqs.create_queue(QueueName=f"records-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    name = f"async-{uuid.uuid4().hex[:8]}"
    create(client, name, "def handler(event, context): raise ValueError('no')", DeadLetterConfig={"TargetArn": arn})
    client("lambda").put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": arn}}
    )

    client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b'{"n": 1}')

    found: list[Any] = []

    def both() -> bool:
        asked = {"QueueUrl": queue, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
        found.extend(sqs.receive_message(**asked).get("Messages", []))
        return len(found) == 2

    assert eventually(both)
    bodies = [json.loads(message["Body"]) for message in found]
    assert {"n": 1} in bodies
    record = next(body for body in bodies if "requestContext" in body)
    assert record["responsePayload"]["errorType"] == "ValueError"
