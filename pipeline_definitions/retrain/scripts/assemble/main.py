"""Step Assemble: what production saw since the champion's data ended, with the truth that came later, becomes data.

The first step of `retrain`: captured inputs joined with labels by inference id, from --fresh-since on and before
--fresh-until, behind a share of the rows that the champion was made from. A row that breaks the contract is left out
and counted, so that one bad request does not set the whole table aside.

Reads   input/history/*.csv            the rows that the champion was made from: a CSV file with a header
        --contract FILE                the model's settings and schema, merged
        --capture-uri                  captured requests of the endpoint, below each variant by hour
        --labels-uri                   ground truth, by the hour of its collection
Writes  output/assembled/data.csv      history's rows in their order, then captured ones from old to new
        output/assembled/manifest.json the batch that `Validate` reads
        output/assembled/report.json   what became of requests, labels and rows, and the SHA-256 of data.csv

Captures and labels are read from S3 by the hour and not mounted: SageMaker would bring the model's whole life, and
fails where there is nothing yet.

Nothing leaks in time. A captured row has the inputs of its request as it was made; its time is that of the inference.
Where the contract orders rows by a time, history's rows that are not older than the oldest captured one are left out:
what was captured and uploaded as well would otherwise stand on both sides of the split. Where it orders them by a
number, captured rows go on from history's largest, one number a moment.

A label says 1 or 0, but the contract derives its target from a value: a label 1 becomes a value above `greater_than`, 0
one that is not, the whole numbers next to it where the contract's bounds allow them.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
import numpy as np
import pandas as pd
from botocore.config import Config

from pipeline_definitions.retrain.scripts.assemble import folders
from pipeline_definitions.retrain.scripts.assemble.folders import Folder
from pipeline_definitions.retrain.scripts.assemble.joining import Labelled, Labels, Requests, join, read_labels
from pipeline_definitions.retrain.scripts.assemble.rows import AssemblyError, LeftOut, Rules, order_of, rules
from pipeline_definitions.retrain.scripts.assemble.table import NUMBER, Table, UnwritableError, Waiting, line
from pipeline_definitions.shared.scripts import capture
from pipeline_definitions.shared.scripts.capture import Tally, Window
from pipeline_definitions.shared.scripts.jobs import fail, region

CHUNK_ROWS: Final = 10_000
NONE: Final = "none"


@dataclass
class Fresh:
    """What was captured and is labelled."""

    waiting: Waiting
    objects: int = 0
    label_objects: int = 0
    lines: Tally = field(default_factory=Tally)
    requests: Requests = field(default_factory=Requests)
    labels: Labels = field(default_factory=Labels)
    left_out: LeftOut = field(default_factory=LeftOut)


@dataclass
class History:
    """What became of the champion's rows.

    Attributes:
        overlapping: not older than the oldest captured one.
        newest: the largest number in the column that orders rows, where that is no time.
    """

    rows: int = 0
    taken: int = 0
    overlapping: int = 0
    newest: float = -1.0
    left_out: LeftOut = field(default_factory=LeftOut)


def main(words: Sequence[str] | None = None) -> int:
    """Assemble.

    Returns:
        The exit code: 1 if there is no labelled fresh row.
    """
    options = _options().parse_args(words)
    contract = json.loads(options.contract.read_text("utf-8"))
    s3 = boto3.client("s3", region_name=region(), config=Config(max_pool_connections=folders.READERS))
    output = options.base_dir / "output/assembled"
    try:
        report = assemble(options, rules(contract), s3, output / "data.csv")
    except AssemblyError as exc:
        fail(str(exc), options.base_dir)
        return 1
    _write(output / "manifest.json", manifest(str(contract["name"]), options.output_uri, report["data"]))
    _write(output / "report.json", report)
    print(json.dumps(report))
    return 0


def assemble(options: argparse.Namespace, by: Rules, s3: Any, path: Path) -> dict[str, Any]:
    """Write the table.

    Returns:
        The report.

    Raises:
        AssemblyError: nothing that was captured in the window has a label and keeps the contract.
    """
    window = Window(options.fresh_since, options.fresh_until)
    fresh = Fresh(Waiting(options.base_dir / "scratch"))
    gather(options, by, s3, window, fresh)
    if not len(fresh.waiting):
        raise AssemblyError(_nothing(options, fresh))
    table = Table(path)
    table.write(line(by.header))
    history = add_history(options, by, fresh.waiting.first_at, table)
    fresh.waiting.write_to(table, int(np.floor(history.newest)) + 1)
    data = {"rows": history.taken + len(fresh.waiting), "size_bytes": table.size_bytes, "sha256": table.close()}
    return {"data": data, **_counts(options, fresh), "history": _of_history(options, history)}


def gather(options: argparse.Namespace, by: Rules, s3: Any, window: Window, fresh: Fresh) -> None:
    """Captured rows with their labels, as far as they keep the contract, to where they wait."""
    labels = Folder(s3, options.labels_uri)
    said = list(labels.objects(window.start))
    fresh.label_objects = len(said)
    fresh.labels = read_labels((item.at, text) for item, text in labels.lines(said))
    endpoint = Folder(s3, options.capture_uri)
    captured = sorted(item for variant in endpoint.below() for item in variant.objects(window.start, window.end))
    fresh.objects = len(captured)
    records = capture.records((text for _, text in endpoint.lines(captured)), window, fresh.lines)
    delay_max = timedelta(seconds=options.label_delay_max_s)
    rows = join(records, fresh.labels.by_id, by.names, fresh.requests, delay_max)
    while some := list(islice(rows, CHUNK_ROWS)):
        _keep(some, by, fresh)


def _keep(rows: Sequence[Labelled], by: Rules, fresh: Fresh) -> None:
    kept = by.sift(by.captured(rows), fresh.left_out, without=by.clock)
    clock = by.header.index(by.clock) if by.clock is not None else None
    for place, cells in zip(kept.index, kept.itertuples(index=False, name=None), strict=True):
        try:
            if any(NUMBER in cell for cell in cells):
                raise UnwritableError("a cell with a NUL character")
            with_clock = [NUMBER if index == clock else cell for index, cell in enumerate(cells)]
            fresh.waiting.add(rows[place].at, line(with_clock))
        except UnwritableError as exc:
            fresh.left_out.add(str(exc))


def add_history(options: argparse.Namespace, by: Rules, first_at: float, table: Table) -> History:
    """A share of the champion's rows, each drawn by itself; the same seed draws the same rows of the same file."""
    told, chance = History(), np.random.default_rng(options.seed)
    order = next((column for column in by.columns if column["name"] == by.order), None)
    for chunk in _history(options.base_dir / "input/history"):
        told.rows += len(chunk)
        drawn = pd.Series(chance.random(len(chunk)) < options.history_share, index=chunk.index)
        if order is not None and by.order in chunk:
            at = order_of(chunk, order)
            if by.clock is not None:
                told.newest = max(told.newest, float(np.nanmax(at, initial=-1)))
            else:
                is_late = at >= pd.Timestamp(first_at, unit="s", tz="UTC")
                told.overlapping += int((drawn & is_late).sum())
                drawn &= ~is_late
        kept = by.sift(by.of_history(chunk[drawn]), told.left_out)
        told.taken += len(kept)
        for cells in kept.itertuples(index=False, name=None):
            table.write(line(cells))
    return told


