"""Libraries that an image lacks: locked wheels, packed into one archive that a step takes as an asset.

`make setup` downloads them to `.wheels/` by name and hash. Which ones belong to the archive is decided by the hashes in
the lock, not by what lies in the folder. `scripts/libraries.py` is the other end, inside the step.
"""

import hashlib
import io
import re
import zipfile
from functools import cache
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parent.parent.parent
FOLDER: Final = _ROOT / ".wheels"
_PINNED: Final = re.compile(r"^([A-Za-z0-9._-]+)==")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class MissingWheelsError(RuntimeError):
    """Locked wheels are not there.

    Attributes:
        names: the distributions.
    """

    def __init__(self, names: list[str], folder: Path) -> None:
        self.names = names
        super().__init__(
            f"wheels of {', '.join(names)}: expected in {folder} with a hash of the lock, found none; "
            "run `bash requirements/setup.sh`"
        )


def lock_path(image: str) -> Path:
    """What an image's programs need beyond it, such as of `sklearn-1.9-0`."""
    return _ROOT / "requirements" / f"wheels-{image}.txt"


def locked(image: str) -> dict[str, frozenset[str]]:
    """Distribution -> SHA-256 of each of its wheels, whatever platform they are for."""
    found: dict[str, set[str]] = {}
    name = ""
    for line in lock_path(image).read_text("utf-8").splitlines():
        if pinned := _PINNED.match(line):
            name = pinned[1]
        if hashed := _HASH.search(line):
            found.setdefault(name, set()).add(hashed[1])
    return {name: frozenset(hashes) for name, hashes in found.items()}


@cache
def wheel_archive(image: str, folder: Path = FOLDER) -> bytes:
    """The wheels for an image, as they came, in one archive. The same lock gives the same bytes.

    Raises:
        MissingWheelsError: one that is locked has not been downloaded.
    """
    present = {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in sorted(folder.glob("*.whl"))}
    chosen = {name: sorted(hashes & present.keys()) for name, hashes in locked(image).items()}
    if missing := sorted(name for name, hashes in chosen.items() if not hashes):
        raise MissingWheelsError(missing, folder)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(present[digest] for hashes in chosen.values() for digest in hashes):
            archive.writestr(zipfile.ZipInfo(path.name), path.read_bytes())  # dated 1980; wheels are compressed already
    return packed.getvalue()
