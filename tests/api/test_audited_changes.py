"""Every route that changes something says in the log what it was before and is after, as the database has it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import inspect, text

from guardian import db
from guardian.models.enums import TeamRole
from guardian.services.actor import Actor
from guardian.services.people.audit.changes import WATCHED, _name, told
from tests.api.conftest import Client, SignIn, execute
from tests.api.routes import SIGNED_IN, Route
from tests.api.test_every_route import call as call_route
from tests.api.test_every_route import ids, put_back  # noqa: F401  # ids is a fixture
from tests.conftest import People
from tests.fakes.openai_api import ADMIN_KEY

Rows = dict[tuple[str, str], dict[str, Any]]
OF_THE_INSTALLATION = (
    Route("PUT", "/admin/organizations/{organization}/plan", "", {"plan": "SCALE"}),
    Route("POST", "/admin/organizations/{customer}/disable", "", {"reason": "They do not pay."}),
    Route("POST", "/admin/organizations/{customer}/enable", ""),
    Route("PATCH", "/admin/users/{user}", "", {"role": "ADMIN"}),
    Route("DELETE", "/admin/users/{user}/sessions", ""),
)
CHANGING = tuple(
    sorted(
        (
            *OF_THE_INSTALLATION,
            *(r for r in SIGNED_IN if r.method != "GET" and r.status < 300 and not r.front and not r.installation),
        ),
        # What takes something away comes last, and signing out at the very end.
        key=lambda r: (r.path == "/auth/logout", r.path == "/auth/sessions", r.method == "DELETE"),
    )
)
# What the product notes there for itself, such as who was removed.
_OWN_NOTES = ("Organization", "metadata")
_SEALED_COLUMNS = ("_hash", "_hashes", "encrypted_key", "encrypted_secret")


def stored() -> Rows:
    """What the log has to tell of: each watched row with the columns that may be told, as PostgreSQL has it."""
    found: Rows = {}
    with db.session() as session:
        for model in WATCHED:
            mapper = inspect(model)
            names = {c.columns[0].name: key for key, c in mapper.column_attrs.items()}
            for (row,) in session.connection().execute(text(f'SELECT to_jsonb(t) FROM "{mapper.local_table.name}" t')):
                key = "/".join(str(row[column.name]) for column in mapper.primary_key)
                found[model.__name__, key] = {_name(names[n]): v for n, v in row.items() if told(names[n])}
    return found


def differences(before: Rows, after: Rows) -> dict[tuple[str, str], set[str]]:
    """Of each row that was made, changed or removed, the names of what differs; empty values of a new row do not."""
    changed: dict[tuple[str, str], set[str]] = {}
    for key in before.keys() | after.keys():
        old, new = before.get(key, {}), after.get(key, {})
        names = {name for name in old.keys() | new.keys() if (old.get(name) or None) != (new.get(name) or None)}
        names -= {name for name in names if (key[0], name) == _OWN_NOTES}
        if names:
            changed[key] = names
    return changed


def logged(since: str) -> list[dict[str, Any]]:
    with db.session() as session:
        rows = session.connection().execute(
            text("SELECT action, resource_id, metadata FROM activity_logs WHERE id > :since ORDER BY id"),
            {"since": since},
        )
        return [{"action": a, "resource": r, **(m or {})} for a, r, m in rows]


def newest() -> str:
    with db.session() as session:
        return session.connection().execute(text("SELECT coalesce(max(id), '') FROM activity_logs")).scalar_one()


def names_told(lines: list[dict[str, Any]], key: tuple[str, str], *, alone: bool) -> set[str]:
    """What the lines say differs of that row; where it is `alone`, a line may be about something that is no row."""
    told_of: set[str] = set()
    for line in lines:
        subject = {"what": key[0], "id": key[1] if alone else line["resource"], **line}
        for each in (subject, *line.get("also", [])):
            if (each["what"], each["id"]) == key:
                told_of |= each.get("before", {}).keys() | each.get("after", {}).keys()
    return told_of


def secrets_of(client: Client) -> set[str]:
    """What must be nowhere in the log: sealed values, hashes, and what an answer has shown once."""
    found = {ADMIN_KEY}
    for answer in client.answers:
        if answer.headers.get("content-type", "").startswith("application/json"):
            data = answer.json().get("data")
            found |= {v for k, v in (data.items() if isinstance(data, dict) else ()) if k == "secret" and v}
    with db.session() as session:
        for model in WATCHED:
            mapper = inspect(model)
            for column in mapper.local_table.columns:
                if column.name.endswith(_SEALED_COLUMNS):
                    query = text(f'SELECT "{column.name}" FROM "{mapper.local_table.name}"')
                    values = [value for (value,) in session.connection().execute(query)]
                    found |= {v for each in values for v in (each if isinstance(each, list) else [each]) if v}
    return found


@pytest.fixture
def person(colleague: Callable[[TeamRole], Actor]) -> Actor:
    """An owner who runs the installation too."""
    found = colleague(TeamRole.OWNER)
    execute("UPDATE users SET role = 'SUPER_ADMIN' WHERE id = :id", id=found.user_id)
    return found


def test_each_change_is_told_with_before_and_after(
    person: Actor,
    sign_in: SignIn,
    people: People,
    ids: dict[str, str],  # noqa: F811  # the fixture
) -> None:
    client = sign_in(person)
    # Nobody disables the organization that they work in.
    ids["customer"] = people.charlie.organization_id
    untold: dict[str, Any] = {}
    changing = 0
    for route in CHANGING:
        before, since = stored(), newest()
        status = call_route(client, route, ids)
        assert status == route.status, (route.name, client.answers[-1].text)
        lines, after = logged(since), stored()
        changed = differences(before, after)
        changing += bool(changed)
        for key, names in changed.items():
            missing = names - names_told(lines, key, alone=len(changed) == 1)
            if missing:
                untold.setdefault(route.name, []).append((key[0], sorted(missing)))
        if route.moves:
            put_back(person)
    assert not untold, json.dumps(untold, indent=1)
    assert changing > 30
    log = json.dumps(logged(""))
    assert [secret for secret in secrets_of(client) if secret in log] == []


def test_what_went_with_an_organization_is_told(alice: Client) -> None:
    since = newest()
    alice.data("DELETE", "/organization?name=Acme")
    [line] = logged(since)
    gone = {"name": "Acme", "domain": None, "plan": "ENTERPRISE", "people": 2, "keys": 0}
    assert {name: value for name, value in line["before"].items() if name in gone} == gone
