"""Health and metrics: what a load balancer and a monitoring system ask, without signing in."""

from collections.abc import Callable, Sequence

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import REGISTRY
from redis.exceptions import RedisError

from guardian import db, queue, telemetry
from guardian.api.answers.envelope import Failure, Out
from guardian.api.installation_metrics import InstallationCollector
from guardian.config import settings
from guardian.errors import AuthorizationError, ConfigurationError, UnavailableError
from guardian.journal import aside
from guardian.periods import rfc3339, utcnow
from guardian.telemetry import scraping
from guardian.telemetry.ledger import LedgerCollector

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
def metrics(request: Request) -> Response:
    """Prometheus' text format, for this machine or with METRICS_TOKEN."""
    _require_scraper(request)
    return Response(scraping.scraped(), media_type=scraping.CONTENT_TYPE)


@router.get("/metrics/targets", include_in_schema=False)
def targets(request: Request) -> Response:
    """Where each process of this installation answers /metrics, as Prometheus' http_sd_configs reads it."""
    _require_scraper(request)
    try:
        found = [process for process in telemetry.processes() if process.metrics]
    except RedisError as error:
        raise UnavailableError("Redis does not answer. Try again shortly.") from error
    listed = [
        {"targets": [_address(process)], "labels": {"process": process.kind, "host": process.host}} for process in found
    ]
    return JSONResponse(listed)


def _address(process: telemetry.ProcessSnapshot) -> str:
    """A process that listens everywhere is reached by its machine's name."""
    host, _, port = (process.metrics or "").rpartition(":")
    return f"{process.host}:{port}" if host in ("", "0.0.0.0", "::") else f"{host}:{port}"  # noqa: S104  # compared


def _require_scraper(request: Request) -> None:
    client = request.client.host if request.client else None
    if not scraping.may_scrape(client, request.headers):
        raise AuthorizationError(scraping.REFUSED)


def _healthy(request: Request, checks: dict[str, str], warnings: Sequence[str] = ()) -> Response:
    metadata = {"timestamp": rfc3339(utcnow()), "requestId": request.state.request_id}
    data = HealthOut(status="ok", checks=checks, warnings=list(warnings)).model_dump()
    return JSONResponse({"success": True, "data": data, "metadata": metadata})


REGISTRY.register(InstallationCollector())
REGISTRY.register(LedgerCollector())
