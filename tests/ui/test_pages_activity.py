"""The activity page: lines in words, filters by the address, what a line changed, and nobody else's lines."""

from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, select

from guardian.models import Budget, TeamMember
from guardian.models.enums import TeamRole
from guardian.services.people import audit
from guardian.ui.pages.activity.page import ActivityState
from tests.fakes import seed
from tests.ui.conftest import StatePage
from tests.ui.pages import work


@pytest.fixture
def company(session: Session) -> seed.Company:
    """A budget that was made and changed, and one line that is nobody's."""
    found = seed.company(session, "Acme")
    budget = Budget(organization_id=found.actor.organization_id, name="All", limit=Decimal(10))
    session.add(budget)
    audit.record(session, found.actor, "BUDGET_CREATE", resource_type="budget", resource_id=_flushed(session, budget))
    budget.limit = Decimal(20)
    audit.record(session, found.actor, "BUDGET_UPDATE", resource_type="budget", resource_id=budget.id)
    audit.note_use(session, found.actor.organization_id, "key", f"key-{budget.id}", "pull")
    session.commit()
    return found


def _flushed(session: Session, budget: Budget) -> str:
    session.flush()
    return budget.id


def opened(page_of: StatePage, token: str, address: str = "/activity") -> Any:
    state: Any = page_of(ActivityState, token, address)
    work(state, "load")
    return state


def test_lines_in_words_newest_first(page_of: StatePage, company: seed.Company) -> None:
    state = opened(page_of, company.token)
    assert [row.what for row in state.lines] == ["A stored secret was used", "Changed a budget", "Set a budget"]
    assert state.lines[0].who == "Nobody signed in"
    assert [choice.label for choice in state.actions] == [
        "All",
        "Set a budget",
        "Changed a budget",
        "A stored secret was used",
    ]
    assert (state.next_href, state.first_href, state.filtered) == ("", "", False)


def test_the_address_decides_what_is_found(page_of: StatePage, company: seed.Company) -> None:
    state = opened(page_of, company.token, "/activity?action=BUDGET_UPDATE&days=7&q=20")
    assert [row.what for row in state.lines] == ["Changed a budget"]
    assert (state.searched, state.action, state.filtered) == ("20", "Changed a budget", True)
    assert "action=BUDGET_UPDATE" in state.export_href
    assert "from=" in state.export_href
    assert opened(page_of, company.token, "/activity?person=nobody").lines == []
    assert len(opened(page_of, company.token, f"/activity?person={company.actor.user_id}").lines) == 2
    assert opened(page_of, company.token, "/activity?cursor=x").problem != ""


def test_a_line_tells_what_it_changed(page_of: StatePage, company: seed.Company) -> None:
    state = opened(page_of, company.token, "/activity?action=BUDGET_UPDATE")
    state = opened(page_of, company.token, state.lines[0].href)
    assert state.detail.code == "BUDGET_UPDATE"
    assert [(each.name, each.before, each.after) for each in state.detail.changes] == [("limit", "10", "20")]
    assert state.close_href == "/activity?action=BUDGET_UPDATE"


def test_a_thing_has_the_name_that_the_log_last_gave_it(
    page_of: StatePage, session: Session, company: seed.Company
) -> None:
    def note(action: str, of: seed.Company = company, **facts: str) -> None:
        audit.record(session, of.actor, action, resource_type="key", resource_id="key-1", metadata=facts)
        session.commit()

    note("KEY_CREATE", label="Production")
    note("KEY_UPDATE", label="Production EU")
    note("KEY_SYNC", job="job-1")
    note("KEY_CREATE", seed.company(session, "Globex"), label="Theirs")
    lines = opened(page_of, company.token, "/activity?resourceId=key-1").lines
    assert [row.thing for row in lines] == ["Production EU", "Production EU", "Production"]
    # What was never named has its kind and its id.
    assert opened(page_of, company.token).lines[3].thing.startswith("key key-")


def test_a_search_goes_to_its_address(page_of: StatePage, company: seed.Company) -> None:
    state = opened(page_of, company.token, "/activity?days=7&cursor=9")
    assert "/activity?days=7&q=budget" in str(work(state, "search", {"q": " budget "}))


def test_another_organization_sees_nothing_of_it(page_of: StatePage, session: Session, company: seed.Company) -> None:
    other = seed.company(session, "Globex")
    session.commit()
    mine = opened(page_of, company.token).lines[0].id
    assert opened(page_of, other.token, f"/activity?row={mine}").lines == []


@pytest.mark.parametrize("role", [TeamRole.VIEWER, TeamRole.MEMBER, TeamRole.BILLING])
def test_who_may_not_read_it(page_of: StatePage, session: Session, role: TeamRole) -> None:
    company = seed.company(session, "Acme")
    session.exec(select(TeamMember).where(TeamMember.user_id == company.actor.user_id)).one().role = role
    session.commit()
    state = opened(page_of, company.token)
    assert (state.lines, state.loaded) == ([], False)
    assert "activity:read" in state.problem
    assert state.viewer.organization == "Acme"
    assert state.export_href == ""
