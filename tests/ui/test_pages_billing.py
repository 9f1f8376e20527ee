"""The page of the plan: calm where nothing is sold, what can be chosen where it is, and who may do what."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from guardian.errors import AuthorizationError, ConflictError, NotFoundError, ValidationError
from guardian.models import ActivityLog, Invoice, Organization, TeamMember
from guardian.models.enums import InvoiceStatus, Plan, TeamRole
from guardian.payments import Payments
from guardian.periods import utcnow
from guardian.services.people.billing.buying import FOR_SALE
from guardian.services.people.billing.watching import read_again
from guardian.ui.pages.billing.page import BillingState
from tests.fakes import seed
from tests.fakes.stripe_server import FakeStripe
from tests.ui.conftest import StatePage
from tests.ui.pages import payload, work


@pytest.fixture
def company(session: Session) -> seed.Company:
    found = seed.company(session, "Acme", zone="UTC")
    session.commit()
    return found


@pytest.fixture
def stripe(session: Session, company: seed.Company, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStripe]:
    """Plans are sold here, and Acme has the one to begin with."""
    with FakeStripe() as fake:
        fake.configure(monkeypatch.setenv)
        company.organization.plan = Plan.FREE
        session.add(company.organization)
        session.commit()
        yield fake


def opened(page_of: StatePage, company: seed.Company, address: str = "/billing") -> BillingState:
    state: BillingState = page_of(BillingState, company.token, address)
    work(state, "load")
    return state


def heard(session: Session, company: seed.Company) -> None:
    """What the messages of Stripe bring, all at once."""
    payments = Payments.of_installation()
    assert payments is not None
    read_again(session, payments, company.organization.id, utcnow())
    session.commit()


def subscribed(session: Session, company: seed.Company, stripe: FakeStripe, plan: Plan = Plan.STARTER) -> str:
    payments = Payments.of_installation()
    assert payments is not None
    customer = stripe.books.keep("cus", "customer", name="Acme", email="pay@acme.test")["id"]
    session.get_one(Organization, company.organization.id).stripe_customer_id = customer
    session.commit()
    made = stripe.books.subscribe(customer, payments.prices(FOR_SALE)[plan].id)
    heard(session, company)
    return made["id"]


def test_an_installation_of_ones_own_has_everything_and_sells_nothing(
    page_of: StatePage, company: seed.Company
) -> None:
    page = opened(page_of, company)
    assert (page.plan, page.price, page.sold, page.plans, page.invoices) == ("Enterprise", "", False, [], [])
    assert (page.has_portal, page.can_end, page.next_step, page.viewer.owes) == (False, False, "", "")
    assert [(row.name, row.used, row.note, row.percent) for row in page.used] == [
        ("Requests through the gateway", "0", "this month, no limit", ""),
        ("Provider keys", "0", "no limit", ""),
        ("Alerts", "0", "no limit", ""),
        ("Members", "1", "no limit", ""),
    ]
    with pytest.raises(ConflictError, match="Plans are not sold here"):
        work(page, "choose", "STARTER")
    with pytest.raises(ConflictError):
        work(page, "pay")


def test_what_can_be_chosen_is_chosen_at_stripe(
    page_of: StatePage, company: seed.Company, stripe: FakeStripe, session: Session
) -> None:
    page = opened(page_of, company)
    assert (page.plan, page.price) == ("Free", "free of charge")
    assert [(row.name, row.price, row.current, row.verb) for row in page.plans] == [
        ("Free", "$0", True, ""),
        ("Starter", "$29 a month", False, "Choose Starter"),
        ("Growth", "$99 a month", False, "Choose Growth"),
        ("Scale", "$399 a month", False, "Choose Scale"),
        ("Enterprise", "By agreement", False, ""),
    ]
    assert (page.used[3].used, page.used[3].note, page.used[3].percent, page.used[3].tone) == ("1", "of 3", "33.3", "")
    said = work(page, "choose", "GROWTH")
    [checkout] = stripe.books.all("checkout.session")
    assert payload(said)["path"] == checkout["url"]
    assert page.dialog == ""
    stripe.paid(checkout["id"])
    back = opened(page_of, company, "/billing?checkout=done")
    assert (back.plan, back.on_the_way != "") == ("Free", True)
    heard(session, company)
    back = opened(page_of, company, "/billing?checkout=done")
    assert (back.plan, back.price, back.on_the_way) == ("Growth", "$99 a month", "")
    assert back.next_step.startswith("Renews on ")
    assert [(row.number, row.amount, row.status) for row in back.invoices] == [("ACME-0001", "$99.00", "Paid")]
    session.expire_all()
    assert "SUBSCRIPTION_CHECKOUT" in session.exec(select(ActivityLog.action)).all()


def test_a_change_shows_its_price_before_it_is_done(
    page_of: StatePage, company: seed.Company, stripe: FakeStripe, session: Session
) -> None:
    subscribed(session, company, stripe)
    page = opened(page_of, company)
    assert [row.verb for row in page.plans] == ["", "", "Move to Growth", "Move to Scale", ""]
    work(page, "choose", "GROWTH")
    assert (page.dialog, page.change.name, page.change.due_name) == ("change", "Growth", "To pay now")
    assert [line.name for line in page.change.lines] == ["Unused time on Starter", "Remaining time on Growth"]
    assert (page.change.due, page.change.after) in [("$70.00", "$99 a month"), ("$69.99", "$99 a month")]
    stripe.books.declines = True
    work(page, "apply")
    assert (page.dialog, page.refusal, page.plan) == ("change", "Your card was declined.", "Starter")
    stripe.books.declines = False
    work(page, "apply")
    assert (page.dialog, page.refusal, page.plan) == ("", "", "Growth")
    work(page, "choose", "STARTER")
    assert page.change.due_name == "Credit for the next invoices"
    work(page, "close")
    assert page.dialog == ""


def test_it_ends_with_its_period_and_can_go_on_until_then(
    page_of: StatePage, company: seed.Company, stripe: FakeStripe, session: Session
) -> None:
    subscribed(session, company, stripe)
    page = opened(page_of, company)
    assert (page.can_end, page.can_go_on, page.has_portal) == (True, False, True)
    work(page, "ask_end")
    assert page.dialog == "end"
    work(page, "end")
    assert (page.dialog, page.can_end, page.can_go_on, page.plan) == ("", False, True, "Starter")
    assert page.next_step.endswith("After that the plan Free holds.")
    work(page, "go_on")
    assert (page.can_end, page.next_step.startswith("Renews on ")) == (True, True)
    assert payload(work(page, "pay"))["path"] == f"{stripe.url}/portal"


def test_a_failed_payment_is_said_to_those_who_can_mend_it(
    page_of: StatePage, company: seed.Company, stripe: FakeStripe, session: Session
) -> None:
    subscription = subscribed(session, company, stripe)
    stripe.books.declines = True
    stripe.books.renew(subscription)
    heard(session, company)
    page = opened(page_of, company)
    assert page.viewer.owes.startswith("A payment failed. The plan Starter stays until ")
    assert page.invoices[0].pay.startswith("https://invoice.stripe.test/")
    member = session.exec(select(TeamMember).where(TeamMember.user_id == company.owner.id)).one()
    member.role = TeamRole.ADMIN
    session.commit()
    page = opened(page_of, company)
    assert (page.viewer.owes, page.can_end, page.has_portal) == ("", False, False)
    assert {row.verb for row in page.plans} == {""}
    for handler, arguments in (("choose", ("GROWTH",)), ("pay", ()), ("ask_end", ()), ("end", ()), ("go_on", ())):
        with pytest.raises(AuthorizationError):
            work(page, handler, *arguments)


def test_a_viewer_sees_nothing_of_it(page_of: StatePage, company: seed.Company, session: Session) -> None:
    session.exec(select(TeamMember).where(TeamMember.user_id == company.owner.id)).one().role = TeamRole.VIEWER
    session.commit()
    page = opened(page_of, company)
    assert (page.loaded, page.plan) == (False, "")
    assert "billing:read" in page.problem


def test_another_organization_sees_its_own_invoices_only(
    page_of: StatePage, company: seed.Company, stripe: FakeStripe, session: Session
) -> None:
    subscribed(session, company, stripe)
    globex = seed.company(session, "Globex", zone="UTC")
    session.commit()
    page = opened(page_of, globex)
    assert (page.invoices, page.plan) == ([], "Enterprise")
    mine = session.exec(select(Invoice.id)).one()
    assert opened(page_of, globex, f"/billing?before={mine}").problem != ""


def test_a_plan_that_there_is_not_is_refused(page_of: StatePage, company: seed.Company, stripe: FakeStripe) -> None:
    page = opened(page_of, company)
    for wrong in ("", "FREE", "ENTERPRISE", "gold"):
        with pytest.raises((ValidationError, NotFoundError)):
            work(page, "choose", wrong)


def test_older_invoices_have_their_own_page(page_of: StatePage, company: seed.Company, session: Session) -> None:
    now = utcnow()
    for number in range(15):
        at = now - timedelta(days=30 * number)
        session.add(
            Invoice(
                organization_id=company.organization.id,
                number=f"N-{number:02}",
                status=InvoiceStatus.PAID,
                amount=29,
                period_start=at,
                period_end=at + timedelta(days=30),
                created_at=at,
            )
        )
    session.commit()
    first = opened(page_of, company)
    assert [row.number for row in first.invoices] == [f"N-{number:02}" for number in range(12)]
    older = opened(page_of, company, first.older)
    assert [row.number for row in older.invoices] == ["N-12", "N-13", "N-14"]
    assert (older.newest, older.older) == (False, "")
