"""Puts a report's content together, read of one state of the ledger, in the shape that __init__ describes."""

from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from guardian import amounts
from guardian.periods import DAY, Window, local_date, month_start, rfc3339
from guardian.services.actor import Actor
from guardian.services.guard.analysis.baseline import WEEKS, Spike, spikes
from guardian.services.guard.analysis.decomposition import PARTS, Change, Mix, decompose
from guardian.services.guard.analysis.forecast import forecast
from guardian.services.guard.budgets.scopes import Scope
from guardian.services.guard.explaining import ORGANIZATION, causes_of, days_of, hours_of, mix_of
from guardian.services.guard.explaining.prices import weights_of
from guardian.services.guard.explaining.reading import groups_of, totals_of
from guardian.services.guard.explaining.scoping import book
from guardian.services.guard.reports.movers import model_name, movers, told_causes
from guardian.services.guard.reports.numbers import Content, exact, exact_or_none, percent
from guardian.services.guard.reports.savings import savings
from guardian.services.guard.reports.spans import Period, Span
from guardian.services.guard.reports.standing import budgets_at, reconciled
from guardian.services.ledger.queries.books import read_books
from guardian.services.ledger.queries.freshness import read_freshness
from guardian.services.people.organizations import get_organization

VERSION = 1
_HISTORY = 400 * DAY
_MOST_GROUPS = 10
_MOST_ANOMALIES = 10
_LEAST_EXCESS = Decimal("0.01")  # of the period's spend: less is not worth a sentence


def build(session: Session, actor: Actor, scope: Scope, period: Period, now: datetime) -> Content:
    """The content of a report of the organization or of a team. The transaction should see one state of the ledger."""
    organization_id, current, before = actor.organization_id, period.current, period.previous
    tracked = _tracked(scope)
    books = read_books(session, organization_id, before.window, by_day=False)
    known = books.covers(before.window, now, book(tracked=tracked))
    after = mix_of(session, organization_id, scope, current.window, tracked=tracked)
    first = mix_of(session, organization_id, scope, before.window, tracked=tracked) if known else {}
    weights = weights_of(session, organization_id, {*first, *after}, current.window.end)
    change = decompose(first, after, weights)
    as_of = read_freshness(session, organization_id, now).as_of
    windows, mixes = (before.window, current.window), (first, after)
    return {
        "version": VERSION,
        "title": period.title,
        "headline": _headline(scope, period, change, known),
        "organization": get_organization(session, actor).name,
        "scope": {"type": scope.type, "value": scope.value, "name": scope_name(scope)},
        "book": "tracked" if tracked else "spend",
        "kind": period.kind,
        "timeZone": period.tz.key,
        "period": _span(current),
        "previous": _span(before),
        "madeAt": rfc3339(now),
        "asOf": rfc3339(as_of) if as_of else None,
        "spend": _spend(session, organization_id, scope, current.window, change, known),
        "days": _days(session, organization_id, scope, period, known),
        "causes": told_causes(causes_of(change, len(PARTS))) if known else [],
        "movers": movers(session, organization_id, scope, windows, mixes, tracked=tracked) if known else [],
        "models": _models(after, change.after),
        "teams": [] if scope.type == "team" else _teams(session, organization_id, current.window),
        "forecast": _forecast(session, organization_id, scope, period, now),
        "budgets": budgets_at(session, actor, scope, current.window.end),
        "anomalies": _anomalies(session, organization_id, scope, period),
        "reconciliation": reconciled(session, actor, current.window) if scope.type == "organization" else None,
        "savings": savings(session, organization_id, scope, current.window, after, change if known else None),
    }


def _tracked(scope: Scope) -> bool:
    """Providers' reports know no teams: what counts as spend would leave out all calls that they cover."""
    return scope.type == "team"


def scope_name(scope: Scope) -> str:
    return f"team {scope.value}" if scope.type == "team" else "the whole organization"


def _headline(scope: Scope, period: Period, change: Change, known: bool) -> str:
    of = f" of team {scope.value}" if scope.type == "team" else ""
    said = f"AI provider spend{of} was {amounts.dollars(change.after)}"
    before = {"weekly": "the week before", "monthly": "the month before"}.get(period.kind, "the days before")
    if not known:
        return f"{said}; of {before} nothing is known."
    if not change.amount:
        return f"{said}, as much as in {before}."
    moved = change.percent
    size = f"{amounts.percent(abs(moved))} " if moved is not None else f"{amounts.dollars(abs(change.amount))} "
    first = causes_of(change, 1)
    why = f": {first[0].label}" if first else ""
    return f"{said}, {size}{'more' if change.amount > 0 else 'less'} than in {before}{why}."


def _span(span: Span) -> Content:
    return {
        "start": rfc3339(span.window.start),
        "end": rfc3339(span.window.end),
        "first": span.first.isoformat(),
        "last": span.last.isoformat(),
        "label": span.label,
    }


