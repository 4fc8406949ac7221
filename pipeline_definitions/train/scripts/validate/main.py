"""Step Validate: judge each file of a batch by the model's contract; the good ones become one table.

A bad file is set aside alone, with the column and the rows that made it bad. The step fails only if what remains is not
enough to train on, and then says why in /opt/ml/output/message, which SageMaker shows as the job's ExitMessage.

Reads   input/manifest/manifest.json   the batch: bucket, key and version of each file
        --contract FILE                the model's settings and schema, merged
Writes  output/accepted/data.csv       the rows of all accepted files: the contract's columns in its order, null = empty
        output/validation/report.json  verdict per file and per column

The report also goes to --report-uri when the step fails, because SageMaker does not promise to upload the outputs of a
failed processing job, and a failure is when people need the report.

Row numbers are those of a spreadsheet without its header: the first line of data is row 1; blank lines do not count.
"""

import argparse
import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
import pandas as pd
from botocore.exceptions import ClientError

from pipeline_definitions.shared.scripts.cells import faults, without_nulls
from pipeline_definitions.shared.scripts.jobs import fail, region

UNKNOWN_COLUMN: Final = "not in the schema, ignored"
ROWS_SHOWN: Final = 10
GONE: Final = frozenset({"NoSuchKey", "NoSuchVersion", "404"})

NOT_TEXT: Final = {
    b"PK\x03\x04": "a zip archive (or an Excel workbook)",
    b"\x1f\x8b": "gzip",
    b"PAR1": "Parquet",
    b"%PDF": "PDF",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
}


class UnreadableError(ValueError):
    """A file that is no CSV table at all. The message says what it is instead."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with a column of a file (or with the file, if column is None)."""

    column: str | None
    problem: str
    rows: list[int] = field(default_factory=list)
    count: int = 0

    def sentence(self) -> str:
        """The problem as a person reads it."""
        subject = f"column '{self.column}': " if self.column is not None else ""
        if not self.count:
            return f"{subject}{self.problem}"
        more = ", …" if self.count > len(self.rows) else ""
        return f"{subject}{self.problem} (rows {', '.join(map(str, self.rows))}{more}; {self.count} in all)"


@dataclass(frozen=True)
class Verdict:
    """What became of one file."""

    key: str
    version_id: str | None
    verdict: str
    reason: str | None
    rows: int
    problems: list[Problem]


def main() -> int:
    """Validate the batch.

    Returns:
        The exit code: 1 if there is not enough accepted data to train on.
    """
    options = _options()
    contract = json.loads(options.contract.read_text("utf-8"))
    manifest = json.loads((options.base_dir / "input/manifest/manifest.json").read_text("utf-8"))
    s3 = boto3.client("s3", region_name=region())
    judged = [judge(entry, contract, lambda entry: fetch(s3, entry)) for entry in manifest["files"]]
    verdicts = [verdict for verdict, _ in judged]
    tables = [table for _, table in judged if table is not None]
    report = _report(verdicts)
    _write(options.base_dir / "output/validation/report.json", report)
    failure = shortfall(verdicts, int(contract.get("min_rows", 1)))
    if failure is None:
        _write(options.base_dir / "output/accepted/data.csv", pd.concat(tables).to_csv(index=False))
        print(f"accepted {sum(len(table) for table in tables)} rows of {len(tables)} files")
        return 0
    put_report(s3, options.report_uri, report)
    fail(failure, options.base_dir)
    return 1


def judge(
    entry: Mapping[str, Any], contract: Mapping[str, Any], read: Callable[[Mapping[str, Any]], bytes]
) -> tuple[Verdict, pd.DataFrame | None]:
    """Accept or quarantine one file.

    Returns:
        The verdict, and the table if it was accepted.
    """
    key, version_id = str(entry["key"]), entry.get("version_id")
    try:
        table, problems = examine(read(entry), contract["columns"])
    except UnreadableError as exc:
        return Verdict(key, version_id, "quarantined", str(exc), 0, [Problem(None, str(exc))]), None
    faults = [problem for problem in problems if problem.problem != UNKNOWN_COLUMN]
    if not faults:
        return Verdict(key, version_id, "accepted", None, len(table), problems), table
    reason = "; ".join(problem.sentence() for problem in faults)
    return Verdict(key, version_id, "quarantined", reason, len(table), problems), None


def examine(content: bytes, columns: Sequence[Mapping[str, Any]]) -> tuple[pd.DataFrame, list[Problem]]:
    """Parse a file and hold it against the schema.

    Returns:
        The contract's columns as text, null = "" (Shape: data rows, len(columns)), and every problem found.

    Raises:
        UnreadableError: it is not a CSV table.
    """
    text = decode(content)
    header, widths = outline(text)
    problems = [*header_problems(header, columns), *width_problems(widths, len(header))]
    if any(problem.problem != UNKNOWN_COLUMN for problem in problems):
        return pd.DataFrame(index=range(len(widths))), problems
    present = [str(column["name"]) for column in columns if column["name"] in header]
    table = pd.read_csv(io.StringIO(text), header=0, names=header, usecols=present, dtype=str, na_filter=False)
    for column in columns:
        if column["name"] in present:
            problems += column_problems(table[column["name"]], column)
    return pd.DataFrame({column["name"]: _clean(table, column) for column in columns}), problems


def _clean(table: pd.DataFrame, column: Mapping[str, Any]) -> "pd.Series[str]":
    """A column as it goes on: one spelling of null, and all null if an optional column is not there."""
    if column["name"] not in table:
        return pd.Series("", index=table.index, dtype=object)
    return without_nulls(table[column["name"]], column)


