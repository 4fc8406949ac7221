"""Runs the pipeline's scripts and asks packaged models, in the interpreter of the XGBoost image, where nothing of ours
is installed. One process for a whole backtest: the libraries take longer to load than a small model to train.

An order a line on stdin, as JSON: `{"script", "words", "env"}` answers `{"code"}`, `{"model", "rows"}` answers
`{"predictions"}`; what goes wrong answers `{"error"}`.
"""

import importlib.util
import json
import os
import runpy
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any


def main() -> None:
    """Answer orders until there are none."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = run(order) if "script" in order else ask(order)
        except Exception as exc:  # whatever a script raises is for the one who ordered it
            answer = {"error": repr(exc)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def run(order: dict[str, Any]) -> dict[str, Any]:
    """Run a script as if it had been started."""
    script = order["script"]
    os.environ.update(order["env"])
    sys.argv = [script, *order["words"]]
    if (folder := str(Path(script).parent)) not in sys.path:
        sys.path.insert(0, folder)
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as ended:
        return {"code": int(ended.code or 0)}
    return {"code": 0}


def ask(order: dict[str, Any]) -> dict[str, Any]:
    """Rows to probabilities, through the handlers that an endpoint calls."""
    served, model = _loaded(order["model"])
    payload = served.input_fn(order["rows"], "text/csv")
    text = served.output_fn(served.predict_fn(payload, model), "text/csv")
    return {"predictions": [float(line) for line in text.split()]}


@lru_cache(maxsize=8)
def _loaded(folder: str) -> tuple[Any, Any]:
    spec = importlib.util.spec_from_file_location("packaged_inference", Path(folder) / "code" / "inference.py")
    assert spec is not None
    assert spec.loader is not None
    served = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = served  # dataclasses look their module up
    spec.loader.exec_module(served)
    return served, served.model_fn(folder)


if __name__ == "__main__":
    main()
