"""The same world without moto: fast enough for thousands of histories. Its table passes the table's contract tests."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from lambdas.decide_release.handler import DecideRelease
from lambdas.decide_release.releases import Releases
from lambdas.shared.ledger.files import Files
from lambdas.shared.ledger.runs import Runs
from lambdas.shared.ledger.table import Put, Row, Table, Write
from lambdas.shared.ledger.trail import Trail
from lambdas.shared.people import People
from lambdas.shared.settings import DecideReleaseSettings, RetrainingPolicy, SharedSettings, StartTrainingSettings
from lambdas.start_retraining.handler import assemble
from lambdas.start_training.books import Books
from lambdas.start_training.handler import StartTraining
from tests.unit.lambdas.world import (
    ARTIFACTS,
    LEDGER,
    MODEL,
    POLICY,
    RAW,
    FakeCloudWatch,
    FakeSageMaker,
    retraining_settings,
)


class MemoryTable(Table):
    """A ledger in a dictionary."""

    def __init__(self) -> None:
        super().__init__(client=None, name=LEDGER)  # type: ignore[arg-type]
        object.__setattr__(self, "rows", {})

    @property
    def contents(self) -> dict[tuple[str, str], Row]:
        """Rows by key."""
        rows: dict[tuple[str, str], Row] = self.__dict__["rows"]
        return rows

    def get(self, pk: str, sk: str) -> Row | None:
        return self.contents.get((pk, sk))

    def query(self, pk: str) -> Iterator[Row]:
        return iter([row for key, row in sorted(self.contents.items()) if key[0] == pk])

    def write(self, *writes: Write) -> bool:
        keys = [
            (write.row["pk"], write.row["sk"]) if isinstance(write, Put) else (write.pk, write.sk) for write in writes
        ]
        assert len(set(keys)) == len(keys) <= 100, "DynamoDB takes each item once, and a hundred of them"
        if not all(self._holds(write) for write in writes):
            return False
        for write in writes:
            if isinstance(write, Put):
                key = (write.row["pk"], write.row["sk"])
                self.contents[key] = self._row(json.loads(json.dumps(self._item(write.row))))
            else:
                self.contents.pop((write.pk, write.sk), None)
        return True

    def _holds(self, write: Write) -> bool:
        if not isinstance(write, Put) or write.only_if is None:
            return True
        now = self.contents.get((write.row["pk"], write.row["sk"]))
        if not write.only_if:
            return now is None
        return now is not None and all(now.get(name) == value for name, value in write.only_if.items())


class MemoryS3:
    """Objects in a dictionary."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, *, Key: str, Body: bytes, **_: Any) -> None:  # noqa: N803 - AWS's own names
        self.objects[Key] = Body

    def get_object(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": Key}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Key])}


class Sent:
    """A service that only takes messages: SNS, SQS."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def publish(self, **request: Any) -> None:
        self.messages.append(request)

    def send_message(self, **request: Any) -> None:
        self.messages.append(request)


class MemoryClients:
    """The clients of the functions, in memory."""

    def __init__(self) -> None:
        self.dynamodb: Any = None
        self.s3: Any = MemoryS3()
        self.sagemaker: Any = FakeSageMaker()
        self.sns: Any = Sent()
        self.sqs: Any = Sent()
        self.cloudwatch: Any = FakeCloudWatch()

    def at(self, stage: str) -> "MemoryClients":
        return self


class MemoryWorld:
    """The functions of one model over fakes."""

    def __init__(
        self, *, min_files: int = 1, window_s: int = 0, attempts_max: int = 1, policy: RetrainingPolicy = POLICY
    ) -> None:
        self.clients = MemoryClients()
        self.table = MemoryTable()
        trail = Trail(self.table, MODEL)
        people = People(self.clients.sns, "topic", MODEL, trail)
        shared = SharedSettings(MODEL, LEDGER, "topic", "ingest", "dead-letters", attempts_max)
        training = StartTrainingSettings(
            shared,
            RAW,
            f"raw/{MODEL}/",
            ARTIFACTS,
            "driftloop-flights-train",
            "driftloop-flights-retrain",
            min_files,
            window_s,
        )
        books = Books(Files(self.table, MODEL), Runs(self.table, MODEL), trail, people)
        self.start_training = StartTraining(training, self.clients, books)
        self.start_retraining = assemble(retraining_settings(shared, policy), self.clients, self.table)
        release = DecideReleaseSettings(
            shared, "release", "rollback", "s3://artifacts/releases", "flights", keeps_stages=True
        )
        self.decide_release = DecideRelease(release, self.clients, Releases(self.table, MODEL), people)

    @property
    def sagemaker(self) -> FakeSageMaker:
        fake: FakeSageMaker = self.clients.sagemaker
        return fake

    def rows(self, kind: str) -> list[Row]:
        return list(self.table.query(f"{kind}#{MODEL}"))

    def manifest(self, batch_id: str) -> Sequence[Mapping[str, Any]]:
        """The files of a batch as its manifest lists them."""
        files: list[dict[str, Any]] = json.loads(self.clients.s3.objects[f"{MODEL}/batches/{batch_id}/manifest.json"])[
            "files"
        ]
        return files

    def told(self) -> list[str]:
        """Kinds of notices."""
        return [message["MessageAttributes"]["kind"]["StringValue"] for message in self.clients.sns.messages]
