"""What must hold for every single route: 401, 400, success, 403 by role, 404 across organizations, 500, 503."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from fastapi.routing import APIRoute
from sqlmodel import select

from guardian import db
from guardian.api.ingest import PATHS
from guardian.api.main import ROUTERS
from guardian.api.requests.origin import SAFE_METHODS
from guardian.jobs.reports import make_report
from guardian.models import ImportRun, Invoice, RepriceRun, TeamMember, UsageLog
from guardian.models import Session as BrowserSession
from guardian.models.base import new_id
from guardian.models.enums import CostSource, Provider, RepriceStatus, TeamRole, UsageOrigin
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.ledger.sql.partitions import ensure_partitions
from guardian.services.permissions import GRANTS, OWN_ACCOUNT
from tests.api.conftest import Client, MakeClient, SignIn, execute
from tests.api.described import operations
from tests.api.routes import (
    NEW_ALERT,
    NEW_BUDGET,
    NEW_CHANNEL,
    NEW_KEY,
    NEW_PRICE,
    NEW_REPORT,
    NEW_VIEW,
    ROUTES,
    SIGNED_IN,
    WITH_ID,
    WITH_INPUT,
    Route,
)
from tests.conftest import People, Servers, forget_caches
from tests.fakes.openai_api import ADMIN_KEY
from tests.fakes.provider_server import FakeProvider

PAGED = {
    o.path.replace("_id}", "}")
    for o in operations()
    if any(p["name"] == "cursor" for p in o.facts.get("parameters", ()))
}


@pytest.fixture
def ids(alice: Client, people: People, fake: FakeProvider) -> dict[str, str]:
    """Ids of things that are Acme's, and of nobody else."""
    fake.openai.keys[NEW_KEY["key"]] = fake.openai.keys[ADMIN_KEY]
    key = alice.data("POST", "/keys", 201, json={"provider": "OPENAI", "key": ADMIN_KEY, "label": "main"})
    token = alice.data("POST", "/tokens", 201, json={"name": "ci", "scopes": ["api"]})
    view = alice.data("POST", "/views", 201, json={**NEW_VIEW, "name": "ours", "shared": True})
    price = alice.data("POST", "/prices/overrides", 201, json={**NEW_PRICE, "modelPattern": "gpt-5"})
    budget = alice.data("POST", "/budgets", 201, json=NEW_BUDGET)
    alert = alice.data("POST", "/alerts", 201, json={**NEW_ALERT, "name": "ours"})
    channel = alice.data("POST", "/channels", 201, json={**NEW_CHANNEL, "name": "ours"})
    team = alice.data("POST", "/team/teams", 201, json={"name": "ours"})
    invited = alice.data("POST", "/team/invitations", 201, json={"email": "ours@elsewhere.test"})
    report = alice.data("POST", "/reports", 202, json=NEW_REPORT)
    make_report(report["id"])
    now = utcnow()
    with db.session() as session:
        run = RepriceRun(
            organization_id=people.alice.organization_id,
            status=RepriceStatus.FINISHED,
            period_start=now,
            period_end=now,
            rows_changed=1,
        )
        session.add(run)
        brought = ImportRun(organization_id=people.alice.organization_id, file_name="log.jsonl")
        session.add(brought)
        ensure_partitions(session, now, now)
        row = UsageLog(
            provider=Provider.OPENAI,
            model="gpt-5",
            operation="chat",
            origin=UsageOrigin.GATEWAY,
            cost=Decimal("0.0000002"),
            cost_source=CostSource.COMPUTED,
            timestamp=now,
            user_id=people.alice.user_id,
            organization_id=people.alice.organization_id,
        )
        session.add(row)
        invoice = Invoice(
            organization_id=people.alice.organization_id, number="N-1", amount=29, period_start=now, period_end=now
        )
        session.add(invoice)
        member = session.exec(select(TeamMember).where(TeamMember.user_id == people.bob.user_id)).one()
        opened = session.exec(select(BrowserSession.id).where(BrowserSession.user_id == people.alice.user_id)).one()
    return {
        "key": key["id"],
        "job": key["jobId"],
        "token": token["id"],
        "budget": budget["id"],
        "alert": alert["id"],
        "channel": channel["id"],
        "report": report["id"],
        "invoice": invoice.id,
        "usage": row.id,
        "session": opened,
        "view": view["id"],
        "override": price["id"],
        "run": run.id,
        "import": brought.id,
        "member": member.id,
        "invitation": invited["id"],
        "team": team["id"],
        "organization": people.alice.organization_id,
        "user": people.bob.user_id,
        "email": "x",
        "month": "2020-01",
        "provider": "oidc",
    }


