"""exports: the ledger as a file, streamed: usage in our own columns, and spend as FOCUS 1.2."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from sqlmodel import Session

from guardian.api.requests.moments import end_of, start_of
from guardian.api.steps import Call, CallDep, route
from guardian.api.usage.shapes import Range
from guardian.periods import local_date, utcnow, zone
from guardian.services.actor import Actor
from guardian.services.ledger.exports import focus, usage
from guardian.services.ledger.views import UsageFilter
from guardian.services.people import organizations

api = APIRouter(prefix="/api/v1/exports", tags=["exports"])
Export = Callable[[Session, Actor, UsageFilter], Iterator[bytes]]


Asked = Annotated[Range, Query()]


@route(api, "GET", "/usage.csv", permission="usage:read")
def usage_csv(call: CallDep, query: Asked) -> StreamingResponse:
    """Every row of every book, oldest first, with filters and range of `GET usage`; the import reads it back."""
    return _streamed(call, query, usage.usage_csv, "usage", "text/csv; charset=utf-8")


@route(api, "GET", "/usage.parquet", permission="usage:read")
def usage_parquet(call: CallDep, query: Asked) -> StreamingResponse:
    """The same as Parquet."""
    return _streamed(call, query, usage.usage_parquet, "usage", "application/vnd.apache.parquet")


@route(api, "GET", "/focus.csv", permission="usage:read")
def focus_csv(call: CallDep, query: Asked) -> StreamingResponse:
    """Spend as FOCUS 1.2, one row for each kind of token: what adds up to the summaries, and credits."""
    return _streamed(call, query, focus.focus_csv, "focus", "text/csv; charset=utf-8")


@route(api, "GET", "/focus.parquet", permission="usage:read")
def focus_parquet(call: CallDep, query: Asked) -> StreamingResponse:
    """The same as Parquet."""
    return _streamed(call, query, focus.focus_parquet, "focus", "application/vnd.apache.parquet")


def _streamed(call: Call, query: Range, export: Export, name: str, media_type: str) -> StreamingResponse:
    """The file as it is read. What is wrong is said before its first byte: the query has begun by then."""
    with ExitStack() as opened:
        session = opened.enter_context(call.transaction())
        tz = zone(query.tz or organizations.get_organization(session, call.actor).time_zone)
        wanted = UsageFilter(
            start=start_of(query.from_, "from", tz), end=end_of(query.to, "to", tz), filters=query.filters()
        )
        pieces = export(session, call.actor, wanted)
        # The transaction lasts as long as the file does.
        kept = opened.pop_all()
    kind = media_type.partition(";")[0].rsplit("/", 1)[-1].rsplit(".", 1)[-1]
    disposition = f'attachment; filename="{name}-{local_date(utcnow(), tz)}.{kind}"'
    return StreamingResponse(_until_closed(kept, pieces), 200, {"Content-Disposition": disposition}, media_type)


def _until_closed(kept: ExitStack, pieces: Iterator[bytes]) -> Iterator[bytes]:
    with kept:
        yield from pieces
