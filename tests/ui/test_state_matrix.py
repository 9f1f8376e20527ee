"""Role × handler × tenant: every public handler of every page's State, found by itself, called as each role.

What a handler did is told by the audit log: every row names an action, every action has a route, and that route's
permission says whose it is. So the pages keep to the same table as the API, and do nothing that the API cannot.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
import reflex as rx
from fastapi.routing import APIRoute
from sqlalchemy import text
from sqlmodel import Session, SQLModel, select

from guardian import db
from guardian.api.main import ROUTERS
from guardian.errors import GuardianError
from guardian.models import ActivityLog, ApiKey, TeamMember, User
from guardian.models.enums import Provider, TeamRole
from guardian.services.people.access.sessions import open_session
from guardian.services.permissions import GRANTS, INSTALLATION, OWN_ACCOUNT
from tests.conftest import ROOT, make_actor
from tests.fakes import seed
from tests.ui.conftest import StatePage, run_async
from tests.ui.test_states import _arguments, _call, _handlers

# Words of handlers that take something away.
_LAST = ("leave", "delete", "remove", "transfer", "sign_out", "revoke", "disable")


def _permissions() -> dict[str, set[str | None]]:
    """Action → what the routes ask for that do it; None: what anybody may."""
    found: dict[str, set[str | None]] = defaultdict(set)
    for router in ROUTERS:
        for route in router.routes:
            rule = getattr(route.endpoint, "rule", None) if isinstance(route, APIRoute) else None
            if rule is not None and rule.action is not None:
                found[rule.action].add(rule.permission)
    return found


def _in_order() -> list[tuple[type[rx.State], str]]:
    """What takes something away comes last, so that there is something to take."""
    return sorted(_handlers(), key=lambda each: any(word in each[1] for word in _LAST))


def _work(page_of: StatePage, user_id: str, organization_id: str, texts: tuple[str, ...]) -> None:
    """Every handler, each in a tab and with a session of its own, with each of these ids."""
    for state_class, name in _in_order():
        with db.session() as session:
            user = session.get_one(User, user_id)
            user.organization_id = organization_id
            token, _row = open_session(session, user, user_agent="pytest", ip_address="127.0.0.1")
        for given in texts:
            state = page_of(state_class, token)
            try:
                run_async(_call(state, name, _arguments(state_class.event_handlers[name].fn, given)))
            except (GuardianError, LookupError):
                continue  # LookupError: it went on to another page, and a State without a browser has none


@pytest.mark.parametrize("role", list(TeamRole))
def test_no_handler_does_more_than_its_role_may(session: Session, page_of: StatePage, role: TeamRole) -> None:
    acme = seed.company(session, "Acme")
    seed.ledger_account(session, acme, Provider.OPENAI, seed.utcnow(), seed.utcnow())
    person = make_actor(session, acme.organization, f"{role.value.lower()}.person", role)
    session.commit()
    key = session.exec(select(ApiKey)).one().id
    place = session.exec(select(TeamMember.id).where(TeamMember.user_id == acme.owner.id)).one()
    _work(page_of, person.user_id, acme.organization.id, (key, place))
    session.expire_all()
    granted, known = GRANTS[role] | OWN_ACCOUNT, _permissions()
    done = {row.action for row in session.exec(select(ActivityLog).where(ActivityLog.user_id == person.user_id))}
    assert done, "nothing was done at all"
    beyond = {action for action in done if not any(p is None or p in granted for p in known.get(action, {None}))}
    assert beyond == set()
    assert not (done & {a for a, needs in known.items() if needs and all(p in INSTALLATION for p in needs)})


def test_no_handler_touches_another_organization(session: Session, page_of: StatePage) -> None:
    """The owner of Globex knows every id of Acme's; afterwards not a row of Acme's is another one."""
    acme, globex = seed.company(session, "Acme"), seed.company(session, "Globex")
    seed.ledger_account(session, acme, Provider.OPENAI, seed.utcnow(), seed.utcnow())
    session.commit()
    key = session.exec(select(ApiKey)).one().id
    before = _rows_of(acme.organization.id)
    assert sum(map(len, before.values())) > 3
    _work(page_of, globex.owner.id, globex.organization.id, (key, acme.organization.id, acme.owner.id))
    assert _rows_of(acme.organization.id) == before


def _rows_of(organization_id: str) -> dict[str, list[Any]]:
    """Every row that is an organization's, of every table."""
    found: dict[str, list[Any]] = {}
    with db.session() as session:
        for table in SQLModel.metadata.sorted_tables:
            column = (
                "organization_id" if "organization_id" in table.c else "id" if table.name == "organizations" else ""
            )
            if column:
                query = text(f'SELECT t::text FROM "{table.name}" t WHERE {column} = :id ORDER BY 1')
                found[table.name] = list(session.connection().execute(query, {"id": organization_id}).scalars())
    return found


def _told() -> Iterator[tuple[str, str]]:
    """The actions that pages name, and where."""
    for path in sorted((ROOT / "guardian/ui").rglob("*.py")):
        for action in re.findall(r'audited\(\s*"([A-Z_]+)"', path.read_text()):
            yield action, str(path.relative_to(ROOT))


def test_whatever_a_page_does_the_api_does_too() -> None:
    """Each action of a page is one of a route: the map from handlers to routes, which nobody has to keep."""
    known, told = _permissions(), list(_told())
    assert len({action for action, _ in told}) > 20
    assert [each for each in told if each[0] not in known] == []
