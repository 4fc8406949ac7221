"""10,000 broken requests: each gets an AWS-shaped answer, never a stack trace, a 500 or a dead thread.

Seeded, so that a failure repeats; the number of the request is in the message.
"""

import random
import string
from pathlib import Path

import pytest

from emulator import bootstrap
from emulator.adapters.gateway import Gateway
from emulator.adapters.wire import HttpRequest

REQUESTS, PARTS = 10_000, 4
SERVICES = """
cloudformation dynamodb ecr events iam kinesis kms lambda logs monitoring s3 sagemaker secretsmanager sns sqs
ssm states sts nonsense
""".split()  # noqa: SIM905 - a word list reads better
TARGETS = """
SageMaker.CreatePipeline SageMaker.ListModelPackages AWSEvents.PutEvents AWSEvents.PutRule AmazonSQS.SendMessage
DynamoDB_20120810.PutItem DynamoDB_20120810.Query Logs_20140328.PutLogEvents AmazonSSM.GetParameter
AWSStepFunctions.StartExecution GraniteServiceVersion20100801.PutMetricData GraniteServiceVersion20100801.GetMetricData
TrentService.Encrypt secretsmanager.GetSecretValue Kinesis_20131202.PutRecord
AmazonSQS.NoSuchThing Nothing.AtAll . SageMaker. ...
""".split()  # noqa: SIM905 - a word list reads better
ACTIONS = """
Publish CreateTopic AssumeRole CreateRole CreateChangeSet DescribeStacks PutMetricData Nonsense
""".split()  # noqa: SIM905 - a word list reads better
PATHS = """
/ /bucket /bucket/key /bucket/%zz /2015-03-31/functions/ /2015-03-31/functions/f/invocations
/endpoints/e/invocations /endpoints//invocations /%00 /bucket?versioning /bucket?notification
/bucket/key?uploadId=x /bucket?delete /bucket/key?partNumber=9999999999999999&uploadId= /2017-03-31/tags/x ////
/?x-id=ListBuckets
""".split()  # noqa: SIM905 - a word list reads better
TYPES = """
application/x-amz-json-1.1 application/x-amz-json-1.0 application/json application/x-www-form-urlencoded
text/xml application/cbor multipart/form-data; ; nonsense
""".split()  # noqa: SIM905 - a word list reads better
FRAGMENTS = [
    b"{}",
    b"[]",
    b"null",
    b"{",
    b'{"a":' * 500,
    b'{"Entries": 1}',
    b'{"TableName": {"S": 1}}',
    b'{"QueueUrl": null, "MessageBody": 5}',
    b'{"PipelineName": "x", "PipelineDefinition": "{", "RoleArn": "r", "ClientRequestToken": "t"}',
    b"<a><b></a>",
    b"<?xml version='1.0'?><Delete><Object/></Delete>",
    b"<NotificationConfiguration><QueueConfiguration/></NotificationConfiguration>",
    b"Action=",
    b"Action=Publish&TopicArn=%ff&Message",
    b"\xff\xfe\x00\x01",
    b"\x00" * 100,
    b"a" * 70_000,
]


@pytest.mark.parametrize("part", range(PARTS))
def test_a_malformed_request_gets_an_error_of_aws(part: int, tmp_path: Path) -> None:
    kernel, gateway, _ = bootstrap.build(bootstrap.Options(tmp_path, 1))
    chance = random.Random(f"malformed {part}")

    for number in range(REQUESTS // PARTS):
        request = _request(chance)
        _check(gateway, request, f"part {part} request {number}: {request}")
    kernel.dispatcher.stop()

    broken = kernel.journal.entries("gateway.")
    assert broken == []


def _check(gateway: Gateway, request: HttpRequest, which: str) -> None:
    answer = gateway.handle(request)

    assert answer.status != 500, f"{which}\n{answer}"
    assert b"Traceback" not in answer.body, which
    assert answer.status < 400 or request.method == "HEAD" or answer.body[:1] in (b"{", b"<", b""), f"{which}\n{answer}"


def _request(chance: random.Random) -> HttpRequest:
    service = chance.choice(SERVICES)
    scope = f"Credential=test/20261123/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    headers = {"Host": "localhost:1", "Authorization": f"AWS4-HMAC-SHA256 {scope}"}
    for name, values in (("Content-Type", TYPES), ("X-Amz-Target", TARGETS)):
        if chance.random() < 0.7:
            headers[name] = chance.choice(values)
    if chance.random() < 0.1:
        headers["Authorization"] = _noise(chance)
    if chance.random() < 0.2:
        headers[chance.choice(["X-Amz-Copy-Source", "X-Amz-Decoded-Content-Length", "Range", "X-Amz-Date"])] = _noise(
            chance
        )
    method = chance.choice(["GET", "PUT", "POST", "POST", "POST", "DELETE", "HEAD", "PATCH"])
    target = chance.choice(PATHS) if chance.random() < 0.8 else "/" + _noise(chance).replace(" ", "")
    return HttpRequest(method, target, headers, _body(chance), "localhost:1")


def _body(chance: random.Random) -> bytes:
    body = chance.choice(FRAGMENTS)
    if chance.random() < 0.3:
        body = b"Action=" + chance.choice(ACTIONS).encode() + b"&Version=2012-11-05&" + body[:200]
    if chance.random() < 0.3 and body:
        cut = chance.randrange(len(body))
        body = body[:cut] + bytes([chance.randrange(256)]) + body[cut + 1 :]
    return body


def _noise(chance: random.Random) -> str:
    return "".join(chance.choice(string.printable[:94]) for _ in range(chance.randrange(1, 40)))
