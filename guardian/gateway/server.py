"""The gateway's server: plain ASGI with its health routes; every other path answers 404 in the API's own shape."""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast
from uuid import uuid4

import psycopg
import redis.asyncio
import structlog
import uvicorn
from redis.exceptions import RedisError

from guardian import db
from guardian.config import Settings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_CHECK_SECONDS = 2.0
_STOP_SECONDS = 10

log = structlog.get_logger(__name__)


class Gateway:
    """The ASGI application. `/health/live` says that the process runs, `/health/ready` that both servers answer it."""

    def __init__(self, settings: Settings) -> None:
        self._database_url = db.engine_url(settings.require_database_url()).replace("+psycopg", "", 1)
        self._redis_url = settings.require_redis_url()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await self._respond(scope, send)

    async def _respond(self, scope: Scope, send: Send) -> None:
        path = scope["path"]
        if path == "/health/live":
            await _answer(send, 200, {"status": "live"})
        elif path == "/health/ready":
            checks = await self._checks()
            ready = all(word == "ok" for word in checks.values())
            await _answer(
                send, 200 if ready else 503, {"status": "ready" if ready else "unavailable", "checks": checks}
            )
        else:
            request_id = _header(scope, b"x-request-id") or str(uuid4())
            body = {"success": False, "error": "Not found", "code": "NOT_FOUND", "requestId": request_id}
            await _answer(send, 404, body, request_id)

    async def _checks(self) -> dict[str, str]:
        names = {"database": self._ask_database(), "redis": self._ask_redis()}
        words = await asyncio.gather(*(_checked(name, check) for name, check in names.items()))
        return dict(zip(names, words, strict=True))

    async def _ask_database(self) -> None:
        connection = await psycopg.AsyncConnection.connect(self._database_url, connect_timeout=2)
        async with connection:
            await connection.execute("SELECT 1")

    async def _ask_redis(self) -> None:
        async with redis.asyncio.Redis.from_url(self._redis_url, socket_connect_timeout=_CHECK_SECONDS) as client:
            await cast("Awaitable[bool]", client.ping())


async def _checked(name: str, check: Awaitable[None]) -> str:
    """ "ok", or what is wrong in one word that tells a stranger nothing about the installation."""
    try:
        await asyncio.wait_for(check, _CHECK_SECONDS)
    except TimeoutError:
        log.warning("gateway.not_ready", check=name, error="timeout")
        return "timeout"
    except (psycopg.Error, RedisError, OSError) as error:
        log.warning("gateway.not_ready", check=name, error=str(error))
        return "unreachable"
    return "ok"


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1")[:128] for key, value in scope["headers"] if key == name), None)


async def _answer(send: Send, status: int, body: dict[str, Any], request_id: str | None = None) -> None:
    content = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    if request_id is not None:
        headers.append((b"x-request-id", request_id.encode("latin-1")))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def serve(settings: Settings) -> None:
    """Serve on GUARDIAN_HOST and GUARDIAN_GATEWAY_PORT until SIGTERM or SIGINT, letting open requests end."""
    uvicorn.run(
        Gateway(settings),
        host=settings.guardian_host,
        port=settings.guardian_gateway_port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
        server_header=False,
    )
