"""Captured requests and labels on S3, and what the step Assemble makes of them."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.support.analysis import captured, lines
from tests.support.batches import Store
from tests.support.scripts import SKLEARN, Ended, MlDir

FLIGHT = "3,1,800,1000,UA,EWR,ORD,719,8,0"
"""What a caller sends: the features of `contracts.FLIGHTS`."""


@dataclass(frozen=True)
class Assembled:
    """What the step made."""

    ended: Ended
    ml: MlDir

    @property
    def data(self) -> bytes:
        return self.ml.output("assembled/data.csv").read_bytes()

    @property
    def rows(self) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.data.decode(), newline="")))

    @property
    def report(self) -> dict[str, Any]:
        return self.json("report.json")

    def json(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.ml.output(f"assembled/{name}").read_text("utf-8"))
        return found


@dataclass(frozen=True)
class Site:
    """A bucket with captures below m/capture/e and labels below m/labels, and a folder for the job."""

    store: Store
    folder: Path

    def capture(self, *records: str, variant: str = "champion", name: str = "a") -> None:
        """Put records, in an object of the hour of the first."""
        at = datetime.fromisoformat(json.loads(records[0])["eventMetadata"]["inferenceTime"])
        self._put(f"m/capture/e/{variant}/{at:%Y/%m/%d/%H}/{name}.jsonl", lines(records))

    def label(self, *records: str, hour: str = "2026/03/09/00", name: str = "a") -> None:
        """Put labels, in an object of the hour of their collection."""
        self._put(f"m/labels/{hour}/{name}.jsonl", lines(records))

    def assemble(
        self, contract: Mapping[str, Any], history: str = "", since: str = "none", **options: object
    ) -> Assembled:
        """Run the step up to 2026-04-01, with history's header if there are no rows of it."""
        ml = MlDir(self.folder)
        header = ",".join(column["name"] for column in contract["columns"])
        ml.put("history/data.csv", (history or f"{header}\n").encode())
        given = {
            "contract": ml.put("contract/contract.json", json.dumps(contract).encode()),
            "capture-uri": f"s3://{self.store.bucket}/m/capture/e",
            "labels-uri": f"s3://{self.store.bucket}/m/labels",
            "output-uri": f"s3://{self.store.bucket}/m/batches/b/attempt-1/assembled",
            "fresh-since": since,
            "fresh-until": "2026-04-01T00:00:00Z",
            "history-share": 1,
            "seed": 7,
            **{name.replace("_", "-"): value for name, value in options.items()},
        }
        words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
        return Assembled(ml.process(SKLEARN, "retrain/scripts/assemble.pyz", *words, env=self.store.env), ml)

    def _put(self, key: str, content: str) -> None:
        self.store.client.put_object(Bucket=self.store.bucket, Key=key, Body=content.encode())


def flights(*ids: str, at: str = "2026-03-01T12:00:00Z", row: str = FLIGHT) -> list[str]:
    """A captured request of one flight each."""
    return [captured(row, "0.5", at=at, event_id=name) for name in ids]


def history(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table as `validate` accepted it."""
    return "".join(",".join(map(str, cells)) + "\n" for cells in (header, *rows))
