"""Make the libraries of an archive of wheels importable: inside a step, without pip and without a network.

A wheel without scripts of its own is installed by unpacking it. That takes most of a second for polars, so it is done
once a machine: in a container of AWS that is every time, on a machine with an emulator the first time.
"""

import hashlib
import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path


class NoLibrariesError(RuntimeError):
    """The step did not get its archive of wheels.

    Attributes:
        folder: where it was expected.
    """

    def __init__(self, folder: Path, found: list[str]) -> None:
        self.folder = folder
        super().__init__(
            f"{folder}: expected one archive of wheels, found {found or 'nothing'}; mount the asset that "
            "pipeline_definitions.shared.wheels makes there"
        )


def make_importable(folder: Path) -> Path:
    """Put what is in the folder's only archive first on the path.

    Returns:
        Where it was unpacked.

    Raises:
        NoLibrariesError: there is none, or more than one.
    """
    archives = sorted(folder.glob("*.zip"))
    if len(archives) != 1:
        raise NoLibrariesError(folder, [path.name for path in archives])
    outer = zipfile.ZipFile(archives[0])
    wheels = [zipfile.ZipFile(outer.open(name)) for name in outer.namelist()]  # stored, so they are read in place
    known = str([(info.filename, info.file_size, info.CRC) for info in outer.infolist()])
    home = _cache() / hashlib.sha256(known.encode()).hexdigest()[:16]
    if not _is_whole(home, wheels):
        _unpack(wheels, home)
    sys.path.insert(0, str(home))
    return home


def _cache() -> Path:
    """A folder of this user alone, so that nobody else's code is ever imported."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "driftloop" / "libraries"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o022:
        return Path(tempfile.mkdtemp())
    return folder


def _is_whole(home: Path, wheels: list[zipfile.ZipFile]) -> bool:
    """Whether every file is still there: what cleans temporary folders removes files one by one."""
    return home.is_dir() and all((home / name).exists() for wheel in wheels for name in wheel.namelist())


def _unpack(wheels: list[zipfile.ZipFile], home: Path) -> None:
    """Beside it, then rename: under its final name it is always complete, whoever else is at it."""
    work = Path(tempfile.mkdtemp(dir=home.parent))
    for wheel in wheels:
        wheel.extractall(work)
    shutil.rmtree(home, ignore_errors=True)
    try:
        work.rename(home)
    except OSError:  # another was first; its content is the same by name
        shutil.rmtree(work)
