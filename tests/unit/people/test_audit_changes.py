"""What an action changed is in its audit row, without the action having to say so, and without any secret."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import inspect
from sqlmodel import Session

from guardian.models import AccessToken, Alert, ApiKey, Budget, Organization, SavedView
from guardian.models.enums import AlertFrequency, AlertType, ComparisonType, Provider
from guardian.services.people import audit
from guardian.services.people.audit import changes
from tests.conftest import People


def a_budget(session: Session, people: People, name: str = "All") -> Budget:
    row = Budget(organization_id=people.alice.organization_id, name=name, limit=Decimal(100))
    session.add(row)
    session.flush()
    return row


def facts(session: Session, people: People, resource_id: str | None = None) -> dict[str, Any]:
    row = audit.record(session, people.alice, "BUDGET_UPDATE", resource_type="budget", resource_id=resource_id)
    return {name: value for name, value in (row.meta or {}).items() if name != "userId"}


def test_a_new_thing_has_an_after_and_one_that_is_gone_a_before(session: Session, people: People) -> None:
    row = a_budget(session, people)
    made = facts(session, people, row.id)
    assert made.keys() == {"after"}
    assert (made["after"]["name"], made["after"]["limit"], made["after"]["kind"]) == ("All", "100", "SOFT")
    session.commit()
    session.delete(row)
    gone = facts(session, people, row.id)
    assert gone.keys() == {"before"}
    assert gone["before"]["name"] == "All"


def test_a_change_says_what_differs_and_nothing_else(session: Session, people: People) -> None:
    row = a_budget(session, people)
    session.commit()
    row.limit, row.raised_until = Decimal("150.50"), datetime(2026, 12, 1, tzinfo=UTC)
    session.flush()
    row.name, row.limit = "All", Decimal("120.50")
    assert facts(session, people, row.id) == {
        "before": {"limit": "100", "raisedUntil": None},
        "after": {"limit": "120.5", "raisedUntil": "2026-12-01T00:00:00+00:00"},
    }
    # It was told once.
    assert facts(session, people, row.id) == {}


def test_what_was_changed_and_changed_back_is_no_change(session: Session, people: People) -> None:
    row = a_budget(session, people)
    session.commit()
    row.name = "Some"
    session.flush()
    row.name = "All"
    assert facts(session, people, row.id) == {}


def test_further_rows_are_told_beside_the_one_that_it_is_about(session: Session, people: People) -> None:
    rows = [a_budget(session, people, f"B{n}") for n in range(audit.MAX_ALSO + 3)]
    told = facts(session, people, rows[1].id)
    assert told["after"]["name"] == "B1"
    assert [each["what"] for each in told["also"]] == ["Budget"] * audit.MAX_ALSO
    assert told["also"][0]["after"]["name"] == "B0"
    assert told["alsoMore"] == 2


def test_what_is_given_goes_before_what_was_noticed(session: Session, people: People) -> None:
    row = audit.record(session, people.alice, "X", before={"a": 1, "apiKey": "hunter2"}, after={"a": 2})
    assert ((row.meta or {})["before"], (row.meta or {})["after"]) == ({"a": 1}, {"a": 2})


def test_what_was_rolled_back_to_a_savepoint_was_not_done(session: Session, people: People) -> None:
    kept = a_budget(session, people, "Kept")
    savepoint = session.begin_nested()
    a_budget(session, people, "Dropped")
    savepoint.rollback()
    told = facts(session, people, kept.id)
    assert (told["after"]["name"], "also" in told) == ("Kept", False)
    session.rollback()
    a_budget(session, people, "Lost")
    session.rollback()
    assert facts(session, people) == {}


def test_no_secret_is_told(session: Session, people: People) -> None:
    who = people.alice
    key = ApiKey(
        provider=Provider.CUSTOM,
        encrypted_key="hunter2",
        iv="hunter2",
        tag="hunter2",
        user_id=who.user_id,
        organization_id=who.organization_id,
        meta={"baseUrl": "https://models.example.com", "headers": {"x-tenant": "hunter2"}, "token": "hunter2"},
    )
    token = AccessToken(
        organization_id=who.organization_id, user_id=who.user_id, name="T", token_hash="hunter2", hint="abcd"
    )
    alert = Alert(
        name="A",
        type=AlertType.COST_THRESHOLD,
        threshold=Decimal(1),
        comparison_type=ComparisonType.GREATER_THAN,
        frequency=AlertFrequency.DAILY,
        user_id=who.user_id,
        organization_id=who.organization_id,
        webhook_url="https://hooks.example.com/services/hunter2",
        webhook_secrets=[{"key": "hunter2"}],
    )
    session.add_all([key, token, alert])
    session.flush()
    told = facts(session, people, key.id)
    assert "hunter2" not in str(told)
    assert told["after"]["metadata"] == {"baseUrl": "https://models.example.com", "headers": ["x-tenant"]}
    assert "https://hooks.example.com/…" in str(told["also"])


def test_no_column_with_the_name_of_a_secret_is_told() -> None:
    shown = {
        f"{model.__name__}.{name}"
        for model in changes.WATCHED
        for name in inspect(model).column_attrs.keys()  # noqa: SIM118  # a collection by key, no dict
        if changes.told(name)
    }
    words = ("hash", "secret", "password", "encrypted", "cipher", "recovery")
    assert {name for name in shown if any(word in name for word in words)} == set()
    assert {"ApiKey.label", "Budget.limit", "User.role", "TeamMember.role", "Organization.plan"} <= shown


def test_a_change_of_something_else_is_told_beside_it(session: Session, people: People) -> None:
    view = SavedView(
        organization_id=people.alice.organization_id, user_id=people.alice.user_id, page="usage", name="V", query=""
    )
    session.add(view)
    organization = session.get_one(Organization, people.alice.organization_id)
    organization.name = "Renamed"
    told = facts(session, people, organization.id)
    assert (told["before"], told["after"]) == ({"name": "Acme"}, {"name": "Renamed"})
    assert [each["what"] for each in told["also"]] == ["SavedView"]
