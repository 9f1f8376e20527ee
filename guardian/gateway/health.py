"""Whether the gateway runs, whether what it needs answers it, and whether somebody has to look after it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, cast
from uuid import uuid4

import psycopg
import redis.asyncio
import structlog
from redis.exceptions import RedisError

from guardian import db
from guardian.config import Settings
from guardian.gateway.http.headers import OF_OWN_ANSWERS
from guardian.journal import aside
from guardian.journal.writing import Journal
from guardian.periods import rfc3339, utcnow
from guardian.telemetry import scraping

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_CHECK_SECONDS = 2.0

log = structlog.get_logger(__name__)


class Health:
    """`/health/live` says that the process runs; `/health/ready` that both servers answer, and the journal has room.

    `warnings` there are of what stops no call.
    """

    def __init__(self, settings: Settings, journal: Journal) -> None:
        self._journal, self._folder = journal, settings.guardian_data_dir / "journal" / "gateway"
        self._database_url = db.engine_url(settings.require_database_url()).replace("+psycopg", "", 1)
        self._redis_url = settings.require_redis_url()

    async def respond(self, scope: Scope, send: Send) -> None:
        path = scope["path"]
        if path == "/metrics":
            await _answer_scrape(scope, send)
            return
        request_id = _header(scope, b"x-request-id") or str(uuid4())
        if path == "/health/live":
            await _answer(send, 200, _healthy({}, request_id), request_id)
        elif path == "/health/ready":
            checks = await self._checks()
            missing = [name for name, word in checks.items() if word != "ok"]
            if missing:
                body = _failed(f"Not ready: {', '.join(missing)}.", "UNAVAILABLE", request_id, checks)
                await _answer(send, 503, {**body, "retryAfter": 5}, request_id, retry_after=5)
            else:
                warnings = [aside.WARNING] if aside.any_below(self._folder) else []
                await _answer(send, 200, _healthy(checks, request_id, warnings), request_id)
        else:
            await _answer(send, 404, _failed("Not found", "NOT_FOUND", request_id), request_id)

    async def _checks(self) -> dict[str, str]:
        names = {"database": self._ask_database(), "redis": self._ask_redis()}
        words = await asyncio.gather(*(_checked(name, check) for name, check in names.items()))
        return {**dict(zip(names, words, strict=True)), "journal": "full" if self._journal.is_full else "ok"}

    async def _ask_database(self) -> None:
        connection = await psycopg.AsyncConnection.connect(self._database_url, connect_timeout=2)
        async with connection:
            await connection.execute("SELECT 1")

    async def _ask_redis(self) -> None:
        async with redis.asyncio.Redis.from_url(self._redis_url, socket_connect_timeout=_CHECK_SECONDS) as client:
            await cast("Awaitable[bool]", client.ping())


async def _answer_scrape(scope: Scope, send: Send) -> None:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    allowed = scraping.may_scrape(scope["exchange"].peer, headers)
    # Reading the process's own figures from /proc would hold up calls.
    content = await asyncio.to_thread(scraping.scraped) if allowed else scraping.REFUSED.encode()
    sent = [
        (b"content-type", scraping.CONTENT_TYPE.encode() if allowed else b"text/plain"),
        (b"content-length", str(len(content)).encode()),
        *OF_OWN_ANSWERS,
    ]
    await send({"type": "http.response.start", "status": 200 if allowed else 403, "headers": sent})
    await send({"type": "http.response.body", "body": content})


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


def _healthy(checks: dict[str, str], request_id: str, warnings: Sequence[str] = ()) -> dict[str, Any]:
    """What the web process answers too."""
    metadata = {"timestamp": rfc3339(utcnow()), "requestId": request_id}
    return {"success": True, "data": {"status": "ok", "checks": checks, "warnings": warnings}, "metadata": metadata}


def _failed(error: str, code: str, request_id: str, details: dict[str, str] | None = None) -> dict[str, Any]:
    return {"success": False, "error": error, "code": code, "details": details, "requestId": request_id}


async def _answer(
    send: Send, status: int, body: dict[str, Any], request_id: str, *, retry_after: int | None = None
) -> None:
    content = json.dumps(body).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        *OF_OWN_ANSWERS,
        (b"x-request-id", request_id.encode("latin-1")),
    ]
    if retry_after is not None:
        headers.append((b"retry-after", str(retry_after).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
