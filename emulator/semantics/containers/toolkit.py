"""Script mode: what the sagemaker-training toolkit inside the framework images does with a training job.

AWS_NAME: SageMaker Training Toolkit
SOURCE: github.com/aws/sagemaker-training-toolkit 4.8.0, src/sagemaker_training/{params,mapping,environment,
    entry_point,process}.py, read 2026-11
DIFFERS: requirements.txt and entry points other than Python files are refused by name; no distributed runners.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.semantics.containers.training import HOST, NETWORK_INTERFACE, ROOT, channels, resource_config

CODE_DIR = f"{ROOT}/code"
_RESERVED_PREFIXES = ("sagemaker_", "_tuning")


@dataclass(frozen=True)
class Script:
    """The user's script, the tarball that carries it, and the hyperparameters that reach it as arguments."""

    program: str
    archive_uri: str
    hyperparameters: Mapping[str, Any]

    @property
    def arguments(self) -> tuple[str, ...]:
        """`--name value` sorted by name; one-letter names get one dash."""
        names = sorted(self.hyperparameters)
        pairs = [(("-" if len(name) == 1 else "--") + name, _argument(self.hyperparameters[name])) for name in names]
        return tuple(word for pair in pairs for word in pair)


def script(hyperparameters: Mapping[str, str]) -> Script | None:
    """What to run, or None when the request names no program (then the image's own algorithm would run)."""
    values = {name: _decoded(value) for name, value in hyperparameters.items()}
    program = values.get("sagemaker_program")
    if not program:
        return None
    own = {name: value for name, value in values.items() if not name.startswith(_RESERVED_PREFIXES)}
    return Script(str(program), str(values.get("sagemaker_submit_directory") or ""), own)


def environment(request: Mapping[str, Any], script: Script, cpu_count: int) -> dict[str, str]:
    """The SM_* variables that a script may read."""
    inputs = {channel["ChannelName"]: f"{ROOT}/input/data/{channel['ChannelName']}" for channel in channels(request)}
    hyperparameters = dict(script.hyperparameters)
    module = script.program.removesuffix(".py")
    framework = {
        "channel_input_dirs": inputs,
        "current_host": HOST,
        "hosts": [HOST],
        "hyperparameters": hyperparameters,
        "input_config_dir": f"{ROOT}/input/config",
        "input_dir": f"{ROOT}/input",
        "job_name": request["TrainingJobName"],
        "model_dir": f"{ROOT}/model",
        "module_dir": script.archive_uri,
        "module_name": module,
        "network_interface_name": NETWORK_INTERFACE,
        "num_cpus": cpu_count,
        "num_gpus": 0,
        "num_neurons": 0,
        "output_data_dir": f"{ROOT}/output/data",
        "output_dir": f"{ROOT}/output",
        "resource_config": resource_config(request),
        "user_entry_point": script.program,
    }
    return {
        "SM_MODEL_DIR": f"{ROOT}/model",
        "SM_OUTPUT_DATA_DIR": f"{ROOT}/output/data",
        "SM_OUTPUT_DIR": f"{ROOT}/output",
        "SM_INPUT_DIR": f"{ROOT}/input",
        "SM_INPUT_CONFIG_DIR": f"{ROOT}/input/config",
        "SM_CHANNELS": _json(sorted(inputs)),
        "SM_HPS": _json(hyperparameters),
        "SM_USER_ARGS": _json(list(script.arguments)),
        "SM_CURRENT_HOST": HOST,
        "SM_HOSTS": _json([HOST]),
        "SM_NETWORK_INTERFACE_NAME": NETWORK_INTERFACE,
        "SM_NUM_CPUS": str(cpu_count),
        "SM_NUM_GPUS": "0",
        "SM_NUM_NEURONS": "0",
        "SM_RESOURCE_CONFIG": _json(framework["resource_config"]),
        "SM_INPUT_DATA_CONFIG": _json({name: {"TrainingInputMode": "File"} for name in sorted(inputs)}),
        "SM_TRAINING_ENV": _json(framework),
        "SM_MODULE_NAME": module,
        "SM_MODULE_DIR": script.archive_uri,
        "SM_USER_ENTRY_POINT": script.program,
        "SM_FRAMEWORK_MODULE": "",
        "SM_LOG_LEVEL": "20",
        **{f"SM_CHANNEL_{name.upper()}": path for name, path in inputs.items()},
        **{f"SM_HP_{name.upper()}": _variable(value) for name, value in hyperparameters.items()},
    }


def failure(exit_code: int, message: str, command: str) -> str:
    """What the toolkit writes into /opt/ml/output/failure when the script wrote nothing."""
    return f'ExecuteUserScriptError: ExitCode {exit_code} ErrorMessage "{message}" Command "{command}"'


def _decoded(value: str) -> Any:
    """Old SDKs quote each value as JSON, new ones send it plain; the toolkit takes both."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def _argument(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}={item}" for name, item in sorted(value.items()))
    return str(value)


def _variable(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
