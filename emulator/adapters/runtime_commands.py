"""What runs a function's runtime, by the name of the runtime: a program that speaks the Runtime API.

AWS_NAME: Lambda runtimes
SOURCE: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html, configuration-envvars.html,
    runtimes-custom.html and packaging-layers.html (read 2026-11-23)
DIFFERS: every Python runs on ours and every Node.js on the one that we ship, whatever version is declared, and the log
    says so; the AWS SDK for JavaScript is not there: a function has to bring it; of provided.al2 and provided.al2023
    there is the contract and not the system, a `bootstrap` finds this machine's
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from emulator.kernel.ports import Command, Mount, SandboxSpec

TASK_ROOT, LAYERS_ROOT = "/var/task", "/opt"
_NODE_CLIENT = str(Path(__file__).with_name("node_runtime.mjs"))


@dataclass(frozen=True)
class Interpreters:
    """The programs that runtimes run on; `node` None where we have none."""

    python: Path
    node: Path | None = None


class NoEntryPoint(Exception):  # noqa: N818
    """A custom runtime without a `bootstrap`, or a runtime that there is no interpreter for."""


def command(interpreters: Interpreters, spec: SandboxSpec, more_env: Mapping[str, str]) -> Command:
    """The runtime's process, in the function's own directory, with the layers at /opt.

    Raises:
        NoEntryPoint: there is nothing to start.
    """
    fixed = {"_HANDLER": spec.handler, "LAMBDA_TASK_ROOT": TASK_ROOT, "LAMBDA_RUNTIME_DIR": "/var/runtime"}
    env = {**spec.env, **_search_paths(spec), **more_env, **fixed}
    return Command(
        argv=_argv(interpreters, spec),
        env=env,
        on_line=spec.on_line,
        cwd=TASK_ROOT,
        mounts=(Mount(spec.code_dir, TASK_ROOT, is_read_only=True), *_layer_mounts(spec.layers_dir)),
    )


def _argv(interpreters: Interpreters, spec: SandboxSpec) -> tuple[str, ...]:
    if spec.runtime.startswith("python"):
        return (str(interpreters.python), "-m", "awslambdaric", spec.handler)
    if spec.runtime.startswith("nodejs") and interpreters.node:
        return (str(interpreters.node), _NODE_CLIENT, spec.handler)
    for directory, seen_at in ((spec.code_dir, TASK_ROOT), (spec.layers_dir, LAYERS_ROOT)):
        if spec.runtime.startswith("provided") and directory and os.access(directory / "bootstrap", os.X_OK):
            return (f"{seen_at}/bootstrap",)
    raise NoEntryPoint(spec.runtime)


def _layer_mounts(layers_dir: Path | None) -> tuple[Mount, ...]:
    """Entry by entry: what else this machine has in /opt may hold the very interpreter."""
    if layers_dir is None:
        return ()
    return tuple(
        Mount(entry, f"{LAYERS_ROOT}/{entry.name}", is_read_only=True) for entry in sorted(layers_dir.iterdir())
    )


def _search_paths(spec: SandboxSpec) -> dict[str, str]:
    """Where the runtime looks for modules, programs and libraries: the function first, then its layers."""
    opt = {
        "PYTHONPATH": [f"python/lib/{spec.runtime}/site-packages", "python"],
        "NODE_PATH": [
            f"nodejs/node{spec.runtime.removeprefix('nodejs').split('.')[0]}/node_modules",
            "nodejs/node_modules",
        ],
        "PATH": ["bin"],
        "LD_LIBRARY_PATH": ["lib"],
    }
    found = {name: [f"{LAYERS_ROOT}/{part}" for part in parts if _has(spec, part)] for name, parts in opt.items()}
    if spec.runtime.startswith("python"):
        found["PYTHONPATH"].insert(0, TASK_ROOT)
    if found["PATH"]:
        found["PATH"].insert(0, spec.env.get("PATH", os.defpath))
    return {name: os.pathsep.join(paths) for name, paths in found.items() if paths}


def _has(spec: SandboxSpec, part: str) -> bool:
    return spec.layers_dir is not None and (spec.layers_dir / part).is_dir()
