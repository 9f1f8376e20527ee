"""The gateway's ASGI application: health, the calls of applications, and words in their dialect when one cannot be."""

from collections.abc import AsyncIterator, Awaitable, Callable
from time import perf_counter

import structlog
from sqlalchemy.exc import SQLAlchemyError

from guardian.errors import GuardianError
from guardian.gateway import dialects
from guardian.gateway.admission import Admission, Arrival, CallerLeft, Message, Receive, Scope
from guardian.gateway.calls import Calls
from guardian.gateway.health import Health
from guardian.gateway.http.headers import Header, end_to_end
from guardian.gateway.http.pool import Pool
from guardian.gateway.paths import dialect_of, resolve
from guardian.gateway.recording import record_of_error, record_of_no_answer
from guardian.gateway.refusing import Refused, refused_by
from guardian.gateway.tokens import without_token
from guardian.journal.writing import Journal
from guardian.models.base import new_id
from guardian.telemetry import Figures

Send = Callable[[Message], Awaitable[None]]
_NOWHERE = (
    "No provider is here. Paths begin with /openai/v1, /anthropic, /google, /xai/v1, /perplexity or /custom/{label}/v1."
)
_LONGEST_ID = 128
# Ends of calls for which somebody has to look at the gateway, and not at its caller or the provider.
_OURS = frozenset({"policy_internal", "policy_unavailable", "policy_journal_full"})

log = structlog.get_logger(__name__)


class Gateway:
    """Everything that a request can be; its parts are made and ended by `server.py`."""

    def __init__(
        self, health: Health, admission: Admission, calls: Calls, pool: Pool, journal: Journal, figures: Figures
    ) -> None:
        self._health, self._admission, self._calls = health, admission, calls
        self._pool, self._journal, self._figures = pool, journal, figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        if raw_path.startswith(b"/health/") or raw_path == b"/metrics":
            await self._health.respond(scope, send)
            return
        query: bytes = scope["query_string"]
        asked = resolve(scope["method"], raw_path, without_token(query))
        headers: list[Header] = scope["headers"]
        request_id = new_id()
        if asked is None:
            status, sent, body = dialects.refusal(
                dialect_of(raw_path), None, "not_found", _NOWHERE, request_id=request_id
            )
            await _answer(send, status, sent, body)
            return
        call = Arrival(asked=asked, request_id=request_id, headers=headers, departure=scope["exchange"])
        method = scope["method"].encode("latin-1")
        started = _Started(send)
        outcome = "policy_internal"  # what is let out is a mistake of ours
        try:
            if asked.endpoint is None:
                await self._forward(call, method, query, receive, started)
            else:
                await self._calls.serve(call, method, query, receive, started)
            outcome = _outcome(call)
        except CallerLeft:
            outcome = "caller_left"
        except Refused as refused:
            outcome = refused.error_class
            await self._refuse(call, refused, started)
        except (GuardianError, SQLAlchemyError, OSError) as error:
            refused = refused_by(error)
            outcome = refused.error_class
            await self._refuse(call, refused, started)
        finally:
            self._figures.note_call(asked.provider.value, outcome, perf_counter() - call.began, failed=outcome in _OURS)

    async def _forward(self, call: Arrival, method: bytes, query: bytes, receive: Receive, send: Send) -> None:
        """A path that nothing is metered on: passed on as it is, both ways, unbuffered."""
        entered = await self._admission.enter(call, query)
        route = entered.routes[0]
        length = next(
            (int(value) for name, value in call.headers if name == b"content-length" and value.isdigit()), None
        )
        chunked = any(name == b"transfer-encoding" for name, _ in call.headers)
        body: bytes | AsyncIterator[bytes] = _body(receive) if length or chunked else b""
        sent = [*(header for header in entered.onward if header[0] not in route.names), *route.headers]
        answer = await self._pool.send(
            route.upstream, method, route.target(call.asked.target), sent, body, length=length
        )
        try:
            passed = end_to_end(answer.headers)
            passed.append((b"x-guardian-request-id", call.request_id.encode()))
            await send({"type": "http.response.start", "status": answer.status, "headers": passed})
            async for chunk in answer.chunks():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            answer.abort()

    async def _refuse(self, call: Arrival, refused: Refused, started: "_Started") -> None:
        """Say why in the caller's dialect, and write down what became of the call, where it is known whose it was."""
        facts = call.facts
        if facts is not None and facts.operation:
            facts.status, facts.error = refused.status, refused.error_class
            facts.response_time = call.milliseconds
            try:
                await self._journal.commit(
                    record_of_no_answer(facts)
                    if refused.sent
                    else record_of_error(facts, sent=facts.key_id is not None)
                )
                self._calls.written(call)
            except GuardianError as error:
                log.error("gateway.not_written", request_id=call.request_id, error=error.message)
        if started.yes:
            # What was promised cannot be kept: the answer is left without its end, and the connection is closed.
            return
        status, headers, body = dialects.refusal(
            call.asked.dialect,
            None,
            refused.kind,
            refused.message,
            request_id=call.request_id,
            retry_after=refused.retry_after,
            details=refused.details,
            in_array=call.asked.in_array,
        )
        headers.append((b"x-guardian-request-id", call.request_id.encode()))
        await _answer(started, status, headers, body)


def _outcome(call: Arrival) -> str:
    """In one word of few: it becomes a label."""
    facts = call.facts
    if facts is None or facts.status is None or facts.status < 400:
        return "caller_left" if facts is not None and facts.error == "caller_left" else "ok"
    if facts.status == 429:
        return "provider_429"
    return "provider_5xx" if facts.status >= 500 else "provider_4xx"


class _Started:
    """Passes messages on, and remembers whether the answer has begun."""

    __slots__ = ("_send", "yes")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.yes = False

    def __call__(self, message: Message) -> Awaitable[None]:
        self.yes = True
        return self._send(message)


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerLeft
        if part := message.get("body", b""):
            yield part
        if not message.get("more_body"):
            return


async def _answer(send: Send, status: int, headers: list[Header], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