def put_back(person: Actor) -> None:
    """Undo that somebody left, or works elsewhere."""
    execute("UPDATE users SET organization_id = :org WHERE id = :id", org=person.organization_id, id=person.user_id)
    execute("UPDATE sessions SET revoked_at = NULL WHERE user_id = :id", id=person.user_id)
    execute(
        "INSERT INTO team_members (id, organization_id, user_id, role) VALUES (:place, :org, :id, :role) "
        "ON CONFLICT (organization_id, user_id) DO NOTHING",
        place=new_id(),
        org=person.organization_id,
        id=person.user_id,
        role=person.team_role.value,
    )


def call(client: Client, route: Route, ids: dict[str, str]) -> int:
    return client.request(route.method, "/api/v1" + route.path.format(**ids) + route.query, json=route.body).status_code


def test_the_table_has_every_route_and_every_change_is_audited() -> None:
    known = [r for router in ROUTERS for r in router.routes if isinstance(r, APIRoute) and r.path.startswith("/api/v1")]
    found = {(method, r.path.removeprefix("/api/v1").replace("_id}", "}")) for r in known for method in r.methods or ()}
    assert found == {(r.method, r.path) for r in ROUTES if not r.front}
    assert {"/api/v1" + r.path for r in ROUTES if r.front} == set(PATHS)
    unaudited = [r.path for r in known if not (r.methods or set()) <= SAFE_METHODS and r.endpoint.rule.action is None]
    assert unaudited == []


def test_nobody_is_served_who_is_not_signed_in(client: Client) -> None:
    for route in SIGNED_IN:
        path = route.path.format_map(defaultdict(lambda: "x"))
        body = client.failure(route.method, path, 401)
        assert (body["error"], body["code"]) == ("Unauthorized", "AUTH_ERROR"), route.name
        # Also with a body that cannot be read, or is far too large.
        client.failure(route.method, path, 401, content=b'{"cut', headers={"content-type": "application/json"})
        client.failure(route.method, path, 401, content=b"x" * 1_500_000, headers={"content-type": "image/png"})


def test_wrong_input_is_refused_with_the_field(alice: Client, ids: dict[str, str]) -> None:
    for route in WITH_INPUT:
        path = route.path.format(**ids)
        body = alice.failure(route.method, path + route.wrong_query, 400, json=route.wrong)
        assert body["code"] == "VALIDATION_ERROR", route.name
        assert body["details"], route.name
        assert all(problem["field"] and problem["message"] for problem in body["details"]), route.name
        if route.wrong is not None:
            alice.failure(route.method, path, 400, content=b'{"cut', headers={"content-type": "application/json"})
            alice.failure(route.method, path, 415, content=b"a=b", headers={"content-type": "text/plain"})
            if route.front:
                continue
            unknown = alice.failure(route.method, path, 400, json={**(route.body or {}), "surprise": 1})
            assert unknown["details"] == [{"field": "surprise", "message": "Extra inputs are not permitted"}]


@pytest.mark.parametrize("role", list(TeamRole))
def test_who_may_do_what(
    role: TeamRole, ids: dict[str, str], sign_in: SignIn, colleague: Callable[[TeamRole], Actor]
) -> None:
    person = colleague(role)
    client = sign_in(person)
    # What takes something away comes last, and signing out at the very end.
    routes = sorted(SIGNED_IN, key=lambda r: (r.path == "/auth/logout", r.method == "DELETE"))
    found: dict[str, int] = {}
    for route in routes:
        found[route.name] = call(client, route, ids)
        if route.moves:
            put_back(person)
    # Tokens and sessions of other people are not forbidden but unknown.
    refused = {route.name: 404 if "{token}" in route.path else 403 for route in routes}
    assert found == {r.name: r.status if may(role, r) else refused[r.name] for r in routes}


