"""The served web process: what it answers with, what a browser loads from it, how it ends."""

import gzip
import json
import signal
from collections.abc import Callable
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from playwright.sync_api import BrowserContext

from tests.ui.conftest import Web

KB = 1024
# What the product promises: JavaScript of the first page, and the whole first load of the dashboard, before charts.
MOST_SCRIPT, MOST_TRANSFER = 250 * KB, 400 * KB


def _get(web: Web, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    try:
        with urlopen(Request(web.url + path, headers=headers), timeout=10) as answer:
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
    except HTTPError as error:
        return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()


def test_answers_and_their_headers(web: Web) -> None:
    status, headers, body = _get(web, "/dashboard")
    assert (status, headers["cache-control"]) == (200, "no-cache")
    assert b"Dashboard" in body
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert "unsafe" not in policy["script-src"]
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert "access-control-allow-origin" not in headers

    unchanged, kept, _ = _get(web, "/dashboard", **{"If-None-Match": headers["etag"]})
    assert unchanged == 304
    # What a 304 says replaces what was kept with the page: a policy for data would shut the page down.
    assert "content-security-policy" not in kept

    assert _get(web, "/")[1]["content-security-policy"] == headers["content-security-policy"]
    script = next(part for part in body.decode().split('"') if part.startswith("/assets/") and part.endswith(".js"))
    status, headers, body = _get(web, script, **{"Accept-Encoding": "gzip"})
    assert (status, headers["content-encoding"]) == (200, "gzip")
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert gzip.decompress(body)

    status, headers, _ = _get(web, "/no-such-page")
    assert (status, headers["cache-control"]) == (404, "no-store")
    status, headers, body = _get(web, "/api/v1/no-such-route")
    assert (status, headers["content-type"]) == (404, "application/json")
    assert json.loads(body)["code"] == "NOT_FOUND"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    for path in ("/api/openapi.json", "/health/live", "/metrics", "/theme.css", "/api/v1/keys"):
        assert _get(web, path)[1]["content-security-policy"].startswith("default-src 'none'"), path
    status, headers, _ = _get(web, "/api/docs")
    assert (status, "unsafe-eval" in headers["content-security-policy"]) == (200, False)
    assert "strict-transport-security" not in headers


def test_a_page_of_another_site_cannot_open_the_websocket(web: Web, context: BrowserContext) -> None:
    tab = context.new_page()
    opened = tab.evaluate(
        """url => new Promise(done => {
            const socket = new WebSocket(url.replace("http", "ws") + "/_event/?EIO=4&transport=websocket");
            socket.onmessage = () => done(true);
            socket.onerror = socket.onclose = () => done(false);
        })""",
        web.url,
    )
    assert opened is False


def test_the_first_load_of_the_dashboard_is_small(
    web: Web, context: BrowserContext, signed_in: str, record_property: Callable[[str, object], None]
) -> None:
    web.sign_in(context, signed_in)
    tab = context.new_page()
    devtools = context.new_cdp_session(tab)
    devtools.send("Network.enable")
    names: dict[str, str] = {}
    sizes: dict[str, int] = {}
    devtools.on("Network.responseReceived", lambda e: names.__setitem__(e["requestId"], e["response"]["url"]))
    devtools.on("Network.loadingFinished", lambda e: sizes.__setitem__(e["requestId"], e["encodedDataLength"]))
    tab.goto(f"{web.url}/dashboard")
    tab.get_by_test_id("total-spend").wait_for()
    tab.locator(".js-plotly-plot .bars").first.wait_for()
    loaded = {names[request]: size for request, size in sizes.items() if "plotly" not in names.get(request, "plotly")}
    script = sum(size for url, size in loaded.items() if url.endswith(".js"))
    record_property("first_load_bytes", sum(loaded.values()))
    record_property("first_load_script_bytes", script)
    assert 10 * KB < script < MOST_SCRIPT
    assert sum(loaded.values()) < MOST_TRANSFER


def test_it_ends_in_order_with_a_page_open(own_web: Web, context: BrowserContext, signed_in: str) -> None:
    own_web.sign_in(context, signed_in)
    tab = context.new_page()
    tab.goto(f"{own_web.url}/dashboard")
    tab.get_by_test_id("total-spend").wait_for()
    assert own_web.stop() in (0, -signal.SIGTERM)
    assert "Traceback" not in own_web.log
    tab.get_by_text("Offline.").wait_for()
