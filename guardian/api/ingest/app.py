"""The two routes as plain ASGI, before FastAPI sees them: its machinery would cost three and a half times the rest."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import structlog
from prometheus_client import Counter, Histogram
from starlette.requests import Request, cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from guardian import limits
from guardian.api.answers import failures
from guardian.api.answers.limit_headers import limit_headers
from guardian.api.edge import REQUESTS, SECONDS, request_id_of
from guardian.api.ingest import bodies, events
from guardian.api.ingest.events import Problem
from guardian.api.ingest.otlp import calls as otlp_calls
from guardian.api.ingest.otlp import wire
from guardian.api.ingest.senders import Sender, Senders
from guardian.api.ingest.storing import Result, Storing
from guardian.api.requests.origin import require_same_origin
from guardian.api.steps import COOKIE
from guardian.errors import ApiError, AuthenticationError, ValidationError
from guardian.limits import Limit
from guardian.periods import rfc3339, utcnow
from guardian.services.ledger.ingest.once import Outcome
from guardian.services.ledger.writing.calls import Call

USAGE, TRACES = "/api/v1/usage", "/api/v1/otlp/v1/traces"
PATHS = (USAGE, TRACES)
PER_CREDENTIAL = Limit("ingest", count=600_000, seconds=60)
_PERMISSION = "usage:write"
_BOUNDS = {USAGE: bodies.Bounds(4_000_000, 8_000_000), TRACES: bodies.Bounds(8_000_000, 32_000_000)}
_IN_A_THREAD = 16_384  # bytes, from which reading a body would hold up the other requests
_DIFFERS = "This event is known already, with another time or other content; the first one stays."
_LATER = "The database is away: the events are kept on disk, and which of them are duplicates is not known yet."
_ALWAYS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
EVENTS = Counter("guardian_ingest_events", "Events and spans of senders.", ["kind", "outcome"])
log = structlog.get_logger(__name__)


class _Answer(NamedTuple):
    status: int
    kind: str
    body: bytes


class FrontDoor:
    """Answers POST at PATHS."""

    def __init__(self) -> None:
        self._senders, self._storing, self._parents = Senders(), Storing(), otlp_calls.Parents()
        self._resuming: asyncio.Task[None] | None = None

    def before(self, app: ASGIApp) -> ASGIApp:
        """The application behind this door, which passes on to it what is not told here."""

        async def opened(scope: Scope, receive: Receive, send: Send) -> None:
            if self._resuming is None:  # here, where there is a loop: middleware has no start of its own
                self._resuming = asyncio.create_task(asyncio.to_thread(self._storing.resume))
            if scope["type"] == "http" and scope["path"] in PATHS and scope["method"] == "POST":
                await self._serve(scope, receive, send)
            else:
                await app(scope, receive, send)

        return opened

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        request_id, path = request_id_of(scope), scope["path"]
        extra: list[tuple[bytes, bytes]] = []
        try:
            answer = await self._answer(scope, receive, request_id, started)
        except Exception as error:  # noqa: BLE001  # every error ends here, as an answer in the envelope
            with structlog.contextvars.bound_contextvars(request_id=request_id):
                failed = failures.answer(error, request_id)
            answer = _Answer(failed.status_code, wire.JSON, bytes(failed.body))
            extra = [pair for pair in failed.raw_headers if pair[0] in (b"retry-after", b"www-authenticate")]
        headers = [
            (b"content-type", answer.kind.encode()),
            (b"content-length", str(len(answer.body)).encode()),
            (b"x-request-id", request_id.encode()),
            *_ALWAYS,
            *limit_headers(scope.get("standing")),
            *extra,
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})
        _requests(path, answer.status).inc()
        _seconds(path).observe(time.perf_counter() - started)

    async def _answer(self, scope: Scope, receive: Receive, request_id: str, started: float) -> _Answer:
        # By their name in lower case, as servers hand them on; of one that comes twice the first holds.
        headers: dict[bytes, bytes] = dict(scope["headers"][::-1])
        credential, is_token = _credential(headers)
        # 1 rate limit, 2 authenticate
        standing = limits.take_here(PER_CREDENTIAL, _counted_as(credential) if credential else _address(scope))
        scope["standing"] = standing
        limits.refuse(standing)
        if not is_token:
            require_same_origin(Request(scope))
        if not credential:
            raise AuthenticationError
        sender = await self._senders.find(credential, is_token=is_token)
        # 3 validate the bounds and the type; 4 authorize before anything of the content is looked at
        kind = _kind(headers.get(b"content-type", b""), scope["path"])
        sender.actor.require(_PERMISSION)
        bounds = _BOUNDS[scope["path"]]
        body = await bodies.read(receive, bounds)
        encoding = headers.get(b"content-encoding", b"").decode("latin-1").strip().lower()
        do = self._usage if scope["path"] == USAGE else self._traces
        return await do(sender, lambda: bodies.unpacked(body, encoding, bounds), len(body), kind, (request_id, started))

    async def _usage(
        self, sender: Sender, unpack: Callable[[], bytes], size: int, _kind: str, request: tuple[str, float]
    ) -> _Answer:
        now = utcnow()
        found = await _worked(lambda: events.read(unpack(), sender, now), size)
        result = await self._storing.add(sender, [call for _, call in found.calls]) if found.calls else Result()
        accepted = result.outcomes.count(Outcome.ADDED)
        if accepted and accepted == len(result.outcomes) and not found.problems:  # as nearly always
            _events("event", "accepted").inc(accepted)
            return _answered(200, b'{"accepted":%d,"duplicates":0,"errors":[]}' % accepted, request)
        _count("event", result, len(found.problems), 0)
        problems = sorted([*found.problems, *_problems(found.calls, result)])
        taken = len(result.outcomes) - result.outcomes.count(Outcome.REFUSED)
        errors = [
            {"index": p.place, "eventId": p.event_id, **({"field": p.field} if p.field else {}), "message": p.message}
            for p in problems
        ]
        if not taken:
            raise ValidationError("None of the events could be taken.", details=errors)
        pending = None in result.outcomes
        data: dict[str, Any] = {
            "accepted": accepted + result.outcomes.count(None),
            "duplicates": None if pending else _duplicates(result),
            "errors": errors,
        }
        if pending:
            data["message"] = _LATER
        return _answered(202 if pending else 200, msgspec.json.encode(data), request)

    async def _traces(
        self, sender: Sender, unpack: Callable[[], bytes], size: int, kind: str, _request: tuple[str, float]
    ) -> _Answer:
        now = utcnow()
        found = await _worked(lambda: otlp_calls.read(wire.spans(unpack(), kind), sender, now, self._parents), size)
        result = await self._storing.add(sender, [call for _, call in found.calls]) if found.calls else Result()
        _count("span", result, len(found.problems), found.ignored)
        # A span that differs is no failure of its sender's: it sent the same one twice, and the first one stays.
        refused = [*found.problems, *(p for p in _problems(found.calls, result) if p.message != _DIFFERS)]
        words = "; ".join(f"span {p.event_id}: {p.message}" for p in refused[:5])
        return _Answer(200, kind, wire.answer(kind, len(refused), words))


def _answered(status: int, data: bytes, request: tuple[str, float]) -> _Answer:
    """`data`, which is JSON, in the envelope."""
    request_id, started = request
    said = (data, rfc3339(utcnow()).encode(), msgspec.json.encode(request_id))
    elapsed = round((time.perf_counter() - started) * 1000)
    words = b'{"success":true,"data":%b,"metadata":{"timestamp":"%b","requestId":%b,"responseTime":%d}}'
    return _Answer(status, wire.JSON, words % (*said, elapsed))


async def _worked(work: Callable[[], Any], size: int) -> Any:
    return await asyncio.to_thread(work) if size > _IN_A_THREAD else work()


def _problems(calls: Sequence[tuple[int, Call]], result: Result) -> list[Problem]:
    """The refused ones, and the duplicates that do not say what the first one said."""
    found: list[Problem] = []
    for place, outcome in enumerate(result.outcomes):
        if outcome is Outcome.REFUSED or outcome is Outcome.DIFFERS:
            index, call = calls[place]
            message = _DIFFERS if outcome is Outcome.DIFFERS else result.reasons[place]
            found.append(Problem(index, call.identity[1], None, message))
    return found


def _duplicates(result: Result) -> int:
    return result.outcomes.count(Outcome.SAME) + result.outcomes.count(Outcome.DIFFERS)


def _count(kind: str, result: Result, problems: int, ignored: int) -> None:
    for outcome, number in (
        ("accepted", result.outcomes.count(Outcome.ADDED)),
        ("journaled", result.outcomes.count(None)),
        ("duplicate", _duplicates(result)),
        ("refused", problems + result.outcomes.count(Outcome.REFUSED)),
        ("ignored", ignored),
    ):
        if number:
            _events(kind, outcome).inc(number)


# A series is looked up by its labels' text each time that it is asked for: there are few of them.
@lru_cache(maxsize=64)
def _requests(path: str, status: int) -> Counter:
    return REQUESTS.labels("POST", path, str(status))


@lru_cache(maxsize=2)
def _seconds(path: str) -> Histogram:
    return SECONDS.labels("POST", path)


@lru_cache(maxsize=16)
def _events(kind: str, outcome: str) -> Counter:
    return EVENTS.labels(kind, outcome)


def _credential(headers: Mapping[bytes, bytes]) -> tuple[str, bool]:
    """The access token, or the session of the cookie, and whether it is a token."""
    header = headers.get(b"authorization")
    if header is not None:
        scheme, _, credential = header.decode("latin-1").partition(" ")
        return (credential.strip() if scheme.lower() == "bearer" else ""), True
    return cookie_parser(headers.get(b"cookie", b"").decode("latin-1")).get(COOKIE, ""), False


@lru_cache(maxsize=1_024)
def _counted_as(credential: str) -> str:
    return hashlib.sha256(credential.encode()).hexdigest()


@lru_cache(maxsize=64)
def _kind(header: bytes, path: str) -> str:
    """Raises ApiError (415)."""
    kind = header.decode("latin-1").partition(";")[0].strip().lower()
    wanted = (wire.JSON,) if path == USAGE else (wire.PROTOBUF, wire.JSON)
    if kind not in wanted:
        raise ApiError(f"Send the body as {' or '.join(wanted)}.", 415, "UNSUPPORTED_MEDIA_TYPE")
    return kind


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else "unknown"
