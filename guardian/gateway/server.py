"""The gateway's server: makes the parts when it starts, and ends them in order when it stops."""

import asyncio
import gc
from typing import Any

import structlog
import uvicorn

from guardian.config import Settings
from guardian.errors import GuardianError, JournalFull
from guardian.gateway.admission import Admission, Receive, Scope
from guardian.gateway.app import Gateway, Send
from guardian.gateway.calls import Calls
from guardian.gateway.directory import Directory
from guardian.gateway.health import Health
from guardian.gateway.holds import Holds
from guardian.gateway.http.pool import Limits, Pool
from guardian.gateway.observed_limits import ObservedLimits
from guardian.journal.intents import Intents
from guardian.journal.places import own_folder
from guardian.journal.shipper import Shipper
from guardian.journal.writing import Journal
from guardian.pricing.sheets import sheets

# Streams may last; after a signal they have this long to end.
_STOP_SECONDS = 30
_BACKLOG = 4_096
_COLLECTED = (20_000, 20, 50)

log = structlog.get_logger(__name__)


class Application:
    """The ASGI application: the lifespan, and everything else by the Gateway that it makes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._gateway: Gateway | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._gateway is not None:
            await self._gateway(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        settings = self._settings
        parent = settings.guardian_data_dir / "journal" / "gateway"
        try:
            place = own_folder(parent)
            journal = Journal(place.path, settings.guardian_journal_max_bytes)
            journal.start()
            intents = Intents(place.path)
            await _take_over(intents, journal)
        except (GuardianError, OSError) as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        shipper = Shipper(place.path)
        shipper.start()
        directory = Directory(settings.require_redis_url())
        directory.start()
        pool = Pool(_limits(settings), allowed=settings.outbound_allowlist)
        holds = Holds(settings.require_redis_url(), directory.budgets, progress=lambda: journal.progress)
        holds.start()
        limits = ObservedLimits(settings.require_redis_url())
        limits.start()
        admission = Admission(
            directory,
            holds,
            journal,
            most_journal=settings.guardian_journal_max_bytes,
            most_body=settings.guardian_gateway_max_body_bytes,
        )
        calls = Calls(admission, pool, journal, intents, holds, limits)
        self._gateway = Gateway(Health(settings, journal), admission, calls, pool, journal)
        await asyncio.to_thread(warm_up)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await calls.close()
        await holds.close()
        await limits.close()
        await pool.close()
        await directory.close()
        await asyncio.to_thread(journal.close)
        intents.close()
        await asyncio.to_thread(shipper.close)
        place.release()
        await send({"type": "lifespan.shutdown.complete"})


async def _take_over(intents: Intents, journal: Journal) -> None:
    """Write down the calls that a process before this one was stopped in: those with an outcome have it by now."""
    found = intents.start()
    if not found:
        return
    try:
        await journal.commit(*found.values())
    except JournalFull:
        return  # they stay for the next start
    for slot in found:
        intents.clear(slot)
    log.warning("gateway.calls_without_outcome", calls=len(found))


def warm_up() -> None:
    """Read the price lists, which takes a second, and keep the collector off what stays for good.

    A full collection of them and all modules stops every call for 130 ms; of what calls make, nearly all is freed by
    its last reference.
    """
    sheets()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTED)


def _limits(settings: Settings) -> Limits:
    return Limits(first_byte=settings.guardian_gateway_first_byte_seconds, idle=settings.guardian_gateway_idle_seconds)


def serve(settings: Settings) -> None:
    """Serve on GUARDIAN_HOST and GUARDIAN_GATEWAY_PORT until SIGTERM or SIGINT, letting open requests end."""
    options: dict[str, Any] = {
        "loop": "uvloop",
        "http": "httptools",
        "ws": "none",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "lifespan": "on",
        "date_header": False,
        "proxy_headers": False,
    }
    uvicorn.run(
        Application(settings),
        host=settings.guardian_host,
        port=settings.guardian_gateway_port,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_STOP_SECONDS,
        timeout_keep_alive=75,
        **options,
    )
