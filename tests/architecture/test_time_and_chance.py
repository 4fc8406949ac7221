"""Time and chance come in through the kernel: a check of the syntax trees, with each exception and its reason."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.emulator import REPOSITORY

ROOTS = ("driftloop", "emulator", "infra", "lambdas", "pipeline_definitions", "tests")
MAY_SLEEP = {
    "driftloop/commands/demo.py": "waits for a person to approve",
    "driftloop/commands/down.py": "waits for a process that is not its child",
    "driftloop/commands/experiment.py": "waits for an experiment of AWS to begin",
    "driftloop/commands/follow.py": "follows runs of AWS, which tell nobody here that they ended",
    "driftloop/commands/up.py": "asks a starting emulator until it answers",
}
MAY_ASK_THE_TIME = {
    "emulator/kernel/clock.py": "is the clock",
}
MAY_DRAW = {
    "driftloop/client.py": "names the requests of callers who give them no inference id",
    "driftloop/commands/demo.py": "draws a seeded sample of flights, the same each time",
    "driftloop/commands/experiment.py": "draws a seeded sample of each day's flights",
    "driftloop/season/flights.py": "draws a seeded sample of each day's flights",
    "emulator/kernel/ids.py": "is where chance lives",
}
TESTS_MAY_DRAW = "tests/"
"""Names of their own, so that tests that share an emulator do not meet."""


def _files() -> Iterator[Path]:
    for root in ROOTS:
        yield from (path for path in sorted((REPOSITORY / root).rglob("*.py")) if "node_modules" not in path.parts)


def _uses(path: Path) -> Iterator[tuple[str, ast.expr]]:
    """Every dotted name that a file uses, with what `import as` and `from import` hide put back."""
    tree = ast.parse(path.read_text("utf-8"))
    names = {name: whole for node in ast.walk(tree) for name, whole in _imported(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            head, _, rest = ast.unparse(node).partition(".")
            yield ".".join(filter(None, (names.get(head, head), rest))), node


def _imported(node: ast.AST) -> Iterator[tuple[str, str]]:
    """What an import binds: the name here, and what it stands for."""
    if isinstance(node, ast.Import):
        for item in node.names:
            top = item.name.split(".")[0]
            yield (item.asname, item.name) if item.asname else (top, top)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield from ((item.asname or item.name, f"{node.module}.{item.name}") for item in node.names)


def _files_that_use(*names: str) -> set[str]:
    return {
        path.relative_to(REPOSITORY).as_posix() for path in _files() if any(name in names for name, _ in _uses(path))
    }


def test_nothing_sleeps_but_what_polls_aws() -> None:
    assert _files_that_use("time.sleep", "asyncio.sleep") == MAY_SLEEP.keys()


def test_nothing_asks_for_a_naive_time() -> None:
    naive = [path.relative_to(REPOSITORY).as_posix() for path in _files() if any(map(_is_naive, _calls(path)))]

    assert naive == []
    assert _files_that_use("datetime.datetime.utcnow", "datetime.datetime.utcfromtimestamp") == set()


def _calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))


def _is_naive(call: ast.Call) -> bool:
    """Whether it is `datetime.now()` or `datetime.fromtimestamp(x)`, without a zone."""
    name = ast.unparse(call.func)
    for ending, has_zone_from in (("datetime.now", 1), ("datetime.fromtimestamp", 2)):
        if name.endswith(ending):
            return len(call.args) < has_zone_from and not any(word.arg == "tz" for word in call.keywords)
    return False


def test_the_emulator_asks_the_time_of_its_clock_only() -> None:
    asking = _files_that_use("datetime.datetime.now", "datetime.date.today")

    assert {path for path in asking if path.startswith("emulator/")} == MAY_ASK_THE_TIME.keys()


def test_chance_is_drawn_in_one_place() -> None:
    drawing = _files_that_use("random.Random", "secrets.randbits", "uuid.uuid1", "uuid.uuid4")

    assert {path for path in drawing if not path.startswith(TESTS_MAY_DRAW)} == MAY_DRAW.keys()


@pytest.mark.parametrize("package", ["random", "secrets", "time", "threading", "subprocess", "socket", "boto3", "os"])
def test_semantics_have_neither_chance_clock_thread_process_nor_network(package: str) -> None:
    importing = [
        path.relative_to(REPOSITORY).as_posix()
        for path in sorted((REPOSITORY / "emulator" / "semantics").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if package in {whole.split(".")[0] for _, whole in _imported(node)}
    ]

    assert importing == []
