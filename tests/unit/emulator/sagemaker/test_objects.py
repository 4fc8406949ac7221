"""How S3 keys and directories correspond, and which programs stand in for which images."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.services.sagemaker import images
from emulator.services.sagemaker.jobs import archives
from emulator.services.sagemaker.jobs.failure import JobFailure
from emulator.services.sagemaker.jobs.objects import files_below, relative_name, split
from tests.support.emulator import REPOSITORY
from tests.unit.emulator.sagemaker.requests import SKLEARN, XGBOOST

RUNNERS = REPOSITORY / ".runners"


@pytest.mark.parametrize(
    ("prefix", "key", "name"),
    [
        ("data", "data/a.csv", "a.csv"),
        ("data/", "data/deep/a.csv", "deep/a.csv"),
        ("data/a.csv", "data/a.csv", "a.csv"),
        ("data/part", "data/part-1/a.csv", "part-1/a.csv"),
        ("", "a/b.csv", "a/b.csv"),
    ],
)
def test_an_object_lands_where_its_prefix_says(prefix: str, key: str, name: str) -> None:
    assert relative_name(prefix, key) == name


def test_only_s3_uris_are_taken() -> None:
    assert split("s3://bucket/a/b") == ("bucket", "a/b")
    with pytest.raises(JobFailure, match="expected an s3:// URI, found 'file:///a'"):
        split("file:///a")


def test_symbolic_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "self").symlink_to(tmp_path / "real" / "file")

    assert files_below(tmp_path) == [tmp_path / "real" / "file"]


def test_an_archive_may_not_leave_its_directory(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_text("a")
    archives.unpack(archives.pack(tmp_path / "in"), tmp_path / "out", "it")

    assert (tmp_path / "out" / "a").read_text() == "a"
    with pytest.raises(JobFailure, match=r"s3://b/k is not a usable tar\.gz archive"):
        archives.unpack(b"no archive", tmp_path / "out", "s3://b/k")


@pytest.mark.parametrize(("uri", "runner"), [(SKLEARN, "sklearn-1.9-0"), (XGBOOST, "xgboost-3.2-0")])
def test_an_image_has_its_runner_in_any_region(uri: str, runner: str) -> None:
    assert images.find(uri.replace("us-east-1", "eu-west-1"), RUNNERS).image.runner == runner


@pytest.mark.parametrize("uri", [XGBOOST.replace("3.2-0", "3.2-01"), XGBOOST.replace("3.2-0", "1.7-1"), "xgboost"])
def test_another_version_is_another_image(uri: str) -> None:
    with pytest.raises(images.UnknownImageError, match="no runner for image"):
        images.find(uri, RUNNERS)
