"""People's identities at sign-in providers: signing in with one, linking one, and taking one away."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from guardian import db
from guardian.errors import ConflictError, NotFoundError, SignInRefused, ValidationError
from guardian.identity import Identity, configured, provider_named
from guardian.models import Account, User
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.people import sign_in_rules
from guardian.services.people.access import accounts, own_browser, security_mail
from guardian.services.people.emails import normal_email


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedView:
    """A sign-in provider as a person's settings show it; `email` and the times are None while it is not linked."""

    provider: str
    label: str
    linked: bool
    email: str | None = None
    linked_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaysIn:
    """How the actor can sign in. `configured` is False for a provider that this installation no longer has."""

    password: bool
    email_verified: bool
    identities: tuple[LinkedView, ...]


def sign_in_with(session: Session, identity: Identity) -> tuple[User, bool]:
    """The person with that identity, and whether they are new.

    An identity that is not linked yet is linked to the person of its address only where the provider says that the
    address is verified and we know so too: whoever signs up here with somebody else's address must not be joined by
    them. Raises SignInRefused: oauth-mail, oauth-link, or what the person's organization asks for.
    """
    account = _of_identity(session, identity)
    if account is not None:
        user = session.get_one(User, account.user_id)
        sign_in_rules.require_way(session, user, identity.provider, identity.email)
        account.email, account.last_used_at = identity.email or account.email, utcnow()
        session.flush()
        return user, False
    address = _address(identity)
    db.lock(session, "register", address)
    user = accounts.by_email(session, address)
    is_new = user is None
    if user is None:
        user = accounts.add_person(session, address=address, name=identity.name, email_verified=utcnow())
    elif user.email_verified is None or not _makes_room(session, user, identity.provider):
        raise SignInRefused(
            "oauth-link",
            "There is an account with this address already. Sign in to it as before, then link this way to sign in "
            "under Settings.",
        )
    sign_in_rules.require_way(session, user, identity.provider, identity.email)
    _add(session, user, identity)
    if not is_new:
        security_mail.tell(session, user, f"{_label(identity.provider)} can sign you in now", _LINKED)
    return user, is_new


def link(session: Session, actor: Actor, identity: Identity) -> None:
    """Let the actor sign in with that identity too. Raises SignInRefused (oauth-taken) where it is somebody's already.

    The addresses need not be the same, the actor has proved both; unless the organization asks for this provider.
    """
    own_browser.require(actor, "account:update")
    account = _of_identity(session, identity)
    if account is not None and account.user_id == actor.user_id:
        return
    if account is not None:
        raise SignInRefused("oauth-taken", "Somebody else here signs in with this identity already.")
    user = session.get_one(User, actor.user_id)
    if sign_in_rules.required_provider(session, user) == identity.provider:
        sign_in_rules.require_way(session, user, identity.provider, identity.email)
    if not _makes_room(session, user, identity.provider):
        raise SignInRefused("oauth-second", "Another identity of this provider is linked. Take that one away first.")
    _add(session, user, identity)
    security_mail.tell(session, user, f"{_label(identity.provider)} can sign you in now", _LINKED)


def unlink(session: Session, actor: Actor, provider: str) -> None:
    """Take a way in away. Raises NotFoundError where it is not linked, ConflictError where it is the last one."""
    own_browser.require(actor, "account:update")
    # Of two that are taken away at once, the second must find itself the last.
    user = session.exec(select(User).where(User.id == actor.user_id).with_for_update()).one()
    linked = {row.provider: row for row in session.exec(select(Account).where(Account.user_id == user.id))}
    if provider not in linked:
        raise NotFoundError("Linked sign-in")
    usable = {each.name for each in configured()} & linked.keys() - {provider}
    if user.password_hash is None and not usable:
        raise ConflictError(
            "This is the last way for you to sign in. Choose a password first: ask for a link under Settings."
        )
    if sign_in_rules.required_provider(session, user) == provider:
        raise ConflictError("Your organization asks its members to sign in this way, so it stays linked.")
    session.delete(linked[provider])
    session.flush()
    security_mail.tell(session, user, f"{_label(provider)} can no longer sign you in", _UNLINKED)


def ways_in(session: Session, actor: Actor) -> WaysIn:
    """How the actor can sign in, and what could be linked."""
    actor.require("account:read")
    user = session.get_one(User, actor.user_id)
    linked = {
        row.provider: row
        for row in session.exec(select(Account).where(Account.user_id == user.id).order_by(Account.id))
    }
    labels = {each.name: each.label for each in configured()}
    return WaysIn(
        password=user.password_hash is not None,
        email_verified=user.email_verified is not None,
        identities=tuple(
            LinkedView(
                provider=name,
                label=labels.get(name, name.capitalize()),
                linked=name in linked,
                email=linked[name].email if name in linked else None,
                linked_at=linked[name].created_at if name in linked else None,
                last_used_at=linked[name].last_used_at if name in linked else None,
            )
            for name in (*labels, *(each for each in linked if each not in labels))
        ),
    )


_LINKED = "If it was not you, choose a new password, and take this way to sign in away under Settings."
_UNLINKED = "If it was not you, choose a new password, which signs everybody out."


def _of_identity(session: Session, identity: Identity) -> Account | None:
    # Two callbacks of one identity at once must not both find it missing.
    db.lock(session, "identity", f"{identity.provider}:{identity.subject}")
    return session.exec(
        select(Account).where(Account.provider == identity.provider, Account.provider_account_id == identity.subject)
    ).one_or_none()


def _makes_room(session: Session, user: User, provider: str) -> bool:
    """Whether none is linked now. One that the organization's rule lets nobody in with gives way to one that it does:
    a person who is signed out could not take it away.
    """
    row = session.exec(select(Account).where(Account.user_id == user.id, Account.provider == provider)).first()
    if row is None:
        return True
    is_asked_for = sign_in_rules.required_provider(session, user) == provider
    if not is_asked_for or sign_in_rules.is_of_domain(row.email, user):
        return False
    session.delete(row)
    session.flush()
    return True


def _add(session: Session, user: User, identity: Identity) -> None:
    session.add(
        Account(
            user_id=user.id,
            provider=identity.provider,
            provider_account_id=identity.subject,
            email=identity.email,
            last_used_at=utcnow(),
        )
    )
    session.flush()


def _address(identity: Identity) -> str:
    refused = SignInRefused(
        "oauth-mail", "The sign-in provider gave no verified e-mail address of yours. Verify one there first."
    )
    if identity.email is None:
        raise refused
    try:
        return normal_email(identity.email)
    except ValidationError:
        raise refused from None


def _label(provider: str) -> str:
    try:
        return provider_named(provider).label
    except NotFoundError:
        return provider.capitalize()
