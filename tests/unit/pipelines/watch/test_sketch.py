"""The quantile sketch: Deequ's compactions, and an error that is never above what it says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_definitions.watch.scripts.analyze.distances import exact, numeric
from pipeline_definitions.watch.scripts.analyze.sketch import Sketch, capacity


def test_capacities_are_deequs() -> None:
    assert [capacity(height) for height in range(5)] == [2050, 1314, 842, 540, 346]


def test_a_full_level_gives_every_other_value_away_and_flips_every_second_time() -> None:
    sketch = Sketch(size=2, shrink=0.5)  # levels hold 4, 4, 4, …
    kept = []
    for value in range(20):
        sketch.update(np.array([float(value)]))
        kept.append([level.tolist() for level in sketch.levels])

    assert kept[3] == [[0, 1, 2, 3]]
    assert kept[4] == [[4], [0, 2]]  # 0 1 2 3 were sorted, the first of each two went up; the odd one stayed
    assert kept[10] == [[10], [0, 2, 5, 7, 9]]  # two levels hold 8; the second compaction takes the other half
    assert kept[13] == [[], [0, 2, 5, 7, 9, 11, 13]]  # and the third again
    assert sketch.weight == 20


def test_what_fits_is_kept_as_it_is() -> None:
    values = np.random.default_rng(1).normal(size=2050)
    sketch = Sketch()
    sketch.update(values)

    assert sketch.error == 0
    assert numeric(sketch.points(), exact(values)) == 0


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=8), st.integers(0, 9), st.sampled_from([8, 64, 2048]))
def test_no_rank_is_off_by_more_than_the_error(batches: list[int], seed: int, size: int) -> None:
    rng, sketch = np.random.default_rng(seed), Sketch(size=size)
    parts = [rng.choice([rng.normal(size=count), rng.integers(0, 9, count).astype(float)]) for count in batches]
    for part in parts:
        sketch.update(part)

    assert sketch.weight == sum(batches)
    assert numeric(sketch.points(), exact(np.concatenate(parts))) <= sketch.error + 1e-12


def test_the_same_values_give_the_same_sketch_and_it_survives_its_file() -> None:
    values = np.random.default_rng(2).normal(size=50_000)
    first, second = Sketch(), Sketch()
    for sketch in (first, second):
        sketch.update(values)
    read = Sketch.of_levels([level.tolist() for level in first.levels], first.size, first.shrink)

    assert [level.tolist() for level in first.levels] == [level.tolist() for level in second.levels]
    assert numeric(read.points(), first.points()) == 0
    assert 0 < first.error < read.error
    assert numeric(read.points(), exact(values)) == pytest.approx(0, abs=first.error + 1e-12)
