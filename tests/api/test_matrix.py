"""Role × route × tenant, made of the API's own description and the table of permissions: every cell over real HTTP.

A cell that is allowed is asked in a way that stops right behind the door: a POST under a key that another request has,
a change under a version that nothing has. So nothing is done, and what is answered tells that it would have been.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from sqlmodel import select

from guardian import db
from guardian.api.ingest import PATHS
from guardian.api.main import ROUTERS
from guardian.api.requests.origin import SAFE_METHODS
from guardian.api.steps.routes import StepRoute
from guardian.models import Organization, User
from guardian.models.enums import TeamRole, UserRole
from guardian.services.actor import Actor
from guardian.services.people import repeats
from guardian.services.permissions import INSTALLATION, OWN_ACCOUNT, SCOPES, TABLE
from tests.api.conftest import Client, MakeClient, SignIn
from tests.api.described import Operation, operations
from tests.api.test_every_route import ids  # noqa: F401  # a fixture
from tests.conftest import People, make_actor

NOWHERE = "c" + "0" * 24
TAKEN = {"idempotency-key": "taken", "if-match": '"no-such-version"'}
FRONT = {path.removeprefix("/api/v1") for path in PATHS}
SIGNED_IN = [each for each in operations() if not each.is_public]


def ask(client: Client, operation: Operation, things: dict[str, str] | None = None, **headers: str) -> Any:
    """With the example of its description, and these ids or such as nothing has."""
    path = operation.path
    for name in operation.ids:
        known = (things or {}).get(
            name.removesuffix("_id"), NOWHERE if name.endswith("_id") else _value(operation, name)
        )
        path = path.replace(f"{{{name}}}", known)
    return client.request(
        operation.method, f"/api/v1{path}", json=operation.body, params=operation.query, headers=headers
    )


def _value(operation: Operation, name: str) -> str:
    """One that the path can have, of what is no id: a month, a provider."""
    shape = next(p["schema"] for p in operation.facts["parameters"] if p["name"] == name)
    return shape.get("enum", {"month": ["2020-01"]}.get(name, ["openai"]))[0]


def wrong(operation: Operation, answer: Any, *, allowed: bool) -> str | None:
    """What is wrong with that cell; None when it is as the table has it."""
    status, text = answer.status_code, answer.text[:200]
    if not allowed:
        told = f"({operation.permission})"
        return None if status == 403 and told in text else f"{operation.name} should be forbidden: {status} {text}"
    if operation.path in FRONT or "multipart/form-data" in operation.facts.get("requestBody", {}).get("content", {}):
        passed = status in (200, 202, 400)
    elif operation.method in SAFE_METHODS:
        passed = status in (200, 400, 404, 409)
    elif operation.method == "POST":
        passed = status == 422
    else:
        passed = status == 412 or (status == 404 and bool(operation.ids))
    return None if passed else f"{operation.name} should be let through: {status} {text}"


def take_key(actor: Actor) -> None:
    """Every POST of theirs under TAKEN is another request than the one that has the key."""
    with db.session() as session:
        repeats.claim(session, actor, TAKEN["idempotency-key"], "another")


def may(operation: Operation, granted: frozenset[str]) -> bool:
    return operation.permission is None or operation.permission in granted


@pytest.mark.parametrize("role", list(TeamRole))
def test_each_role_does_what_the_table_says(
    role: TeamRole, sign_in: SignIn, colleague: Callable[[TeamRole], Actor]
) -> None:
    actor = colleague(role)
    client = sign_in(actor)
    take_key(actor)
    granted = frozenset(name for name, line in TABLE.items() if role in line.roles) | OWN_ACCOUNT
    found = [wrong(each, ask(client, each, **TAKEN), allowed=may(each, granted)) for each in SIGNED_IN]
    assert [problem for problem in found if problem] == []


def test_who_runs_the_installation_may_do_all(sign_in: SignIn, people: People) -> None:
    with db.session() as session:
        acme = session.get_one(Organization, people.alice.organization_id)
        actor = make_actor(session, acme, "root", TeamRole.VIEWER, UserRole.SUPER_ADMIN)
    client = sign_in(actor)
    take_key(actor)
    granted = frozenset(TABLE) | OWN_ACCOUNT | INSTALLATION
    found = [wrong(each, ask(client, each, **TAKEN), allowed=may(each, granted)) for each in SIGNED_IN]
    assert [problem for problem in found if problem] == []


@pytest.mark.parametrize("scope", ["ingest", "gateway"])
def test_a_token_does_what_its_scope_is_for(scope: str, alice: Client, new_client: MakeClient, people: People) -> None:
    secret = alice.data("POST", "/tokens", 201, json={"name": scope, "scopes": [scope]})["secret"]
    take_key(people.alice)
    client = new_client(headers={"authorization": f"Bearer {secret}"})
    granted = SCOPES.get(scope, frozenset())
    found = [
        wrong(each, ask(client, each, **TAKEN), allowed=each.permission in granted)
        for each in SIGNED_IN
        if each.permission is not None
    ]
    assert [problem for problem in found if problem] == []


def test_who_is_not_signed_in_is_let_in_nowhere(client: Client) -> None:
    assert [each.name for each in SIGNED_IN if ask(client, each).status_code != 401] == []


def test_what_is_anothers_does_not_exist(charlie: Client, ids: dict[str, str]) -> None:  # noqa: F811
    """The owner of another organization may do everything there, and here nothing: as if there were no such thing."""
    found: list[str] = []
    for each in SIGNED_IN:
        named = [name for name in each.ids if name.endswith("_id")]
        if not named or each.permission in INSTALLATION:
            continue
        if not {name.removesuffix("_id") for name in named} <= ids.keys():
            found.append(f"{each.name}: Acme has no such thing that could be asked for")
            continue
        theirs, nobodys = ask(charlie, each, ids), ask(charlie, each)
        said = [(answer.status_code, answer.json()["error"]) for answer in (theirs, nobodys)]
        if said[0] != said[1] or said[0][0] != 404:
            found.append(f"{each.name}: {said}")
    assert found == []


def test_what_is_anothers_is_in_no_answer(alice: Client, charlie: Client, ids: dict[str, str]) -> None:  # noqa: F811
    with db.session() as session:
        secret = {*(row.email for row in session.exec(select(User)) if "charlie" not in row.email), *ids.values()}
    secret = {word for word in secret if len(word) > 10}  # months and providers are everybody's
    seen = ""
    for each in SIGNED_IN:
        if each.method == "GET" and not each.ids:
            seen += ask(alice, each).text
            leaked = [word for word in secret if word in ask(charlie, each).text]
            assert leaked == [], each.name
    assert [word for word in secret if word in seen], "nothing of it is in the owner's answers either"


def skips(routers: tuple[APIRouter, ...]) -> Iterator[str]:
    """Routes that do not take the seven steps."""
    for router in routers:
        for route in router.routes:
            if not isinstance(route, APIRoute) or not route.path.startswith(("/api/", "/auth/")):
                continue
            rule = getattr(route.endpoint, "rule", None)
            name = f"{sorted(route.methods or ())[0]} {route.path}"
            if rule is None or not isinstance(route, StepRoute):
                yield f"{name} takes no steps"
            elif rule.permission is None and not rule.public:
                yield f"{name} asks for no permission"
            elif rule.action is None and rule.page is None and not (route.methods or set()) <= SAFE_METHODS:
                yield f"{name} leaves no audit row"
            elif rule.permission not in {None, *TABLE, *OWN_ACCOUNT, *INSTALLATION}:
                yield f"{name} asks for {rule.permission}, which is in no table"


def test_no_route_skips_a_step() -> None:
    assert list(skips(ROUTERS)) == []


def test_a_route_that_skips_one_is_found() -> None:
    router = APIRouter(prefix="/api/v1")
    router.add_api_route("/back-door", lambda: None, methods=["POST"])
    assert list(skips((router,))) == ["POST /api/v1/back-door takes no steps"]
