"""A process from its start to its end: it reports itself, and can be scraped."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache

from prometheus_client import REGISTRY

from guardian.config import settings
from guardian.telemetry.figures import Figures
from guardian.telemetry.scraping import Exporter, ProcessCollector
from guardian.telemetry.snapshots import Journal, Reporter


@lru_cache(maxsize=1)
def figures() -> Figures:
    """Those of this process."""
    return Figures()


@contextmanager
def telling(kind: str, *, port: int | None = None, journal: Journal | None = None) -> Generator[Figures]:
    """Report this process, and let it be scraped, until the block ends.

    `port` is where it answers /metrics itself; None gives it a server of its own (GUARDIAN_METRICS_PORT). Raises
    ConfigurationError where no Redis is named.
    """
    found, ours = settings(), figures()
    exporter = Exporter.start(found) if port is None else None
    address = f"{found.guardian_host}:{port}" if port is not None else exporter.address if exporter else None
    reporter = Reporter(kind, ours, metrics=address, journal=journal)
    collector = ProcessCollector(kind, ours, journal)
    REGISTRY.register(collector)
    reporter.start()
    try:
        yield ours
    finally:
        reporter.close()
        REGISTRY.unregister(collector)
        if exporter is not None:
            exporter.close()
