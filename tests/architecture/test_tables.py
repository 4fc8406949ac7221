"""A file that joins its siblings is in their table; a behaviour says where we know it from."""

import ast
import importlib
import re
from pathlib import Path

import pytest

from emulator.services.cloudformation.resources import TYPES
from tests.support.emulator import REPOSITORY

RESOURCES = REPOSITORY / "emulator" / "services" / "cloudformation" / "resources"
SEMANTICS = REPOSITORY / "emulator" / "semantics"
RESOURCE_FILES = sorted(path.stem for path in RESOURCES.glob("*.py") if path.stem != "__init__")
BEHAVIOURS = sorted(SEMANTICS.rglob("*.py"))


def _constants(path: Path) -> dict[str, str]:
    """The texts that a module assigns to names at its top level."""
    return {
        target.id: str(ast.literal_eval(node.value))
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.Assign) and _is_text(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@pytest.mark.parametrize("name", RESOURCE_FILES)
def test_every_resource_type_is_in_the_table_under_the_name_of_its_file(name: str) -> None:
    found = importlib.import_module(f"emulator.services.cloudformation.resources.{name}").TYPE

    assert TYPES[found.name] is found
    _, service, kind = found.name.split("::")
    assert f"{service}{kind}".lower() == name.replace("_", "")


def test_the_table_has_nothing_else() -> None:
    assert len(TYPES) == len(RESOURCE_FILES)


def test_a_behaviour_that_has_a_name_has_a_source_with_the_date_of_reading() -> None:
    unsourced = [
        path.relative_to(REPOSITORY).as_posix()
        for path in BEHAVIOURS
        if "AWS_NAME" in _constants(path)
        and not re.search(r"\(read \d{4}-\d{2}-\d{2}\)", _constants(path).get("SOURCE", ""))
    ]

    assert unsourced == []


def test_a_source_or_a_difference_without_a_name_is_nobodys() -> None:
    nameless = [
        path.relative_to(REPOSITORY).as_posix()
        for path in BEHAVIOURS
        if _constants(path).keys() & {"SOURCE", "DIFFERS"} and "AWS_NAME" not in _constants(path)
    ]

    assert nameless == []


def test_every_service_has_a_table_of_operations_that_botocore_knows() -> None:
    from emulator.adapters import wire

    names = {
        "application_autoscaling": "application-autoscaling",
        "lambda_": "lambda",
        "sagemaker_runtime": "sagemaker-runtime",
    }
    for path in sorted((REPOSITORY / "emulator" / "services").iterdir()):
        if (path / "__init__.py").exists():
            operations = importlib.import_module(f"emulator.services.{path.name}").OPERATIONS
            model = wire._model(names.get(path.name, path.name))
            assert set(operations) <= set(model.operation_names)
