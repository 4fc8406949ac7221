"""A job as its analyses see it: options as values, inputs as tables, outputs as files and metrics."""

import argparse
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from pipeline_definitions.shared.scripts import jobs
from pipeline_definitions.shared.scripts.capture import Names, UnreadableError, Window
from pipeline_definitions.watch.scripts.analyze import metrics, model_quality, preprocess
from pipeline_definitions.watch.scripts.analyze.attribution import NDCG_MIN
from pipeline_definitions.watch.scripts.analyze.clarify import Facet
from pipeline_definitions.watch.scripts.analyze.constraints_file import Rules
from pipeline_definitions.watch.scripts.analyze.data_quality import Mode
from pipeline_definitions.watch.scripts.analyze.inputs import MERGED, Reading, Table, parse_format, read
from pipeline_definitions.watch.scripts.analyze.metrics import Datum, Monitor
from pipeline_definitions.watch.scripts.analyze.model_quality import Question
from pipeline_definitions.watch.scripts.analyze.predictions import Answers

Json = Mapping[str, Any]


class NoBaselineError(RuntimeError):
    """What an analysis is to be compared with is not there.

    Attributes:
        path: where it was expected.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path}: expected a baseline's file, found none; run the analysis 'baseline' first")


class Job:
    """One run of the analyzer."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.inputs: Path = options.base_dir / "input"
        self.monitor = Monitor(options.schedule, options.endpoint)
        self._rows = preprocess.load(options.preprocessor) if options.preprocessor else None

    @property
    def data_dir(self) -> Path:
        return Path(self.options.data or self.inputs / "data")

    @property
    def labels_dir(self) -> Path | None:
        """Where ground truth is; None if it was merged with the data."""
        if MERGED in parse_format(self.options.dataset_format):
            return None
        return Path(self.options.labels or self.inputs / "labels")

    def data(self, names: Sequence[str] = ()) -> Table:
        """The data set to be analyzed; cells without a name may have `names`, by their place."""
        table = read(self.data_dir, self._reading(self.options.dataset_format, self._window))
        return table.named(names) if self.options.names_from_baseline else table

    def frame(self) -> pl.DataFrame:
        """The same in memory."""
        return self.data().frame.collect()

    def baseline_data(self) -> Table | None:
        """The baseline's own data, if they were brought."""
        folder = self.inputs / "baseline_data"
        form = self.options.baseline_format or self.options.dataset_format
        return read(folder, self._reading(form, Window())) if folder.is_dir() else None

    def baseline(self, name: str) -> Json:
        """A file of the baseline.

        Raises:
            NoBaselineError: it is not there.
        """
        path = self._baseline_path(name)
        if not path.is_file():
            raise NoBaselineError(path)
        return _load(path)

    def statistics(self) -> Json:
        """The baseline's; empty if it is of constraints alone, which AWS allows: then nothing is compared."""
        if self.options.constraints and not self.options.statistics:
            return {"dataset": {"item_count": 0}, "features": []}
        return self.baseline("statistics.json")

    def baseline_if_any(self, name: str) -> Json | None:
        """A file of the baseline that need not be there."""
        path = self._baseline_path(name)
        return _load(path) if path.is_file() else None

    @property
    def mode(self) -> Mode:
        return Mode(self.options.mode == "streaming", self.options.categories_max)

    @property
    def rules(self) -> Rules:
        """What a baseline asks for."""
        options, categorical = self.options, self.options.categorical_comparison_threshold
        return Rules(
            types_match=options.datatype_check_threshold,
            domain_match=options.domain_content_threshold,
            threshold=options.comparison_threshold,
            method=options.comparison_method,
            categorical_threshold=options.comparison_threshold if categorical is None else categorical,
            categorical_method=options.categorical_drift_method,
        )

    @property
    def rules_of_features(self) -> Mapping[str, Rules]:
        """What the contract's settings say of single features: another threshold, or not to be compared at all."""
        said = self._contract.get("monitoring", {}).get("drift", {})
        ignored = {name: replace(self.rules, is_compared=False) for name in said.get("ignore", ())}
        own = {
            name: replace(self.rules, threshold=threshold, categorical_threshold=threshold)
            for name, threshold in said.get("features", {}).items()
        }
        return {**own, **ignored}

    @property
    def answers(self) -> Answers:
        options = self.options
        where = options.inference_attribute, options.probability_attribute
        return Answers(options.problem_type, *where, options.probability_threshold)

    @property
    def question(self) -> Question:
        delay_max = timedelta(seconds=self.options.label_delay_max_s)
        return Question(self._window, self._names, self.answers, delay_max, self._rows)

    @property
    def facet(self) -> Facet:
        """The option's, else what the contract's settings say.

        Raises:
            UnreadableError: neither says one.
        """
        options, said = self.options, self._contract.get("monitoring", {}).get("bias")
        if options.facet:
            return Facet(options.facet, tuple(options.facet_values), options.label_attribute)
        if not said:
            raise UnreadableError("no facet: say --facet, or monitoring.bias in the contract")
        group = said["facet"], tuple(said["facet_values"])
        return Facet(*group, options.label_attribute, said["margin"], tuple(said["metrics"]))

    @property
    def ndcg_min(self) -> float:
        """From which agreement on the ranking of features has not drifted."""
        return float(self._contract.get("monitoring", {}).get("attribution", {"threshold": NDCG_MIN})["threshold"])

    def labelled(self) -> pl.DataFrame:
        """Captured answers with their labels, if these were brought; without any label the answers alone."""
        if not self.labels_dir or not self.labels_dir.is_dir():
            return self.frame()
        merged = self.options.base_dir / "merged"
        for folder, lines in model_quality.merged(self.data_dir, self.labels_dir):
            self._write(merged / folder / "part.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        data = merged if merged.is_dir() else self.data_dir
        return read(data, self._reading(self.options.dataset_format, self._window)).frame.collect()

    def holdout(self) -> pl.DataFrame | None:
        """Rows of a version that its training never saw, with labels and predictions if these were brought."""
        folder, answers = self.inputs / "holdout", self.inputs / "predictions"
        if not folder.is_dir():
            return None
        rows = pl.read_csv(folder / "holdout.csv", infer_schema=False).select(self._names.inputs)
        if not answers.is_dir():
            return rows
        return rows.hstack(pl.read_csv(answers / "predictions.csv", infer_schema=False))

    def write(self, name: str, document: Json) -> None:
        """A report's JSON file."""
        try:
            text = json.dumps(document, ensure_ascii=False, allow_nan=False)
        except ValueError:  # rare, and a statistics.json is large
            text = json.dumps(_finite(document), ensure_ascii=False)
        self._write(self._report_dir / name, text + "\n")

    def write_page(self, page: str) -> None:
        """The report for people."""
        self._write(self._report_dir / "report.html", page)

    def write_merged(self, records: Iterable[Json], name: str = "part-00000.jsonl") -> None:
        """A file of the merge job."""
        lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        folder = self.options.merged or self.options.base_dir / "output/merge"
        self._write(folder / name, "".join(lines))

    def postprocess(self) -> None:
        """Run what the user wants to be run after the analysis."""
        if self.options.postprocessor:
            preprocess.run_postprocessor(self.options.postprocessor)

    def publish(self, kind: str, data: list[Datum]) -> None:
        """To CloudWatch, if told."""
        if self.options.publish:
            import boto3  # a third of a second that those who publish nothing need not wait

            client = boto3.client("cloudwatch", region_name=jobs.region())
            metrics.publish(client, self.monitor.namespace(kind), self.monitor, data)

    def head(self, kind: str) -> dict[str, Any]:
        """What report.json says first: of what it is, and where its metrics went."""
        return {
            "analysis": self.options.analysis,
            "mode": self.options.mode,
            "window": [at.isoformat() if at else None for at in (self._window.start, self._window.end)],
            "namespace": self.monitor.namespace(kind),
            "dimensions": self.monitor.dimensions,
            "published": self.options.publish,
        }

    def in_words(self, metrics_count: int) -> dict[str, Any]:
        """The same for people."""
        bounds = [f"{at:%Y-%m-%d %H:%M %Z}" if at else None for at in (self._window.start, self._window.end)]
        window = f"{bounds[0] or 'the beginning'} to {bounds[1] or 'the end'}" if any(bounds) else "all there is"
        whose = ", ".join(item["Value"] for item in self.monitor.dimensions)
        published = "published" if self.options.publish else "not published"
        return {"monitor": whose, "window": window, "metrics": f"{metrics_count} {published}"}

    @property
    def _window(self) -> Window:
        if self.options.window is None:
            return Window(self.options.start, self.options.end)
        found = _load(self.options.window)
        return Window(datetime.fromisoformat(found["start"]), datetime.fromisoformat(found["end"]))

    def _reading(self, form: str, window: Window) -> Reading:
        scratch = self.options.base_dir / "scratch" if self.mode.is_streaming else None
        return Reading(parse_format(form), window, self._names, scratch, self._rows)

    @property
    def _names(self) -> Names:
        """A contract's features come in its order; an endpoint of ours answers one probability."""
        if self.options.contract is None:
            return Names()
        columns = self._contract["columns"]
        return Names(("prediction",), tuple(column["name"] for column in columns if column["role"] == "feature"))

    @property
    def _contract(self) -> Json:
        return _load(self.options.contract) if self.options.contract else {}

    @property
    def _report_dir(self) -> Path:
        return Path(self.options.report or self.options.base_dir / "output/report")

    def _baseline_path(self, name: str) -> Path:
        """AWS has the two files of a baseline in folders of their own."""
        given = {"statistics.json": self.options.statistics, "constraints.json": self.options.constraints}.get(name)
        return Path(given or self.inputs / "baseline" / name)

    def _write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def _load(path: Path) -> Json:
    found: Json = json.loads(path.read_text("utf-8"))
    return found


def _finite(value: Any) -> Any:
    """JSON knows neither NaN nor infinity."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value
