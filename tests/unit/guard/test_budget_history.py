"""What a budget's days cost, whose rows they are, and how past periods would have run against a limit."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session

from guardian.errors import NotFoundError, ValidationError
from guardian.models import Organization
from guardian.models.enums import BudgetPeriod, UsageOrigin
from guardian.periods import DAY, local_days, zone
from guardian.services.guard.budgets import NewBudget, Scope, create_budget, forecast_of, preview, spent_in, spent_of
from guardian.services.guard.budgets.history import days_of, filters_of
from guardian.services.ledger.queries import summary
from guardian.services.ledger.views import SummaryQuery
from tests.conftest import People
from tests.unit.guard.ledger import add_calls
from tests.unit.guard.test_spending import budget

NOW = datetime(2026, 11, 18, 12, 34, tzinfo=UTC)


@pytest.mark.parametrize(
    "scope",
    [
        Scope("organization"),
        Scope("team", "web"),
        Scope("provider", "OPENAI"),
        Scope("provider", "XAI"),
        Scope("model", "claude-*"),
        Scope("model", "gpt-5"),
        Scope("model", "nothing*"),
        Scope("tag", "feature=search"),
        Scope("tag", "stage=live"),
        Scope("key", "nothing"),
    ],
)
@pytest.mark.parametrize("period", [BudgetPeriod.DAILY, BudgetPeriod.MONTHLY])
def test_the_explorers_filters_find_exactly_what_a_budget_spent(
    session: Session, people: People, scope: Scope, period: BudgetPeriod
) -> None:
    add_calls(session, people.alice, NOW, "1", model="claude-opus-4-5", tags={"team": "web"})
    add_calls(session, people.bob, NOW, "2", model="Claude-Haiku-4-5", tags={"feature": "search"})
    add_calls(session, people.alice, NOW - DAY, "4", tags={"stage": "live"}, origin=UsageOrigin.INGEST)
    add_calls(session, people.alice, NOW - 40 * DAY, "100", tags={"team": "web", "stage": "live"})
    limit = budget(people, scope, period)
    window = limit.window(NOW)
    filters = filters_of(session, limit, window)
    assert filters is not None
    found = summary(session, people.alice, SummaryQuery(start=window.start, end=window.end, filters=filters))
    assert found.totals.cost == spent_of(session, [limit], NOW)[limit.id].total


@pytest.mark.parametrize("value", ["t1", None])
def test_tokens_are_a_filter_of_the_explorer(session: Session, people: People, value: str | None) -> None:
    for token, amount in (("t1", "1"), ("t2", "2"), ("t3", "4")):
        add_calls(session, people.alice, NOW, amount, access_token_id=token)
    limit = budget(people, Scope("token", value), tokens=frozenset({"t2"}))
    window = limit.window(NOW)
    filters = filters_of(session, limit, window)
    assert filters is not None
    found = summary(session, people.alice, SummaryQuery(start=window.start, end=window.end, filters=filters))
    assert found.totals.cost == spent_of(session, [limit], NOW)[limit.id].total == (3 if value else 2)


def test_what_no_filter_tells_has_none(session: Session, people: People) -> None:
    window = budget(people, Scope("token")).window(NOW)
    # No token names it, so that nothing is spent of it.
    assert filters_of(session, budget(people, Scope("token")), window) is None
    assert filters_of(session, budget(people, Scope("team", "web"), tokens=frozenset({"t1"})), window) is None
    # The tokens of a budget of the whole organization are in it anyway.
    assert filters_of(session, budget(people, Scope("organization"), tokens=frozenset({"t1"})), window) is not None


@pytest.mark.parametrize("scope", [Scope("organization"), Scope("team", "web"), Scope("token", "t1")])
@pytest.mark.parametrize("tz", ["UTC", "America/St_Johns", "Asia/Kathmandu"])
def test_days_of_a_period_add_up_to_it(session: Session, people: People, scope: Scope, tz: str) -> None:
    facts: dict[str, Any] = {"tags": {"team": "web"}, "access_token_id": "t1"}
    limit = budget(people, scope, time_zone=tz, tokens=frozenset({"t1"}))
    days = local_days(date(2026, 11, 1), date(2026, 11, 30), zone(tz))
    for place, day in enumerate(days):
        add_calls(session, people.alice, day.start, f"{place + 1}.01", **facts)
        add_calls(session, people.alice, day.end - timedelta(microseconds=1), "0.5", **facts)
    spent = [each.total for each in spent_in(session, limit, days)]
    assert spent == [Decimal(f"{place + 1}.51") for place in range(30)]
    assert sum(spent) == spent_of(session, [limit], NOW)[limit.id].total
    assert [day for day, _ in days_of(session, limit, date(2026, 11, 1), date(2026, 11, 30))][::29] == [
        date(2026, 11, 1),
        date(2026, 11, 30),
    ]


def _spend(session: Session, people: People, *amounts: tuple[date, str]) -> None:
    for day, amount in amounts:
        add_calls(session, people.alice, datetime(day.year, day.month, day.day, 12, tzinfo=UTC), amount)


def test_last_month_runs_against_a_limit(session: Session, people: People) -> None:
    _spend(session, people, (date(2026, 9, 30), "9"), (date(2026, 10, 3), "4"), (date(2026, 10, 20), "5"))
    _spend(session, people, (date(2026, 10, 31), "1"), (date(2026, 11, 1), "9"))
    found = preview(session, people.alice, NewBudget(limit=Decimal(10)), now=NOW)
    (month,) = found.periods
    assert (month.first, month.last, month.spent) == (date(2026, 10, 1), date(2026, 10, 31), 10)
    assert [(each.threshold, each.amount, each.day) for each in month.crossings] == [
        (50, 5, date(2026, 10, 20)),
        (80, 8, date(2026, 10, 20)),
        (100, 10, date(2026, 10, 31)),
    ]
    assert (found.over, len(found.days), found.days[19].cumulative, found.days[19].spent) == (1, 31, 9, 5)
    higher = preview(session, people.alice, NewBudget(limit=Decimal("10.01"), thresholds=[100]), now=NOW)
    assert (higher.over, higher.periods[0].crossings) == (0, ())


def test_several_periods_each_start_at_nothing(session: Session, people: People) -> None:
    _spend(session, people, (date(2026, 8, 30), "7"), (date(2026, 9, 30), "3"), (date(2026, 10, 3), "4"))
    found = preview(session, people.alice, NewBudget(limit=Decimal(4)), periods=3, now=NOW)
    assert [(each.first, each.spent) for each in found.periods] == [
        (date(2026, 8, 1), 7),
        (date(2026, 9, 1), 3),
        (date(2026, 10, 1), 4),
    ]
    assert (found.over, len(found.days)) == (2, 92)
    days = preview(session, people.alice, NewBudget(limit=Decimal(4), period=BudgetPeriod.DAILY), now=NOW)
    assert (len(days.periods), len(days.days), days.periods[-1].last) == (30, 30, date(2026, 11, 17))
    with pytest.raises(ValidationError):
        preview(session, people.alice, NewBudget(limit=Decimal(4)), periods=13, now=NOW)


def test_a_rolling_budget_is_looked_at_day_by_day(session: Session, people: People) -> None:
    _spend(session, people, (date(2026, 10, 20), "1"), (date(2026, 10, 25), "2"), (date(2026, 11, 10), "4"))
    found = preview(session, people.alice, NewBudget(limit=Decimal(4), rolling_days=7), now=NOW)
    sums = {point.day: point.cumulative for point in found.days}
    assert (len(sums), found.periods[0].spent, found.over) == (30, 4, 1)
    assert [sums[date(2026, 10, day)] for day in (19, 20, 25, 26, 27, 31)] == [0, 1, 3, 3, 2, 2]
    assert [(each.threshold, each.day) for each in found.periods[0].crossings] == [
        (50, date(2026, 10, 25)),
        (80, date(2026, 11, 10)),
        (100, date(2026, 11, 10)),
    ]


def test_a_change_is_looked_at_with_what_it_leaves(session: Session, people: People) -> None:
    _spend(session, people, (date(2026, 10, 20), "1"))
    add_calls(session, people.alice, datetime(2026, 10, 21, tzinfo=UTC), "2", tags={"team": "web"})
    made = create_budget(
        session, people.alice, NewBudget(name="Web", limit=Decimal(5), scope=Scope("team", "web"), thresholds=[40])
    )
    found = preview(session, people.alice, NewBudget(limit=Decimal(4)), budget_id=made.id, now=NOW)
    assert (found.limit, found.periods[0].spent) == (4, 2)
    assert [each.threshold for each in found.periods[0].crossings] == [40]
    with pytest.raises(NotFoundError):
        preview(session, people.charlie, NewBudget(limit=Decimal(4)), budget_id=made.id, now=NOW)


def test_a_forecast_is_of_the_period_and_knows_the_days_before(session: Session, people: People) -> None:
    limit = budget(people, Scope("organization"))
    for back in range(1, 61):
        add_calls(session, people.alice, NOW - back * DAY, "2")
    found = forecast_of(session, limit, NOW)
    assert found is not None
    assert found.low <= found.total <= found.high
    # 17 days of $2, and $2 for each of the 12.5 days that are left.
    assert abs(found.total - 59) <= 2
    rolling = forecast_of(session, budget(people, Scope("organization"), rolling_days=7), NOW)
    assert rolling is not None
    assert abs(rolling.total - 14) <= 2


def test_there_is_no_forecast_without_a_day_before_today(session: Session, people: People) -> None:
    add_calls(session, people.alice, NOW, "2")
    assert forecast_of(session, budget(people, Scope("organization")), NOW) is None


def test_a_what_if_is_of_the_organizations_days(session: Session, people: People) -> None:
    session.get_one(Organization, people.alice.organization_id).settings = {"timeZone": "America/New_York"}
    session.flush()
    # 31 October 23:00 in New York, 1 November in UTC.
    add_calls(session, people.alice, datetime(2026, 11, 1, 3, tzinfo=UTC), "3")
    found = preview(session, people.alice, NewBudget(limit=Decimal(3)), now=NOW)
    assert (found.days[-1].day, found.days[-1].spent, found.over) == (date(2026, 10, 31), 3, 1)
