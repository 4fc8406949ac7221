"""Files that synth makes before CDK can take them as assets: the functions' code, the contracts, source archives.

Everything goes under `build/` by the hash of its content, so that two synths at once cannot disturb each other and the
same input gives the same bytes.
"""

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
BUILD: Final = ROOT / "build"
VENDORED: Final = ("aws-lambda-powertools", "typing-extensions")
"""Distributions that the functions need besides what Lambda's Python brings (boto3, and jmespath with it)."""

_LEFT_OUT: Final = (
    "aws_lambda_powertools/event_handler/",  # HTTP routing with a copy of Swagger: half of the megabyte
    "aws_lambda_powertools/metrics/provider/datadog/",
)


class MissingDistributionError(RuntimeError):
    """The environment lacks what the functions vendor.

    Attributes:
        name: the distribution.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"distribution '{name}': expected in {sys.prefix}, found nothing; run `make setup`")


def stage_functions(build: Path = BUILD) -> Path:
    """The code of all functions with what it needs, as a folder ready to be zipped.

    Returns:
        A folder named after its content.
    """
    files = dict(sorted([*_own_files(), *_vendored_files()]))
    digest = hashlib.sha256()
    for name, path in files.items():
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    target = build / f"functions-{digest.hexdigest()[:16]}"
    if not target.exists():
        _publish(files, target)
    return target


def stage_file(content: bytes, name: str, build: Path = BUILD) -> Path:
    """A file called `name`, in a folder named after its content."""
    folder = build / f"file-{hashlib.sha256(content).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        file.write(content)
    Path(file.name).chmod(0o644)  # a temporary file is private; an asset is not
    return Path(file.name).rename(folder / name)


def _own_files() -> Iterator[tuple[str, Path]]:
    for path in (ROOT / "lambdas").rglob("*.py"):
        yield path.relative_to(ROOT).as_posix(), path


def _vendored_files() -> Iterator[tuple[str, Path]]:
    for name in VENDORED:
        try:
            files = distribution(name).files or []
        except ModuleNotFoundError as exc:
            raise MissingDistributionError(name) from exc
        for file in files:
            text = file.as_posix()
            if text.endswith(".py") and not text.startswith(_LEFT_OUT):
                yield text, Path(str(file.locate()))


def _publish(files: dict[str, Path], target: Path) -> None:
    """Copy beside the target and rename: a folder under its final name is always complete."""
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=target.parent))
    for name, path in files.items():
        copy = work / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    work.chmod(0o755)
    try:
        work.rename(target)
    except OSError:  # another synth was first; its content is the same by name
        shutil.rmtree(work)
