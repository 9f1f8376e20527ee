"""The gateway's server: makes the parts when it starts, and ends them in order when it stops."""

import asyncio
import gc
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import structlog
import uvloop

from guardian import telemetry
from guardian.config import Settings
from guardian.errors import JournalFull
from guardian.gateway.admission import Admission
from guardian.gateway.app import Gateway
from guardian.gateway.calls import Calls
from guardian.gateway.directory import Directory
from guardian.gateway.health import Health
from guardian.gateway.holds import Holds
from guardian.gateway.http.pool import Limits, Pool
from guardian.gateway.observed_limits import ObservedLimits
from guardian.gateway.serving import Listening
from guardian.journal.intents import Intents
from guardian.journal.places import own_folder
from guardian.journal.shipper import Shipper
from guardian.journal.writing import Journal
from guardian.pricing.sheets import sheets

# Streams may last; after a signal they have this long to end.
_STOP_SECONDS = 30
_COLLECTED = (20_000, 20, 50)

log = structlog.get_logger(__name__)


@asynccontextmanager
async def running(settings: Settings) -> AsyncGenerator[Gateway]:
    """The gateway, ready to be called, until the block ends. Raises GuardianError and OSError when it cannot begin."""
    place = own_folder(settings.guardian_data_dir / "journal" / "gateway")
    journal = Journal(place.path, settings.guardian_journal_max_bytes)
    journal.start()
    intents = Intents(place.path)
    await _take_over(intents, journal)
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
    drain_seconds = settings.guardian_gateway_drain_seconds
    calls = Calls(admission, pool, journal, intents, holds, limits, drain_seconds=drain_seconds)
    await asyncio.to_thread(warm_up)
    try:
        with telemetry.telling(
            "gateway",
            port=settings.guardian_gateway_port,
            journal=lambda: (journal.waiting_bytes, settings.guardian_journal_max_bytes),
        ) as figures:
            figures.resting = calls.resting
            yield Gateway(Health(settings, journal), admission, calls, pool, journal, figures)
    finally:
        await calls.close()
        await holds.close()
        await limits.close()
        await pool.close()
        await directory.close()
        await asyncio.to_thread(journal.close)
        intents.close()
        await asyncio.to_thread(shipper.close)
        place.release()


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
    """Serve on GUARDIAN_HOST and GUARDIAN_GATEWAY_PORT until SIGTERM or SIGINT, letting open requests end.

    A second signal lets none of them. Raises GuardianError and OSError when it cannot begin.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    listening: Listening | None = None

    def stopping() -> None:
        if stop.is_set() and listening is not None:
            listening.hurry()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):  # before anything has begun that has an end to come to
        asyncio.get_running_loop().add_signal_handler(number, stopping)
    async with running(settings) as gateway:
        listening = Listening(gateway)
        port = await listening.start(settings.guardian_host, settings.guardian_gateway_port)
        log.info("gateway.serving", host=settings.guardian_host, port=port)
        await stop.wait()
        log.info("gateway.stopping")
        if cut := await listening.close(_STOP_SECONDS):
            log.warning("gateway.calls_cut_off", calls=cut)
