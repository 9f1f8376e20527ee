"""Mails about money: an invoice with its PDF, and a payment that failed."""

from datetime import datetime

from sqlmodel import Session, col, select

from guardian.config import settings
from guardian.models import Organization, TeamMember, User
from guardian.models.enums import Plan, TeamRole
from guardian.services.people import mail
from guardian.services.people.billing.plans import HOLD, plan_name

KIND = "billing"


def receiver(session: Session, organization: Organization, told: str | None = None) -> str | None:
    """Where mail about money goes: the address for invoices, else the one that Stripe has, else the first owner's."""
    if organization.billing_email or told:
        return organization.billing_email or told
    owner = (
        select(User.email)
        .join(TeamMember, col(TeamMember.user_id) == col(User.id))
        .where(TeamMember.organization_id == organization.id, TeamMember.role == TeamRole.OWNER)
        .order_by(col(TeamMember.id))
    )
    return session.exec(owner).first()


def tell_payment_failed(session: Session, organization: Organization, plan: Plan, until: datetime) -> None:
    """Once for each time that a subscription begins to owe. `until` is when the plan ends if nobody pays."""
    to = receiver(session, organization)
    if to is None:
        return
    text, html = mail.letter(
        "A payment failed",
        [
            f"The payment for the plan {plan_name(plan)} of {organization.name} did not go through. It is tried again "
            "during the next days; a card that works can be given under Plan and invoices.",
            f"Until {until:%d %B %Y} nothing changes. After that the limits of the plan Free hold: keys, alerts and "
            "members stay, but nothing can be added beyond its room, the gateway stops at its number of requests, and "
            f"{HOLD.days} days later calls are kept for as long as it keeps them; sums of days stay.",
        ],
        action=("Mend the payment", f"{settings().base_url}/billing"),
        tone="warning",
        foot=f"You get this mail because invoices of {organization.name} are sent to this address.",
    )
    mail.queue_mail(
        session,
        to=to,
        subject=f"A payment of {organization.name} failed",
        text=text,
        html=html,
        organization_id=organization.id,
        kind=KIND,
        urgent=True,
    )
