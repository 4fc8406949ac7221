"""`python -m pipeline_definitions.build [--check]`: build the committed definitions from the `pipeline.py` modules.

Needs the SageMaker SDK, no network and no account. Each definition is composed twice, because a definition that differs
between two builds would show a change in every deployment.
"""

import argparse
import importlib
import logging
import os
import sys
from typing import Final

from pipeline_definitions.shared import tokens
from pipeline_definitions.shared.definitions import PIPELINES, definition_path

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


def built(pipeline: str) -> str:
    """Compose one definition offline, twice.

    Raises:
        UnstableDefinitionError: the builds differ, or the SDK recorded an upload that no deployment would make.
    """
    first, second = _compose(pipeline), _compose(pipeline)
    if first != second:
        raise UnstableDefinitionError(pipeline, "two builds differ; look for a time stamp or a random name in it")
    return first


def main(arguments: list[str] | None = None) -> int:
    """Write the definitions, or compare them.

    Returns:
        The exit code: 1 if `--check` found a definition that is not what its pipeline.py builds.
    """
    parser = argparse.ArgumentParser(prog="python -m pipeline_definitions.build", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the committed definitions, write nothing")
    check = parser.parse_args(arguments).check
    _go_offline()
    outdated = [pipeline for pipeline in PIPELINES if not _settle(pipeline, check=check)]
    for pipeline in outdated:
        print(
            f"pipeline '{pipeline}': {definition_path(pipeline)} is not what pipeline.py builds; run `make pipelines`"
        )
    return 1 if outdated else 0


def _settle(pipeline: str, *, check: bool) -> bool:
    """Bring the committed definition up to date, or say whether it is."""
    text, path = built(pipeline), definition_path(pipeline)
    if check:
        return path.is_file() and path.read_text("utf-8") == text
    path.write_text(text, "utf-8")
    return True


def _go_offline() -> None:
    for name in _PERSONAL:
        os.environ.pop(name, None)
    os.environ.update(_OFFLINE)
    logging.disable(logging.WARNING)  # the SDK narrates each lookup; what goes wrong it raises


def _compose(pipeline: str) -> str:
    """Import late: the SDK takes seconds, and reads its environment while it is imported."""
    session_module = importlib.import_module("pipeline_definitions.shared.offline_session")
    session = session_module.OfflineSession()
    text: str = importlib.import_module(f"pipeline_definitions.{pipeline}.pipeline").build(session)
    if session.puts:
        raise UnstableDefinitionError(
            pipeline, f"the SDK would upload {session.puts[0].url_path}; ship it as an asset and give its s3:// URI"
        )
    return text


if __name__ == "__main__":
    sys.exit(main())
