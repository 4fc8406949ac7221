"""A laboratory for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.emulator.lambda_.laboratory import Laboratory, laboratory


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Laboratory]:
    found = laboratory(tmp_path)
    found.create()
    yield found
    found.world.close()
