"""The reconciliation of an organization's three books: read, compared, and told."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session

from guardian.models.enums import Provider
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.ledger.pricebook.overrides import overrides_of
from guardian.services.ledger.queries.buckets import check_days
from guardian.services.ledger.queries.dimensions import refuse
from guardian.services.ledger.queries.freshness import read_freshness
from guardian.services.ledger.queries.names import Names, names_of, read_names
from guardian.services.ledger.queries.summaries import summary
from guardian.services.ledger.reconciliation.assembly import account_days, cells, directory, suspects
from guardian.services.ledger.reconciliation.billed import compare_billed
from guardian.services.ledger.reconciliation.books import BilledLine, Cell, Known, Repeat, Slice, Spot
from guardian.services.ledger.reconciliation.details import read_repeats, split_by_bills
from guardian.services.ledger.reconciliation.figures import figures, gap
from guardian.services.ledger.reconciliation.findings import findings
from guardian.services.ledger.reconciliation.lines import Side, side_by_side
from guardian.services.ledger.reconciliation.pricing import Prices
from guardian.services.ledger.reconciliation.reading import read_bills, read_surroundings, read_usage, window_of
from guardian.services.ledger.reconciliation.tracked import compare_tracked
from guardian.services.ledger.reconciliation.views import (
    LINE_DIMENSIONS,
    Comparison,
    Line,
    Reconciliation,
    ReconciliationQuery,
)
from guardian.services.ledger.sync.coverage import TRAILING
from guardian.services.ledger.views import SummaryQuery

MOST_LINES = 20_000  # some 8 MB of JSON
_MOST_VALUES = 100
_BOOK_FILTERS = ("provider", "account")


@dataclass(frozen=True, slots=True)
class Books:
    """The three books of a span, and the parts of all their differences."""

    tracked: dict[Spot, Cell]
    reported: dict[Spot, Cell]
    billed: list[BilledLine]
    known: Known
    slices: list[Slice]


def reconcile(session: Session, actor: Actor, query: ReconciliationQuery) -> Reconciliation:
    """What the three books of these UTC days say, and every difference between them with its cause.

    Raises AuthorizationError, and ValidationError for a wrong range, dimension or filter.
    """
    actor.require("usage:read")
    _check(query)
    window = window_of(query.first, query.last)
    books = read_books(session, actor.organization_id, query)
    named = _names(session, actor.organization_id, books)
    whole, days = figures(
        books.tracked, books.reported, books.billed, books.slices, books.known, query.first, query.last, query.step
    )
    sides = side_by_side(books.tracked, books.reported, books.billed, query.group_by, query.lines)
    spent = summary(session, actor, SummaryQuery(start=window.start, end=window.end, filters=query.books))
    return Reconciliation(
        first=query.first,
        last=query.last,
        figures=whole,
        spend=spent.totals.cost,
        unpriced_tokens=spent.totals.unpriced_tokens,
        tracked_reported=gap(Comparison.TRACKED_REPORTED, whole.tracked, whole.reported, books.slices),
        reported_billed=gap(Comparison.REPORTED_BILLED, whole.reported, whole.billed, books.slices),
        days=days,
        findings=findings(books.slices, named),
        lines=tuple(_line(query.group_by, side, named) for side in sides[:MOST_LINES]),
        line_count=len(sides),
        key_names={id: name for (dimension, id), name in named.items() if dimension == "providerKey"},
        as_of=read_freshness(session, actor.organization_id, utcnow()).as_of,
    )


def read_books(session: Session, organization_id: str, query: ReconciliationQuery) -> Books:
    """The books of the query's days, compared. The session's caller has checked who asks."""
    window = window_of(query.first, query.last)
    # A tracked call tells its account by its key: what belongs to some accounts only is known when all are read.
    providers = {name: values for name, values in query.books.items() if name == "provider"}
    groups = read_usage(session, organization_id, window, providers)
    surroundings = read_surroundings(session, organization_id, providers)
    found = directory(groups, surroundings)
    prices = _prices(session, organization_id, {group.spot.provider for group in groups})
    tracked, reported, unsplit = cells(groups, found, prices)
    accountless: frozenset[Provider] = frozenset()
    if accounts := query.books.get("account"):
        accountless = frozenset(spot.provider for spot in tracked if spot.account is None)
        tracked, reported = ({s: c for s, c in book.items() if s.account in accounts} for book in (tracked, reported))
        unsplit = [spot for spot in unsplit if spot.account in accounts]
        surroundings = surroundings.of(accounts)
    split_by_bills(session, organization_id, reported, unsplit)
    billed = read_bills(session, organization_id, window, query.books)
    known = Known(
        tracked_from=surroundings.tracked_from,
        reported=surroundings.reported,
        reported_days=account_days(reported),
        billed=surroundings.billed,
        young_from=(utcnow() - TRAILING).date(),
        vault=frozenset(found.vault_of),
        alternatives=prices.alternatives,
        accountless=accountless,
    )
    repeats = [
        Repeat(spot=found.place(spot, api_key_id), rows=rows, cost=cost, quantities=counts)
        for spot, api_key_id, rows, cost, counts in read_repeats(
            session, organization_id, window, suspects(tracked, reported)
        )
    ]
    slices = [*compare_tracked(tracked, reported, repeats, known), *compare_billed(reported, billed, known)]
    return Books(tracked, reported, billed, known, slices)


def _prices(session: Session, organization_id: str, providers: set[Provider]) -> Prices:
    return Prices({provider: overrides_of(session, organization_id, provider) for provider in sorted(providers)})


def _check(query: ReconciliationQuery) -> None:
    check_days(query.first, query.last)
    if query.step < 1:
        raise refuse("step", "Figures over time are of at least one day each.")
    for name in query.group_by:
        if name not in LINE_DIMENSIONS:
            raise refuse("groupBy", f"Unknown dimension {name!r}. Choose from: {', '.join(LINE_DIMENSIONS)}.")
        if query.group_by.count(name) > 1:
            raise refuse("groupBy", f"The dimension {name!r} is named twice in groupBy. Name it once.")
    _check_filters(query.books, _BOOK_FILTERS)
    _check_filters(query.lines, LINE_DIMENSIONS)


def _check_filters(filters: Mapping[str, tuple[str, ...]], allowed: tuple[str, ...]) -> None:
    for name, values in filters.items():
        if name not in allowed:
            raise refuse("filters", f"Unknown filter {name!r}. Choose from: {', '.join(allowed)}.")
        if len(values) > _MOST_VALUES or any("\x00" in value for value in values):
            raise refuse(name, f"The filter {name!r} needs at most {_MOST_VALUES} values, without control characters.")
        if name == "provider":
            for value in values:
                if value not in list(Provider):
                    raise refuse(name, f"Unknown provider {value!r}. Choose from: {', '.join(Provider)}.")


def _names(session: Session, organization_id: str, books: Books) -> Names:
    spots = [*books.tracked, *books.reported, *(line.spot for line in books.billed)]
    wanted: Mapping[str, set[str | None]] = {
        "providerKey": {spot.key for spot in spots},
        "account": {spot.account for spot in spots},
    }
    return read_names(session, organization_id, wanted)


def _line(group_by: tuple[str, ...], side: Side, named: Names) -> Line:
    values = dict(zip(group_by, side.values, strict=True))
    return Line(
        values=values,
        names=names_of(named, values),
        tracked=side.tracked,
        reported=side.reported,
        billed=side.billed,
    )
