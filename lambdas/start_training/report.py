"""The validation report of a run: a verdict for each file, written by the step `Validate`."""

import json
from collections.abc import Mapping
from typing import Any

from lambdas.shared.ledger.files import file_id
from lambdas.start_training.decision import Verdict

Verdicts = Mapping[str, Verdict]


def parse_verdicts(text: str) -> Verdicts | None:
    """Verdicts by file id, None where the text is no report: then the data was not judged.

    The report: `{"files": [{"key", "version_id", "verdict": "accepted" | "quarantined", "reason", "problems"}]}`.
    """
    try:
        files = json.loads(text)["files"]
        return {file_id(file["key"], str(file["version_id"])): _verdict(file) for file in files}
    except (ValueError, KeyError, TypeError):
        return None


def _verdict(file: Mapping[str, Any]) -> Verdict:
    reason = file.get("reason") or "; ".join(map(_problem, file.get("problems", ()))) or "validation gave no reason"
    return Verdict(is_accepted=file["verdict"] == "accepted", reason=reason)


def _problem(problem: Mapping[str, Any]) -> str:
    rows = ", ".join(map(str, problem.get("rows", ())))
    return f"column '{problem.get('column')}': {problem.get('problem')} (rows {rows})"
