"""The outermost layer of our own paths: request ids, one log line and one count per request, and a last safety net."""

import random
import re
import time
from typing import Any

import structlog
from prometheus_client import Counter, Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guardian import telemetry
from guardian.api.answers import failures
from guardian.api.answers.limit_headers import limit_headers

log = structlog.get_logger(__name__)

OWN_PATHS = ("/api/", "/auth/", "/health/")
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")

REQUESTS = Counter("aicg_http_requests", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram(
    "aicg_http_request_seconds",
    "Time to answer a request.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)


class Edge:
    """ASGI middleware. What is not ours (pages, their WebSocket, static files) passes untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not f"{scope['path']}/".startswith((*OWN_PATHS, "/metrics/")):
            await self.app(scope, receive, send)
            return
        request_id = request_id_of(scope)
        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"], state["started"] = request_id, time.perf_counter()
        status = 0

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers.setdefault("Cache-Control", "no-store")
                headers["X-Content-Type-Options"] = "nosniff"
                message["headers"] = [*message["headers"], *limit_headers(state.get("standing"))]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, observed)
            except Exception as error:
                # Every error that a route raises ends here; half an answer cannot be taken back.
                if status:
                    raise
                await failures.answer(error, request_id)(scope, receive, observed)
            finally:
                _observe(scope, status, time.perf_counter() - state["started"])


def _observe(scope: Scope, status: int, seconds: float) -> None:
    method: str = scope["method"]
    # The template, not the path: ids in labels would make a series for each.
    route: str = getattr(scope.get("route"), "path", "unmatched")
    REQUESTS.labels(method, route, str(status)).inc()
    SECONDS.labels(method, route).observe(seconds)
    telemetry.figures().note(seconds, failed=status >= 500)
    actor = scope["state"].get("actor")
    log.info(
        "http.request",
        method=method,
        route=route,
        status=status,
        ms=round(seconds * 1000, 1),
        user_id=actor.user_id if actor else None,
        organization_id=actor.organization_id if actor else None,
    )


def request_id_of(scope: Scope) -> str:
    """The caller's own id where it is one printable word of at most 128 characters, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given = value.decode("latin-1")
            return given if _REQUEST_ID.fullmatch(given) else _request_id()
    return _request_id()


def _request_id() -> str:
    """A random UUID. It is no secret: the system's own randomness, and the object, take four times as long."""
    d = f"{random.getrandbits(128):032x}"
    return f"{d[:8]}-{d[8:12]}-4{d[13:16]}-{'89ab'[int(d[16], 16) & 3]}{d[17:20]}-{d[20:]}"
