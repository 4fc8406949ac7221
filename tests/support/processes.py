"""Finding processes from outside, by what they carry in their environment or command line."""

from contextlib import suppress
from pathlib import Path


def carrying(marker: str) -> list[int]:
    """The ids of all living processes with `marker` in their environment or command line."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _carries(entry, marker)]


def _carries(process: Path, marker: str) -> bool:
    with suppress(OSError):  # gone meanwhile, or not ours to read
        if (process / "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return False
        return marker.encode() in (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
    return False