def may(role: TeamRole, route: Route) -> bool:
    """What the table says, of a role that has no things of its own: nobody who pays makes a key or an alert."""
    if role is not TeamRole.BILLING:
        return role in route.roles
    (permission,) = {o.permission for o in operations() if o.name.replace("_id}", "}") == route.name}
    granted = permission is None or permission in OWN_ACCOUNT or permission in GRANTS[role]
    return role in route.roles or (TeamRole.VIEWER in route.roles and granted)


def test_a_token_does_what_its_scope_is_for(new_client: MakeClient, alice: Client, ids: dict[str, str]) -> None:
    """Of the whole API, a gateway's token opens nothing, and an ingest token what tells usage."""
    for scope in ("gateway", "ingest"):
        made = alice.data("POST", "/tokens", 201, json={"name": scope, "scopes": [scope]})
        holder = new_client(headers={"authorization": f"Bearer {made['secret']}"})
        for route in (each for each in SIGNED_IN if not each.path.startswith("/auth/")):  # who one is, and sessions
            tells = route.front or (route.method == "POST" and route.path.startswith("/imports"))
            if scope == "gateway" or not tells:
                body = holder.failure(route.method, route.path.format(**ids) + route.query, 403, json=route.body)
                assert body["code"] == "AUTHZ_ERROR", route.name
            else:
                assert call(holder, route, ids) == route.status, route.name


def test_another_organizations_things_do_not_exist(charlie: Client, ids: dict[str, str]) -> None:
    nothing = dict.fromkeys(ids, "c" + "0" * 24)
    for route in WITH_ID:
        strange = charlie.failure(route.method, route.path.format(**ids), 404, json=route.body)
        missing = charlie.failure(route.method, route.path.format(**nothing), 404, json=route.body)
        assert strange["error"] == missing["error"], route.name


def test_another_organizations_things_are_in_no_list(alice: Client, charlie: Client, ids: dict[str, str]) -> None:
    for path in (
        "/keys",
        "/tokens",
        "/budgets",
        "/alerts",
        "/channels",
        "/reports",
        "/usage",
        "/prices/overrides",
        "/prices/reprice",
        "/views",
        "/activity",
    ):
        assert alice.data("GET", path) != [], path
        assert charlie.data("GET", path) == [], path
    assert ids["session"] not in charlie.get("/api/v1/auth/sessions").text


def test_a_broken_database_is_500_without_its_insides(alice: Client, ids: dict[str, str]) -> None:
    for route in (each for each in ROUTES if not each.sealed):
        execute(f'ALTER TABLE "{route.table}" RENAME TO elsewhere')
        body = alice.failure(route.method, route.path.format(**ids) + route.query, 500, json=route.body)
        execute(f'ALTER TABLE elsewhere RENAME TO "{route.table}"')
        assert body.items() >= {"error": "Internal server error", "code": "INTERNAL_ERROR", "details": None}.items()
        assert route.table not in alice.answers[-1].text, route.name


def test_a_database_that_is_away_is_503(
    alice: Client, ids: dict[str, str], environment: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    forget_caches()
    for route in (each for each in ROUTES if not each.sealed):
        body = alice.failure(route.method, route.path.format(**ids) + route.query, 503, json=route.body)
        assert body["code"] == "UNAVAILABLE"
        assert body["retryAfter"] == int(alice.answers[-1].headers["retry-after"]) == 5
        assert "127.0.0.1" not in alice.answers[-1].text, route.name


def test_the_answer_to_a_success_has_the_envelope(alice: Client, ids: dict[str, str]) -> None:
    for route in SIGNED_IN:
        if route.method != "GET" or route.file or route.installation:
            continue
        answer = alice.get("/api/v1" + route.path.format(**ids) + route.query, headers={"x-request-id": "mine-1"})
        body = answer.json()
        assert body.keys() == {"success", "data", "metadata"}, route.name
        metadata = body["metadata"]
        assert metadata["requestId"] == answer.headers["x-request-id"] == "mine-1"
        assert datetime.fromisoformat(metadata["timestamp"]).utcoffset() == timedelta(0)
        assert metadata["timestamp"].endswith("Z")
        assert isinstance(metadata["responseTime"], int)
        paged = route.path in PAGED
        assert ("nextCursor" in metadata) is paged, route.name
        assert answer.headers["cache-control"] == "no-store"
