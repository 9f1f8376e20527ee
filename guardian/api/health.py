"""Health and metrics: what a load balancer and a monitoring system ask, without signing in."""

from collections.abc import Callable, Iterable, Sequence

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from guardian import db, queue
from guardian.api.answers.envelope import Failure, Out
from guardian.cache import CacheService
from guardian.config import settings
from guardian.errors import ConfigurationError, UnavailableError
from guardian.journal import aside
from guardian.periods import rfc3339, utcnow
from guardian.services.people import installation

router = APIRouter()


class HealthOut(Out):
    """`checks` says "ok" or what is wrong, for each server; `warnings` are of what stops no request."""

    status: str
    checks: dict[str, str]
    warnings: list[str]


def check_database() -> str:
    try:
        db.ping()
    except (UnavailableError, ConfigurationError) as error:
        return error.message
    return "ok"


def check_redis() -> str:
    try:
        queue.connection().ping()
    except RedisError:
        return "Redis does not answer."
    except ConfigurationError as error:
        return error.message
    return "ok"


_CHECKS: dict[str, Callable[[], str]] = {"database": check_database, "redis": check_redis}


@router.get("/health/live", include_in_schema=False)
async def live(request: Request) -> Response:
    """This process answers; nothing is asked of anybody else."""
    return _healthy(request, {})


@router.get("/health/ready", include_in_schema=False)
def ready(request: Request) -> Response:
    """This process can do its work: 200, or 503 with what is missing."""
    found = {name: check() for name, check in _CHECKS.items()}
    missing = [name for name, state in found.items() if state != "ok"]
    if not missing:
        folder = settings().guardian_data_dir / "journal" / "ingest"
        return _healthy(request, found, [aside.WARNING] if aside.any_below(folder) else [])
    body = Failure(
        error=f"Not ready: {', '.join(missing)}.",
        code=UnavailableError.code,
        details=found,
        request_id=request.state.request_id,
        retry_after=5,
    )
    return JSONResponse(body.model_dump(by_alias=True), status_code=503, headers={"Retry-After": "5"})


@router.get("/metrics", include_in_schema=False)
def metrics() -> Response:
    """Prometheus' text format."""
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)


def _healthy(request: Request, checks: dict[str, str], warnings: Sequence[str] = ()) -> Response:
    metadata = {"timestamp": rfc3339(utcnow()), "requestId": request.state.request_id}
    data = HealthOut(status="ok", checks=checks, warnings=list(warnings)).model_dump()
    return JSONResponse({"success": True, "data": data, "metadata": metadata})


class InstallationCollector(Collector):
    """Gauges that are read when they are asked for; a server that is away leaves its gauges out."""

    def describe(self) -> Iterable[GaugeMetricFamily]:
        # Without this the registry would collect, and so reach for the database, when it is registered.
        return []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        try:
            ratio = CacheService().hit_ratio()
        except (RedisError, ConfigurationError):
            ratio = None
        if ratio is not None:
            yield GaugeMetricFamily("guardian_cache_hit_ratio", "Hits ÷ look-ups of the cache.", value=ratio)
        try:
            with db.session() as session:
                gauges = installation.gauges(session)
        except (UnavailableError, ConfigurationError):
            return
        yield GaugeMetricFamily(
            "guardian_unpriced_tokens", "Tokens in the ledger without a price.", value=gauges.unpriced_tokens
        )
        if gauges.sync_age_seconds is not None:
            yield GaugeMetricFamily(
                "guardian_sync_age_seconds",
                "Time since the least recently pulled active account was pulled.",
                value=gauges.sync_age_seconds,
            )


REGISTRY.register(InstallationCollector())
