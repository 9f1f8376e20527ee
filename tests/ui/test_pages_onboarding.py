"""The card of the first steps on the dashboard: what its State shows, and what may be said to it."""

from typing import Any

import pytest
from sqlmodel import Session, select

from guardian.app import app
from guardian.errors import ValidationError
from guardian.models import TeamMember, User
from guardian.models.enums import Provider, TeamRole
from guardian.services.people.access.sessions import actor_for_user
from guardian.ui.pages.dashboard.page import DashboardState
from tests.fakes import seed
from tests.ui.conftest import StatePage
from tests.ui.pages import work


def _states(page: Any) -> list[str]:
    return [step.state for step in page.setup_steps]


@pytest.fixture
def page(page_of: StatePage, company: seed.Company) -> DashboardState:
    found = page_of(DashboardState, company.token, "/dashboard")
    work(found, "load")
    return found


def test_the_card_goes_with_what_is_there(session: Session, page: DashboardState, company: seed.Company) -> None:
    assert (page.setup_shown, page.setup_progress) == (True, "0 of 4 steps done")
    assert _states(page) == ["next", "later", "later", "later"]
    seed.ledger_account(session, company, Provider.OPENAI, seed.utcnow(), seed.utcnow())
    session.commit()
    # As the hub does after a live message: the organization's part alone.
    page._show(DashboardState._read(session, actor_for_user(session, company.owner.id), ()))
    assert _states(page) == ["done", "next", "later", "later"]
    assert page.setup_progress == "1 of 4 steps done"


def test_skipped_put_away_and_fetched_again(
    session: Session, page: DashboardState, page_of: StatePage, company: seed.Company
) -> None:
    work(page, "skip_step", "connect")
    assert _states(page) == ["skipped", "next", "later", "later"]
    work(page, "put_setup_away")
    assert (page.setup_shown, page.setup_away) == (False, True)
    # Another tab, another day: it stays away, until it is asked for.
    again = page_of(DashboardState, company.token, "/dashboard")
    work(again, "load")
    assert (again.setup_shown, again.setup_away) == (False, True)
    work(again, "fetch_setup")
    assert (again.setup_shown, again.setup_away, _states(again)[0]) == (True, False, "next")
    for step in ("connect", "spend", "budget", "invite"):
        work(again, "skip_step", step)
    assert (again.setup_shown, again.setup_away) == (False, False)
    with pytest.raises(ValidationError, match="There is no step"):
        work(again, "skip_step", "nap")
    assert session.get_one(User, company.owner.id).onboarding_status is not None


def test_who_may_not_do_a_step_has_no_card(session: Session, page_of: StatePage, company: seed.Company) -> None:
    member = session.exec(select(TeamMember).where(TeamMember.user_id == company.owner.id)).one()
    member.role = TeamRole.VIEWER
    session.commit()
    page = page_of(DashboardState, company.token, "/dashboard")
    work(page, "load")
    assert (page.setup_shown, page.setup_away, page.setup_steps) == (False, False, [])


def test_each_step_leads_to_a_page_that_is_there(page: DashboardState) -> None:
    assert app is not None
    pages = {"/" + route.strip("/") for route in app._unevaluated_pages}
    assert {step.href for step in page.setup_steps} <= pages
