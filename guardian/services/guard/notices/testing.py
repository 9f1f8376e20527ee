"""The test button of a channel: one message at once, and what came of it."""

import time
from dataclasses import dataclass, field

from sqlmodel import Session

from guardian import limits
from guardian.channels.base import ChannelError
from guardian.channels.email import Letter, deliver
from guardian.channels.notice import Notice
from guardian.config import settings
from guardian.limits import Limit
from guardian.models import EmailLog, Organization
from guardian.models.base import new_id
from guardian.models.enums import AlertState, DeliveryStatus, NotificationChannel
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.guard.messages import new_test
from guardian.services.guard.notices.checking import ADDRESS
from guardian.services.guard.notices.letters import letter_of
from guardian.services.guard.notices.outcomes import attempt
from guardian.services.guard.notices.places import Place
from guardian.services.guard.notices.sealing import usable_config
from guardian.services.guard.notices.targets import own_target, view_of
from guardian.services.guard.notices.views import Outcome, TargetView

# Of one organization: whoever may press the button must not be able to flood strangers by it.
_TESTS = Limit("channel-test", count=20, seconds=60)
_TAKEN = 250  # what SMTP says of a mail that is taken


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetUnderTest:
    """A channel and the message that it is tried with."""

    name: str
    organization_id: str
    place: Place = field(repr=False)
    notice: Notice


def target_under_test(session: Session, actor: Actor, target_id: str) -> TargetUnderTest:
    """What `send_test` needs to know. A channel that is switched off may be tried before it is switched on.

    Raises AuthorizationError, NotFoundError, RateLimitError, DecryptionError.
    """
    actor.require("channels:update")
    row = own_target(session, actor, target_id)
    limits.hit(_TESTS, actor.organization_id)
    now = utcnow()
    place = Place(channel=row.kind, target_id=row.id, config=usable_config(row, now))
    return TargetUnderTest(
        name=row.name, organization_id=actor.organization_id, place=place, notice=_notice(session, row.name, actor)
    )


def send_test(under: TargetUnderTest) -> Outcome:
    """Send it now, without a session; what came of it. A mail is handed to the mail server at once, too."""
    if under.place.channel is not NotificationChannel.EMAIL:
        return attempt(under.place, under.notice, under.notice.transition.rpartition("#")[2])
    subject, text, html = letter_of(under.notice)
    letter = Letter(id=new_id(), to=under.place.config[ADDRESS], subject=subject, text=text, html=html)
    began = time.perf_counter()
    try:
        reference = deliver(letter, settings())
    except ChannelError as error:
        took = round(time.perf_counter() - began, 3)
        words = error.message.removesuffix(" It will be tried again.")  # a test is not
        return Outcome(status=0, error=words, seconds=took, permanent=error.permanent)
    return Outcome(status=_TAKEN, error="", seconds=round(time.perf_counter() - began, 3), reference=reference)


def record_test(session: Session, actor: Actor, target_id: str, under: TargetUnderTest, outcome: Outcome) -> TargetView:
    """Note what came of it at the channel, and in the log of mails where it was one. Raises NotFoundError."""
    actor.require("channels:update")
    row = own_target(session, actor, target_id, lock=True)
    now = utcnow()
    if outcome.taken:
        row.last_success_at, row.last_error = now, None
    else:
        row.last_failure_at, row.last_error = now, outcome.error
    if outcome.gone:
        row.is_active, row.disabled_reason = False, outcome.error
    if under.place.channel is NotificationChannel.EMAIL:
        session.add(_logged(under, outcome))
    session.flush()
    return view_of(row, now)


def _logged(under: TargetUnderTest, outcome: Outcome) -> EmailLog:
    return EmailLog(
        organization_id=under.organization_id,
        kind="alert",
        to=under.place.config[ADDRESS],
        subject=letter_of(under.notice)[0],
        status=DeliveryStatus.SENT if outcome.taken else DeliveryStatus.FAILED,
        message_id=outcome.reference or None,
        error=outcome.error or None,
        payload={},
        attempts=1,
        sent_at=utcnow() if outcome.taken else None,
    )


def _notice(session: Session, name: str, actor: Actor) -> Notice:
    return Notice(
        kind="test",
        alert_id="test",
        transition=new_test(),
        name=name,
        type="TEST",
        metric="test",
        state=AlertState.FIRING,
        severity="info",
        sentence="This is a test of this channel. Nothing has happened, and alerts will arrive here like this.",
        organization_id=actor.organization_id,
        organization=session.get_one(Organization, actor.organization_id).name,
        occurred_at=utcnow(),
        url=f"{settings().base_url}/settings#notifications",
    )
