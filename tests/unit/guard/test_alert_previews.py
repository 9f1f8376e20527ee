"""Previews: a rule played through again says when it would have fired, and plainly where that cannot be said."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, select

from guardian.errors import NotFoundError, ValidationError
from guardian.models import Alert, AlertNotification, AlertTransition, Budget
from guardian.models.enums import AlertType, ComparisonType
from guardian.periods import HOUR, floor_hour, utcnow
from guardian.services.guard.alerts import NewAlert
from guardian.services.guard.budgets import Scope
from guardian.services.guard.previews import described, preview_alert
from guardian.services.ledger.sql.partitions import ensure_partitions
from tests.conftest import People
from tests.unit.guard.ledger import add_calls


def wanted(**fields: Any) -> NewAlert:
    given: dict[str, Any] = {"type": AlertType.COST_THRESHOLD, "threshold": Decimal(10), "window": "1h", **fields}
    return NewAlert(**given)


@pytest.fixture(autouse=True)
def _partitions(session: Session) -> None:
    ensure_partitions(session, utcnow() - timedelta(days=70), utcnow())


def test_each_firing_is_found_with_its_hours(session: Session, people: People) -> None:
    now = floor_hour(utcnow())
    for days, cost in ((20, "12.5"), (10, "9"), (5, "30"), (40, "99")):
        add_calls(session, people.alice, now - timedelta(days=days, minutes=30), cost, tags={"team": "web"})
    found = preview_alert(session, people.bob, wanted(group_by="team"))
    assert (found.possible, found.count, found.told, found.peak) == (True, 2, 4, Decimal(30))
    assert found.sentence == (
        "Would have fired 2 times in the last 30 days, looked at every hour: 4 messages to each recipient."
    )
    latest, first = found.firings
    assert (latest.group, latest.value, latest.start) == ("web", Decimal(30), now - timedelta(days=5))
    assert (first.start, first.end) == (now - timedelta(days=20), now - timedelta(days=20) + HOUR)
    assert first.sentence == "AI provider spend of team web was $12.50 in the last hour, above $10.00."
    assert session.exec(select(Alert)).all() == session.exec(select(AlertTransition)).all() == []
    assert session.exec(select(AlertNotification)).all() == []


def test_a_rule_that_would_have_been_silent_says_how_near_it_came(session: Session, people: People) -> None:
    add_calls(session, people.alice, utcnow() - timedelta(days=3), "9.25")
    found = preview_alert(session, people.alice, wanted())
    assert (found.count, found.firings) == (0, ())
    assert found.sentence == "Would not have fired in the last 30 days; the nearest that it came was $9.25."
    # What is Acme's is nothing to Globex.
    other = preview_alert(session, people.charlie, wanted())
    assert (other.count, other.peak or 0) == (0, 0)


def test_what_still_lasts_has_no_end(session: Session, people: People) -> None:
    add_calls(session, people.alice, floor_hour(utcnow()) - timedelta(minutes=5), "40")
    found = preview_alert(session, people.alice, wanted(window="7d"))
    assert [each.end for each in found.firings] == [None]
    assert found.sentence.startswith("Would have fired once in the last 30 days")


def test_a_budget_is_looked_at_by_the_day(session: Session, people: People) -> None:
    rule = {"type": AlertType.BUDGET_EXCEEDED, "threshold": None, "window": None}
    assert "no budget yet" in preview_alert(session, people.alice, wanted(**rule)).sentence
    budget = Budget(organization_id=people.alice.organization_id, name="All", limit=Decimal(10), thresholds=[50])
    session.add(budget)
    session.flush()
    add_calls(session, people.alice, utcnow() - timedelta(days=12), "6")
    found = preview_alert(session, people.alice, wanted(**rule, metadata={"budgetId": budget.id}))
    assert (found.possible, found.count) == (True, 1)
    assert "of the budget All, past 50" in found.firings[0].sentence
    with pytest.raises(NotFoundError):
        preview_alert(session, people.charlie, wanted(**rule, metadata={"budgetId": budget.id}))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"type": AlertType.RATE_LIMIT, "window": None}, "rate limits is not kept"),
        ({"window": "15m"}, "15 minutes cannot"),
        ({"type": AlertType.USAGE_SPIKE, "metric": "new_models"}, "no data"),
    ],
)
def test_what_cannot_be_told_is_said(session: Session, people: People, fields: Any, words: str) -> None:
    found = preview_alert(session, people.alice, wanted(**fields))
    assert found.possible is False
    assert words in found.sentence


def test_a_draft_is_described_and_checked(session: Session, people: People) -> None:
    said = described(session, people.alice, wanted(scope=Scope("user", people.bob.user_id)))
    assert said == "Tell alice@example.com by e-mail when AI provider spend of Bob is above $10.00 in an hour."
    for call in (described, preview_alert):
        with pytest.raises(ValidationError):
            call(session, people.alice, wanted(comparison_type=ComparisonType.LESS_THAN, threshold=Decimal(0)))
