"""What a permanent failure of a pull does to its key: marked, no longer pulled, and its owner told once what to do."""

from sqlmodel import Session, col, select

from guardian.config import settings
from guardian.errors import (
    DecryptionError,
    GuardianError,
    ProviderAddressRefused,
    ProviderContractBroken,
    ProviderRequestRejected,
)
from guardian.models import ApiKey, User
from guardian.models.enums import KeyStatus
from guardian.services.people.mail import letter, queue_mail
from guardian.services.people.provider_keys import mark_key, status_for

# Keys of these statuses wait for a test, a new secret, or a pull by hand.
STOPPED: tuple[KeyStatus, ...] = (
    KeyStatus.REJECTED,
    KeyStatus.WRONG_KIND,
    KeyStatus.FORBIDDEN,
    KeyStatus.EXHAUSTED,
)
# A failing key waits too if this ended its last pull; a test of it that met a passing outage says nothing lasting.
STOPPING_CODES: tuple[str, ...] = (
    ProviderRequestRejected.code,
    ProviderAddressRefused.code,
    ProviderContractBroken.code,
    DecryptionError.code,
)


def stop_key(session: Session, key_id: str, error: GuardianError, vendor: str) -> None:
    """Mark the key with what is wrong, and mail its owner unless that is what they were told last."""
    found = session.exec(
        select(ApiKey, User).join(User, col(User.id) == col(ApiKey.user_id)).where(ApiKey.id == key_id)
    ).one()
    key, owner = found
    status = status_for(error.code)
    news = key.status is not status
    mark_key(session, key_id, status, error.message)
    if news:
        name = f"“{key.label}”" if key.label else f"that ends in {key.hint}" if key.hint else ""
        text, html = letter(
            f"Your {vendor} key needs attention",
            [
                f"The usage of your {vendor} key {name} can no longer be pulled.".replace("  ", " "),
                error.message,
                "The daily pull of this key stops until you test it again or replace it. What was pulled before stays.",
            ],
            action=("Open your keys", f"{settings().base_url}/keys"),
            tone="warning",
        )
        queue_mail(
            session,
            to=owner.email,
            subject=f"Your {vendor} key needs attention",
            text=text,
            html=html,
            organization_id=key.organization_id,
            kind="key",
        )
