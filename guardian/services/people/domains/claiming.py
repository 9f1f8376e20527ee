"""Proving that a domain is one's own: a record in its DNS that only who runs the domain can put there."""

from dataclasses import dataclass
from typing import Any, cast

from email_validator import EmailNotValidError, validate_email
from sqlmodel import Session, select

from guardian import db
from guardian.crypto import new_token
from guardian.errors import ConflictError, NotFoundError, ValidationError
from guardian.models import Organization
from guardian.models.enums import TeamRole
from guardian.services.actor import Actor
from guardian.services.people.telling import tell_team_changed

RECORD = "ai-cost-guardian-verification="
# Who comes by themselves gets no right to change what others rely on.
JOIN_ROLES: tuple[TeamRole, ...] = (TeamRole.MEMBER, TeamRole.VIEWER)
_DOMAIN, _JOIN = "domain", "domainJoin"  # in the organization's settings


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainView:
    """`domain` is verified, `pending` is not yet: its DNS has to have the TXT record `record`.

    `join_role` is what people get who join by an address at the domain; None: they have to be invited.
    """

    domain: str | None
    pending: str | None
    record: str | None
    join_role: TeamRole | None


def get_domain(session: Session, actor: Actor) -> DomainView:
    """The domain of the actor's organization."""
    actor.require("organization:read")
    return _view(_own(session, actor))


def claim_domain(session: Session, actor: Actor, domain: str) -> DomainView:
    """Say which domain it is; what is to be put into its DNS is in the view. One that is verified stays until then.

    Raises ValidationError on the field domain, ConflictError where another organization has it.
    """
    actor.require("organization:update")
    row, name = _own(session, actor), normal_domain(domain)
    _require_free(session, row, name)
    pending = _pending(row)
    if pending is None or pending[0] != name:
        row.settings = {**(row.settings or {}), _DOMAIN: {"pending": name, "token": new_token()}}
    session.flush()
    return _view(row)


def pending_domain(session: Session, actor: Actor) -> str:
    """The domain whose DNS is to be asked before `confirm_domain`. Raises ConflictError where none is claimed."""
    actor.require("organization:update")
    pending = _pending(_own(session, actor))
    if pending is None:
        raise ConflictError("No domain waits to be verified. Say first which one is yours.")
    return pending[0]


def confirm_domain(session: Session, actor: Actor, domain: str, records: list[str]) -> DomainView:
    """Take the domain as the organization's, if one of its TXT records is ours.

    Raises ValidationError on the field domain while it is not there, ConflictError where somebody was faster.
    """
    actor.require("organization:update")
    db.lock(session, "domain", domain)
    row = _own(session, actor)
    pending = _pending(row)
    if pending is None or pending[0] != domain:
        raise ConflictError("No such domain waits to be verified any more. Load the page again.")
    if f"{RECORD}{pending[1]}" not in {each.strip() for each in records}:
        raise _wrong(
            f"The DNS of {domain} does not have the TXT record yet. New records can take an hour to be seen; try again."
        )
    _require_free(session, row, domain)
    row.domain = domain
    row.settings = {name: value for name, value in (row.settings or {}).items() if name != _DOMAIN}
    session.flush()
    tell_team_changed(session, row.id)
    return _view(row)


def change_domain_role(session: Session, actor: Actor, role: TeamRole | None) -> DomainView:
    """Let people join by themselves by an address at the verified domain, with that role; None: no longer.

    Raises ValidationError on joinRole, ConflictError without a verified domain.
    """
    actor.require("organization:update")
    row = _own(session, actor)
    if role is not None and role not in JOIN_ROLES:
        message = "Who joins by themselves can be a member or a viewer."
        raise ValidationError(message, details=[{"field": "joinRole", "message": message}])
    if role is not None and row.domain is None:
        raise ConflictError("Verify a domain first.")
    kept = {name: value for name, value in (row.settings or {}).items() if name != _JOIN}
    row.settings = kept if role is None else {**kept, _JOIN: {"role": role.value}}
    session.flush()
    tell_team_changed(session, row.id)
    return _view(row)


def drop_domain(session: Session, actor: Actor) -> DomainView:
    """Give the domain up, verified or claimed: nobody joins by it any more. Raises NotFoundError without one."""
    actor.require("organization:update")
    row = _own(session, actor)
    if row.domain is None and _pending(row) is None:
        raise NotFoundError("Domain")
    row.domain = None
    row.settings = {name: value for name, value in (row.settings or {}).items() if name not in (_DOMAIN, _JOIN)}
    session.flush()
    tell_team_changed(session, row.id)
    return _view(row)


def normal_domain(given: str) -> str:
    """The domain in lower case and, where it is of other letters, in the spelling of DNS. Raises ValidationError."""
    try:
        found = validate_email(f"x@{given.strip().rstrip('.')}", check_deliverability=False)
    except EmailNotValidError:
        raise _wrong("This is not a domain of mail. Write it as in acme.com.") from None
    return found.ascii_domain.lower()


def join_role_of(row: Organization) -> TeamRole | None:
    """With which role people may join by its verified domain; None: they may not."""
    stored: object = (row.settings or {}).get(_JOIN)
    role = cast("dict[str, Any]", stored).get("role") if isinstance(stored, dict) else None
    return TeamRole(role) if row.domain is not None and role in JOIN_ROLES else None


def _pending(row: Organization) -> tuple[str, str] | None:
    stored: object = (row.settings or {}).get(_DOMAIN)
    found = cast("dict[str, Any]", stored) if isinstance(stored, dict) else {}
    name, token = found.get("pending"), found.get("token")
    return (name, token) if isinstance(name, str) and isinstance(token, str) else None


def _require_free(session: Session, row: Organization, domain: str) -> None:
    owner = session.exec(select(Organization.id).where(Organization.domain == domain)).first()
    if owner == row.id:
        raise ConflictError(f"{domain} is verified already.")
    if owner is not None:
        raise ConflictError(f"{domain} is verified by another organization already.")


def _own(session: Session, actor: Actor) -> Organization:
    # Settings are one document: of two who change it at once, the second must see what the first has written.
    query = select(Organization).where(Organization.id == actor.organization_id).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one()


def _view(row: Organization) -> DomainView:
    pending = _pending(row)
    return DomainView(
        domain=row.domain,
        pending=pending[0] if pending else None,
        record=f"{RECORD}{pending[1]}" if pending else None,
        join_role=join_role_of(row),
    )


def _wrong(message: str) -> ValidationError:
    return ValidationError(message, details=[{"field": "domain", "message": message}])
