"""Everything the dashboard shows: the figures through the cache, the state of the pulls always fresh."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import reduce
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter
from sqlalchemy import exists, or_
from sqlmodel import Session, col, select

from guardian.errors import NotFoundError
from guardian.models.keys import ApiKey, ProviderAccount
from guardian.models.people import Organization
from guardian.models.usage import UsageRollup
from guardian.periods import DAY, Window, floor_hour, local_date, local_midnight, month_start, utcnow, zone
from guardian.services.actor import Actor
from guardian.services.ledger.queries import buckets
from guardian.services.ledger.queries.bills import billed
from guardian.services.ledger.queries.board import (
    PARTS,
    Spans,
    coarser,
    read_comparison,
    read_parts,
    spans,
)
from guardian.services.ledger.queries.books import Books, consistently
from guardian.services.ledger.queries.caching import cached
from guardian.services.ledger.queries.cells import Table, read_table
from guardian.services.ledger.queries.freshness import read_freshness
from guardian.services.ledger.queries.names import Names, read_names
from guardian.services.ledger.queries.scans import Question, Values
from guardian.services.ledger.queries.summaries import groups
from guardian.services.ledger.queries.sums import add
from guardian.services.ledger.views import BoardFigures, Dashboard, ExpensiveLine, SpendBucket, Totals

_MOST_POINTS = 200
_MOST_LINES = 20
_FIGURES = TypeAdapter(BoardFigures)


def dashboard(
    session: Session,
    actor: Actor,
    start: date | None = None,
    end: date | None = None,
    now: datetime | None = None,
) -> Dashboard:
    """The dashboard of the local days from `start` to `end`, both inclusive; by default this month so far.

    With one of them only, the range runs from the start of `end`'s month, or to today. Raises AuthorizationError, and
    ValidationError for an empty range or one of more than 400 days.
    """
    actor.require("usage:read")
    now = now or utcnow()
    organization, has_keys = _organization(session, actor)
    tz = zone(organization.time_zone)
    last = end or local_date(now, tz)
    first = start or month_start(last)
    if not end and first > last:
        last = first
    buckets.check_days(first, last)
    window = Window(local_midnight(first, tz), local_midnight(last + DAY, tz))
    # Within an hour nothing but the ledger changes the figures: all of them are sums of whole hours.
    question = ("dashboard", window.start, window.end, floor_hour(now), local_date(now, tz), tz.key)
    stored = cached(
        session,
        actor.organization_id,
        question,
        lambda: _FIGURES.dump_python(_figures(session, actor, window, now, tz), mode="json"),
    )
    figures = _FIGURES.validate_python(stored)
    return Dashboard(
        time_zone=tz.key,
        start=window.start,
        end=window.end,
        freshness=read_freshness(session, actor.organization_id, now),
        has_keys=has_keys,
        **{name: getattr(figures, name) for name in BoardFigures.__dataclass_fields__},
    )


def _organization(session: Session, actor: Actor) -> tuple[Organization, bool]:
    tables = (ApiKey.organization_id, ProviderAccount.organization_id, UsageRollup.organization_id)
    connected = or_(*(exists().where(col(column) == actor.organization_id) for column in tables))
    found = session.exec(select(Organization, connected).where(col(Organization.id) == actor.organization_id)).first()
    if found is None:
        raise NotFoundError("Organization")
    return found


def _figures(session: Session, actor: Actor, window: Window, now: datetime, tz: ZoneInfo) -> BoardFigures:
    at = spans(now, tz)
    both = Window(min(window.start, at.whole.start), max(window.end, at.whole.end))

    def answer(books: Books) -> BoardFigures:
        return _of_books(session, actor, books, at, window, now, tz)

    return consistently(session, actor.organization_id, both, answer)


def _of_books(
    session: Session, actor: Actor, books: Books, at: Spans, window: Window, now: datetime, tz: ZoneInfo
) -> BoardFigures:
    days = buckets.windows("day", window.start, window.end, tz)
    table = read_table(session, Question(books=books, window=window, group_by=("provider",), cut=days))
    parts = read_parts(session, books, window)
    today, month = read_comparison(session, books, at, now)
    names = read_names(
        session,
        actor.organization_id,
        {
            "project": [values[1] for values in parts["projects"]] + [values[3] for values in parts["lines"]],
            "providerKey": [values[1] for values in parts["keys"]] + [values[4] for values in parts["lines"]],
        },
    )
    return BoardFigures(
        totals=table.total,
        today=today,
        month=month,
        per_day=_per_day(table, days, books, now, tz),
        by_provider=groups(("provider",), table.groups, names),
        by_model=groups(PARTS["models"], parts["models"], names),
        by_project=groups(PARTS["projects"], parts["projects"], names),
        by_key=groups(PARTS["keys"], parts["keys"], names),
        lines=tuple(_line(values, of, names) for values, of in list(parts["lines"].items())[:_MOST_LINES]),
        billed=billed(session, actor, window.start, window.end).total,
    )


def _per_day(table: Table, days: list[Window], books: Books, now: datetime, tz: ZoneInfo) -> tuple[SpendBucket, ...]:
    """Days, or the weeks or months that they make up where the chart would get more than 200 points."""
    runs = [[place] for place in range(1, len(days) + 1)]
    for by in ("week", "month"):
        if len(runs) * len(table.groups) > _MOST_POINTS:
            runs = coarser(days, tz, by)
    return tuple(_bucket(run, table, days, books, now) for run in runs)


def _bucket(run: Sequence[int], table: Table, days: list[Window], books: Books, now: datetime) -> SpendBucket:
    span = Window(days[run[0] - 1].start, days[run[-1] - 1].end)
    stacked: dict[Values, Totals] = {}
    for place in run:
        for values, of in table.cells.get(place, {}).items():
            stacked[values] = add(stacked.get(values, Totals()), of)
    return SpendBucket(
        start=span.start,
        end=span.end,
        totals=reduce(add, stacked.values(), Totals()),
        groups=groups(("provider",), stacked, {}),
        covered=bool(stacked) or books.covers(span, now, {}),
    )


def _line(values: Sequence[str | None], of: Totals, names: Names) -> ExpensiveLine:
    provider, model, operation, project, key, tier = values
    return ExpensiveLine(
        provider=provider or "",
        model=model or "",
        operation=operation or "",
        project=names.get(("project", project or ""), project),
        provider_key=names.get(("providerKey", key or ""), key),
        tier=tier,
        totals=of,
        project_id=project,
        provider_key_id=key,
    )
