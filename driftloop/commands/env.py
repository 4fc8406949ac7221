"""Print what other tools need to talk to the emulator."""

from __future__ import annotations

import shlex

from driftloop.options import DEFAULT_STATE, State
from driftloop.target import emulator_environment, find_emulator


def env(state: State = DEFAULT_STATE) -> None:
    """Print the exports with which aws, boto3, cdk and the SageMaker SDK talk to the emulator.

    Use as: eval "$(driftloop env)"
    """
    for name, value in emulator_environment(find_emulator(state)).items():
        print(f"export {name}={shlex.quote(value)}")
