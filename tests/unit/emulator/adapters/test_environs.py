"""Our environ says what werkzeug's builder would say."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from emulator.adapters import environs
from emulator.adapters.wire import HttpRequest, werkzeug_request

PATHS = st.lists(
    st.sampled_from(["a", "b%20c", "%2F", "%C3%BC", "+", "d.csv", "~", "%25", "e=f", "(g)", "%41"]), max_size=5
).map(lambda parts: "/" + "/".join(parts))
QUERIES = st.sampled_from(["", "x=1", "uploads", "a=%20b&c=d", "key=%C3%BC", "list-type=2&prefix=a%2Fb"])
HEADERS = st.dictionaries(
    st.sampled_from(["Content-Type", "x-amz-meta-my_key", "X-Amz-Target", "Authorization", "Range", "Accept"]),
    st.sampled_from(["text/csv", "a b", "bytes=0-1", "*/*"]),
)


@given(st.sampled_from(["GET", "PUT", "POST", "HEAD", "DELETE"]), PATHS, QUERIES, HEADERS, st.binary(max_size=20))
def test_it_is_the_environ_that_werkzeug_makes(
    method: str, path: str, query: str, headers: dict[str, str], body: bytes
) -> None:
    target = path + (f"?{query}" if query else "")
    request = HttpRequest(method, target, {**headers, "Content-Length": str(len(body))}, body, "localhost:4599")

    ours, theirs = environs.of(request), werkzeug_request(request).environ

    assert ours["wsgi.input"].read() == theirs["wsgi.input"].read() == body
    assert _told(ours) == _told(theirs)


def _told(environ: dict[str, Any]) -> dict[str, Any]:
    apart = ("wsgi.input", "wsgi.errors", "werkzeug.request", "RAW_URI", "REQUEST_URI")
    return {name: value for name, value in environ.items() if name not in apart}
