"""Every public handler of every State can be called by any browser: none does anything for whom it should not."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import reflex as rx
from sqlmodel import Session, select

from guardian.app import app
from guardian.errors import GuardianError
from guardian.models import ApiKey, Invitation, Organization, Team, TeamMember
from guardian.models.enums import Provider
from guardian.ui.session import NotSignedIn
from guardian.ui.session import Page as SignedInPage
from tests.fakes import seed
from tests.ui.conftest import StatePage, run_async

# Handlers of signed-out pages: they read the address, and nothing of anybody.
SIGNED_OUT = {"enter"}
OURS = "guardian."


def _states() -> list[type[rx.State]]:
    assert app is not None
    found = [state for state in rx.State.get_substates() if state.__module__.startswith(OURS)]
    return sorted(found, key=lambda state: state.__name__)  # the same order in every process that shares the tests


def _handlers() -> Iterator[tuple[type[rx.State], str]]:
    for state in _states():
        for name in state.event_handlers:
            if name not in SIGNED_OUT and name not in rx.State.event_handlers:
                yield state, name


def _arguments(function: Callable[..., Any], text: str) -> list[Any]:
    """One plausible value for each parameter; texts are `text`."""
    kinds: dict[str, Any] = {"str": text, "bool": True, "int": 1, "float": 1.0}
    found: list[Any] = []
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        kind = getattr(parameter.annotation, "__name__", str(parameter.annotation))
        found.append(kinds.get(kind, {"id": text, "key_id": text, "name": text, "from": text, "to": text}))
    return found


async def _call(state: rx.State, name: str, arguments: list[Any]) -> None:
    result = type(state).event_handlers[name].fn(state, *arguments)
    if inspect.isasyncgen(result):
        async for _ in result:
            pass
    elif inspect.isawaitable(result):
        await result


HANDLERS = [pytest.param(*each, id=f"{each[0].__name__}.{each[1]}") for each in _handlers()]


def test_there_are_states_and_they_are_flat() -> None:
    states = _states()
    assert states
    assert all(state.get_parent_state() is rx.State and not state.get_substates() for state in states)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(("state_class", "name"), HANDLERS)
def test_without_a_session_no_handler_does_anything(page_of: StatePage, state_class: type[rx.State], name: str) -> None:
    for token in (None, "not-a-token-of-anybody"):
        state = page_of(state_class, token)
        arguments = _arguments(state_class.event_handlers[name].fn, "x")
        with pytest.raises(NotSignedIn):
            run_async(_call(state, name, arguments))


@pytest.mark.parametrize(("state_class", "name"), HANDLERS)
def test_another_organizations_ids_lead_nowhere(
    session: Session, page_of: StatePage, state_class: type[rx.State], name: str
) -> None:
    mine, theirs = seed.company(session, "Acme"), seed.company(session, "Globex")
    seed.ledger_account(session, mine, Provider.OPENAI, seed.utcnow(), seed.utcnow())
    session.commit()
    key = session.exec(select(ApiKey)).one()
    before = _everything_of(session, mine.organization.id)
    state = page_of(state_class, theirs.token)
    for text in (key.id, mine.organization.id, mine.owner.id, mine.actor.session_id or ""):
        said = ""
        try:
            run_async(_call(state, name, _arguments(state_class.event_handlers[name].fn, text)))
        except GuardianError as error:
            said = error.message
        told = said + repr(state.dict())
        assert not [secret for secret in ("Acme", mine.owner.email, theirs.token, key.hint) if secret in told]
    # A stranger may make an organization of their own; what is anybody else's stays as it is.
    assert _everything_of(session, mine.organization.id) == before


@pytest.mark.parametrize(
    "state_class", [pytest.param(s, id=s.__name__) for s in _states() if issubclass(s, SignedInPage)]
)
def test_a_page_shows_its_own_organization_and_keeps_no_secret(
    session: Session, page_of: StatePage, state_class: type[rx.State]
) -> None:
    company = seed.company(session, "Acme")
    session.commit()
    state = page_of(state_class, company.token)
    run_async(_call(state, "load", []))
    assert (state.loaded, state.problem, state.viewer.organization) == (True, "", "Acme")
    assert company.token not in repr(state.dict())


def _everything_of(session: Session, organization_id: str) -> list[str]:
    session.expire_all()
    own = {
        Organization: Organization.id,
        ApiKey: ApiKey.organization_id,
        TeamMember: TeamMember.organization_id,
        Team: Team.organization_id,
        Invitation: Invitation.organization_id,
    }
    rows = (row for table, owner in own.items() for row in session.exec(select(table).where(owner == organization_id)))
    return sorted(repr(row.model_dump()) for row in rows)
