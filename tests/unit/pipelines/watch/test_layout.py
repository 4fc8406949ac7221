"""Which ranks a sketch of sorted values keeps is known from their number alone."""

import numpy as np
import pytest

from pipeline_definitions.watch.scripts.analyze.sketch import Sketch
from pipeline_definitions.watch.scripts.analyze_spark import layout


@pytest.mark.parametrize("count", [1, 2, 2049, 2050, 2051, 4100, 4101, 20_000, 65_537, 999_999])
def test_it_is_what_the_sketch_keeps(count: int) -> None:
    sketch = Sketch()
    sketch.update(np.arange(count, dtype=float))

    found = layout.of(count)

    assert [level.tolist() for level in sketch.levels] == [list(map(float, level)) for level in found.levels]
    assert found.error == sketch.error


def test_of_a_billion_values_it_is_found_at_once() -> None:
    found = layout.of(10**9 + 1)

    assert sum(len(level) << height for height, level in enumerate(found.levels)) == 10**9 + 1
    assert found.error < 0.002
