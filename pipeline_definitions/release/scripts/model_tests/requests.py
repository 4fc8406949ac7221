"""The requests of the contract's tests, and whether an answer is what was agreed about it."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pipeline_definitions.release.scripts.model_tests.report import FAILED, PASSED, Answer, Check, counted, shortened
from pipeline_definitions.shared.scripts.registry import Facts
from pipeline_definitions.shared.scripts.scoring import CSV, to_line

JSON: Final = "application/json"
PAYLOAD_MAX_BYTES: Final = 6 * 1024 * 1024


@dataclass(frozen=True)
class Request:
    """A request of the contract's tests, and what was agreed about it.

    Attributes:
        agreed: `answered`, `refused`, or `either`: never a 5xx.
        told: what a refusal's message has to name.
    """

    name: str
    body: bytes
    content_type: str
    agreed: str
    told: str = ""
    predictions: tuple[float, ...] = ()


def judge_answer(request: Request, answer: Answer) -> Check:
    """Hold an answer against what was agreed."""
    fault = answer_fault(request, answer)
    expected = {
        "answered": counted(len(request.predictions), "probability", "probabilities"),
        "refused": "refused with a 4xx" + (f" that names {request.told!r}" if request.told else ""),
        "either": "an answer or a 4xx, no 5xx",
    }[request.agreed]
    sent = shortened(request.body.decode("utf-8", "replace")) or "(nothing)"
    facts = {"sent": f"{request.content_type}: {sent}", "expected": expected, "came": answer.in_short}
    said = f"sent {sent!r} as {request.content_type}, expected {expected}, came {answer.in_short!r}"
    if fault:
        said = f"{fault}: {said}"
    return Check("contract", request.name, FAILED if fault else PASSED, said, facts)


def answer_fault(request: Request, answer: Answer) -> str | None:
    """What is wrong with an answer, or None."""
    is_refused = 400 <= answer.status < 500
    if answer.status == 0:
        return None if len(request.body) > PAYLOAD_MAX_BYTES else "nobody answered"
    if answer.status >= 500:
        return "a server error"
    if request.agreed == "either":
        return None if is_refused else predictions_fault(answer, request.content_type, None)
    if request.agreed == "answered":
        return predictions_fault(answer, request.content_type, request.predictions)
    if not is_refused:
        return "not refused"
    return None if request.told in answer.body else f"the refusal does not name {request.told!r}"


def predictions_fault(answer: Answer, content_type: str, expected: Sequence[float] | None) -> str | None:
    """What is wrong with an answer that should hold probabilities in the request's format, or None."""
    if answer.status != 200:
        return "refused"
    if not answer.content_type.startswith(content_type):
        return f"answered as {answer.content_type!r}"
    try:
        found = parse_predictions(answer.body, content_type)
    except (ValueError, TypeError, KeyError):
        return "no predictions in the answer"
    if not all(0 <= prediction <= 1 for prediction in found):
        return "not all answers are probabilities"
    if expected is None:
        return None if found else "no predictions in the answer"
    if len(found) != len(expected):
        return f"{len(found)} predictions for {len(expected)} rows"
    return (
        None if np.allclose(found, expected, rtol=0, atol=1e-4) else "the rows are answered otherwise than one by one"
    )


def parse_predictions(body: str, content_type: str) -> list[float]:
    """The numbers in an answer.

    Raises:
        ValueError, TypeError, KeyError: it is another kind of answer.
    """
    values = body.split() if content_type == CSV else json.loads(body)["predictions"]
    return [float(value) for value in values]


def contract_requests(contract: Facts, records: Sequence[Facts]) -> list[Request]:
    """Everything that the contract's tests send."""
    features = [column for column in contract["columns"] if column["role"] == "feature"]
    rows = [next(csv.reader([str(record["input"])])) for record in records]
    base = max(rows, key=lambda row: sum(cell != "" for cell in row))
    return [
        *good_requests(features, rows, records),
        *shape_requests(features, base),
        *type_requests(features, base),
        *(request for place in range(len(features)) for request in range_requests(features, place, base)),
        *odd_requests(features, base),
    ]


def good_requests(features: Sequence[Facts], rows: Sequence[Sequence[str]], records: Sequence[Facts]) -> list[Request]:
    """What callers mean to send."""
    expected = tuple(float(record["prediction"]) for record in records)
    instances = [instance(features, row) for row in rows]
    return [
        Request("a row of CSV", to_line(rows[0]), CSV, "answered", predictions=expected[:1]),
        Request("many rows of CSV", b"\n".join(map(to_line, rows)), CSV, "answered", predictions=expected),
        Request("an instance of JSON", to_json(instances[:1]), JSON, "answered", predictions=expected[:1]),
        Request("many instances of JSON", to_json(instances), JSON, "answered", predictions=expected),
    ]


