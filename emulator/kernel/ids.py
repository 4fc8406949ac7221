"""Identifiers in the shapes that AWS gives them. Chance lives here and nowhere else in the services."""

from __future__ import annotations

import random
import secrets
import string

_LOWER_ALNUM = string.ascii_lowercase + string.digits


class Ids:
    """Draws fresh identifiers. With a seed, the same ones each time."""

    def __init__(self, seed: int | None = None) -> None:
        self._draw = random.Random(secrets.randbits(256) if seed is None else seed)
        # no system call a draw; nothing here is a secret

    def uuid(self) -> str:
        """A random one (version 4), written out here: uuid.UUID would cost three times as much."""
        text = f"{self._draw.getrandbits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[int(text[16], 16) & 3]}{text[17:20]}-{text[20:]}"

    def alnum(self, length: int) -> str:
        """Lower-case letters and digits, as in pipeline execution ids (12) and callback tokens (10)."""
        return "".join(secrets.choice(_LOWER_ALNUM) for _ in range(length))

    def unit(self) -> float:
        """A number in [0, 1), for weighted choices."""
        return self._draw.random()
