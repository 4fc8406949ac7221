"""No page in a browser reaches the emulator, neither its services nor its control API."""

import urllib.error
import urllib.request

import pytest

from emulator.kernel.ports import Kernel


@pytest.mark.parametrize("path", ["/", "/_emulator/stop"])
@pytest.mark.parametrize(
    "header", [("Host", "evil.example"), ("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")]
)
def test_a_cross_site_post_is_refused_before_anything_happens(
    kernel: Kernel, path: str, header: tuple[str, str]
) -> None:
    url = kernel.endpoint_url.replace("localhost", "127.0.0.1") + path
    request = urllib.request.Request(url, b"{}", dict([header]))

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)

    assert refused.value.code == 403
    assert b"nothing was done" in refused.value.read()
