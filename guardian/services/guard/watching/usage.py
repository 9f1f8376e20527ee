"""Metrics that are sums of usage: spend, calls, tokens, calls without a price, failures, refusals, and their change."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import chain
from statistics import median
from zoneinfo import ZoneInfo

from sqlmodel import Session

from guardian.models.enums import AlertType, ComparisonType
from guardian.periods import Window
from guardian.pricing.overrides import matches
from guardian.services.guard.analysis.baseline import WEEKS
from guardian.services.guard.watching.grid import NOTHING, Grid, Sum, Sums, Values
from guardian.services.guard.watching.reading import TOKEN, Asked, in_sums, read
from guardian.services.guard.watching.watched import EVERYTHING, Measurement, Reading, Watched
from guardian.services.guard.watching.windows import before, period_of, weeks_before, window_of
from guardian.services.ledger.queries.books import Books

METRICS: frozenset[tuple[AlertType, str]] = frozenset(
    {
        (AlertType.COST_THRESHOLD, "cost"),
        (AlertType.COST_THRESHOLD, "unpriced"),
        (AlertType.USAGE_SPIKE, "requests"),
        (AlertType.USAGE_SPIKE, "tokens"),
        (AlertType.USAGE_SPIKE, "cost"),
        (AlertType.RATE_LIMIT, "refusals"),
        (AlertType.ERROR_RATE, "errors"),
    }
)
_OF_CALLS = ("refusals", "errors")
_FEWEST_WEEKS = 3  # that something has to be known of, for the median of them to be what is usual
_DIMENSIONS: Mapping[str, str] = {"key": "apiKey", "token": TOKEN}
# Reports of providers know none of these.
_TRACKED_ONLY = ("user", "team", "apiKey", TOKEN)


@dataclass(frozen=True, slots=True)
class _Plan:
    """One rule's question. `windows` are, for each moment, the present one and what it is compared with."""

    watched: Watched
    scope: str | None
    group: str | None
    windows: tuple[tuple[Window, ...], ...]

    @property
    def dimensions(self) -> frozenset[str]:
        return frozenset(name for name in (self.scope, self.group) if name)

    @property
    def of_calls(self) -> bool:
        return self.watched.metric in _OF_CALLS

    @property
    def is_seasonal(self) -> bool:
        return self.watched.rule.type is AlertType.USAGE_SPIKE

    @property
    def wanted(self) -> tuple[str, ...]:
        """The values of the scope's dimension, several for a team of several names; none for all, or for a pattern."""
        scope = self.watched.rule.scope
        if self.scope is None or scope.type == "model":
            return ()
        return scope.tag[1:] if scope.type == "tag" else scope.names


def measure_usage(
    session: Session, organization_id: str, watched: Sequence[Watched], moments: Sequence[datetime], tz: ZoneInfo
) -> dict[str, list[Reading]]:
    """What each rule finds at each of the moments; rules of one shape share a question."""
    batches = _batches([_plan(each, moments, tz) for each in watched])
    if not batches:
        return {}
    books, answers = read(session, organization_id, [asked for asked, _ in batches])
    found: dict[str, list[Reading]] = {}
    for (asked, plans), sums in zip(batches, answers, strict=True):
        for plan in plans:
            found[plan.watched.alert_id] = _readings(plan, asked, sums, books, moments)
    return found


def _plan(watched: Watched, moments: Sequence[datetime], tz: ZoneInfo) -> _Plan:
    rule = watched.rule
    scope = None
    if rule.scope.type != "organization":
        name = rule.scope.tag[0]
        scope = f"tag:{name}" if rule.scope.type == "tag" else _DIMENSIONS.get(rule.scope.type, rule.scope.type)
    group = _DIMENSIONS.get(rule.group_by, rule.group_by) if rule.group_by else None
    windows: list[tuple[Window, ...]] = []
    for moment in moments:
        now = window_of(rule.window, moment, tz)
        compared: list[Window] = []
        if rule.type is AlertType.USAGE_SPIKE:
            compared = weeks_before(now, moment, WEEKS)
        elif rule.comparison is ComparisonType.PERCENT_CHANGE:
            compared = [before(rule.window, moment, tz)]
        windows.append((now, *compared))
    return _Plan(watched, scope, group, tuple(windows))


def _batches(plans: Sequence[_Plan]) -> list[tuple[Asked, list[_Plan]]]:
    """Questions, as few as possible: what sums know is asked for by all dimensions that another rule needs anyway."""
    shapes: dict[tuple[bool, bool, frozenset[str]], list[_Plan]] = defaultdict(list)
    for plan in plans:
        shapes[plan.of_calls, plan.is_seasonal, plan.dimensions].append(plan)
    joined: dict[tuple[bool, bool, frozenset[str]], list[_Plan]] = {}
    for shape in sorted(shapes, key=lambda shape: -len(shape[2])):
        of_calls, seasonal, names = shape
        cheap = not of_calls and all(in_sums(name) for name in names)
        wider = (
            known
            for known in joined
            if cheap and known[:2] == (of_calls, seasonal) and names <= known[2] and all(in_sums(n) for n in known[2])
        )
        joined.setdefault(next(wider, shape), []).extend(shapes[shape])
    return [(_asked(shape, of), of) for shape, of in joined.items()]


