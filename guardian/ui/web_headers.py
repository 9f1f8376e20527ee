"""What the web process adds to every answer: security headers, caching, and pages under their plain paths."""

import base64
import hashlib
import re
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from typing import TypeAlias

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HeaderList: TypeAlias = tuple[tuple[str, str], ...]

# Vite puts a hash of the content into these names.
_HASHED = "/assets/"
_FOREVER = "public, max-age=31536000, immutable"
_ASK = "no-cache"  # kept, but asked for each time: the answer is 304 with an ETag
_NEVER = "no-store"
_PRIVATE = ("/api/", "/auth/", "/health/", "/metrics")
_DOCS = "/api/docs"
# The page of the API's documentation has an inline script that names the API, and loads all else from here.
_DOCS_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# What is no page does nothing, should a browser take it for one.
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"

# Pages that are named by what they show: not one of them is built, all are made in the browser by this one.
_MADE = re.compile(r"/requests/[^/.]+")
_MAKER = "/__spa-fallback.html"

_SCRIPT = re.compile(rb"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)

_ALWAYS: HeaderList = (
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("x-frame-options", "DENY"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=(), payment=()"),
    ("cross-origin-opener-policy", "same-origin"),
)


class PagePaths:
    """ASGI middleware: /dashboard is the page built as dashboard.html, answered without a redirect to /dashboard/.

    A page below /requests/ is answered by the one that makes it.
    """

    def __init__(self, app: ASGIApp, *, pages: Path) -> None:
        self._app = app
        self._pages = frozenset(
            "/" + path.relative_to(pages).with_suffix("").as_posix() for path in pages.rglob("*.html")
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            path = scope["path"].rstrip("/")
            if path in self._pages:
                scope = {**scope, "path": f"{path}.html"}
            elif _MADE.fullmatch(path):
                scope = {**scope, "path": _MAKER}
        await self._app(scope, receive, send)


class WebHeaders:
    """ASGI middleware around the whole web process. `policy` is the Content-Security-Policy of the pages."""

    def __init__(self, app: ASGIApp, *, policy: str, https: bool) -> None:
        self._app = app
        self._policy = policy
        self._always = (*_ALWAYS, ("strict-transport-security", "max-age=31536000")) if https else _ALWAYS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message), scope["path"], message["status"])
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _add(self, headers: MutableHeaders, path: str, status: int) -> None:
        for name, value in self._always:
            headers.setdefault(name, value)
        if path.startswith(_DOCS):
            policy = _DOCS_POLICY
        elif headers.get("content-type", "").startswith("text/html"):
            policy = self._policy
        else:
            policy = _DATA_POLICY
        # A browser puts the headers of a 304 over those of the page that it has kept: that one's policy must stay.
        if status != HTTPStatus.NOT_MODIFIED:
            headers.setdefault("content-security-policy", policy)
        headers.setdefault("cache-control", _caching(path, status))


def _caching(path: str, status: int) -> str:
    if path.startswith(_PRIVATE) or status >= 400:
        return _NEVER
    return _FOREVER if path.startswith(_HASHED) else _ASK


def content_policy(pages: Path, origins: Iterable[str]) -> str:
    """The policy of the built pages: our own files, and the inline scripts that the build wrote, by their hashes.

    `origins` are the addresses of the web process (http or https), which its WebSocket shares.
    """
    sockets = " ".join(sorted({re.sub(r"^http", "ws", origin) for origin in origins}))
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' {' '.join(_inline_scripts(pages))}".rstrip(),
            # Toasts, icons and Plotly set styles from scripts.
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            f"connect-src 'self' {sockets}",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def _inline_scripts(pages: Path) -> list[str]:
    found: set[str] = set()
    for path in pages.rglob("*.html"):
        for script in _SCRIPT.findall(path.read_bytes()):
            digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
            found.add(f"'sha256-{digest}'")
    return sorted(found)
