"""Running the analyzer in this process, on a folder in place of /opt/ml."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipeline_definitions.watch.scripts.analyze.main import main

PARQUET = '{"parquet": {}}'
CSV = '{"csv": {"header": true}}'
CAPTURE = '{"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}'


@dataclass(frozen=True)
class Job:
    """A processing job of the analyzer."""

    path: Path

    @property
    def base(self) -> Path:
        return self.path / "processing"

    def put(self, name: str, content: str | bytes | pl.DataFrame) -> None:
        """An input below /opt/ml/processing/input."""
        path = self.base / "input" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, pl.DataFrame):
            content.write_parquet(path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def run(self, analysis: str, *words: str, form: str = PARQUET) -> int:
        """Its exit code."""
        return main(["--base-dir", str(self.base), "--analysis", analysis, "--dataset-format", form, *words])

    def baseline(self, *words: str, form: str = PARQUET) -> None:
        """Make a baseline of the data, and let it be the input of what comes next."""
        assert self.run("baseline", *words, form=form) == 0, self.message
        for name in ("statistics.json", "constraints.json", "report.json"):
            self.put(f"baseline/{name}", (self.base / "output/report" / name).read_bytes())
        for path in (self.base / "input/data").iterdir():
            path.unlink()

    def report(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.base / "output/report" / name).read_text("utf-8"))
        return found

    @property
    def message(self) -> str:
        return (self.path / "output/message").read_text("utf-8")

    @property
    def violations(self) -> dict[tuple[str, str], str]:
        """(feature, kind of check) -> what is said."""
        found = self.report("constraint_violations.json")["violations"]
        return {(item["feature_name"], item["constraint_check_type"]): item["description"] for item in found}


def captured(
    request: str,
    answer: str,
    *,
    at: str = "2026-01-02T03:04:05Z",
    event_id: str = "e1",
    about: Mapping[str, str] | None = None,
    kind: tuple[str, str] = ("text/csv", "CSV"),
) -> str:
    """A line of data capture."""
    body = {"observedContentType": kind[0], "encoding": kind[1]}
    return json.dumps(
        {
            "captureData": {
                "endpointInput": {**body, "mode": "INPUT", "data": request},
                "endpointOutput": {**body, "mode": "OUTPUT", "data": answer},
            },
            "eventMetadata": {"eventId": event_id, "inferenceTime": at, **(about or {})},
            "eventVersion": "0",
        }
    )


def label(event_id: str, data: str, encoding: str = "CSV") -> str:
    """A line of ground truth."""
    truth = {"data": data, "encoding": encoding}
    return json.dumps({"groundTruthData": truth, "eventMetadata": {"eventId": event_id}, "eventVersion": "0"})


def lines(found: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in found)


def table(columns: Mapping[str, Sequence[object]]) -> pl.DataFrame:
    return pl.DataFrame(columns)