def _asked(shape: tuple[bool, bool, frozenset[str]], plans: Sequence[_Plan]) -> Asked:
    of_calls, _, names = shape
    windows = {window for plan in plans for each in plan.windows for window in each}
    only: dict[str, frozenset[str]] = {}
    if of_calls or not all(in_sums(name) for name in names):
        scopes = {plan.scope for plan in plans}
        values = [plan.wanted for plan in plans]
        if len(scopes) == 1 and (scope := next(iter(scopes))) is not None and all(values):
            only[scope] = frozenset(chain.from_iterable(values))
    return Asked(grid=Grid.of(windows), dimensions=tuple(sorted(names)), of_calls=of_calls, only=only)


def _readings(plan: _Plan, asked: Asked, sums: Sums, books: Books, moments: Sequence[datetime]) -> list[Reading]:
    groups = _groups(plan, asked.dimensions, sums)
    found: list[Reading] = []
    for moment, windows in zip(moments, plan.windows, strict=True):
        measured: dict[str, Measurement] = {}
        for group, values in groups.items():
            if plan.group is not None and not any(sums.has(each, windows[0]) for each in values):
                continue
            of = [_total(sums, values, window) for window in windows]
            measured[group] = _measured(plan, group, of, windows, books, moment)
        nothing = _measured(plan, EVERYTHING, [NOTHING] * len(windows), windows, books, moment)
        if plan.group is None:
            found.append(Reading(moment=moment, groups=measured or {EVERYTHING: nothing}))
        else:
            found.append(Reading(moment=moment, groups=measured, absent=nothing))
    return found


def _total(sums: Sums, values: Sequence[Values], window: Window) -> Sum:
    found = NOTHING
    for each in values:
        found = found + sums.of(each, window)
    return found


def _groups(plan: _Plan, dimensions: Sequence[str], sums: Sums) -> dict[str, list[Values]]:
    """The values in the rule's scope, by group; what has no value of the dimension is in no group."""
    scope = dimensions.index(plan.scope) if plan.scope else None
    group = dimensions.index(plan.group) if plan.group else None
    found: dict[str, list[Values]] = defaultdict(list)
    for values in sums.values:
        if scope is not None and not _fits(plan, values[scope]):
            continue
        key = EVERYTHING if group is None else values[group]
        if key is not None:
            found[key].append(values)
    return found


def _fits(plan: _Plan, value: str | None) -> bool:
    if value is None:
        return False
    scope = plan.watched.rule.scope
    return matches(scope.value or "", value) if scope.type == "model" else value in plan.wanted


def _measured(
    plan: _Plan, group: str, of: Sequence[Sum], windows: Sequence[Window], books: Books, moment: datetime
) -> Measurement:
    now, window = of[0], windows[0]
    figures = [
        _figure(plan, sum) if sum != NOTHING or _is_known(plan, group, books, each, moment) else (None, False)
        for sum, each in zip(of, windows, strict=True)
    ]
    value, at_least = figures[0]
    if value is not None and plan.is_seasonal:
        usual = [figure for figure, _ in figures[1:] if figure is not None]
        value = _above(value, median(usual)) if len(usual) >= _FEWEST_WEEKS else None
    elif value is not None and len(figures) > 1:
        earlier, is_least = figures[1]
        value = None if earlier is None or is_least else _above(value, earlier)
    return Measurement(
        value=value,
        window=replace(window, end=min(window.end, max(moment, window.start))),
        calls=now.calls,
        at_least=at_least,
        period=period_of(plan.watched.rule.window, window),
    )


def _figure(plan: _Plan, of: Sum) -> tuple[Decimal | None, bool]:
    """The metric of one window, and whether it can only be higher than that; None where it is not known."""
    metric = plan.watched.metric
    if metric == "cost":
        # Nothing but calls without a price: what they cost is unknown, and not zero.
        return (None if of.unpriced and not of.cost else of.cost), bool(of.unpriced)
    if metric == "errors":
        return (Decimal(of.errors * 100) / of.requests if of.requests else None), False
    if metric == "requests":
        return (None if of.calls is None else Decimal(of.calls)), False
    counts = {"tokens": of.tokens, "unpriced": of.unpriced, "refusals": of.refusals}
    return Decimal(counts[metric]), False


def _above(value: Decimal, usual: Decimal) -> Decimal | None:
    """By how many percent; None where there was nothing: nothing is so many percent above nothing."""
    return (value - usual) * 100 / usual if usual else None


def _is_known(plan: _Plan, group: str, books: Books, window: Window, moment: datetime) -> bool:
    """Whether a book covers the window, so that nothing found in it means zero."""
    since = books.tracked_from
    if plan.of_calls or any(name in _TRACKED_ONLY or name.startswith("tag:") for name in plan.dimensions):
        return since is not None and since < window.end
    providers = plan.wanted if plan.scope == "provider" else (group,) if plan.group == "provider" and group else ()
    filters = {"provider": providers} if providers else {}
    return books.covers(window, moment, filters)
