"""Events as AWS sends them, one file a kind; the samples that rules are matched against and readers parse.

Source: the EventBridge event references of Amazon S3 and Amazon SageMaker, with our own names put in.
"""

import copy
import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent


def sample(name: str) -> dict[str, Any]:
    """A fresh copy of a sample event, such as `s3_object_created`."""
    event: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))
    return copy.deepcopy(event)
