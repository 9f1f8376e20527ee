"""Serves the web process: built pages, their WebSocket and the REST API, on one port, from one process, without npm."""

import asyncio
import gc
import logging
import os
import sys
from importlib import import_module
from typing import Any, cast

import structlog
import uvicorn
from reflex.constants import Env
from reflex.environment import environment
from starlette.types import ASGIApp

from guardian import config, telemetry
from guardian.config import Settings
from guardian.errors import ConfigurationError
from guardian.journal.places import journal_folders
from guardian.journal.positions import waiting_bytes
from guardian.ui import build
from guardian.ui.cookie import SealedCookie
from guardian.ui.same_origin import allowed_origins
from guardian.ui.web_headers import PagePaths, WebHeaders, content_policy

# How long open requests may take to end after SIGTERM; WebSockets are closed at once.
GRACE_SECONDS = 5
_COLLECTED = (20_000, 20, 50)  # the same as the gateway's

log = structlog.get_logger(__name__)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises ConfigurationError when the pages are not built, or Redis is not named."""
    application = application_for(settings)
    _rarely_collect()
    options = uvicorn.Config(
        application,
        host=settings.guardian_host,
        port=settings.guardian_port,
        lifespan="on",
        ws="wsproto",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=30,
    )
    # Its lines for WebSockets name the tokens of tabs.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    log.info("web.starting", host=settings.guardian_host, port=settings.guardian_port, url=settings.base_url)
    with telemetry.telling("web", port=settings.guardian_port, journal=_waiting_events):
        asyncio.run(uvicorn.Server(options).serve())


def _waiting_events() -> tuple[int, int]:
    """Bytes of events that wait for the database, with what earlier processes have left, and how many may wait."""
    found = config.settings()
    folders = journal_folders(found.guardian_data_dir / "journal" / "ingest")
    return sum(waiting_bytes(folder) for folder in folders), found.guardian_journal_max_bytes


def _rarely_collect() -> None:
    """Keep the collector off the modules and price lists: it took a third of the time of a page with large sums."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTED)


def application_for(settings: Settings) -> ASGIApp:
    """The whole web process as one ASGI application, with nothing built or downloaded."""
    settings.require_database_url()
    settings.require_redis_url()
    settings.require_encryption_key()
    if not build.is_built():
        raise ConfigurationError("The pages are not built. Build them once: python -m guardian.ui.build")
    if not build.is_current():
        log.warning("web.pages_are_old", message="The code is newer than the built pages: python -m guardian.ui.build")
    _prepare(settings)
    rx_app: Any = import_module("guardian.app").app
    application = PagePaths(SealedCookie(cast("ASGIApp", rx_app())), pages=build.PAGES)
    # Events go past the pages' layers: those would cost as much again as all that is done with an event by itself.
    application = cast("ASGIApp", rx_app.api_transformer.state.front_door.before(application))
    policy = content_policy(build.PAGES, allowed_origins(settings))
    return WebHeaders(application, policy=policy, https=settings.base_url.startswith("https:"))


def _prepare(settings: Settings) -> None:
    """Reflex reads its configuration from the working directory and its mode from the environment."""
    os.environ["GUARDIAN_DATA_DIR"] = str(settings.guardian_data_dir.resolve())
    config.settings.cache_clear()
    os.chdir(build.ROOT)
    if str(build.ROOT) not in sys.path:
        sys.path.insert(0, str(build.ROOT))
    environment.REFLEX_ENV_MODE.set(Env.PROD)
    environment.REFLEX_SKIP_COMPILE.set(True)
    environment.REFLEX_MOUNT_FRONTEND_COMPILED_APP.set(True)
