"""An organization's rule of how the people of its verified domain sign in."""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from guardian.errors import NotFoundError, SignInRefused, ValidationError
from guardian.identity import configured
from guardian.models import Account, Organization, TeamMember, User
from guardian.models import Session as BrowserSession
from guardian.models.enums import UserRole
from guardian.services.actor import Actor
from guardian.services.people.emails import domain_of, normal_email

PASSWORD = "password"  # noqa: S105  # the name of a way to sign in
SETTING = "requireSignInWith"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRule:
    """Members with an address of `domain` sign in with `provider` alone; None leaves them free.

    `domain` is None until the organization has verified one; `providers` are name and label of what can be asked for.
    """

    domain: str | None
    provider: str | None
    providers: tuple[tuple[str, str], ...]


def required_provider(session: Session, user: User) -> str | None:
    """The one provider that this person has to sign in with. Whoever runs the installation can always get in."""
    if user.role is UserRole.SUPER_ADMIN:
        return None
    found = _organization_of(session, user)
    wanted = ((found.settings or {}) if found else {}).get(SETTING)
    return wanted if isinstance(wanted, str) and wanted else None


def require_way(session: Session, user: User, way: str, address: str | None = None) -> None:
    """Raises SignInRefused where the person's organization wants another way than `way` (require-<provider>), or
    another identity there than one with this verified `address` (require-address): somebody's private one stays when
    the company's is gone.
    """
    wanted = required_provider(session, user)
    if wanted is None:
        return
    label = dict(_labels()).get(wanted, wanted.capitalize())
    if wanted != way:
        raise SignInRefused(f"require-{wanted}", f"Your organization asks its members to sign in with {label}.")
    if not is_of_domain(address, user):
        raise SignInRefused(
            "require-address",
            f"Your organization asks its members for an identity of {domain_of(user.email)} at {label}.",
        )


def is_of_domain(address: str | None, user: User) -> bool:
    """Whether an address that a provider gave is of the same domain as the person's own."""
    try:
        return address is not None and domain_of(normal_email(address)) == domain_of(user.email)
    except ValidationError:
        return False


def require_way_of_session(session: Session, actor: Actor) -> None:
    """The same for who has just joined, in a browser that was signed in before. Raises SignInRefused."""
    row = session.get(BrowserSession, actor.session_id) if actor.session_id else None
    way = row.method if row else PASSWORD
    linked = select(Account.email).where(Account.user_id == actor.user_id, Account.provider == way)
    require_way(session, session.get_one(User, actor.user_id), way, session.exec(linked).first())


def get_rule(session: Session, actor: Actor) -> SignInRule:
    """The rule of the actor's organization."""
    actor.require("organization:read")
    return _view(_own(session, actor))


def set_rule(session: Session, actor: Actor, provider: str | None) -> SignInRule:
    """Ask for a provider from the next sign-in on, or leave people free (None).

    Raises ValidationError on the field provider: unknown, no verified domain, or one that the actor has not linked and
    would be locked out by.
    """
    actor.require("organization:update")
    # Settings are one document: of two who change it at once, the second must see what the first has written.
    row = session.get_one(Organization, actor.organization_id, with_for_update=True, populate_existing=True)
    if provider is not None:
        _require_safe(session, actor, row, provider)
    row.settings = {**(row.settings or {}), SETTING: provider}
    session.add(row)
    session.flush()
    return _view(row)


def lift_rule(session: Session, email: str) -> Organization:
    """The way back for owners whose provider is gone; for the command line. Raises NotFoundError."""
    user = session.exec(select(User).where(User.email == email.strip().lower())).one_or_none()
    row = _organization_of(session, user) if user else None
    if row is None or not (row.settings or {}).get(SETTING):
        raise NotFoundError("Rule for this person's sign-in")
    row.settings = {**(row.settings or {}), SETTING: None}
    session.add(row)
    session.flush()
    return row


def _require_safe(session: Session, actor: Actor, row: Organization, provider: str) -> None:
    if provider not in dict(_labels()):
        raise _wrong("This installation is not set up for that sign-in provider.")
    if row.domain is None:
        raise _wrong("Verify the organization's domain first: the rule is for addresses of that domain.")
    user = session.get_one(User, actor.user_id)
    linked = select(Account).where(Account.user_id == user.id, Account.provider == provider)
    own = session.exec(linked).first()
    if own is None or (domain_of(user.email) == row.domain and not is_of_domain(own.email, user)):
        raise _wrong("Link your own identity of the company with it first, so that you do not lock yourself out.")


def _organization_of(session: Session, user: User) -> Organization | None:
    return session.exec(
        select(Organization)
        .join(TeamMember, col(TeamMember.organization_id) == col(Organization.id))
        .where(TeamMember.user_id == user.id, Organization.domain == domain_of(user.email))
    ).one_or_none()


def _labels() -> tuple[tuple[str, str], ...]:
    return tuple((each.name, each.label) for each in configured())


def _view(row: Organization) -> SignInRule:
    wanted = (row.settings or {}).get(SETTING)
    return SignInRule(
        domain=row.domain, provider=wanted if isinstance(wanted, str) and wanted else None, providers=_labels()
    )


def _own(session: Session, actor: Actor) -> Organization:
    row = session.get(Organization, actor.organization_id)
    if row is None:
        raise NotFoundError("Organization")
    return row


def _wrong(message: str) -> ValidationError:
    return ValidationError(message, details=[{"field": "provider", "message": message}])
