"""What a web process exports besides its own figures: the ledger's, the queues', the cache's and the database's."""

from collections.abc import Iterable
from typing import cast

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from rq import Queue
from sqlalchemy.pool import QueuePool

from guardian import db, telemetry
from guardian.cache import CacheService
from guardian.errors import ConfigurationError, UnavailableError
from guardian.queue import QUEUE_NAMES, connection


class InstallationCollector(Collector):
    """Gauges that are read when they are asked for; a server that is away leaves its gauges out."""

    def describe(self) -> Iterable[Metric]:
        # Without this the registry would collect, and so reach for the database, when it is registered.
        return []

    def collect(self) -> Iterable[Metric]:
        try:
            yield from (*_cache(), _queues(), _processes())
        except (RedisError, ConfigurationError):
            yield GaugeMetricFamily("aicg_redis_up", "Whether Redis answers.", value=0)
        else:
            yield GaugeMetricFamily("aicg_redis_up", "Whether Redis answers.", value=1)
        yield from _database()


def _cache() -> Iterable[Metric]:
    cache = CacheService()
    hits, misses = cache.counts()
    yield CounterMetricFamily("aicg_cache_hits", "Look-ups that the cache answered.", value=hits)
    yield CounterMetricFamily("aicg_cache_misses", "Look-ups that it did not.", value=misses)
    if hits + misses:
        yield GaugeMetricFamily("aicg_cache_hit_ratio", "Hits ÷ look-ups of the cache.", value=hits / (hits + misses))


def _queues() -> Metric:
    jobs = GaugeMetricFamily("aicg_queue_jobs", "Jobs by what they do.", labels=["queue", "state"])
    for name in QUEUE_NAMES:
        queue = Queue(name, connection=connection())
        for state, count in (
            ("waiting", queue.count),
            ("running", queue.started_job_registry.get_job_count(cleanup=False)),
            ("scheduled", queue.scheduled_job_registry.get_job_count(cleanup=False)),
            ("failed", queue.failed_job_registry.get_job_count(cleanup=False)),
        ):
            jobs.add_metric([name, state], count)
    return jobs


def _processes() -> Metric:
    running = GaugeMetricFamily("aicg_processes", "Processes that told of themselves lately.", labels=["process"])
    kinds = [process.kind for process in telemetry.processes()]
    for kind in ("web", "gateway", "worker", "scheduler"):
        running.add_metric([kind], kinds.count(kind))
    return running


def _database() -> Iterable[Metric]:
    up = GaugeMetricFamily("aicg_database_up", "Whether PostgreSQL answers.")
    try:
        db.ping()
        pool = cast("QueuePool", db.engine().pool)
    except (UnavailableError, ConfigurationError):
        up.add_metric([], 0)
        yield up
        return
    up.add_metric([], 1)
    yield up
    used = GaugeMetricFamily("aicg_database_connections", "This process's connections.", labels=["state"])
    used.add_metric(["used"], pool.checkedout())
    used.add_metric(["idle"], pool.checkedin())
    yield used
