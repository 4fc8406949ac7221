"""The analyzer against evidently and against merely reading the data: `python -m benchmarks.drift [--quick]`.

A million rows of 20 columns (10 floats, 4 integers, 6 categories with 3 to 20,000 levels; missing values in 4, drift in
6), baseline and current, as Parquet. In one run: the packed analyzer in its image's runner (all statistics, exact
distances, files and page), evidently's drift and summary presets in an environment of their own, and a bare polars
scan of both files. CPU is user and system time of a whole process, imports included; of ours and of the scan the median
of rounds that alternate, of evidently one run. Then ten times the rows in streaming mode. Prints a line per figure with
its goal; exits with 1 where one is missed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.emulator import Figure
from pipeline_definitions.shared import definitions, wheels

ROOT = Path(__file__).resolve().parent.parent
IMAGE = "sklearn-1.9-0"
RUNNER = ROOT / ".runners" / IMAGE / "bin" / "python"
PEER = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "driftloop" / "peer-evidently"
PEER_PINS = ("evidently==0.7.23", "pandas<3", "pyarrow")
DRIFTED = ("f1", "f4", "f7", "i1", "c1", "c3")
LEVELS = (3, 10, 50, 120, 2_000, 20_000)
SHAPES = (2.0, 2.5, 3.0, 3.5, 4.0)
SCAN = """
import sys
sys.path.insert(0, sys.argv[1])
import polars
for path in sys.argv[2:]:
    polars.read_parquet(path)
"""
UNPACK = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from pipeline_definitions.shared.scripts.libraries import make_importable
print(make_importable(Path(sys.argv[2])))
"""
EVIDENTLY = """
import sys
import pandas
from evidently import Dataset, DataDefinition, Report
from evidently.presets import DataDriftPreset, DataSummaryPreset
baseline, current = (pandas.read_parquet(path) for path in sys.argv[1:3])
text = [name for name in baseline if name.startswith("c")]
definition = DataDefinition(categorical_columns=text, numerical_columns=[name for name in baseline if name not in text])
sets = [Dataset.from_pandas(frame, data_definition=definition) for frame in (current, baseline)]
Report([DataDriftPreset(), DataSummaryPreset()]).run(*sets).save_html(sys.argv[3])
"""


@dataclass(frozen=True)
class Cost:
    """What a process took."""

    cpu_s: float
    wall_s: float
    peak_mb: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, for a look in passing")
    rows = 100_000 if parser.parse_args().quick else 1_000_000
    figures = []
    for figure in measure(rows):
        figures.append(figure)
        print(f"{'ok  ' if figure.is_met else 'MISS'} {figure.name:34} {figure.text:78} goal {figure.goal}", flush=True)
    missed = [figure.name for figure in figures if not figure.is_met]
    met = f"{len(figures) - len(missed)} of {len(figures)} goals met"
    print(met + (f"; missed: {', '.join(missed)}" if missed else ""))
    sys.exit(bool(missed))


def measure(rows: int) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(Path(place), rows)
        bench.prepare()
        ours, scan = bench.alternate(5)
        yield from compared(bench, ours, scan)
        yield from streamed(bench)


def compared(bench: Bench, ours: Cost, scan: Cost) -> Iterator[Figure]:
    text = f"{ours.cpu_s:6.2f} s of CPU against {scan.cpu_s:5.2f} s: {ours.cpu_s / scan.cpu_s:5.2f}x"
    yield Figure("to a bare polars scan", text, "4x", ours.cpu_s <= 4 * scan.cpu_s)
    yield Figure("peak memory", f"{ours.peak_mb:6.0f} MB", "600 MB", ours.peak_mb < 600)
    peer = bench.evidently()
    text = (
        f"{ours.cpu_s:6.2f} s of CPU against {peer.cpu_s:6.1f} s: {peer.cpu_s / ours.cpu_s:4.0f}x less "
        f"({ours.wall_s:.1f} s and {peer.wall_s:.0f} s; {peer.peak_mb:.0f} MB)"
    )
    yield Figure("to evidently 0.7.23", text, "40x less", peer.cpu_s >= 40 * ours.cpu_s)


def streamed(bench: Bench) -> Iterator[Figure]:
    bench.more(1)
    one = bench.streaming()
    bench.more(10)
    ten = bench.streaming()
    text = f"{one.wall_s:6.2f} s, then {ten.wall_s:6.2f} s: {ten.wall_s / one.wall_s:5.2f}x"
    yield Figure("streaming, ten times the rows", text, "11x", ten.wall_s <= 11 * one.wall_s)
    text = f"{one.peak_mb:6.0f} MB, then {ten.peak_mb:6.0f} MB: {ten.peak_mb / one.peak_mb:4.2f}x"
    yield Figure("streaming, memory", text, "1.15x", ten.peak_mb <= 1.15 * one.peak_mb)


