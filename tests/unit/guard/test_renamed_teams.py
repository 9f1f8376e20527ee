"""Teams that are renamed: their budgets and alerts count what is told under every name that is still theirs."""

from decimal import Decimal

from sqlmodel import Session, select

from guardian.crypto import hash_token
from guardian.models import Alert, Budget, Team
from guardian.models.enums import BudgetKind, Provider
from guardian.periods import HOUR, utcnow
from guardian.services.guard.budgets import NewBudget, Scope, create_budget, hard_budgets_of, spent_of, update_budget
from guardian.services.guard.budgets.history import filters_of
from guardian.services.people import teams
from guardian.services.people.access.callers import callers_of
from guardian.services.people.access.tokens import create_token
from tests.conftest import People
from tests.unit.guard.ledger import add_calls
from tests.unit.guard.watching import add_alert, value

NAMES = ("web", "frontend", "apps")


def test_a_budget_counts_every_name_that_is_still_the_teams(session: Session, people: People) -> None:
    team = teams.create_team(session, people.alice, "web")
    wanted = NewBudget(name="Web", limit=Decimal(5), kind=BudgetKind.HARD, scope=Scope("team", "web"))
    create_budget(session, people.alice, wanted)
    secret, _ = create_token(session, people.alice, name="ci", scopes=["gateway"])
    [caller] = callers_of(session, [hash_token(secret)]).values()
    now = utcnow()
    add_calls(session, people.alice, now, "2", tags={"team": "web"})
    add_calls(session, people.charlie, now, "100", tags={"team": "web"})
    counters: set[str] = set()

    def counts() -> tuple[Decimal, list[str]]:
        [limit] = hard_budgets_of(session, people.alice.organization_id)
        counters.add(limit.counter(limit.window(now)))
        held = [name for name in NAMES if limit.applies(caller, Provider.OPENAI, "gpt-5", {"team": name}, None)]
        filters = filters_of(session, limit, limit.window(now))
        assert filters is not None
        assert sorted(filters["team"]) == sorted(held)
        return spent_of(session, [limit], now)[limit.id].total, held

    assert counts() == (2, ["web"])
    teams.update_team(session, people.alice, team.id, name="frontend")
    add_calls(session, people.alice, now, "1", tags={"team": "frontend"})
    assert counts() == (3, ["web", "frontend"])
    teams.update_team(session, people.alice, team.id, name="apps")
    assert counts() == (3, ["web", "frontend", "apps"])
    # A change of the budget forgets none of them.
    [budget] = session.exec(select(Budget)).all()
    update_budget(session, people.alice, budget.id, NewBudget(limit=Decimal(9), scope=Scope("team", "apps")))
    assert counts() == (3, ["web", "frontend", "apps"])
    # Another team that takes a name has it alone.
    other = teams.create_team(session, people.alice, "web")
    assert counts() == (1, ["frontend", "apps"])
    teams.update_team(session, people.alice, other.id, name="frontend")
    assert counts() == (0, ["apps"])
    assert len(counters) == 5  # each begins with what the ledger has of its names
    names = {row.name: row.former_names for row in session.exec(select(Team))}
    assert names == {"apps": [], "frontend": ["web"]}
    # A team may take its own name back.
    teams.update_team(session, people.alice, other.id, name="web")
    assert session.exec(select(Team).where(Team.name == "web")).one().former_names == ["frontend"]


def test_an_alert_goes_on_counting_too(session: Session, people: People) -> None:
    team = teams.create_team(session, people.alice, "web")
    now = utcnow()
    rule = add_alert(session, people.alice, scope={"type": "team", "value": "web"})
    by_model = add_alert(session, people.alice, scope={"type": "team", "value": "web"}, group_by="model")
    add_calls(session, people.alice, now - HOUR, "2", tags={"team": "web"})
    teams.update_team(session, people.alice, team.id, name="frontend")
    add_calls(session, people.alice, now - HOUR, "1", tags={"team": "frontend"})
    add_calls(session, people.alice, now - HOUR, "10", tags={"team": "others"})
    session.commit()
    assert value(session, session.get_one(Alert, rule.id), now) == 3
    assert value(session, session.get_one(Alert, by_model.id), now, "gpt-5") == 3


def test_only_the_last_names_are_remembered(session: Session, people: People) -> None:
    team = teams.create_team(session, people.alice, "team 0")
    for number in range(1, 25):
        teams.update_team(session, people.alice, team.id, name=f"team {number}")
    [row] = session.exec(select(Team)).all()
    assert row.former_names == [f"team {number}" for number in range(4, 24)]
