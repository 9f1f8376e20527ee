"""Mail to a person about a change of how they sign in, so that they learn of one that was not theirs."""

from sqlmodel import Session

from guardian.config import settings
from guardian.models import User
from guardian.services.people.mail import letter, queue_mail


def tell(session: Session, user: User, subject: str, what_if_not: str) -> None:
    """Mail that it happened, and what to do if it was somebody else."""
    text, html = letter(
        subject,
        [f"This was just changed for your account {user.email}.", what_if_not],
        action=("Open the settings", f"{settings().base_url}/settings#security"),
    )
    queue_mail(
        session,
        to=user.email,
        subject=subject,
        text=text,
        html=html,
        organization_id=user.organization_id,
        kind="security",
    )
