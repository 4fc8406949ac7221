"""Run a step's script as its container would: in the image's own environment, in a folder laid out like /opt/ml."""

import os
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline_definitions.shared import definitions

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "pipeline_definitions"
SKLEARN = "sklearn-1.9-0"
XGBOOST = "xgboost-3.2-0"


@dataclass(frozen=True)
class Ended:
    """How a script ended. `message` is what SageMaker would show as the job's ExitMessage."""

    code: int
    stdout: str
    stderr: str
    message: str | None


@dataclass(frozen=True)
class MlDir:
    """A folder in place of /opt/ml."""

    path: Path

    @property
    def base(self) -> Path:
        """What a processing job has at /opt/ml/processing."""
        return self.path / "processing"

    def put(self, name: str, content: bytes) -> Path:
        """An input file, by its path below /opt/ml/processing/input."""
        path = self.base / "input" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def output(self, name: str) -> Path:
        """An output file, by its path below /opt/ml/processing/output."""
        return self.base / "output" / name

    def process(self, image: str, script: str, *arguments: str, env: Mapping[str, str] | None = None) -> Ended:
        """Run a processing script, e.g. `train/scripts/prepare.py`; `train/scripts/evaluate.pyz` is packed first."""
        path = SCRIPTS / script
        if path.suffix == ".pyz":
            path = self.put(f"code/{path.name}", definitions.built_assets(path.parts[-3])[path.name])
        return _run(image, [str(path), "--base-dir", str(self.base), *arguments], self.path, env or {})

    def train(self, hyperparameters: Mapping[str, object]) -> Ended:
        """Run train.py as the toolkit does, on the channels train, validation and features below input/data."""
        data, words = self.path / "input" / "data", [str(SCRIPTS / "train/scripts/source/train.py")]
        for name, value in sorted(hyperparameters.items()):
            words += [f"--{name}", str(value)]
        env = {f"SM_CHANNEL_{channel.upper()}": str(data / channel) for channel in ("train", "validation", "features")}
        return _run(XGBOOST, words, self.path, {**env, "SM_MODEL_DIR": str(self.path / "model"), "SM_NUM_CPUS": "2"})

    def pack_model(self, into: Path) -> Path:
        """model.tar.gz, as SageMaker makes it of /opt/ml/model."""
        into.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(into, "w:gz") as archive:
            archive.add(self.path / "model", arcname=".")
        return into


def python(image: str) -> Path:
    """The interpreter with that image's libraries."""
    return ROOT / ".runners" / image / "bin" / "python"


def _run(image: str, words: list[str], ml_dir: Path, env: Mapping[str, str]) -> Ended:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SM_", "PYTHON"))}
    done = subprocess.run(
        [str(python(image)), *words], env={**clean, **env}, capture_output=True, text=True, timeout=300, check=False
    )
    message = ml_dir / "output" / "message"
    said = message.read_text("utf-8") if message.exists() else None
    return Ended(done.returncode, done.stdout, done.stderr, said)
