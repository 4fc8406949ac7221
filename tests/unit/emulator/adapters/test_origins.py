"""Programs on this machine are welcome; web pages are not."""

import pytest

from emulator.adapters import origins


@pytest.mark.parametrize("host", ["localhost", "localhost:4599", "127.0.0.1:4599", "[::1]:80", "bucket.localhost:4599"])
def test_a_loopback_host_is_welcome(host: str) -> None:
    assert origins.refusal(host, None) is None


@pytest.mark.parametrize(
    "host", ["", "evil.example", "localhost.evil.example:4599", "169.254.169.254", "[", "10.0.0.1:80"]
)
def test_a_host_that_was_rebound_is_refused(host: str) -> None:
    assert "Host" in str(origins.refusal(host, None))


@pytest.mark.parametrize(
    ("origin", "is_welcome"), [("http://localhost:8000", True), ("https://evil.example", False), ("null", False)]
)
def test_a_page_of_another_site_is_refused(origin: str, is_welcome: bool) -> None:
    assert (origins.refusal("localhost", origin) is None) is is_welcome


def test_who_is_exposed_lets_addresses_in_but_no_names_and_no_pages() -> None:
    assert origins.refusal("10.0.0.1:4599", None, is_open=True) is None
    assert "Host" in str(origins.refusal("evil.example", None, is_open=True))
    assert "Origin" in str(origins.refusal("10.0.0.1:4599", "http://evil.example", is_open=True))
