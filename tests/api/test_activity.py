"""activity: found by person, action, thing, time and words, with what changed; the file is safe in a spreadsheet."""

import csv
import io

import pytest

from guardian import db
from guardian.models import User
from guardian.periods import DAY, rfc3339, utcnow
from tests.api.conftest import Client
from tests.conftest import People


def actions(client: Client, query: str = "") -> list[str]:
    return [row["action"] for row in client.data("GET", f"/activity?{query}")]


@pytest.fixture
def done(alice: Client) -> str:
    """An organization that is renamed, a budget that is made and changed; the budget's id."""
    alice.data("PATCH", "/organization", json={"name": "=1+1"})
    budget = alice.data("POST", "/budgets", 201, json={"name": "All of it", "limit": "10"})
    alice.data("PATCH", f"/budgets/{budget['id']}", json={"limit": "20"})
    return budget["id"]


def test_what_an_action_changed_is_told(alice: Client, done: str) -> None:
    changed, made, renamed = alice.data("GET", "/activity")[:3]
    assert (changed["before"], changed["after"]) == ({"limit": "10"}, {"limit": "20"})
    assert (made["before"], made["after"]["name"], made["after"]["limit"]) == ({}, "All of it", "10")
    assert (renamed["before"], renamed["after"]) == ({"name": "Acme"}, {"name": "=1+1"})
    assert [row["sequence"] for row in (changed, made, renamed)] == sorted(
        (row["sequence"] for row in (changed, made, renamed)), reverse=True
    )


def test_filters_find_what_they_say(alice: Client, bob: Client, done: str) -> None:
    assert actions(alice, "action=BUDGET_CREATE") == ["BUDGET_CREATE"]
    assert actions(alice, "resourceType=budget") == ["BUDGET_UPDATE", "BUDGET_CREATE"]
    assert actions(alice, f"resourceId={done}") == ["BUDGET_UPDATE", "BUDGET_CREATE"]
    assert actions(alice, "search=all OF it") == ["BUDGET_UPDATE", "BUDGET_CREATE"]
    assert actions(alice, "search=100%25") == []
    me = alice.data("GET", "/auth/session")["user"]["id"]
    colleague = bob.data("GET", "/auth/session")["user"]["id"]
    assert "BUDGET_CREATE" in actions(alice, f"person={me}")
    assert "BUDGET_CREATE" not in actions(alice, f"person={colleague}")
    tomorrow = rfc3339(utcnow() + DAY)
    assert actions(alice, f"from={tomorrow}") == []
    assert "BUDGET_CREATE" in actions(alice, f"to={tomorrow}")
    assert alice.failure("GET", "/activity?from=x", 400)["details"][0]["field"] == "from"
    alice.failure("GET", "/activity?search=%00", 400)
    alice.failure("GET", "/activity?nobody=1", 400)


def test_the_file_has_all_that_the_filters_find(alice: Client, done: str) -> None:
    answer = alice.get("/api/v1/activity/export.csv?resourceType=organization")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="activity-')
    [row] = csv.DictReader(io.StringIO(answer.text))
    assert (row["action"], row["person"], row["before"]) == ("ORGANIZATION_UPDATE", "Alice", '{"name": "Acme"}')
    assert all(not cell.startswith(("=", "+", "-", "@")) for cell in row.values())


def test_a_name_that_is_a_formula_is_none_in_the_file(alice: Client, people: People) -> None:
    with db.session() as session:
        session.get_one(User, people.alice.user_id).name = "=HYPERLINK(0)"
    alice.data("POST", "/views", 201, json={"page": "usage", "name": "x", "query": ""})
    [row] = csv.DictReader(io.StringIO(alice.get("/api/v1/activity/export.csv?action=VIEW_CREATE").text))
    assert row["person"] == "'=HYPERLINK(0)"


def test_nobody_reads_it_of_another_organization_or_without_the_right(
    alice: Client, bob: Client, charlie: Client, done: str
) -> None:
    assert charlie.data("GET", f"/activity?resourceId={done}") == []
    assert done not in charlie.get("/api/v1/activity/export.csv").text
    bob.failure("GET", "/activity", 403)
    bob.failure("GET", "/activity/export.csv", 403)
