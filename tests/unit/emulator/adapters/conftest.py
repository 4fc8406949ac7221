"""moto behind our seams, and a clock under it."""

from collections.abc import Iterator

import pytest

from emulator.adapters import moto_clock
from emulator.adapters.moto_services import MotoServices
from emulator.kernel.clock import KernelClock
from tests.support.clocks import FakeClock
from tests.support.emulator import ACCOUNT_ID


@pytest.fixture(scope="module")
def services() -> MotoServices:
    """A moto of this module's own."""
    return MotoServices(ACCOUNT_ID)


@pytest.fixture
def clock() -> Iterator[FakeClock]:
    """A clock under moto that a test moves."""
    found = FakeClock()
    moto_clock.install(found)
    yield found
    moto_clock.install(KernelClock())