def _spend(
    session: Session, organization_id: str, scope: Scope, window: Window, change: Change, known: bool
) -> Content:
    of = totals_of(session, organization_id, scope, window, tracked=_tracked(scope))
    return {
        "total": exact(change.after),
        "previous": exact(change.before) if known else None,
        "change": exact(change.amount) if known else None,
        "percent": percent(change.amount, change.before) if known else None,
        "estimated": exact(of.estimated_cost),
        "requests": of.calls,
        "inputTokens": of.input_tokens,
        "outputTokens": of.output_tokens,
        "cacheReadTokens": of.cache_read_tokens,
        "unpricedRows": of.unpriced_rows,
        "unpricedTokens": of.unpriced_tokens,
    }


def _days(session: Session, organization_id: str, scope: Scope, period: Period, known: bool) -> list[Content]:
    current, before = period.current, period.previous
    costs = dict(
        days_of(session, organization_id, scope, before.first, current.last, period.tz, tracked=_tracked(scope))
    )
    found: list[Content] = []
    for n in range((current.last - current.first).days + 1):
        day, other = current.first + n * DAY, before.first + n * DAY
        there = known and other <= before.last
        cost = exact(costs.get(day, Decimal(0)))
        previous = exact(costs.get(other, Decimal(0))) if there else None
        found.append({"day": day.isoformat(), "cost": cost, "previous": previous})
    return found


def _models(mix: Mix, total: Decimal) -> list[Content]:
    keys = sorted((key for key in mix if mix[key].cost), key=lambda key: (-mix[key].cost, key))[:_MOST_GROUPS]
    return [
        {
            "value": key,
            "name": model_name(key),
            "cost": exact(mix[key].cost),
            "share": percent(mix[key].cost, total),
            "requests": mix[key].calls or None,
        }
        for key in keys
    ]


def _teams(session: Session, organization_id: str, window: Window) -> list[Content]:
    """Of tracked calls; none where no call names a team."""
    costs = groups_of(session, organization_id, ORGANIZATION, window, "team", tracked=True)
    if set(costs) <= {None}:
        return []
    total = sum(costs.values(), Decimal(0))
    teams = sorted((team for team in costs if costs[team]), key=lambda team: (-costs[team], team or ""))
    return [
        {"value": team, "name": team or "no team", "cost": exact(costs[team]), "share": percent(costs[team], total)}
        for team in teams[:_MOST_GROUPS]
    ]


def _forecast(session: Session, organization_id: str, scope: Scope, period: Period, now: datetime) -> Content | None:
    at = min(now, period.current.window.end)
    today = local_date(at, period.tz)
    first = month_start(today)
    end = month_start(first + 32 * DAY)
    days = days_of(session, organization_id, scope, today - _HISTORY, today, period.tz, tracked=_tracked(scope))
    days = [(day, cost) for day, cost in days if day < today or at == now]
    told = forecast(days, first, end, at.astimezone(period.tz))
    if told is None:
        return None
    return {
        "first": first.isoformat(),
        "last": (end - DAY).isoformat(),
        "label": f"{first:%B %Y}",
        "spent": exact(sum((cost for day, cost in days if day >= first), Decimal(0))),
        "total": exact(told.total),
        "low": exact(told.low),
        "high": exact(told.high),
        "method": told.method,
        "error": exact_or_none(told.error),
        "trials": told.trials,
    }


def _anomalies(session: Session, organization_id: str, scope: Scope, period: Period) -> list[Content]:
    window = period.current.window
    history = Window(window.start - WEEKS * 7 * DAY, window.end)
    hours = [
        (hour.start, hour.cost) for hour in hours_of(session, organization_id, scope, history, tracked=_tracked(scope))
    ]
    least = sum((cost for start, cost in hours if start >= window.start), Decimal(0)) * _LEAST_EXCESS
    found = [spike for spike in spikes(hours, window.start, period.tz) if spike.excess >= least]
    found.sort(key=lambda spike: -spike.excess)
    return [_anomaly(spike, period) for spike in found[:_MOST_ANOMALIES]]


def _anomaly(spike: Spike, period: Period) -> Content:
    start, end = (moment.astimezone(period.tz) for moment in (spike.start, spike.end))
    cost = amounts.dollars(spike.value)
    usual = amounts.dollars(spike.expected.quantize(Decimal("0.0001"))) if spike.expected else "nothing"
    when = f"On {start.day} {start:%B} from {start:%H:%M} to {end:%H:%M}"
    return {
        "start": rfc3339(spike.start),
        "end": rfc3339(spike.end),
        "value": exact(spike.value),
        "expected": exact(spike.expected.quantize(Decimal("1e-10"))),
        "excess": exact(spike.excess.quantize(Decimal("1e-10"))),
        "sentence": f"{when} spend was {cost}; {usual} is usual then.",
    }
