"""Organizations: reading and changing one's own."""

from dataclasses import dataclass
from functools import partial

from sqlmodel import Session

from guardian import db, live, periods
from guardian.errors import NotFoundError, ValidationError
from guardian.models import Organization
from guardian.services.actor import Actor
from guardian.services.people.currency_codes import CURRENCIES, DOLLAR
from guardian.services.people.emails import normal_email
from guardian.services.people.views import OrganizationView

MAX_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationChange:
    """What to change; None leaves it. An empty `billing_email` removes it. `currency` is a code of ISO 4217."""

    name: str | None = None
    time_zone: str | None = None
    billing_email: str | None = None
    currency: str | None = None


def organization_view(row: Organization) -> OrganizationView:
    currency = (row.settings or {}).get("currency")
    return OrganizationView(
        id=row.id,
        name=row.name,
        plan=row.plan,
        time_zone=row.time_zone,
        billing_email=row.billing_email,
        created_at=row.created_at,
        currency=currency if isinstance(currency, str) else DOLLAR,
    )


def get_organization(session: Session, actor: Actor) -> OrganizationView:
    """The actor's organization."""
    actor.require("organization:read")
    return organization_view(_own(session, actor))


def update_organization(session: Session, actor: Actor, change: OrganizationChange) -> OrganizationView:
    """Change it. Raises ValidationError on the field name, timeZone, currency or billingEmail."""
    actor.require("organization:update")
    row = _own(session, actor)
    if change.name is not None:
        name = " ".join(change.name.split())
        if not 1 <= len(name) <= MAX_NAME:
            raise _wrong("name", f"A name has 1 to {MAX_NAME} characters.")
        row.name = name
    if change.time_zone is not None:
        try:
            periods.zone(change.time_zone)
        except ValidationError as error:
            raise _wrong("timeZone", error.message) from None
        row.settings = {**(row.settings or {}), "timeZone": change.time_zone}
    if change.currency is not None:
        row.settings = {**(row.settings or {}), "currency": known_currency(change.currency)}
    if change.billing_email is not None:
        row.billing_email = normal_email(change.billing_email, "billingEmail") if change.billing_email.strip() else None
    session.add(row)
    session.flush()
    # The periods of budgets are of its time zone.
    db.after_commit(session, partial(live.tell_gateways, row.id))
    return organization_view(row)


def known_currency(code: str) -> str:
    """The code in capitals. Raises ValidationError on the field currency."""
    found = code.strip().upper()
    if found not in CURRENCIES:
        raise _wrong("currency", f"Unknown currency {code[:20]!r}. Use a code of ISO 4217, such as EUR.")
    return found


def _own(session: Session, actor: Actor) -> Organization:
    row = session.get(Organization, actor.organization_id)
    if row is None:
        raise NotFoundError("Organization")
    return row


def _wrong(field: str, message: str) -> ValidationError:
    return ValidationError(message, details=[{"field": field, "message": message}])