class Bench:
    """The data and the programs, below one folder."""

    def __init__(self, place: Path, rows: int) -> None:
        self._place, self._rows = place, rows
        self._inputs = place / "processing" / "input"
        self._program = place / "analyze.pyz"

    def prepare(self) -> None:
        """Data, the packed program with its wheels, and a baseline made by it."""
        self._program.write_bytes(definitions.built_assets("watch")["analyze.pyz"])
        for name in ("wheels", "data", "baseline", "baseline_data"):
            (self._inputs / name).mkdir(parents=True)
        (self._inputs / "wheels" / "wheels.zip").write_bytes(wheels.wheel_archive(IMAGE))
        before, after = self.files
        make(before, self._rows, 1, is_drifted=False)
        (self._inputs / "data" / before.name).symlink_to(before)
        self._analyze("baseline")
        for name in ("statistics.json", "constraints.json", "report.json"):
            (self._place / "processing/output/report" / name).rename(self._inputs / "baseline" / name)
        (self._inputs / "data" / before.name).unlink()
        make(after, self._rows, 2, is_drifted=True)

    @property
    def files(self) -> tuple[Path, Path]:
        """The baseline's table and the current one."""
        return self._inputs / "baseline_data" / "baseline.parquet", self._inputs / "data" / "current.parquet"

    def alternate(self, rounds: int) -> tuple[Cost, Cost]:
        """Ours and the scan, in turns."""
        home = self._libraries()
        ours, scans = [], []
        for _ in range(rounds):
            scans.append(run([str(RUNNER), "-c", SCAN, str(home), *map(str, self.files)]))
            ours.append(self._analyze("data-quality"))
        return median(ours), median(scans)

    def evidently(self) -> Cost:
        """Its drift and its summary, as one page."""
        python = PEER / "bin" / "python"
        if not python.exists():
            uv = str(ROOT / ".venv" / "bin" / "uv")
            subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(PEER)], check=True)
            subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), *PEER_PINS], check=True)
        return run([str(python), "-c", EVIDENTLY, *map(str, self.files), str(self._place / "evidently.html")])

    def more(self, times: int) -> None:
        """So many files of current data, and no data of the baseline: its statistics stand for them."""
        shutil.rmtree(self.files[0].parent, ignore_errors=True)
        for number in range(1, times):
            path = self.files[1].with_name(f"{number}.parquet")
            make(path, self._rows, 2 + number, is_drifted=True)

    def streaming(self) -> Cost:
        """The analysis in bounded memory."""
        return median([self._analyze("data-quality", "--mode", "streaming") for _ in range(3)])

    def _analyze(self, analysis: str, *words: str) -> Cost:
        options = ("--dataset-format", '{"parquet": {}}', "--categories-max", "100000", "--schedule", "bench", *words)
        base = str(self._place / "processing")
        return run([str(RUNNER), str(self._program), "--base-dir", base, "--analysis", analysis, *options])

    def _libraries(self) -> Path:
        """Where the program unpacked its wheels."""
        words = [str(RUNNER), "-c", UNPACK, str(self._program), str(self._inputs / "wheels")]
        return Path(subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip())


def run(words: list[str]) -> Cost:
    """A process from begin to end."""
    began = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    told = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{words[:3]} failed: {told.decode()[-2000:]}")
    return Cost(used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss / 1024)


def median(costs: list[Cost]) -> Cost:
    """Of each figure by itself; of memory the most."""
    cpu, wall = (statistics.median(getattr(cost, name) for cost in costs) for name in ("cpu_s", "wall_s"))
    return Cost(cpu, wall, max(cost.peak_mb for cost in costs))


def make(path: Path, rows: int, seed: int, *, is_drifted: bool) -> None:
    """Write a table, in a process of its own: what is measured begins with the memory of the process that starts it."""
    options = {"is_drifted": is_drifted}
    process = multiprocessing.get_context("spawn").Process(target=_write, args=(path, rows, seed), kwargs=options)
    process.start()
    process.join()
    assert process.exitcode == 0


def _write(path: Path, rows: int, seed: int, *, is_drifted: bool) -> None:
    table(rows, seed, is_drifted=is_drifted).write_parquet(path)


def table(rows: int, seed: int, *, is_drifted: bool) -> pl.DataFrame:
    """The data set. Shape: rows, 20."""
    rng = np.random.default_rng(seed)
    drifted = set(DRIFTED) if is_drifted else set()
    columns: dict[str, pl.Series] = {}
    for number in range(10):
        name = f"f{number}"
        values = rng.normal(size=rows) if number % 2 else rng.gamma(SHAPES[number // 2], size=rows)
        columns[name] = pl.Series(values + 0.25 * (name in drifted) * values.std())
    for number in range(4):
        name = f"i{number}"
        columns[name] = pl.Series(rng.poisson(5 * (number + 1) + 2 * (name in drifted), rows))
    for number, levels in enumerate(LEVELS):
        name = f"c{number}"
        shares = 1 / np.arange(1, levels + 1)
        shares = shares[::-1] if name in drifted else shares
        names = np.array([f"level-{level}" for level in range(levels)])
        columns[name] = pl.Series(names[rng.choice(levels, rows, p=shares / shares.sum())])
    frame = pl.DataFrame(columns)
    missing = {name: pl.Series(rng.random(rows) < 0.05) for name in ("f0", "f3", "i2", "c2")}
    return frame.with_columns(**{name: pl.when(~gone).then(pl.col(name)) for name, gone in missing.items()})


if __name__ == "__main__":
    main()
