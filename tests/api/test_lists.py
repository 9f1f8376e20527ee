"""Lists: every one that can grow is cut into pages, sorted and filtered by what is on its list; and several at once."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import select

from guardian import db
from guardian.models import AccessToken, ActivityLog, Invitation, RepriceRun, TeamMember, User
from guardian.models.enums import TeamRole
from guardian.periods import utcnow
from tests.api.conftest import Client
from tests.api.described import Operation, operations
from tests.api.routes import NEW_ALERT, NEW_BUDGET, NEW_CHANNEL, NEW_PRICE, NEW_VIEW
from tests.conftest import People
from tests.fakes.openai_api import ADMIN_KEY
from tests.fakes.provider_server import FakeProvider


def parameters(operation: Operation) -> dict[str, dict[str, Any]]:
    return {p["name"]: p["schema"] for p in operation.facts.get("parameters", []) if p["in"] == "query"}


def orders(operation: Operation) -> list[str]:
    shape = parameters(operation).get("sort", {})
    return next((each["enum"] for each in (shape, *shape.get("anyOf", ())) if "enum" in each), [])


PAGED = [each for each in operations() if {"cursor", "limit"} <= parameters(each).keys()]
SORTED = [each for each in operations() if orders(each)]
MADE: dict[str, dict[str, Any]] = {
    "/tokens": {"name": "n", "scopes": ["api"]},
    "/budgets": NEW_BUDGET,
    "/alerts": NEW_ALERT,
    "/channels": NEW_CHANNEL,
    "/views": NEW_VIEW,
    "/prices/overrides": NEW_PRICE,
    "/team/teams": {},
}
# Bounded by what there is, not by what people make: months, currencies, providers, sessions of one person.
SHORT = {
    "/auth/sessions",
    "/auth/oauth",
    "/auth/oauth/identities",
    "/keys/providers",
    "/prices",
    "/prices/currencies",
    "/prices/unpriced",
    "/usage/reconciliation/months",
    "/organizations",
    "/team/roles",
    "/plans",
}


def make(alice: Client, path: str, count: int) -> list[str]:
    found: list[str] = []
    for number in range(count):
        body = {**MADE[path]}
        body |= (
            {"modelPattern": f"gpt-{number}*"} if path == "/prices/overrides" else {"name": f"{number:02} of {count}"}
        )
        found.append(alice.data("POST", path, 201, json=body)["id"])
    return found


def test_lists_that_grow_have_pages() -> None:
    """Whatever answers with a list: it takes `cursor` and `limit`, or it is known to be short."""
    found = []
    for each in operations():
        shape = each.facts["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
        name = shape.get("$ref", "")
        is_list = each.method == "GET" and ("Envelope_list" in name or "ListEnvelope" in name)
        if is_list and each not in PAGED and each.path not in SHORT and not each.path.startswith("/admin"):
            found.append(each.path)
    assert found == []
    assert len(PAGED) >= 10


@pytest.mark.parametrize("path", list(MADE))
def test_pages_add_up_to_the_list(alice: Client, fake: FakeProvider, path: str) -> None:
    made = make(alice, path, 5)
    (operation,) = (each for each in SORTED if each.path == path)
    for order in (None, *orders(operation)):
        asked = {"sort": order} if order else {}
        whole = [row["id"] for row in alice.data("GET", path, params=asked)]
        assert sorted(whole) == sorted(made), order
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = alice.get(f"/api/v1{path}", params={**asked, "limit": 2, **({"cursor": cursor} if cursor else {})})
            seen += [row["id"] for row in page.json()["data"]]
            cursor = page.json()["metadata"]["nextCursor"]
        assert seen == whole, order
    up, down = ([row["id"] for row in alice.data("GET", path, params={"sort": o})] for o in orders(operation)[:2])
    assert up == down[::-1]


CUT = {"/tokens": "name", "/team/members": "email", "/team/invitations": "email", "/prices/reprice": "createdAt"}


def fill(people: People, count: int) -> None:
    """So many of each list that the database cuts; some are equal in what lists are sorted by."""
    organization, alice, now = people.alice.organization_id, people.alice.user_id, utcnow()
    with db.session() as session:
        for number in range(count):
            other = User(email=f"{number}@acme.test", name=f"Grace {number // 3}", organization_id=organization)
            session.add(other)
            session.flush()
            session.add(TeamMember(organization_id=organization, user_id=other.id, role=TeamRole.MEMBER))
            session.add(
                Invitation(
                    organization_id=organization,
                    invited_by_id=alice,
                    email=f"{number}@elsewhere.test",
                    role=TeamRole.VIEWER,
                    token_hash=f"hash {number}",
                    sent_at=now,
                    expires_at=now,
                )
            )
            session.add(RepriceRun(organization_id=organization, period_start=now, period_end=now, created_at=now))
            session.add(
                AccessToken(
                    organization_id=organization,
                    user_id=alice,
                    name="Same" if number % 2 else "same",
                    token_hash=f"hash {number}",
                    hint="0000",
                    scopes=["api"],
                    last_used_at=None if number % 3 else now - timedelta(microseconds=number),
                )
            )


@pytest.mark.parametrize("path", list(CUT))
def test_what_programs_make_is_cut_by_the_database(alice: Client, people: People, path: str) -> None:
    fill(people, 7)
    (operation,) = (each for each in PAGED if each.path == path and each.method == "GET")
    read: list[int] = []

    def note(_conn: object, cursor: Any, statement: str, *_: object) -> None:
        if statement.startswith("SELECT") and "LIMIT" in statement:
            read.append(cursor.rowcount)

    for order in (None, *orders(operation)):
        asked = {"sort": order} if order else {}
        whole = [row["id"] for row in alice.data("GET", path, params=asked)]
        assert len(set(whole)) == len(whole) >= 7
        seen: list[str] = []
        cursor: str | None = ""
        read.clear()
        event.listen(db.engine(), "after_cursor_execute", note)
        while cursor is not None:
            page = alice.get(f"/api/v1{path}", params={**asked, "limit": 3, **({"cursor": cursor} if cursor else {})})
            seen += [row["id"] for row in page.json()["data"]]
            cursor = page.json()["metadata"]["nextCursor"]
        event.remove(db.engine(), "after_cursor_execute", note)
        assert seen == whole, order
        assert read
        assert max(read) <= 4, "a page reads no more than one row beyond itself"
    for one, other in zip(orders(operation)[::2], orders(operation)[1::2], strict=True):
        up, down = ([row["id"] for row in alice.data("GET", path, params={"sort": each})] for each in (one, other))
        assert up == down[::-1]


@pytest.mark.parametrize("path", list(CUT))
@pytest.mark.parametrize(
    "place", [[], {}, None, ["x"], [5, 5, 5], ["{}", "never", "\0"], ["{}", "never"], [["{}"], "a", "b"]]
)
def test_a_cursor_that_was_made_up_is_refused(alice: Client, path: str, place: Any) -> None:
    sort = f"-{CUT[path]}" if path == "/prices/reprice" else CUT[path]
    made_up = json.dumps(place).replace("{}", sort)
    cursor = base64.urlsafe_b64encode(made_up.encode()).decode()
    query = {"cursor": cursor} if path == "/prices/reprice" else {"cursor": cursor, "sort": sort}
    assert alice.failure("GET", path, 400, params=query)["details"][0]["field"] == "cursor"


def test_members_and_tokens_are_looked_for(alice: Client, people: People) -> None:
    fill(people, 3)
    assert {row["role"] for row in alice.data("GET", "/team/members?role=OWNER")} == {"OWNER"}
    assert alice.data("GET", "/team/members?team=None+such") == []
    assert len(alice.data("GET", f"/tokens?userId={people.alice.user_id}")) == 3
    assert alice.data("GET", f"/tokens?userId={people.bob.user_id}") == []


def test_a_page_goes_on_where_it_was_whatever_comes_and_goes(alice: Client) -> None:
    first, second, third, fourth = make(alice, "/budgets", 4)
    page = alice.get("/api/v1/budgets", params={"sort": "name", "limit": 2}).json()
    assert [row["id"] for row in page["data"]] == [first, second]
    asked = {"sort": "name", "limit": 2, "cursor": page["metadata"]["nextCursor"]}
    alice.data("POST", "/budgets", 201, json={**NEW_BUDGET, "name": "00 before all"})
    assert [row["id"] for row in alice.data("GET", "/budgets", params=asked)] == [third, fourth]
    alice.data("DELETE", f"/budgets/{first}")
    assert [row["id"] for row in alice.data("GET", "/budgets", params=asked)] == [third, fourth]
    alice.data("DELETE", f"/budgets/{second}")  # the very row that the cursor names
    assert third in [row["id"] for row in alice.data("GET", "/budgets", params=asked)]


@pytest.mark.parametrize(
    "query",
    [
        "sort=tokenHash",
        "sort=-nothing",
        "sort=",
        "sort=name&sort=-name",
        "limit=0",
        "limit=501",
        "limit=x",
        "limit=1&limit=2",
        "cursor=x",
        "cursor=WzFd",
        "shape=round",
    ],
)
def test_what_is_not_on_the_list_is_refused(alice: Client, query: str) -> None:
    body = alice.failure("GET", f"/budgets?{query}", 400)
    assert body["details"][0]["field"] == query.partition("=")[0]


def test_a_cursor_is_good_for_its_own_order_alone(alice: Client) -> None:
    make(alice, "/budgets", 3)
    cursor = alice.get("/api/v1/budgets?sort=name&limit=1").json()["metadata"]["nextCursor"]
    assert alice.failure("GET", "/budgets", 400, params={"sort": "-name", "cursor": cursor})["details"]


def test_filters_are_fields_of_the_rows(alice: Client) -> None:
    hard, soft = ({**NEW_BUDGET, "name": kind, "kind": kind} for kind in ("HARD", "SOFT"))
    for body in (hard, soft):
        alice.data("POST", "/budgets", 201, json=body)
    assert [row["name"] for row in alice.data("GET", "/budgets?kind=SOFT")] == ["SOFT"]
    assert alice.data("GET", "/budgets?isActive=false") == []
    alice.data("POST", "/tokens", 201, json={"name": "one", "scopes": ["ingest", "gateway"]})
    assert [row["name"] for row in alice.data("GET", "/tokens?scope=gateway")] == ["one"]
    assert alice.data("GET", "/tokens?scope=api") == []


def test_several_tokens_end_at_once(alice: Client, charlie: Client) -> None:
    one, two, three = make(alice, "/tokens", 3)
    strange = make(charlie, "/tokens", 1)
    alice.failure("POST", "/tokens/revoke", 404, json={"ids": [one, *strange]})
    assert len(alice.data("GET", "/tokens")) == 3
    assert sorted(alice.data("POST", "/tokens/revoke", json={"ids": [two, one, one]})["ids"]) == sorted([one, two])
    assert [row["id"] for row in alice.data("GET", "/tokens")] == [three]
    assert len(charlie.data("GET", "/tokens")) == 1
    for ids in ([], ["x"] * 101, "x", [5]):
        alice.failure("POST", "/tokens/revoke", 400, json={"ids": ids})


@pytest.mark.parametrize("path", ["/alerts", "/budgets"])
def test_several_are_switched_off_and_on(
    alice: Client, bob: Client, charlie: Client, fake: FakeProvider, path: str
) -> None:
    ids = make(alice, path, 3)
    off = alice.data("POST", f"{path}/disable", json={"ids": ids[:2]})
    assert [row["isActive"] for row in off] == [False, False]
    assert sorted(row["id"] for row in alice.data("GET", f"{path}?isActive=true")) == ids[2:]
    alice.data("POST", f"{path}/enable", json={"ids": ids})
    assert len(alice.data("GET", f"{path}?isActive=true")) == 3
    charlie.failure("POST", f"{path}/disable", 404, json={"ids": ids})
    bob.failure("POST", f"{path}/disable", 403, json={"ids": ids})
    assert len(alice.data("GET", f"{path}?isActive=true")) == 3
    with db.session() as session:
        rows = session.exec(select(ActivityLog).where(ActivityLog.resource_type == path[1:-1])).all()
    assert sum(row.action.endswith("_UPDATE") for row in rows) == 2


def test_several_keys_are_tried(alice: Client, charlie: Client, fake: FakeProvider) -> None:
    key = alice.data("POST", "/keys", 201, json={"provider": "OPENAI", "key": ADMIN_KEY, "label": "main"})["id"]
    (tried,) = alice.data("POST", "/keys/test", json={"ids": [key]})
    assert (tried["success"], tried["key"]["id"]) == (True, key)
    charlie.failure("POST", "/keys/test", 404, json={"ids": [key]})
    alice.failure("POST", "/keys/test", 400, json={"ids": ["x"] * 21})
