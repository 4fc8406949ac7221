"""Wheels: what is shipped is what the lock says, and a step can import it without pip or a network."""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from pipeline_definitions.shared import wheels
from tests.support.emulator import REPOSITORY
from tests.support.scripts import python

IMAGE = "sklearn-1.9-0"
pytestmark = pytest.mark.xdist_group("wheels")


def test_the_archive_holds_one_locked_wheel_of_each_distribution() -> None:
    with zipfile.ZipFile(io.BytesIO(wheels.wheel_archive(IMAGE))) as archive:
        found = {name.split("-")[0].replace("_", "-"): archive.read(name) for name in archive.namelist()}

    locked = wheels.locked(IMAGE)
    assert found.keys() == locked.keys() == {"polars", "polars-runtime-32"}
    assert all(hashlib.sha256(content).hexdigest() in locked[name] for name, content in found.items())


def test_the_archive_is_the_same_bytes_twice_and_takes_nothing_that_is_not_locked(tmp_path: Path) -> None:
    folder = shutil.copytree(wheels.FOLDER, tmp_path / "wheels")
    (folder / "evil-1.0-py3-none-any.whl").write_bytes(b"not locked")

    assert wheels.wheel_archive(IMAGE, folder) == wheels.wheel_archive(IMAGE)


def test_a_wheel_that_was_tampered_with_is_missing(tmp_path: Path) -> None:
    folder = shutil.copytree(wheels.FOLDER, tmp_path / "wheels")
    (wheel,) = folder.glob("polars-*.whl")
    wheel.write_bytes(wheel.read_bytes() + b"\0")

    with pytest.raises(wheels.MissingWheelsError, match=r"polars: expected in .* run `bash requirements/setup\.sh`"):
        wheels.wheel_archive(IMAGE, folder)


def test_tests_run_the_same_polars_as_steps_do() -> None:
    pinned = [
        re.findall(r'"?polars==([\d.]+)', (REPOSITORY / name).read_text())
        for name in ("pyproject.toml", "requirements/dev.txt", f"requirements/wheels-{IMAGE}.txt")
    ]

    assert pinned[0] == pinned[1] == pinned[2]


def test_a_step_imports_it_and_finds_it_unpacked_the_second_time(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/abc.zip").write_bytes(wheels.wheel_archive(IMAGE))
    script = (
        "import json, sys\nfrom pathlib import Path\n"
        "from pipeline_definitions.shared.scripts.libraries import make_importable\n"
        "home = make_importable(Path(sys.argv[1]))\nimport polars\n"
        "print(json.dumps([polars.__version__, polars.__file__, home.stat().st_ctime_ns]))"
    )
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONPATH": str(REPOSITORY)}

    def once() -> list[object]:
        words = [str(python(IMAGE)), "-c", script, str(tmp_path / "in")]
        return list(json.loads(subprocess.run(words, env=env, check=True, capture_output=True).stdout))

    first, second = once(), once()
    assert first == second
    assert first[0] == "2.1.0"
    assert str(first[1]).startswith(str(tmp_path / "cache"))


def test_a_step_without_its_archive_says_so(tmp_path: Path) -> None:
    from pipeline_definitions.shared.scripts.libraries import NoLibrariesError, make_importable

    with pytest.raises(NoLibrariesError, match="expected one archive of wheels, found nothing"):
        make_importable(tmp_path)
