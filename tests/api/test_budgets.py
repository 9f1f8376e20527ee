"""budgets: set, changed and deleted by administrators, shown with what was spent in the current period."""

from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, select

from guardian.models import ActivityLog, Budget
from guardian.periods import utcnow
from tests.api.conftest import Client
from tests.conftest import People
from tests.unit.guard.ledger import add_calls


def test_a_budget_shows_what_was_spent(alice: Client, people: People, session: Session) -> None:
    add_calls(session, people.alice, utcnow(), "1.25", tags={"team": "web"})
    add_calls(session, people.alice, utcnow(), "0.50")
    session.commit()
    made = alice.data("POST", "/budgets", 201, json={"name": " All ", "limit": "100.5"})
    assert made["scope"] == {"type": "organization", "value": None}
    assert (made["name"], made["kind"], made["period"], made["limit"]) == ("All", "SOFT", "MONTHLY", "100.5")
    assert (made["spent"], made["held"], made["metadata"]["whenRedisIsAway"]) == ("1.75", "0", "open")
    web = {
        "name": "Web",
        "limit": "5",
        "kind": "HARD",
        "scope": {"type": "team", "value": "web"},
        "thresholds": [80, 50],
    }
    made = alice.data("POST", "/budgets", 201, json=web)
    assert (made["spent"], made["thresholds"]) == ("1.25", [50, 80])
    assert made["metadata"] == {"whenRedisIsAway": "closed", "unpricedModels": "refuse"}
    assert [each["name"] for each in alice.data("GET", "/budgets")] == ["All", "Web"]


def test_a_change_leaves_what_it_does_not_name(alice: Client, session: Session) -> None:
    made = alice.data("POST", "/budgets", 201, json={"name": "All", "limit": "100", "thresholds": [90]})
    path = f"/budgets/{made['id']}"
    changed = alice.data("PATCH", path, json={"kind": "HARD", "metadata": {"whenRedisIsAway": "open"}})
    same = ("name", "limit", "period", "thresholds", "scope", "id")
    assert {name: changed[name] for name in same} == {name: made[name] for name in same}
    assert (changed["kind"], changed["metadata"]["whenRedisIsAway"]) == ("HARD", "open")
    alice.data("DELETE", path)
    alice.failure("GET", path, 404)
    actions = session.exec(select(ActivityLog.action, ActivityLog.meta).order_by(ActivityLog.sequence)).all()  # pyright: ignore[reportArgumentType]
    assert [action for action, _ in actions] == ["BUDGET_CREATE", "BUDGET_UPDATE", "BUDGET_DELETE"]
    assert (actions[0][1] or {})["limit"] == "100"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "900000001"}, "limit"),
        ({"limit": "0.00000000001"}, "limit"),
        ({"name": " "}, "name"),
        ({"thresholds": [0]}, "thresholds"),
        ({"scope": {"type": "user", "value": "somebody"}}, "scope"),
        ({"scope": {"type": "team"}}, "scope"),
        ({"scope": {"type": "tag", "value": "feature"}}, "scope"),
        ({"scope": {"type": "organization", "value": "x"}}, "scope"),
        ({"metadata": {"whenRedisIsAway": "ajar"}}, "metadata.whenRedisIsAway"),
    ],
)
def test_a_wrong_budget_is_refused(alice: Client, change: dict[str, Any], field: str) -> None:
    wrong = {"name": "x", "limit": "1", **change}
    assert alice.failure("POST", "/budgets", 400, json=wrong)["details"][0]["field"] == field


def test_another_organizations_people_are_no_scope(charlie: Client, people: People) -> None:
    scope = {"type": "user", "value": people.alice.user_id}
    charlie.failure("POST", "/budgets", 400, json={"name": "x", "limit": "1", "scope": scope})


def test_money_is_exact(alice: Client, session: Session) -> None:
    made = alice.data("POST", "/budgets", 201, json={"name": "x", "limit": 0.1})
    assert (made["limit"], session.get_one(Budget, made["id"]).limit) == ("0.1", Decimal("0.1"))
