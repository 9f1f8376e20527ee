"""Builds the API: its routers, its documentation, and what answers when no route does."""

from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.routing import Match

from guardian.api import (
    activity,
    admin,
    alerts,
    auth,
    billing,
    budgets,
    bulk,
    channels,
    domain,
    exports,
    health,
    imports,
    ingest,
    jobs,
    keys,
    onboarding,
    organization,
    organizations,
    prices,
    reconciliation,
    report_mails,
    reports,
    team,
    teams,
    tokens,
    usage,
    views,
)
from guardian.api.answers import failures
from guardian.api.described import describe
from guardian.api.edge import Edge
from guardian.api.front_door_docs import describe_front_door
from guardian.api.steps import COOKIE, call
from guardian.limits import refuse, take

ROUTERS: tuple[APIRouter, ...] = (
    *auth.ROUTERS,
    bulk.api,
    tokens.api,
    budgets.api,
    alerts.api,
    reports.api,
    report_mails.api,
    report_mails.forms,
    channels.api,
    keys.api,
    # Before usage, whose /usage/{usage_id} would take its path.
    reconciliation.api,
    *usage.ROUTERS,
    views.api,
    imports.api,
    exports.api,
    jobs.api,
    *prices.ROUTERS,
    organization.api,
    billing.api,
    organizations.api,
    organizations.own,
    domain.api,
    team.api,
    teams.api,
    onboarding.api,
    activity.api,
    *admin.ROUTERS,
    health.router,
)

DOCS = "/api/docs"
_DESCRIPTION = """
What your company spends on AI providers. Sign in (`POST /api/v1/auth/login`) for a cookie, or send an access token as
`Authorization: Bearer gdn_…`. Money is a decimal string in US dollars, times are RFC 3339 in UTC, ids are strings.
"""


def create_api() -> FastAPI:
    """A new app. It opens nothing: database and Redis are reached by the first request that needs them."""
    # FastAPI's own documentation page loads its scripts from a public network, which many installations cannot reach.
    app = FastAPIOffline(
        docs_url=DOCS,
        redoc_url=None,
        static_url=f"{DOCS}/static",
        favicon_url="/favicon.svg",
        title="AI Cost Guardian",
        version="1",
        description=_DESCRIPTION,
        openapi_url="/api/openapi.json",
        # A redirect from /keys/ to /keys would drop a body on its way; the one spelling is documented.
        redirect_slashes=False,
        # Whether somebody has set up OpenTelemetry here is else looked up for every request: 20 µs of an event's 170.
        # What there is to tell is told by /metrics and the log.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    for router in ROUTERS:
        app.include_router(router)
    app.add_api_route("/api/{path:path}", _no_such_route, methods=_ALL_METHODS, include_in_schema=False)
    app.add_exception_handler(RequestValidationError, _answer)
    app.add_exception_handler(HTTPException, _answer)
    app.add_middleware(Edge)
    _open_front_door(app)
    _complete_description(app)
    return app


_ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


async def _answer(request: Request, error: Exception) -> Response:
    # Paths that are not ours have no request id: alone, without the pages, there is nothing behind them.
    return failures.answer(error, getattr(request.state, "request_id", ""))


async def _no_such_route(request: Request) -> Response:
    """Without this an unknown /api/… would be answered by the pages, in HTML, once they are mounted behind."""
    standing = await run_in_threadpool(take, (call.PER_ADDRESS, request.client.host if request.client else "unknown"))
    (request.state.standing,) = standing
    refuse(*standing)
    allowed: set[str] = {"POST"} if request.url.path in ingest.PATHS else set()
    for candidate in (route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)):
        if candidate.matches(request.scope)[0] is Match.PARTIAL:
            allowed |= candidate.methods or set()
    if allowed:
        methods = ", ".join(sorted(allowed))
        raise HTTPException(405, f"Use {methods} here.", headers={"Allow": methods})
    raise HTTPException(404, "There is no such route. The routes are listed at /api/docs.")


def _open_front_door(app: FastAPI) -> None:
    """Before all else: what the framework does around every request costs an event by itself a tenth of its time.

    Who serves the API behind layers of their own opens the same door before those: it is `app.state.front_door`.
    """
    door = app.state.front_door = ingest.FrontDoor()
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: door.before(build())


def _complete_description(app: FastAPI) -> None:
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = generate()
            schema["components"]["securitySchemes"] = {
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
                "accessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "gdn_…"},
            }
            describe(schema, (r for router in ROUTERS for r in router.routes if isinstance(r, APIRoute)))
            describe_front_door(schema)
        return app.openapi_schema or generate()

    app.openapi = openapi
