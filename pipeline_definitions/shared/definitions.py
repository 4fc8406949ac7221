"""What was built and is committed: definitions, the files they need as assets, and their defaults.

`infra` imports this at synth, so it imports neither the SageMaker SDK nor anything else that is slow.
"""

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline_definitions.shared.wheels import wheel_archive

PIPELINES: Final = ("train", "retrain", "release", "rollback", "watch")

_SCRIPTS_OF: Final = {"retrain": ("train", "retrain"), "rollback": ("release",)}
"""Pipelines that run the scripts of another."""
_ANALYZER: Final = "watch/scripts/analyze"
_BORROWED: Final = {"train": (_ANALYZER,), "retrain": (_ANALYZER,)}
"""Programs that steps run besides those of their own pipeline."""
_WHEELS: Final = dict.fromkeys(("train", "retrain", "watch"), "sklearn-1.9-0")
"""The image whose steps need libraries that it lacks, see `wheels`."""
_STANDS_ON: Final = {"analyze_spark": "analyze"}
"""Programs that are packed with the modules of another. No pipeline runs them: see `program`."""
_ROOT: Final = Path(__file__).resolve().parent.parent
_SOURCE_ARCHIVE: Final = "source.tar.gz"

_PYTHON_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "String": (str,),
    "Integer": (int,),
    "Float": (int, float),
    "Boolean": (bool,),
}


@dataclass(frozen=True)
class AssetFile:
    """A file that a step reads from S3, known to the definition as `s3://token-asset-bucket/<name>`."""

    name: str
    path: Path


class ParameterError(ValueError):
    """A default that a pipeline cannot take.

    Attributes:
        parameter: name of the pipeline parameter.
    """

    def __init__(self, parameter: str, problem: str) -> None:
        self.parameter = parameter
        super().__init__(f"pipeline parameter '{parameter}': {problem}")


def definition_path(pipeline: str) -> Path:
    """The committed definition of a pipeline.

    Raises:
        ValueError: no such pipeline.
    """
    return _folder(pipeline) / "definition.json"


def definition_text(pipeline: str) -> str:
    """The committed definition, with stand-in names (`tokens`) where a deployment puts its own."""
    return definition_path(pipeline).read_text("utf-8")


def asset_files(pipeline: str) -> tuple[AssetFile, ...]:
    """The scripts of a pipeline's steps that are one file, by name. The contract is not among them."""
    return tuple(AssetFile(path.name, path) for path in _scripts(pipeline, "*.py"))


def built_assets(pipeline: str) -> dict[str, bytes]:
    """What has to be packed before a step can run it, by asset name.

    `<program>.pyz`, which `python3` runs as it is, of each folder below `scripts/` that has a `main.py`, with what the
    scripts of all pipelines share; `source.tar.gz` of `scripts/source/`, flat, as the training toolkit wants it; and
    `wheels.zip` with the libraries that an image lacks.

    The same sources give the same bytes on any machine (no times, owners, modes or file names of this one), because
    their hash names the asset and a changed name is a changed template.
    """
    borrowed = [_ROOT / name for name in _BORROWED.get(pipeline, ())]
    own = [path.parent for path in _scripts(pipeline, "*/main.py") if path.parent.name not in _STANDS_ON]
    programs = [*own, *borrowed]
    built = {f"{program.name}.pyz": _program(program) for program in programs}
    if image := _WHEELS.get(pipeline):
        built["wheels.zip"] = wheel_archive(image)
    if sources := _scripts(pipeline, "source/*.py"):
        built[_SOURCE_ARCHIVE] = _tar_gz(sources)
    return built


def program(pipeline: str, name: str) -> bytes:
    """A program of a pipeline's folder, packed, whether or not a step of it runs it."""
    return _program(_folder(pipeline) / "scripts" / name)


def with_defaults(text: str, defaults: Mapping[str, object]) -> str:
    """The definition with other defaults for some of its parameters.

    Raises:
        ParameterError: the pipeline has no such parameter, or it does not take this value.
    """
    definition = json.loads(text)
    parameters = {parameter["Name"]: parameter for parameter in definition["Parameters"]}
    for name, value in defaults.items():
        if name not in parameters:
            raise ParameterError(name, f"the pipeline has no such parameter; it has {', '.join(sorted(parameters))}")
        parameters[name]["DefaultValue"] = _checked(parameters[name], value)
    return json.dumps(definition, indent=2, sort_keys=True) + "\n"


def _checked(parameter: Mapping[str, Any], value: object) -> object:
    """The value in the parameter's own type (an int is a fine Float), or an error that names the parameter."""
    name, kind = parameter["Name"], parameter["Type"]
    is_confused_bool = isinstance(value, bool) and kind != "Boolean"
    if is_confused_bool or not isinstance(value, _PYTHON_TYPES[kind]):
        raise ParameterError(name, f"expected {kind}, found {value!r} ({type(value).__name__})")
    if value == "":
        raise ParameterError(name, "SageMaker takes no empty string as a default; leave the default out")
    allowed = parameter.get("EnumValues")
    if allowed and value not in allowed:
        raise ParameterError(name, f"expected one of {', '.join(map(str, allowed))}, found {value!r}")
    return float(value) if kind == "Float" and isinstance(value, int) else value


def _program(folder: Path) -> bytes:
    """A folder's modules and the shared ones, under the names that they have here, and a `__main__` that runs them."""
    module = ".".join(folder.relative_to(_ROOT.parent).parts)
    folders = [folder, _ROOT / "shared" / "scripts"]
    folders += [folder.parent / _STANDS_ON[folder.name]] if folder.name in _STANDS_ON else []
    modules = [path for whole in folders for path in whole.glob("*.py")]
    files = {path.relative_to(_ROOT.parent): path.read_bytes() for path in modules}
    main = f"import sys\n\nfrom {module}.main import main\n\nsys.exit(main())\n"
    parents = {parent for path in files for parent in path.parents} - {Path()}
    entries = {f"{path.as_posix()}/": b"" for path in parents}  # without them zipimport knows no namespace packages
    entries |= {"__main__.py": main.encode(), **{path.as_posix(): content for path, content in files.items()}}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in sorted(entries.items()):
            archive.writestr(zipfile.ZipInfo(name), content)  # dated 1980, and stored: zlib's bytes differ by version
    return packed.getvalue()


def _tar_gz(files: list[Path]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in files:
            content = path.read_bytes()
            member = tarfile.TarInfo(path.name)  # everything but name, size and mode stays at its fixed default
            member.size = len(content)
            member.mode = 0o644
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)


def _scripts(pipeline: str, pattern: str) -> list[Path]:
    folders = [_folder(owner) / "scripts" for owner in _SCRIPTS_OF.get(pipeline, (pipeline,))]
    return sorted(path for folder in folders for path in folder.glob(pattern))


def _folder(pipeline: str) -> Path:
    if pipeline not in PIPELINES:
        raise ValueError(f"pipeline {pipeline!r}: unknown; there are {', '.join(PIPELINES)}")
    return _ROOT / pipeline
