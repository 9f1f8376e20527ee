"""What the dashboard says of its figures, without a browser."""

from sqlmodel import Session

from guardian.periods import HOUR, floor_hour, utcnow
from guardian.services.ledger import queries
from guardian.ui.pages.dashboard.page import DashboardState
from tests.fakes import seed
from tests.ui.conftest import StatePage
from tests.ui.pages import work
from tests.unit.guard.ledger import add_calls


def test_what_cost_nothing_is_no_expensive_line(page_of: StatePage, session: Session, company: seed.Company) -> None:
    """What has no price is no zero: it stays, as unpriced."""
    at = floor_hour(utcnow()) - HOUR
    add_calls(session, company.actor, at, "0", model="free")
    session.commit()
    state = page_of(DashboardState, company.token, "/dashboard?range=7d")
    work(state, "load")
    assert (state.problem, state.lines) == ("", [])
    add_calls(session, company.actor, at, "0.0000002", model="cheap")
    add_calls(session, company.actor, at, "", model="unknown")
    session.commit()
    queries.invalidate_organization(company.actor.organization_id)
    work(state, "load")
    assert [(line.model, line.money.exact) for line in state.lines] == [("cheap", "0.0000002"), ("unknown", "")]
