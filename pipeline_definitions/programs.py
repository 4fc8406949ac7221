"""Programs that stand in for images of AWS which bring their own, as files for the emulator (docs/decisions/0008).

`python -m pipeline_definitions.programs FOLDER` writes them below FOLDER and prints each as NAME=FILE, which is what
the emulator's option `--program` takes.
"""

import sys
from pathlib import Path
from typing import Final

from pipeline_definitions.shared import definitions, wheels

_IMAGE: Final = "sklearn-1.9-0"
"""In whose runner the emulator runs the analyzer."""


def write(folder: Path) -> dict[str, Path]:
    """Write every program with the libraries that it finds beside itself; answers files by name.

    Raises:
        MissingWheelsError: a library has not been downloaded.
    """
    place = folder / "model-monitor"
    archive = wheels.wheel_archive(_IMAGE)
    place.mkdir(parents=True, exist_ok=True)
    (place / "wheels.zip").write_bytes(archive)
    program = place / "analyze.pyz"
    program.write_bytes(definitions.built_assets("watch")[program.name])
    return {"model-monitor": program}


if __name__ == "__main__":
    try:
        for name, path in write(Path(sys.argv[1])).items():
            print(f"{name}={path.resolve()}")
    except wheels.MissingWheelsError as exc:
        sys.exit(str(exc))
