"""The report for people: whole, without scripts or network, the most drifted feature first, nothing unescaped."""

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl

from tests.support.analysis import CSV, Job, captured, label, lines, table

VOID = {"meta", "link", "br"}
NOT_CLOSED = {"tr", "td", "th"}


class Page(HTMLParser):
    """Tags as they come, with each that is closed wrongly, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.wrong: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.wrong += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID | NOT_CLOSED:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        if tag in NOT_CLOSED:
            return
        if not self._open or self._open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def page(job: Job) -> Page:
    return Page((job.base / "output/report/report.html").read_text("utf-8"))


def drifted(tmp_path: Path) -> Job:
    rng = np.random.default_rng(1)
    before = table({"calm": rng.normal(size=500), "<b>": rng.normal(size=500), "kind": rng.choice(["a", "b&c"], 500)})
    job = Job(tmp_path)
    job.put("data/a.parquet", before)
    job.baseline()
    job.put("data/a.parquet", before.with_columns(pl.col("<b>") + 3))
    assert job.run("data-quality", "--endpoint", "flights-prod") == 0
    return job


def test_the_page_is_whole_and_loads_nothing(tmp_path: Path) -> None:
    found = page(drifted(tmp_path))

    assert found.wrong == []
    assert not {"script", "img", "iframe", "b"} & set(found.tags)
    assert not [value for name, value in found.attributes if name in ("src", "href")]


def test_the_most_drifted_feature_comes_first_with_its_distance_and_both_histograms(tmp_path: Path) -> None:
    job = drifted(tmp_path)
    found = page(job)

    text = "\n".join(found.text)
    distance = job.report("report.json")["features"]["<b>"]["distance"]
    assert text.index("1 violations") < text.index("1 of 3 compared features have drifted") < text.index("Features")
    assert text.rindex("<b>") < text.rindex("calm")
    assert f"{distance:.4f} against 0.1" in text
    classes = [value for name, value in found.attributes if name == "class"]
    assert classes.count("histogram") == 3
    assert classes.count("baseline") == classes.count("current") == 10 + 10 + 2 + 1  # buckets, categories, the key


def test_model_quality_shows_each_metric_beside_its_threshold(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.put("data/a.csv", "label,p\n1,0.9\n0,0.1\n")
    job.run("model-quality-baseline", "--probability-attribute", "p", form=CSV)
    job.put("baseline/constraints.json", str(job.report("constraints.json")).replace("'", '"'))
    job.put("data/a.jsonl", lines([captured("1", "0.9", event_id="a"), captured("1", "0.8", event_id="b")]))
    job.put("labels/a.jsonl", lines([label("a", "1"), label("b", "0")]))
    assert job.run("model-quality") == 0

    found = page(job)

    text = " ".join(found.text)
    assert found.wrong == []
    assert "accuracy 0.5 NaN at least 1 worse" in text
    assert "recall 1 NaN at least 1 ok" in text
    assert "Receiver operating characteristic" in text
