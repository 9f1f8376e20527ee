"""prices/reprice: stored usage priced anew: a dry run with its difference by model, then applied, perhaps undone."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from guardian.api.answers.envelope import Body, Line, Money, Out, Time
from guardian.api.answers.lists import ListQuery
from guardian.api.prices.shapes import UTC, Pattern
from guardian.api.requests.moments import end_of, start_of
from guardian.api.steps import CallDep, route
from guardian.errors import ValidationError
from guardian.models.enums import Provider, RepriceStatus
from guardian.services.ledger import repricing
from guardian.services.ledger.repricing.views import RepriceRequest, RepriceView
from guardian.services.people.views import Page

api = APIRouter(prefix="/api/v1/prices/reprice", tags=["prices"])


class RepriceBody(Body):
    """`from` and `to` are instants, or UTC days, of which `to` is the last one within. `modelPattern` may be a glob."""

    from_: Line = Field(alias="from")
    to: Line
    provider: Provider | None = None
    model_pattern: Pattern | None = None
    dry_run: bool = True


class ModelDifferenceOut(Out):
    """The rows of a model that cost something else. What is unpriced is counted, and in no amount."""

    provider: Provider
    model: str
    rows: int
    before: Money
    after: Money
    change: Money
    unpriced_before: int
    unpriced_after: int


class RepriceResultOut(Out):
    """Sums over the rows that change. `rowsRefused` of an undo were changed by something else since, and left."""

    rows_read: int
    rows_changed: int
    rows_restored: int
    rows_refused: int
    cost_before: Money
    cost_after: Money
    unpriced_before: int
    unpriced_after: int
    models: list[ModelDifferenceOut]


class RepriceOut(Out):
    """A run as a job. `status` is queued, running, finished (a dry run), applied, undone or failed."""

    id: str
    status: RepriceStatus
    phase: Literal["dry", "apply", "undo"]
    progress: float
    result: RepriceResultOut
    error: str | None
    dry_run: bool
    provider: Provider | None
    model_pattern: str | None
    price_version: str | None
    start: Time
    end: Time
    can_apply: bool
    can_undo: bool
    requested_by: str | None
    created_at: Time
    applied_at: Time | None
    undone_at: Time | None


@route(api, "POST", "", permission="prices:update", action="REPRICE_REQUEST", status=202)
def request_run(call: CallDep, body: RepriceBody) -> RepriceOut:
    """Price usage anew. A dry run (the default) shows the difference by model and changes nothing."""
    start, end = start_of(body.from_, "from", UTC), end_of(body.to, "to", UTC)
    if start is None or end is None:
        message = "Say from when to when."
        field = "from" if start is None else "to"
        raise ValidationError(message, details=[{"field": field, "message": message}])
    wanted = RepriceRequest(
        start=start, end=end, provider=body.provider, model_pattern=body.model_pattern, dry_run=body.dry_run
    )
    with call.transaction() as session:
        run = repricing.request_run(session, call.actor, wanted)
        call.note("reprice", run.id, **run.facts)
        return reprice_json(run)


@route(api, "GET", "", permission="prices:read")
def list_runs(call: CallDep, query: Annotated[ListQuery, Query()]) -> Page[RepriceOut]:
    """The runs, newest first."""
    with call.transaction() as session:
        found = repricing.list_runs(session, call.actor, query.asked)
        return Page(items=tuple(reprice_json(run) for run in found.items), next_cursor=found.next_cursor)


@route(api, "GET", "/{run_id}", permission="prices:read")
def get_run(call: CallDep, run_id: str) -> RepriceOut:
    """One run, and how far it is."""
    with call.transaction() as session:
        return reprice_json(repricing.get_run(session, call.actor, run_id))


@route(api, "POST", "/{run_id}/apply", permission="prices:update", action="REPRICE_APPLY", status=202)
def apply_run(call: CallDep, run_id: str) -> RepriceOut:
    """Write what a dry run has shown."""
    with call.transaction() as session:
        run = repricing.apply_run(session, call.actor, run_id)
        call.note("reprice", run_id, **run.facts)
        return reprice_json(run)


@route(api, "POST", "/{run_id}/undo", permission="prices:update", action="REPRICE_UNDO", status=202)
def undo_run(call: CallDep, run_id: str) -> RepriceOut:
    """Put back what a run has written, to the last digit."""
    with call.transaction() as session:
        run = repricing.undo_run(session, call.actor, run_id)
        call.note("reprice", run_id, **run.facts)
        return reprice_json(run)


def reprice_json(run: RepriceView) -> RepriceOut:
    return RepriceOut(
        **{name: getattr(run, name) for name in RepriceOut.model_fields if name != "result"},
        result=RepriceResultOut.model_validate(run),
    )