def decode(content: bytes) -> str:
    """The file as text.

    Raises:
        UnreadableError: empty, binary, in another encoding, HTML or JSON.
    """
    if not content.strip():
        raise UnreadableError("the file is empty")
    for magic, name in NOT_TEXT.items():
        if content.startswith(magic):
            raise UnreadableError(f"not CSV: the file is {name}")
    if b"\x00" in content:
        raise UnreadableError("not CSV: the file is binary")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        row = content[: exc.start].count(b"\n")
        where = f"row {row}" if row else "the header"
        raise UnreadableError(f"not UTF-8: byte 0x{content[exc.start]:02x} in {where}; save it as UTF-8") from exc
    start = text.lstrip()[:1]
    if start == "<":
        raise UnreadableError("not CSV: the file is HTML or XML")
    if start in ("{", "["):
        raise UnreadableError("not CSV: the file is JSON")
    return text


def outline(text: str) -> tuple[list[str], list[int]]:
    """Header, and the number of fields of each row of data.

    Raises:
        UnreadableError: quotes do not match, the separator is another, or there is no data.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next((row for row in reader if row), [])
        widths = [len(row) for row in reader if row]
    except csv.Error as exc:
        raise UnreadableError(f"not CSV: line {reader.line_num}: {exc}") from exc
    for other in (";", "\t", "|"):
        if len(header) == 1 and other in header[0]:
            raise UnreadableError(f"not CSV: the header is separated by {other!r}, expected ','")
    if not widths:
        raise UnreadableError("the file has a header but no rows")
    return header, widths


def header_problems(header: Sequence[str], columns: Sequence[Mapping[str, Any]]) -> list[Problem]:
    """Columns that are missing, named twice, or unknown (the last does no harm).

    Raises:
        UnreadableError: none of the contract's columns is there; most likely the first line is data.
    """
    names = [str(column["name"]) for column in columns]
    if not set(names) & set(header):
        raise UnreadableError(f"no column of the contract is in the header, which begins {', '.join(header[:4])!r}")
    required = [str(column["name"]) for column in columns if not column.get("optional", False)]
    twice = [name for name, times in Counter(header).items() if times > 1]
    return [
        *(Problem(name, "missing") for name in required if name not in header),
        *(Problem(name, "more than one column of this name") for name in twice),
        *(Problem(name, UNKNOWN_COLUMN) for name in header if name not in names and name not in twice),
    ]


def width_problems(widths: Sequence[int], expected: int) -> list[Problem]:
    """Rows with more or fewer fields than the header."""
    rows = [number for number, width in enumerate(widths, start=1) if width != expected]
    if not rows:
        return []
    found = sorted({widths[row - 1] for row in rows})
    return [_at(None, f"{' or '.join(map(str, found))} fields, expected {expected}", rows)]


def column_problems(cells: "pd.Series[str]", column: Mapping[str, Any]) -> list[Problem]:
    """Every way in which the cells of one column break its rule."""
    problems = [_where(str(column["name"]), problem, wrong) for problem, wrong in faults(cells, column)]
    return [problem for problem in problems if problem.count]


def shortfall(verdicts: Sequence[Verdict], min_rows: int) -> str | None:
    """Why the batch cannot be trained on, or None if it can."""
    accepted = [verdict for verdict in verdicts if verdict.verdict == "accepted"]
    rows = sum(verdict.rows for verdict in accepted)
    if accepted and rows >= min_rows:
        return None
    reasons = [f"{verdict.key}: {verdict.reason}" for verdict in verdicts if verdict.reason]
    found = f"{len(accepted)} of {len(verdicts)} files accepted with {rows} rows, at least {min_rows} rows needed"
    return ". ".join([found, *reasons])


def fetch(s3: Any, entry: Mapping[str, Any]) -> bytes:
    """Exactly the version that the manifest names, whatever has been uploaded under the key since.

    Raises:
        UnreadableError: that version was deleted.
    """
    version = {"VersionId": entry["version_id"]} if entry.get("version_id") else {}
    try:
        response = s3.get_object(Bucket=entry["bucket"], Key=entry["key"], **version)
    except ClientError as exc:
        if exc.response["Error"]["Code"] not in GONE:
            raise
        raise UnreadableError("the object is gone: it was deleted after it was uploaded") from exc
    content: bytes = response["Body"].read()
    return content


def put_report(s3: Any, uri: str, report: str) -> None:
    """Upload the report past SageMaker, which keeps no promise about the outputs of a failed job."""
    parts = urlsplit(uri)
    s3.put_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"), Body=report.encode(), ContentType="application/json")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], allow_abbrev=False)
    parser.add_argument("--base-dir", type=Path, default=Path("/opt/ml/processing"))
    parser.add_argument("--contract", type=Path, required=True, help="the model's settings and schema, merged")
    parser.add_argument("--report-uri", required=True, help="s3:// URI that gets the report if the step fails")
    return parser.parse_args()


def _report(verdicts: Iterable[Verdict]) -> str:
    files = [asdict(verdict) for verdict in verdicts]
    rows = sum(file["rows"] for file in files if file["verdict"] == "accepted")
    return json.dumps({"files": files, "accepted_rows": rows}, indent=2, ensure_ascii=False) + "\n"


def _where(name: str, problem: str, wrong: "pd.Series[bool]") -> Problem:
    return _at(name, problem, [int(index) + 1 for index in wrong.index[wrong]])


def _at(name: str | None, problem: str, rows: list[int]) -> Problem:
    return Problem(name, problem, rows[:ROWS_SHOWN], len(rows))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
