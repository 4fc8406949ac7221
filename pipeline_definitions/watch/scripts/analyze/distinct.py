"""How many different values there are, in bounded memory: the k smallest hashes tell how dense all hashes lie."""

from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, Any]

EXACT: Final = 4096
"""Below so many the count is exact; beyond, its standard error is 1.6 %."""
_AT_ONCE: Final = 65_536


class Distinct:
    """Counts distinct values by their 64-bit hashes (Bar-Yossef et al., 2002)."""

    def __init__(self) -> None:
        self._smallest = np.empty(0, np.uint64)

    def update(self, hashes: Array) -> None:
        """Take values in. Shape: values; uint64."""
        for start in range(0, len(hashes), _AT_ONCE):
            some = hashes[start : start + _AT_ONCE]
            if len(self._smallest) == EXACT:
                some = some[some < self._smallest[-1]]
            if len(some):
                ordered = np.sort(np.concatenate([self._smallest, some]))  # np.unique is slower
                self._smallest = ordered[np.append(True, ordered[1:] != ordered[:-1])][:EXACT]

    @property
    def count(self) -> int:
        """How many there are, or about."""
        if len(self._smallest) < EXACT:
            return len(self._smallest)
        return round((EXACT - 1) / (float(self._smallest[-1]) / 2**64))
