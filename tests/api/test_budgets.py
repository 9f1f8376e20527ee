"""budgets: set, changed and deleted by administrators, shown with what was spent in the current period."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, select

from guardian.models import ActivityLog, Alert, Budget
from guardian.models.enums import AlertType
from guardian.periods import DAY, floor_month, rfc3339, utcnow
from guardian.queue import check_mark
from guardian.queue import connection as redis_connection
from guardian.services.guard.budgets import hard_budgets_of
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


def test_the_first_budget_brings_thresholds_and_a_rule_that_tells_of_them(
    alice: Client, people: People, session: Session
) -> None:
    add_calls(session, people.alice, utcnow(), "8.5")
    session.commit()
    made = alice.data("POST", "/budgets", 201, json={"name": "All", "limit": "10"})
    assert (made["thresholds"], made["left"], made["effectiveLimit"]) == ([50, 80, 100], "1.5", "10")
    assert (made["rollingDays"], made["raised"]) == (None, None)
    assert alice.data("POST", "/budgets", 201, json={"name": "B", "limit": "10", "thresholds": []})["thresholds"] == []
    rules = session.exec(select(Alert).where(Alert.type == AlertType.BUDGET_EXCEEDED)).all()
    assert [(rule.organization_id, rule.user_id) for rule in rules] == [
        (people.alice.organization_id, people.alice.user_id)
    ]


def test_a_rolling_budget_looks_back(alice: Client, people: People, session: Session) -> None:
    now = utcnow()
    add_calls(session, people.alice, now - 3 * DAY, "1")
    add_calls(session, people.alice, now - timedelta(days=7, hours=1), "2")
    session.commit()
    made = alice.data("POST", "/budgets", 201, json={"name": "Week", "limit": "10", "rollingDays": 7})
    assert (made["spent"], made["rollingDays"], made["forecast"] is not None) == ("1", 7, True)
    assert datetime.fromisoformat(made["resetsAt"]) - datetime.fromisoformat(made["startsAt"]) == 7 * DAY
    path = f"/budgets/{made['id']}"
    assert alice.data("PATCH", path, json={"limit": "20"})["rollingDays"] == 7
    assert alice.data("PATCH", path, json={"rollingDays": 30})["spent"] == "3"
    assert alice.data("PATCH", path, json={"period": "YEARLY"})["rollingDays"] is None
    for wrong in (0, 367):
        failure = alice.failure("PATCH", path, 400, json={"rollingDays": wrong})
        assert failure["details"][0]["field"] == "rollingDays"


def test_a_budget_of_a_provider(alice: Client, people: People, session: Session) -> None:
    add_calls(session, people.alice, utcnow(), "1")
    session.commit()
    scope = {"type": "provider", "value": "openai"}
    made = alice.data("POST", "/budgets", 201, json={"name": "x", "limit": "5", "scope": scope})
    assert (made["scope"], made["spent"]) == ({"type": "provider", "value": "OPENAI"}, "1")
    scope["value"] = "NOBODY"
    alice.failure("POST", "/budgets", 400, json={"name": "x", "limit": "5", "scope": scope})


def test_a_limit_is_raised_for_a_time(alice: Client, session: Session, people: People) -> None:
    made = alice.data("POST", "/budgets", 201, json={"name": "All", "limit": "100", "kind": "HARD"})
    path = f"/budgets/{made['id']}/raise"
    until = utcnow() + DAY
    raised = alice.data("POST", path, json={"limit": "150", "until": rfc3339(until), "reason": " the  launch "})
    assert raised["raised"] == {"limit": "150", "until": rfc3339(until), "reason": "the launch", "by": "Alice"}
    assert (raised["limit"], raised["effectiveLimit"], raised["left"]) == ("100", "150", "150")
    (held,) = hard_budgets_of(session, people.alice.organization_id)
    assert (held.limit_at(until - timedelta(seconds=1)), held.limit_at(until)) == (150, 100)
    # Longer, but not lower; a change of the budget itself leaves it, and counts where it is higher.
    alice.failure("POST", path, 400, json={"limit": "149", "until": rfc3339(until), "reason": "x"})
    longer = alice.data("POST", path, json={"limit": "150", "until": rfc3339(until + DAY), "reason": "x"})
    assert longer["raised"]["until"] == rfc3339(until + DAY)
    assert alice.data("PATCH", path.removesuffix("/raise"), json={"limit": "200"})["effectiveLimit"] == "200"
    alice.data("PATCH", path.removesuffix("/raise"), json={"limit": "100"})
    ended = alice.data("DELETE", path)
    assert (ended["raised"], ended["effectiveLimit"]) == (None, "100")
    rows = session.exec(select(ActivityLog.action, ActivityLog.meta).order_by(ActivityLog.sequence)).all()  # pyright: ignore[reportArgumentType]
    assert [action for action, _ in rows if "RAISE" in action] == ["BUDGET_RAISE", "BUDGET_RAISE", "BUDGET_RAISE_END"]
    told = rows[1][1] or {}
    assert (told["raisedTo"], told["reason"], told["limit"]) == ("150", "the launch", "100")


def test_a_raise_ends_by_itself(alice: Client, session: Session) -> None:
    made = alice.data("POST", "/budgets", 201, json={"name": "All", "limit": "100"})
    row = session.get_one(Budget, made["id"])
    row.raised_limit, row.raised_until, row.raise_reason = Decimal(150), utcnow() - timedelta(seconds=1), "x"
    session.commit()
    over = alice.data("GET", f"/budgets/{made['id']}")
    assert (over["raised"], over["effectiveLimit"]) == (None, "100")
    # The next one is measured by what stands now, not by what stood once.
    until = rfc3339(utcnow() + DAY)
    again = alice.data("POST", f"/budgets/{made['id']}/raise", json={"limit": "120", "until": until, "reason": "x"})
    assert again["effectiveLimit"] == "120"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"limit": "100"}, "limit"),
        ({"limit": "99"}, "limit"),
        ({"limit": "900000001"}, "limit"),
        ({"until": rfc3339(utcnow() - timedelta(seconds=1))}, "until"),
        ({"until": rfc3339(utcnow() + 367 * DAY)}, "until"),
        ({"reason": "  "}, "reason"),
    ],
)
def test_a_wrong_raise_is_refused(alice: Client, change: dict[str, Any], field: str) -> None:
    made = alice.data("POST", "/budgets", 201, json={"name": "All", "limit": "100"})
    wrong = {"limit": "150", "until": rfc3339(utcnow() + DAY), "reason": "launch", **change}
    failure = alice.failure("POST", f"/budgets/{made['id']}/raise", 400, json=wrong)
    assert failure["details"][0]["field"] == field
    assert "$100.0000" not in failure["error"]
    assert alice.data("GET", f"/budgets/{made['id']}")["raised"] is None


def test_a_budget_is_looked_at_before_it_is_set(
    alice: Client, charlie: Client, people: People, session: Session
) -> None:
    last_month = floor_month(floor_month(utcnow()) - DAY)
    add_calls(session, people.alice, last_month + 3 * DAY, "6", tags={"team": "web"})
    session.commit()
    asked = {"limit": "10", "scope": {"type": "team", "value": "web"}, "thresholds": [50]}
    found = alice.data("POST", "/budgets/preview", json=asked)
    (month,) = found["periods"]
    day = f"{last_month + 3 * DAY:%Y-%m-%d}"
    assert (month["spent"], found["over"], found["limit"]) == ("6", 0, "10")
    assert month["crossings"] == [{"threshold": 50, "amount": "5", "day": day}]
    assert found["days"][3] == {"day": day, "spent": "6", "cumulative": "6"}
    assert alice.data("GET", "/budgets") == []
    assert session.exec(select(ActivityLog)).all() == []
    assert charlie.data("POST", "/budgets/preview", json=asked)["periods"][0]["spent"] == "0"
    made = alice.data("POST", "/budgets", 201, json={"name": "x", **asked})
    charlie.failure("POST", "/budgets/preview", 404, json={"budgetId": made["id"]})
    assert alice.data("POST", "/budgets/preview", json={"budgetId": made["id"]})["periods"][0]["spent"] == "6"
    assert alice.failure("POST", "/budgets/preview", 400, json={})["details"][0]["field"] == "limit"


def test_a_budget_that_is_changed_while_it_is_crossed(alice: Client, people: People, session: Session) -> None:
    """What its period has spent stays spent: the change alone decides what is left of it."""
    add_calls(session, people.alice, utcnow(), "8")
    session.commit()
    made = alice.data("POST", "/budgets", 201, json={"name": "All", "limit": "10", "kind": "HARD"})
    path = f"/budgets/{made['id']}"
    redis_connection().delete(check_mark(people.alice.organization_id))
    lower = alice.data("PATCH", path, json={"limit": "5"})
    assert (lower["spent"], lower["left"]) == ("8", "-3")
    # Its alerts are looked at again, though no usage has come.
    assert redis_connection().exists(check_mark(people.alice.organization_id))
    assert alice.data("PATCH", path, json={"limit": "20"})["left"] == "12"
    elsewhere = alice.data("PATCH", path, json={"scope": {"type": "team", "value": "web"}})
    assert (elsewhere["spent"], elsewhere["left"]) == ("0", "20")
