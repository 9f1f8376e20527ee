"""All organizations, with what each has and spends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias, cast

from sqlalchemy import func, or_
from sqlmodel import Session, col, select

from guardian.cache import CacheService
from guardian.errors import ConflictError, NotFoundError
from guardian.models import ApiKey, Organization, TeamMember, User
from guardian.models.enums import Plan
from guardian.periods import floor_hour, utcnow
from guardian.services.actor import Actor
from guardian.services.guard.installation.paging import checked, paged, size
from guardian.services.ledger import queries
from guardian.services.ledger.views import SummaryQuery
from guardian.services.people.billing.assigning import assign_plan
from guardian.services.people.disabled import oldest_place
from guardian.services.people.reasons import told_reason
from guardian.services.people.telling import tell_person_moved, tell_team_changed
from guardian.services.people.views import Page

SPAN = timedelta(days=30)
_Found: TypeAlias = tuple[Organization, int, int]
_SPEND_TTL = 300  # seconds; a list of many large organizations must not sum up all their usage each time


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationLine:
    """`members` are the people who belong to it, `spend` is of the last 30 days in dollars, without what is unpriced:
    `unpriced_tokens` of that time.
    """

    id: str
    name: str
    domain: str | None
    plan: Plan
    members: int
    keys: int
    spend: Decimal
    unpriced_tokens: int
    created_at: datetime
    disabled_at: datetime | None
    disabled_reason: str | None


def list_organizations(
    session: Session,
    actor: Actor,
    *,
    search: str = "",
    plan: Plan | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[OrganizationLine]:
    """Newest first; `search` is a part of the name or the domain. Raises AuthorizationError, ValidationError."""
    actor.require("admin:read")
    count, after = size(limit), checked(cursor)
    query = _query().order_by(col(Organization.id).desc()).limit(count + 1)
    if search:
        name, domain = col(Organization.name), col(Organization.domain)
        query = query.where(or_(name.icontains(search, autoescape=True), domain.icontains(search, autoescape=True)))
    if plan is not None:
        query = query.where(Organization.plan == plan)
    if after is not None:
        query = query.where(col(Organization.id) < after)
    rows = cast("Sequence[_Found]", session.exec(query).all())
    return paged(rows, count, lambda row: row[0].id, lambda row: _line(session, actor, *row))


def find_organization(session: Session, actor: Actor, organization_id: str) -> OrganizationLine:
    """One of them. Raises AuthorizationError, NotFoundError."""
    actor.require("admin:read")
    query = _query().where(Organization.id == organization_id)
    found = cast("_Found | None", session.exec(query).one_or_none())
    if found is None:
        raise NotFoundError("Organization")
    return _line(session, actor, *found)


def give_plan(session: Session, actor: Actor, organization_id: str, plan: Plan) -> OrganizationLine:
    """Assign a plan by hand. Raises AuthorizationError, NotFoundError, and ConflictError while it is paid for."""
    assign_plan(session, actor, organization_id, plan)
    session.flush()
    return find_organization(session, actor, organization_id)


def disable(session: Session, actor: Actor, organization_id: str, reason: str) -> OrganizationLine:
    """Nobody works in it from now on, and none of its tokens does; nothing is deleted, and its pulls go on.

    Its people work in another organization of theirs, where they have one. Raises AuthorizationError, NotFoundError,
    ValidationError on `reason`, and ConflictError for the actor's own and for one that is disabled.
    """
    row = _locked(session, actor, organization_id)
    text = told_reason(reason)
    if row.id == actor.organization_id:
        raise ConflictError("You work in this organization: you would lock yourself out.")
    if row.disabled_at is not None:
        raise ConflictError("This organization is disabled already.")
    row.disabled_at, row.disabled_reason = utcnow(), text
    session.flush()
    for user in session.exec(select(User).where(User.organization_id == row.id).order_by(User.id).with_for_update()):
        user.organization_id = oldest_place(session, user.id) or row.id
        tell_person_moved(session, user.id)
    session.flush()
    tell_team_changed(session, row.id, gateways=True)
    return find_organization(session, actor, row.id)


def enable(session: Session, actor: Actor, organization_id: str) -> OrganizationLine:
    """Undo it: sessions and tokens work again. Raises as `disable` does, ConflictError for one that is not disabled."""
    row = _locked(session, actor, organization_id)
    if row.disabled_at is None:
        raise ConflictError("This organization is not disabled.")
    row.disabled_at = row.disabled_reason = None
    session.flush()
    tell_team_changed(session, row.id, gateways=True)
    return find_organization(session, actor, row.id)


def _locked(session: Session, actor: Actor, organization_id: str) -> Organization:
    actor.require("admin:update")
    row = session.get(Organization, organization_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError("Organization")
    return row


def _query() -> Any:
    members = select(func.count()).where(TeamMember.organization_id == Organization.id).correlate(Organization)
    keys = select(func.count()).where(ApiKey.organization_id == Organization.id).correlate(Organization)
    return select(Organization, members.scalar_subquery(), keys.scalar_subquery())


def _line(session: Session, actor: Actor, row: Organization, members: int, keys: int) -> OrganizationLine:
    spend, unpriced = _spend(session, actor, row.id)
    return OrganizationLine(
        id=row.id,
        name=row.name,
        domain=row.domain,
        plan=row.plan,
        members=members,
        keys=keys,
        spend=spend,
        unpriced_tokens=unpriced,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        disabled_reason=row.disabled_reason,
    )


def _spend(session: Session, actor: Actor, organization_id: str) -> tuple[Decimal, int]:
    def read() -> list[Any]:
        end = floor_hour(utcnow()) + timedelta(hours=1)
        theirs = Actor.for_job(actor.user_id, organization_id)
        found = queries.summary(session, theirs, SummaryQuery(start=end - SPAN, end=end)).totals
        return [str(found.cost), found.unpriced_tokens]

    key = f"installation:spend:{organization_id}"
    cost, unpriced = CacheService().get_or_set(key, read, _SPEND_TTL, owner=organization_id)
    return Decimal(cost), int(unpriced)
