"""An installation that sells its plans through a Stripe on loopback."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import pytest
from sqlmodel import Session, col, select

from guardian import db
from guardian.models import ActivityLog, EmailLog, Invoice, Organization, Subscription
from guardian.models.enums import Plan
from guardian.payments import Payments, opened
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.people.billing.buying import FOR_SALE
from guardian.services.people.billing.messages import take_message
from tests.conftest import People, Servers
from tests.fakes.stripe_server import WEBHOOK_SECRET, FakeStripe, Found, signed


@pytest.fixture
def stripe(environment: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStripe]:
    with FakeStripe() as fake:
        fake.configure(monkeypatch.setenv)
        yield fake


@dataclass
class Shop:
    """alice's organization as a customer. What Stripe tells is taken by `hear`."""

    stripe: FakeStripe
    actor: Actor
    customer: str

    @property
    def payments(self) -> Payments:
        found = Payments.of_installation()
        assert found is not None
        return found

    def subscribe(self, plan: Plan = Plan.STARTER) -> str:
        """The id of a new subscription; nobody has heard of it yet."""
        price = self.payments.prices(FOR_SALE)[plan]
        return self.stripe.books.subscribe(self.customer, price.id, {"userId": self.actor.user_id})["id"]

    def hear(self, events: Iterable[Found] | None = None, now: datetime | None = None) -> list[bool]:
        """Take these messages, or all news, each in a transaction of its own."""
        taken: list[bool] = []
        for event in self.stripe.news() if events is None else events:
            body = json.dumps(event).encode()
            with db.session() as session:
                message = opened(body, signed(body), WEBHOOK_SECRET)
                taken.append(take_message(session, self.payments, message, now or utcnow()))
        return taken

    def organization(self) -> Organization:
        with db.session() as session:
            return session.get_one(Organization, self.actor.organization_id)

    def plan(self) -> Plan:
        return self.organization().plan

    def subscriptions(self) -> list[Subscription]:
        with db.session() as session:
            return list(session.exec(select(Subscription).order_by(col(Subscription.id))))

    def invoices(self) -> list[Invoice]:
        with db.session() as session:
            return list(session.exec(select(Invoice).order_by(col(Invoice.number))))

    def mails(self) -> list[EmailLog]:
        with db.session() as session:
            return list(session.exec(select(EmailLog).order_by(col(EmailLog.id))))

    def actions(self) -> list[str]:
        with db.session() as session:
            return list(session.exec(select(ActivityLog.action).order_by(col(ActivityLog.sequence))))


@pytest.fixture
def shop(stripe: FakeStripe, session: Session, people: People) -> Shop:
    organization = session.get_one(Organization, people.alice.organization_id)
    customer = stripe.books.keep("cus", "customer", name="Acme", email="pay@acme.test")["id"]
    organization.stripe_customer_id, organization.plan = customer, Plan.FREE
    organization.billing_email = "books@acme.test"
    session.commit()
    return Shop(stripe, people.alice, customer)


Put = Callable[[Actor, Plan], None]


@pytest.fixture
def put_on(session: Session) -> Put:
    """Another plan for the actor's organization, without a word about it."""

    def put(actor: Actor, plan: Plan) -> None:
        session.get_one(Organization, actor.organization_id).plan = plan
        session.commit()

    return put
