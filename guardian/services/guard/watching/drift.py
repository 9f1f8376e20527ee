"""How far our prices are from the providers' bills, by the reconciliation of the books."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlmodel import Session

from guardian.models.enums import AlertType, Provider
from guardian.periods import DAY, Window, floor_day
from guardian.services.guard.watching.watched import EVERYTHING, Measurement, Reading, Watched
from guardian.services.guard.watching.windows import period_of, window_of
from guardian.services.ledger.reconciliation.figures import figures
from guardian.services.ledger.reconciliation.service import read_books
from guardian.services.ledger.reconciliation.views import ReconciliationQuery

METRICS: frozenset[tuple[AlertType, str]] = frozenset({(AlertType.COST_THRESHOLD, "drift")})
_HUNDRED = Decimal(100)


def measure_drift(
    session: Session, organization_id: str, watched: Sequence[Watched], moments: Sequence[datetime], tz: ZoneInfo
) -> dict[str, list[Reading]]:
    """In percent of the bill, whichever side is higher, over the UTC days of the window that are over: bills are of
    whole days.
    """
    known: dict[tuple[Window, str | None], Decimal | None] = {}

    def drift(days: Window, provider: str | None) -> Decimal | None:
        if (days, provider) not in known:
            known[days, provider] = _drift(session, organization_id, days, provider)
        return known[days, provider]

    found: dict[str, list[Reading]] = {each.alert_id: [] for each in watched}
    for each in watched:
        rule = each.rule
        scope = rule.scope.value if rule.scope.type == "provider" else None
        for moment in moments:
            window = window_of(rule.window, moment, tz)
            days = Window(floor_day(window.start), floor_day(moment))
            providers = [scope] if rule.group_by is None or scope else list(Provider)
            groups = {
                (provider or EVERYTHING) if rule.group_by else EVERYTHING: Measurement(
                    value=drift(days, provider), window=days, period=period_of(rule.window, window)
                )
                for provider in providers
            }
            found[each.alert_id].append(Reading(moment=moment, groups=groups))
    return found


def _drift(session: Session, organization_id: str, days: Window, provider: str | None) -> Decimal | None:
    """None where one of the books does not exist."""
    if days.start >= days.end:
        return None
    query = ReconciliationQuery(
        first=days.start.date(),
        last=(days.end - DAY).date(),
        books={"provider": (provider,)} if provider else {},
    )
    books = read_books(session, organization_id, query)
    whole, _ = figures(books.tracked, books.reported, books.billed, books.slices, books.known, query.first, query.last)
    return None if whole.drift is None else abs(whole.drift) * _HUNDRED