def manifest(model: str, output_uri: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The batch, as `Validate` reads it: one file, whose key is written once and needs no version."""
    parts = urlsplit(output_uri)
    key = f"{parts.path.strip('/')}/data.csv"
    return {"model": model, "files": [{"bucket": parts.netloc, "key": key, **data}]}


def _history(folder: Path) -> Iterator[pd.DataFrame]:
    for path in sorted(folder.glob("*.csv")):
        yield from pd.read_csv(path, dtype=str, na_filter=False, chunksize=CHUNK_ROWS)


def _nothing(options: argparse.Namespace, fresh: Fresh) -> str:
    """Why there is no fresh row: which of captures, labels and contract is wanting."""
    told = fresh.requests
    since = options.fresh_since.isoformat() if options.fresh_since else "the beginning"
    found = (
        f"no labelled fresh row from {since} to {options.fresh_until.isoformat()}: {fresh.objects} captured objects, "
        f"{fresh.lines.lines} lines ({fresh.lines.outside_window} outside, {fresh.lines.unreadable} unreadable), "
        f"{told.captured} requests, {told.labelled} of them labelled ({told.unusable} unusable), "
        f"{len(fresh.labels.by_id)} labels in {fresh.label_objects} objects, {fresh.left_out.rows} rows left out"
    )
    reasons = [*([str(fresh.left_out)] if fresh.left_out.rows else []), *told.examples[:1], *fresh.lines.examples[:1]]
    return "; ".join([found, *reasons])


def _counts(options: argparse.Namespace, fresh: Fresh) -> dict[str, Any]:
    labels, told = fresh.labels, fresh.requests
    window = [at.isoformat() if at else None for at in (options.fresh_since, options.fresh_until)]
    of_others = len(labels.by_id) - told.labelled
    return {
        "window": window,
        "captured": {"objects": fresh.objects, **asdict(fresh.lines)},
        "requests": {**asdict(told), "unlabelled": told.unlabelled},
        "labels": {
            "objects": fresh.label_objects,
            "requests": len(labels.by_id),
            "repeated": labels.repeated,
            "corrected": labels.corrected,
            "unreadable": labels.unreadable,
            "of_others": of_others,
        },
        "fresh": {"rows": len(fresh.waiting), **_left_out(fresh.left_out)},
    }


def _of_history(options: argparse.Namespace, told: History) -> dict[str, Any]:
    return {
        "share": options.history_share,
        "seed": options.seed,
        "rows": told.rows,
        "taken": told.taken,
        "overlapping": told.overlapping,
        **_left_out(told.left_out),
    }


def _left_out(told: LeftOut) -> dict[str, Any]:
    return {"left_out": told.rows, "reasons": dict(told.reasons.most_common())}


def _options() -> argparse.ArgumentParser:
    known = argparse.ArgumentParser(description=__doc__.partition("\n")[0], allow_abbrev=False)
    known.add_argument("--base-dir", type=Path, default=Path("/opt/ml/processing"))
    known.add_argument("--contract", type=Path, required=True, help="the model's settings and schema, merged")
    known.add_argument("--capture-uri", required=True, help="captured requests; ends with the endpoint's name")
    known.add_argument("--labels-uri", required=True, help="ground truth by inference id")
    known.add_argument("--output-uri", required=True, help="where output/assembled goes")
    known.add_argument("--fresh-since", type=_since, required=True, help="`none` for all that was captured")
    known.add_argument("--fresh-until", type=_time, required=True, help="requests before this time")
    known.add_argument("--history-share", type=_share, required=True, help="of history's rows, from 0 to 1")
    known.add_argument("--seed", type=int, required=True, help="for the share of history")
    known.add_argument("--label-delay-max-s", type=int, default=604_800, help="labels that come later are late")
    return known


def _since(text: str) -> datetime | None:
    return None if text == NONE else _time(text)


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text}: expected a time with its zone, such as 2026-01-02T03:00:00Z")
    return at


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text}: expected a share from 0 to 1")
    return share


def _write(path: Path, document: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")
