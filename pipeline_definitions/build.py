"""`python -m pipeline_definitions.build [--check]`: build the committed definitions from the `pipeline.py` modules.

Needs the SageMaker SDK, no network and no account. Each definition is composed twice, because a definition that differs
between two builds would show a change in every deployment.
"""

import argparse
import importlib
import logging
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pipeline_definitions.shared import tokens
from pipeline_definitions.shared.definitions import PIPELINES, definition_path

Compose = Callable[[str], str]
PathOf = Callable[[str], Path]

_OFFLINE: Final = {
    "AWS_ACCESS_KEY_ID": "offline",
    "AWS_SECRET_ACCESS_KEY": "offline",
    "AWS_DEFAULT_REGION": tokens.REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "SAGEMAKER_VALIDATE_ROLE": "false",
}
"""What the SDK reads while it is imported, so that it finds credentials and a region and looks for neither."""

_PERSONAL: Final = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL")
"""What a person's shell may hold and a build must not depend on."""


class UnstableDefinitionError(RuntimeError):
    """Two builds of the same pipeline gave different text, or a build wants to ship files of its own.

    Attributes:
        pipeline: name of the pipeline.
    """

    def __init__(self, pipeline: str, problem: str) -> None:
        self.pipeline = pipeline
        super().__init__(f"pipeline '{pipeline}': {problem}")


def compose(pipeline: str) -> str:
    """One definition, composed offline.

    Raises:
        UnstableDefinitionError: the SDK recorded an upload that no deployment would make.
    """
    # Imported late: the SDK takes seconds, and reads its environment while it is imported.
    session_module = importlib.import_module("pipeline_definitions.shared.offline_session")
    session = session_module.OfflineSession()
    text: str = importlib.import_module(f"pipeline_definitions.{pipeline}.pipeline").build(session)
    if session.puts:
        raise UnstableDefinitionError(
            pipeline, f"the SDK would upload {session.puts[0].url_path}; ship it as an asset and give its s3:// URI"
        )
    return text


def built(pipeline: str, compose: Compose = compose) -> str:
    """One definition, composed twice.

    Raises:
        UnstableDefinitionError: the builds differ.
    """
    first, second = compose(pipeline), compose(pipeline)
    if first != second:
        raise UnstableDefinitionError(pipeline, "two builds differ; look for a time stamp or a random name in it")
    return first


def main(arguments: list[str] | None = None, compose: Compose = compose, path_of: PathOf = definition_path) -> int:
    """Write the definitions, or compare them.

    Returns:
        The exit code: 1 if `--check` found a definition that is not what its pipeline.py builds.
    """
    parser = argparse.ArgumentParser(prog="python -m pipeline_definitions.build", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the committed definitions, write nothing")
    check = parser.parse_args(arguments).check
    outdated = []
    for pipeline in PIPELINES:
        text, path = built(pipeline, compose), path_of(pipeline)
        if not check:
            path.write_text(text, "utf-8")
        elif not path.is_file() or path.read_text("utf-8") != text:
            outdated.append(f"pipeline '{pipeline}': {path} is not what pipeline.py builds; run `make pipelines`")
    print("\n".join(outdated), end="\n" if outdated else "")
    return 1 if outdated else 0


def go_offline() -> None:
    """Make this process ready to import the SDK; only the process that builds wants this."""
    for name in _PERSONAL:
        os.environ.pop(name, None)
    os.environ.update(_OFFLINE)
    logging.disable(logging.WARNING)  # the SDK narrates each lookup; what goes wrong it raises
    warnings.filterwarnings("ignore", category=UserWarning, module=r"sagemaker\.")  # and what it will not do offline


if __name__ == "__main__":
    go_offline()
    sys.exit(main())
