"""Days, hours and mixes of every scope, as the single rows have them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session

from guardian.models import PriceOverride
from guardian.models.enums import Provider
from guardian.periods import Window
from guardian.services.guard.analysis.decomposition import Weights
from guardian.services.guard.budgets import Scope
from guardian.services.guard.explaining import ORGANIZATION, causes_of, change_of, days_of, hours_of, mix_of
from guardian.services.guard.explaining.prices import BATCH, weights_of
from guardian.services.guard.explaining.reading import mixes_of
from tests.conftest import People
from tests.unit.guard.ledger import add_calls, add_calls_of_each_scope

NOW = datetime(2026, 11, 18, 12, 34, tzinfo=UTC)
TODAY = Window(NOW - timedelta(hours=12), NOW + timedelta(hours=2))
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("scope", "total"),
    [
        (Scope("organization"), "15"),
        (Scope("team", "web"), "2"),
        (Scope("tag", "feature=search"), "4"),
        (Scope("tag", "stage=live"), "8"),
        (Scope("model", "CLAUDE-*"), "1"),
        (Scope("model", "gone-*"), "0"),
        (Scope("provider", "OPENAI"), "15"),
        (Scope("token", "t1"), "8"),
        (Scope("token"), "0"),
        (Scope("key", "nothing"), "0"),
    ],
)
def test_each_scope_has_its_days_and_hours(session: Session, people: People, scope: Scope, total: str) -> None:
    add_calls_of_each_scope(session, people, NOW)
    organization = people.alice.organization_id
    days = days_of(session, organization, scope, date(2026, 11, 1), NOW.date(), BERLIN, tracked=True)
    assert days == ([(NOW.date(), Decimal(total))] if total != "0" else [])
    hours = hours_of(session, organization, scope, TODAY)
    assert sum(hour.cost for hour in hours) == Decimal(total)
    assert [hour.start for hour in hours] == ([NOW.replace(minute=0)] if total != "0" else [])


def test_days_are_local_and_empty_ones_between_count(session: Session, people: People) -> None:
    late = datetime(2026, 11, 10, 23, 30, tzinfo=UTC)  # the 11th in Berlin
    add_calls(session, people.alice, late, "1")
    add_calls(session, people.alice, late + timedelta(days=2), "2")
    found = days_of(session, people.alice.organization_id, ORGANIZATION, date(2026, 11, 9), date(2026, 11, 14), BERLIN)
    assert found == [(date(2026, 11, day), Decimal(cost)) for day, cost in ((11, 1), (12, 0), (13, 2), (14, 0))]


def test_tokens_that_name_a_budget_count_once(session: Session, people: People) -> None:
    add_calls(session, people.alice, NOW, "1", tags={"team": "web"}, access_token_id="t1")
    add_calls(session, people.alice, NOW, "2", access_token_id="t1")
    add_calls(session, people.alice, NOW, "4", access_token_id="t2")
    day = NOW.date()
    for scope, total in ((Scope("team", "web"), 3), (Scope("token"), 3), (Scope("organization"), 7)):
        found = days_of(
            session, people.alice.organization_id, scope, day, day, BERLIN, tracked=True, tokens=frozenset({"t1"})
        )
        assert found == [(day, Decimal(total))]


def test_a_change_names_its_causes(session: Session, people: People) -> None:
    """Twice the calls, and a new model; what failed and was paid for is told apart."""
    before = Window(NOW - timedelta(days=2), NOW - timedelta(days=1))
    add_calls(session, people.alice, before.start + timedelta(hours=1), "1", "1", model="gpt-5")
    add_calls(session, people.alice, NOW - timedelta(hours=2), *["1"] * 4, model="gpt-5")
    add_calls(session, people.alice, NOW - timedelta(hours=2), "10", model="gpt-5-pro")
    add_calls(session, people.alice, NOW - timedelta(hours=1), "0.5", model="gpt-5", status_code=502)
    after = Window(NOW - timedelta(days=1), NOW)
    change = change_of(session, people.alice.organization_id, ORGANIZATION, before, after)
    assert (change.before, change.after) == (2, Decimal("14.5"))
    assert change.parts["retries"] == Decimal("0.5")
    assert sum(change.parts.values()) == Decimal("12.5")
    first = causes_of(change)[0]
    assert (first.part, first.label) == ("mix", "dearer models, mostly gpt-5-pro")
    use = mix_of(session, people.alice.organization_id, ORGANIZATION, after)["OPENAI/gpt-5"]
    assert (use.calls, use.failed_calls, use.failed, use.cost) == (5, 1, Decimal("0.5"), Decimal("4.5"))


def test_list_prices_tell_what_a_token_costs_and_what_was_agreed(session: Session, people: People) -> None:
    key = "OPENAI/gpt-5"
    found = weights_of(session, people.alice.organization_id, [key, "OPENAI/unheard-of"], NOW)
    assert found == {key: Weights(Decimal("0.00000125"), Decimal("0.000000125"), Decimal("0.00001"))}
    half = weights_of(session, people.alice.organization_id, [key], NOW, BATCH)
    assert half[key].output * 2 == found[key].output
    session.add(
        PriceOverride(
            organization_id=people.alice.organization_id,
            provider=Provider.OPENAI,
            model_pattern="gpt-5*",
            valid_from=NOW - timedelta(days=1),
            percent_of_list=Decimal(80),
        )
    )
    session.flush()
    agreed = weights_of(session, people.alice.organization_id, [key], NOW)
    assert agreed[key].input == Decimal("0.000001")


def test_mixes_are_told_by_a_dimension(session: Session, people: People) -> None:
    add_calls(session, people.alice, NOW, "1", tags={"team": "web"})
    add_calls(session, people.alice, NOW, "2", model="gpt-5-mini", tags={"team": "web"}, status_code=500)
    add_calls(session, people.alice, NOW, "4")
    add_calls(session, people.alice, NOW, "8", tags={"team": "app"})
    found = mixes_of(session, people.alice.organization_id, ORGANIZATION, TODAY, dimension="team", values=["web", ""])
    assert {place: {key: use.cost for key, use in mix.items()} for place, mix in found.items()} == {
        ("web",): {"OPENAI/gpt-5": 1, "OPENAI/gpt-5-mini": 2},
        (None,): {"OPENAI/gpt-5": 4},
    }
    assert found["web",]["OPENAI/gpt-5-mini"].failed == 2