def shape_requests(features: Sequence[Facts], base: Sequence[str]) -> list[Request]:
    """A column missing, a column too many, in both formats."""
    first, last = str(features[0]["name"]), str(features[-1]["name"])
    whole = instance(features, base)
    short = {name: value for name, value in whole.items() if name != first}
    return [
        Request(f"column missing: {last}", to_line(base[:-1]), CSV, "refused", last),
        Request(f"column missing: {first}", to_json([short]), JSON, "refused", first),
        Request("a column too many", to_line([*base, "1"]), CSV, "refused"),
        Request("an unknown column", to_json([{**whole, "no_such_column": 1}]), JSON, "refused", "no_such_column"),
    ]


def type_requests(features: Sequence[Facts], base: Sequence[str]) -> list[Request]:
    """Text for a number, a number for text."""
    requests = []
    for place, column in enumerate(features):
        name = str(column["name"])
        if column["type"] != "string":
            digits = to_json([{**instance(features, base), name: 10**400}])
            requests.append(Request(f"a number of 401 digits for {name}", digits, JSON, "either"))
            requests.append(Request(f"text for {name}", to_line(changed(base, place, "abc")), CSV, "refused", name))
        wrong: object = 7 if column["type"] == "string" else "abc"
        body = to_json([{**instance(features, base), name: wrong}])
        requests.append(Request(f"{wrong!r} for {name}", body, JSON, "refused", name))
    return requests


def range_requests(features: Sequence[Facts], place: int, base: Sequence[str]) -> list[Request]:
    """Values that the schema would quarantine in a file: an endpoint may answer them, and may refuse them."""
    column = features[place]
    name, cells = str(column["name"]), {}
    if column["type"] == "string":
        if "allowed" in column or "max_length" in column:
            cells["not allowed"] = "x" * (int(column.get("max_length", 0)) + 1)
    else:
        cells["enormous"] = "1e39"
        if column.get("min") is not None:
            cells["below its minimum"] = f"{column['min'] - 1}"
        if column.get("max") is not None:
            cells["above its maximum"] = f"{column['max'] + 1}"
    return [
        Request(f"{name} {what}", to_line(changed(base, place, cell)), CSV, "either") for what, cell in cells.items()
    ]


def odd_requests(features: Sequence[Facts], base: Sequence[str]) -> list[Request]:
    """What no caller should send, and some caller will."""
    texts = [place for place, column in enumerate(features) if column["type"] == "string"]
    place = texts[0] if texts else 0
    name, strange = features[place]["name"], "Zürich ✈ 東京 \U0001f6eb"
    unicode_agreed = "either" if texts else "refused"
    return [
        Request(f"unicode in {name}", to_line(changed(base, place, strange)), CSV, unicode_agreed),
        Request(
            f"unicode in {name} (JSON)", to_json([{**instance(features, base), name: strange}]), JSON, unicode_agreed
        ),
        Request(f"200,000 characters in {name}", to_line(changed(base, place, "x" * 200_000)), CSV, "either"),
        Request("bytes that are not UTF-8", b"\xff\xfe\x00" + to_line(base), CSV, "refused"),
        Request("nothing", b"", CSV, "refused"),
        Request("nothing (JSON)", b"", JSON, "refused"),
        Request("broken JSON", b'{"instances": [', JSON, "refused"),
        Request("deeply nested JSON", b"[" * 100_000, JSON, "refused"),
        Request("another content type", b"a picture", "image/png", "refused", "image/png"),
        Request("more than 6 MiB", oversized(base), CSV, "refused"),
    ]


def oversized(base: Sequence[str]) -> bytes:
    """Good rows, but for the last, whose cell too many has it refused even by a service that takes more than 6 MiB."""
    line = to_line(base) + b"\n"
    return line * (PAYLOAD_MAX_BYTES // len(line) + 1) + to_line([*base, "1"])


def to_json(instances: Sequence[Any]) -> bytes:
    """Instances as a caller would send them."""
    return json.dumps({"instances": list(instances)}, ensure_ascii=False).encode()


def instance(features: Sequence[Facts], row: Sequence[str]) -> dict[str, Any]:
    """A row by name, in JSON's types."""
    return {str(column["name"]): typed(column, cell) for column, cell in zip(features, row, strict=True)}


def typed(column: Facts, cell: str) -> object:
    """A cell in JSON's types."""
    if cell == "":
        return None
    if column["type"] == "string":
        return cell
    return int(float(cell)) if column["type"] == "integer" else float(cell)


def changed(row: Sequence[str], place: int, cell: str) -> list[str]:
    """A row with another cell."""
    return [*row[:place], cell, *row[place + 1 :]]
