"""Making the command that stands in for a container: interpreter, environment, mounts, and what its log says first."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from emulator.kernel.ports import Command, HeldFile, Kernel, Mount
from emulator.semantics.containers.training import ROOT
from emulator.services.sagemaker.images import Runner
from emulator.services.sagemaker.jobs.failure import JobFailure


@dataclass(frozen=True)
class Container:
    """A program to run in an image's runner: `directory` becomes /opt/ml, and `code` are parts of it with scripts.

    `inputs` are files that lie elsewhere, each with the place below `directory` where the program reads it.
    """

    runner: Runner
    directory: Path
    role_arn: str
    session_name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    cwd: str = "/"
    code: tuple[str, ...] = ()
    inputs: tuple[tuple[HeldFile, Path], ...] = ()


def command(kernel: Kernel, container: Container, on_line: Callable[[str], None]) -> Command:
    """The command for the spawner. Later entries of the environment win: image, role, request.

    Raises:
        JobFailure: the runner has no such program.
    """
    base = image_environment(container.runner)
    role = kernel.credentials(container.role_arn, container.session_name)
    return Command(
        argv=(program(container), *container.argv[1:]),
        env={**base, **role, **container.environment},
        on_line=on_line,
        cwd=container.cwd,
        mounts=(Mount(container.directory, ROOT), *map(partial(_input, container.directory), container.inputs)),
        code_dirs=code_directories(container),
    )


def _input(directory: Path, held: tuple[HeldFile, Path]) -> Mount:
    file, place = held
    return Mount(file.path, f"{ROOT}/{place.relative_to(directory).as_posix()}", is_read_only=True)


def image_environment(runner: Runner) -> dict[str, str]:
    """What the image itself sets. Nothing of the emulator's own environment reaches a container."""
    return {
        "PATH": runner.search_path,
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "UTF-8",
        "PYTHONNOUSERSITE": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "OMP_WAIT_POLICY": "PASSIVE",  # jobs share this machine: spinning threads starve each other
    }


def program(container: Container) -> str:
    """The program's absolute path: `python3` means the runner's interpreter."""
    found = shutil.which(container.argv[0], path=container.runner.search_path)
    if found is None and not container.argv[0].startswith(ROOT):
        raise JobFailure(f"ClientError: the container has no program '{container.argv[0]}'")
    return found or container.argv[0]


def own_program(kernel: Kernel, runner: Runner) -> tuple[str, ...]:
    """What an image runs by itself, as a command line.

    Raises:
        JobFailure: we do not know, or were not given it.
    """
    name = runner.image.program
    if not name:
        raise JobFailure(
            "ClientError: the image's own entry point is not emulated; give AppSpecification.ContainerEntrypoint"
        )
    if name not in kernel.programs:
        raise JobFailure(
            f"ClientError: the image {runner.image} brings a program of its own, which this emulator was not given; "
            f"start it with --program {name}=FILE, a file that python3 runs (`driftloop up` gives model-monitor)"
        )
    return ("python3", str(kernel.programs[name]))


def code_directories(container: Container) -> tuple[Path, ...]:
    """Directories of the container that hold its programs: those it names, and where its entry point lies."""
    scripts = [Path(word) for word in container.argv if word.startswith(f"{ROOT}/") and word.endswith((".py", ".sh"))]
    inside = [script.parent.relative_to(ROOT) for script in scripts]
    own = [Path(container.cwd).relative_to(ROOT)] if container.cwd.startswith(ROOT) else []
    return tuple(
        path
        for path in (container.directory / part for part in [*map(Path, container.code), *inside, *own])
        if path.is_dir()
    )


def opening_lines(kernel: Kernel, runner: Runner) -> Sequence[str]:
    """What every log starts with: where this run differs from AWS."""
    how = {
        "namespace": "/opt/ml is a mount of its own",
        "rewrite": "no namespaces here, so /opt/ml was rewritten to a directory in arguments, environment and code",
    }.get(kernel.spawner.isolation, kernel.spawner.isolation)
    first = f"[emulator] local approximation of {runner.image}: runner {runner.image.runner}, {how}"
    return [first, *(f"[emulator] warning: {mismatch}" for mismatch in runner.mismatches())]
