"""Which runner stands in for which SageMaker image.

A runner is a virtual environment with the image's own library versions, `<runners_dir>/<runner>/bin/python`. To add
one for an image of AWS: make the environment (requirements/ holds the locked lists) and add its image to IMAGES; images
that bring a program of their own are in PROGRAM_IMAGES, and whoever starts the emulator gives it the program. An image
of your own: make `<runners_dir>/<any name>` with `bin/python` and an `image.json` that says {"repository", "version"};
a program `bin/serve` in it is started for endpoints instead of the toolkit's server, and has to listen on the port in
SAGEMAKER_BIND_TO_PORT, since all containers share this machine.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_URI = re.compile(r"(?:[^/]+/)?(?P<repository>[^:@]+)(?::(?P<tag>[^@]+))?(?:@.*)?")


@dataclass(frozen=True)
class Image:
    """An AWS image: its repository, the version its tags start with, and what it carries.

    `preloads` are the modules that a fork server keeps loaded for it. `program` is the name by which the emulator is
    given what the image runs by itself; empty where a job says what to run.
    """

    repository: str
    version: str
    runner: str
    python: str
    libraries: Mapping[str, str]
    preloads: tuple[str, ...]
    program: str = ""

    def is_named(self, repository: str, tag: str) -> bool:
        """Whether a URI with this repository and tag means the image; one without a version is meant by any tag."""
        return repository == self.repository and (
            not self.version or tag == self.version or tag.startswith(f"{self.version}-")
        )

    def __str__(self) -> str:
        return f"{self.repository}:{self.version}" if self.version else self.repository


# Source: github.com/aws/deep-learning-containers docker/{sklearn,xgboost}, read 2026-11
IMAGES = (
    Image(
        "sagemaker-scikit-learn",
        "1.9-0",
        "sklearn-1.9-0",
        "3.12",
        {"scikit-learn": "1.9.0", "numpy": "2.5.1", "pandas": "2.2.3"},
        ("numpy", "pandas", "sklearn", "joblib", "boto3"),
    ),
    Image(
        "sagemaker-xgboost",
        "3.2-0",
        "xgboost-3.2-0",
        "3.12",
        {"xgboost": "3.2.0", "numpy": "2.1.0", "pandas": "2.2.3", "scikit-learn": "1.8.0"},
        ("numpy", "pandas", "sklearn", "xgboost", "boto3"),
    ),
)
# Source: sagemaker.core.image_uri_config of sagemaker 3.27.0 (model-monitor); the merger lies beside the analyzer in
# requests that users published, read 2026-11
PROGRAM_IMAGES = tuple(
    Image(repository, "", "sklearn-1.9-0", "", {}, (), program)
    for repository, program in (
        ("sagemaker-model-monitor-analyzer", "model-monitor"),
        ("sagemaker-model-monitor-groundtruth-merger", "model-monitor"),
    )
)
_SOLD_AS = {"xgboost": ("xgboost", "xgboost-cpu")}


class UnknownImageError(ValueError):
    """No runner for an image URI."""


@dataclass(frozen=True)
class Runner:
    """An environment in which an image's programs run."""

    image: Image
    home: Path

    @property
    def python(self) -> str:
        return str(self.home / "bin" / "python")

    @property
    def serve_program(self) -> str | None:
        """The container's own `serve`, when it has one."""
        return shutil.which("serve", path=str(self.home / "bin"))

    @property
    def search_path(self) -> str:
        """PATH of a child: the runner's own `python3` and tools first."""
        return f"{self.home / 'bin'}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    def mismatches(self) -> list[str]:
        """Versions in which the runner differs from the image, as sentences for the job's log."""
        wanted = {"Python": self.image.python, **self.image.libraries}
        found = {"Python": self._python_version(), **{name: self._version(name) for name in self.image.libraries}}
        return [
            f"{name} is {found[name]} here and {version} in the image {self.image}"
            for name, version in wanted.items()
            if not found[name].startswith(version)
        ]

    def _python_version(self) -> str:
        lines = (self.home / "pyvenv.cfg").read_text().splitlines()
        pairs = [line.partition("=") for line in lines]
        return next((value.strip() for key, _, value in pairs if key.strip().startswith("version")), "unknown")

    def _version(self, library: str) -> str:
        for name in _SOLD_AS.get(library, (library,)):
            for found in self.home.glob(f"lib/python3*/site-packages/{name.replace('-', '_')}-*.dist-info"):
                return found.name.removesuffix(".dist-info").rpartition("-")[2]
        return "missing"


def find(uri: str, runners_dir: Path) -> Runner:
    """The runner for an image URI.

    Raises:
        UnknownImageError: says how to add one.
    """
    parsed = _URI.fullmatch(uri)
    repository, tag = (parsed["repository"], parsed["tag"] or "") if parsed else (uri, "")
    images = (*IMAGES, *PROGRAM_IMAGES, *_own_images(runners_dir))
    for image in images:
        if image.is_named(repository, tag):
            home = runners_dir / image.runner
            if (home / "bin" / "python").exists():
                return Runner(image, home)
            raise UnknownImageError(f"the runner environment {image.runner} is not there; `make setup` builds it")
    known = ", ".join(map(str, images))
    raise UnknownImageError(
        f"no runner for image '{uri}'; there are runners for {known}. To add one, build an environment with the "
        "image's libraries under the runners directory and describe it in its image.json "
        "(emulator/services/sagemaker/images.py says how)"
    )


def _own_images(runners_dir: Path) -> list[Image]:
    """Images that people have brought: each environment with an image.json."""
    found = []
    for file in sorted(runners_dir.glob("*/image.json")):
        said = json.loads(file.read_text("utf-8"))
        python = said.get("python", "")
        found.append(
            Image(said["repository"], said["version"], file.parent.name, python, said.get("libraries", {}), ())
        )
    return found
