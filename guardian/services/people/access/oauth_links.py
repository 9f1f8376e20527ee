"""What a browser takes along to a sign-in provider, sealed: the way back is believed only with it."""

from dataclasses import astuple, dataclass
from datetime import timedelta

from sqlmodel import Session

from guardian.errors import ValidationError
from guardian.services.actor import Actor
from guardian.services.people.access import own_browser
from guardian.services.people.access.mailed_links import facts_of_token, sealed_link_token

LIFETIME = timedelta(minutes=10)
_TICKET_LIFETIME = timedelta(minutes=10)
_JOURNEY, _TICKET = "oauth", "oauth-link"


@dataclass(frozen=True, slots=True)
class Journey:
    """One way there and back. `wanted` is the page of ours at its end, `session_id` whose link is made; "" for none."""

    provider: str
    state: str
    nonce: str
    verifier: str
    wanted: str
    session_id: str


def sealed(journey: Journey) -> str:
    """For the cookie; good for ten minutes."""
    return sealed_link_token(_JOURNEY, *astuple(journey), lifetime=LIFETIME)


def opened(cookie: str) -> Journey:
    """Raises ValidationError for a cookie that is forged, of another purpose, or too old."""
    return Journey(*facts_of_token(_JOURNEY, cookie))


def ticket(session: Session, actor: Actor, provider: str) -> str:
    """That this session wants a link: without it, another site could lead a browser into linking what is not theirs."""
    own_browser.require(actor, "account:update")
    return sealed_link_token(_TICKET, provider, actor.session_id or "", lifetime=_TICKET_LIFETIME)


def require_ticket(token: str, provider: str, session_id: str) -> None:
    """Raises ValidationError unless the ticket is this session's, for this provider."""
    if facts_of_token(_TICKET, token) != [provider, session_id]:
        message = "This link is no longer valid. Ask for a new one."
        raise ValidationError(message, details=[{"field": "token", "message": message}])
