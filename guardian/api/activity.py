"""activity: what was done in the organization, by whom, and what it changed; as a list and as a file."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import Field, StringConstraints
from sqlmodel import Session

from guardian.api.answers.envelope import Body, Out, Time
from guardian.api.requests.moments import end_of, start_of
from guardian.api.steps import Call, CallDep, route
from guardian.periods import local_date, utcnow, zone
from guardian.services.ledger.exports.columns import escaped
from guardian.services.ledger.exports.files import csv_file
from guardian.services.people import audit, organizations
from guardian.services.people.views import ActivityView, Page

api = APIRouter(prefix="/api/v1/activity", tags=["activity"])

# NUL is no text to PostgreSQL.
_Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
_COLUMNS = (
    "number",
    "time",
    "action",
    "person",
    "personId",
    "impersonator",
    "resourceType",
    "resourceId",
    "address",
    "requestId",
    "facts",
    "before",
    "after",
    "also",
)


class Wanted(Body):
    """What is looked for; all of it is optional. `from` and `to` are instants, or days of the organization's zone."""

    person: _Text | None = Field(default=None, description="Id of a user: who acted, or acted through another's eyes.")
    action: _Text | None = Field(default=None, description="KEY_CREATE, …")
    resource_type: _Text | None = Field(default=None, description="key, budget, …")
    resource_id: _Text | None = None
    from_: str | None = Field(default=None, alias="from", description="First day, or an instant.")
    to: str | None = Field(default=None, description="Last day, which is within, or an instant, which is not.")
    search: _Text | None = Field(default=None, description="Found in actions, things, facts, addresses and people.")


class Asked(Wanted):
    """One page of it."""

    cursor: str | None = None
    limit: int = Field(default=50, ge=1, le=audit.MAX_PAGE)


class ActivityOut(Out):
    """`actor` is the person's name or address; null where nobody was signed in, or a job acted.

    `impersonator` is who acted through that person's eyes. `before` and `after` are what the action changed of its
    thing, `also` what else it changed.
    """

    id: str
    sequence: int
    action: str
    actor: str | None
    user_id: str | None
    impersonator: str | None
    resource_type: str | None
    resource_id: str | None
    request_id: str | None
    ip_address: str | None
    metadata: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]
    also: list[dict[str, Any]]
    created_at: Time


@route(api, "GET", "", permission="activity:read")
def list_activity(call: CallDep, asked: Annotated[Asked, Query()]) -> Page[ActivityOut]:
    """Newest first."""
    with call.transaction() as session:
        wanted = _filter(session, call, asked)
        page = audit.list_activity(session, call.actor, asked.cursor, asked.limit, wanted=wanted)
    return Page(items=tuple(ActivityOut.model_validate(view) for view in page.items), next_cursor=page.next_cursor)


@route(api, "GET", "/export.csv", permission="activity:read")
def export_activity(call: CallDep, wanted: Annotated[Wanted, Query()]) -> StreamingResponse:
    """All that the filters find, newest first. A text that a spreadsheet would run as a formula begins with `'`."""
    with ExitStack() as opened:
        session = opened.enter_context(call.transaction())
        found = audit.export_rows(session, call.actor, _filter(session, call, wanted))
        name = f"activity-{local_date(utcnow(), zone(organizations.get_organization(session, call.actor).time_zone))}"
        # The transaction lasts as long as the file does.
        kept = opened.pop_all()
    pieces = csv_file(_COLUMNS, (_cells(view) for view in found))
    disposition = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingResponse(_until_closed(kept, pieces), 200, disposition, "text/csv; charset=utf-8")


def _filter(session: Session, call: Call, wanted: Wanted) -> audit.Filter:
    tz = zone(organizations.get_organization(session, call.actor).time_zone)
    return audit.Filter(
        person=wanted.person,
        action=wanted.action,
        resource_type=wanted.resource_type,
        resource_id=wanted.resource_id,
        start=start_of(wanted.from_, "from", tz),
        end=end_of(wanted.to, "to", tz),
        search=wanted.search,
    )


def _cells(view: ActivityView) -> list[str]:
    cells: tuple[object, ...] = (
        view.sequence,
        view.created_at.isoformat(),
        view.action,
        view.actor,
        view.user_id,
        view.impersonator,
        view.resource_type,
        view.resource_id,
        view.ip_address,
        view.request_id,
        view.metadata,
        view.before,
        view.after,
        view.also,
    )
    return [_cell(cell) for cell in cells]


def _cell(value: object) -> str:
    if value in (None, (), {}):
        return ""
    return escaped(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True))


def _until_closed(kept: ExitStack, pieces: Iterator[bytes]) -> Iterator[bytes]:
    with kept:
        yield from pieces
