"""The first steps of an organization: connect a provider, see spend, set a budget, invite the team.

A step is done once what it is about is there; no click marks it. What a person skips, and whether they have put the
card away, is theirs alone (`User.onboarding_status`), and can be taken back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select
from sqlmodel import Session, col

from guardian.errors import NotFoundError, ValidationError
from guardian.models import ApiKey, Budget, Invitation, Organization, ProviderAccount, TeamMember, UsageRollup, User
from guardian.services.actor import Actor
from guardian.services.people import kept


class Step(StrEnum):
    CONNECT = "connect"
    SPEND = "spend"
    BUDGET = "budget"
    INVITE = "invite"


# Whose step it is: nobody is asked for what their role does not let them do.
_NEEDS: Mapping[Step, str] = {
    Step.CONNECT: "keys:create",
    Step.SPEND: "keys:create",
    Step.BUDGET: "budgets:update",
    Step.INVITE: "team:update",
}


@dataclass(frozen=True, slots=True)
class StepView:
    """`done` is what is really there; `skipped` is what this person said."""

    name: Step
    done: bool
    skipped: bool


@dataclass(frozen=True, slots=True)
class OnboardingView:
    """The steps that are this person's, in their order; none for who may not take any.

    `next` is the first that is neither done nor skipped. `complete` once there is none.
    """

    steps: tuple[StepView, ...]
    dismissed: bool

    @property
    def next(self) -> Step | None:
        return next((step.name for step in self.steps if not step.done and not step.skipped), None)

    @property
    def complete(self) -> bool:
        return self.next is None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person has said of it: the steps that they skip, and that the card is to be away."""

    skipped: frozenset[Step] = frozenset()
    dismissed: bool = False


def done_steps(session: Session, actor: Actor) -> frozenset[Step]:
    """The steps that are done in the actor's organization, by what is there; one statement, four look-ups by index."""
    mine = actor.organization_id

    def any_of(column: Any, *more: ColumnElement[bool]) -> ColumnElement[bool]:
        return exists().where(col(column) == mine, *more)

    members = select(func.count()).where(col(TeamMember.organization_id) == mine).scalar_subquery()
    open_invitation = any_of(
        Invitation.organization_id,
        col(Invitation.revoked_at).is_(None),
        col(Invitation.accepted_at).is_(None),
        col(Invitation.expires_at) > func.now(),
    )
    found: Any = session.connection().execute(
        select(
            any_of(ApiKey.organization_id) | any_of(ProviderAccount.organization_id),
            any_of(UsageRollup.organization_id),
            any_of(Budget.organization_id),
            (members > 1) | open_invitation,
        )
    )
    return frozenset(step for step, there in zip(Step, found.one(), strict=True) if there)


def wishes(session: Session, actor: Actor) -> Wishes:
    """What the actor has said of the steps, maybe from the cache: each opening of their dashboard asks.

    Raises NotFoundError when they were deleted meanwhile.
    """

    def read() -> list[Any]:
        said = _wishes(_user(session, actor))
        return [sorted(said.skipped), said.dismissed]

    skipped, dismissed = kept.read(session, kept.keys.user_dashboard(actor.user_id), read, owner=actor.user_id)
    return Wishes(frozenset(Step(name) for name in skipped), dismissed)


def view(done: frozenset[Step], said: Wishes, permissions: Sequence[str] | frozenset[str]) -> OnboardingView:
    """The steps of somebody with these permissions."""
    own = tuple(step for step in Step if _NEEDS[step] in permissions)
    return OnboardingView(tuple(StepView(step, step in done, step in said.skipped) for step in own), said.dismissed)


def onboarding(session: Session, actor: Actor) -> OnboardingView:
    """How far the actor's organization is, as they are to be shown it."""
    actor.require("account:read")
    return view(done_steps(session, actor), wishes(session, actor), actor.permissions)


def update_onboarding(
    session: Session, actor: Actor, *, skipped: Sequence[str] | None = None, dismissed: bool | None = None
) -> OnboardingView:
    """Say which steps are skipped (all of them, by name), and whether the card is away; None leaves it.

    Raises ValidationError on the field skipped. There is nothing to mark a step done with.
    """
    actor.require("account:update")
    user = _user(session, actor)
    said = _wishes(user)
    now = Wishes(
        said.skipped if skipped is None else _steps(skipped), said.dismissed if dismissed is None else dismissed
    )
    user.onboarding_status = {
        **(user.onboarding_status or {}),
        "skipped": [step.value for step in Step if step in now.skipped],
        "dismissed": now.dismissed,
    }
    session.add(user)
    session.flush()
    kept.forget(session, actor.user_id)
    return view(done_steps(session, actor), now, actor.permissions)


def skip(session: Session, actor: Actor, step: str) -> OnboardingView:
    """Skip one step more. Raises ValidationError for a step that there is not."""
    said = _wishes(_user(session, actor))
    return update_onboarding(session, actor, skipped=[*said.skipped, step])


def _user(session: Session, actor: Actor) -> User:
    user = session.get(User, actor.user_id)
    if user is None or session.get(Organization, actor.organization_id) is None:
        raise NotFoundError("User")
    return user


def _wishes(user: User) -> Wishes:
    stored = user.onboarding_status or {}
    names: list[str] = stored.get("skipped") or []
    return Wishes(frozenset(step for step in Step if step.value in names), stored.get("dismissed") is True)


def _steps(names: Sequence[str]) -> frozenset[Step]:
    known = {step.value for step in Step}
    unknown = [name for name in names if name not in known]
    if unknown:
        message = f"There is no step {unknown[0][:40]!r}. There are: {', '.join(Step)}."
        raise ValidationError(message, details=[{"field": "skipped", "message": message}])
    return frozenset(Step(name) for name in names)
