"""The first steps: done is what is there, in one's own organization; what a person skips is theirs alone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlmodel import Session, select

from guardian.errors import AuthorizationError, NotFoundError, ValidationError
from guardian.models import Budget, Invitation, ProviderAccount, User
from guardian.models.enums import Provider, TeamRole
from guardian.periods import HOUR, floor_hour, utcnow
from guardian.records import UsageCounts, UsageRecord
from guardian.services.actor import Actor
from guardian.services.ledger.writing.rows import LedgerAccount
from guardian.services.people.onboarding import OnboardingView, Step, onboarding, skip, update_onboarding
from tests.conftest import People
from tests.fakes import seed


def _connect(session: Session, actor: Actor) -> None:
    session.add(
        ProviderAccount(organization_id=actor.organization_id, provider=Provider.OPENAI, account_id="org-1", name="x")
    )


def _spend(session: Session, actor: Actor) -> None:
    hour = floor_hour(utcnow()) - HOUR
    account = LedgerAccount(
        organization_id=actor.organization_id, provider=Provider.OPENAI, account_id="org-1", user_id=actor.user_id
    )
    record = UsageRecord(
        provider=Provider.OPENAI,
        operation="chat",
        model="gpt-5-mini",
        start=hour,
        end=hour + HOUR,
        counts=UsageCounts(input_tokens=10),
        requests=1,
    )
    seed.add_usage(session, account, hour, record)


def _budget(session: Session, actor: Actor) -> None:
    session.add(Budget(organization_id=actor.organization_id, name="All", limit=Decimal(10)))


def _invite(session: Session, actor: Actor) -> None:
    session.add(
        Invitation(
            organization_id=actor.organization_id,
            email="new@acme.test",
            token_hash=actor.organization_id,
            expires_at=utcnow() + timedelta(days=7),
        )
    )


def _done(view: OnboardingView) -> set[Step]:
    return {step.name for step in view.steps if step.done}


@pytest.mark.parametrize(
    ("step", "do"),
    [(Step.CONNECT, _connect), (Step.SPEND, _spend), (Step.BUDGET, _budget), (Step.INVITE, _invite)],
)
def test_a_step_is_done_by_what_is_there_and_only_at_home(
    session: Session, people: People, step: Step, do: Callable[[Session, Actor], None]
) -> None:
    assert _done(onboarding(session, people.charlie)) == set()
    do(session, people.charlie)
    session.flush()
    assert _done(onboarding(session, people.charlie)) == {step}
    # Acme has two people from the beginning, and nothing of Globex's.
    assert _done(onboarding(session, people.alice)) == {Step.INVITE}


@pytest.mark.parametrize("gone", [{"revoked_at": utcnow()}, {"expires_at": utcnow() - timedelta(days=1)}])
def test_an_invitation_that_is_over_invites_nobody(session: Session, people: People, gone: dict[str, object]) -> None:
    _invite(session, people.charlie)
    session.flush()
    row = session.exec(select(Invitation)).one()
    for name, value in gone.items():
        setattr(row, name, value)
    session.flush()
    assert _done(onboarding(session, people.charlie)) == set()


def test_what_one_skips_is_ones_own_and_can_be_taken_back(session: Session, people: People) -> None:
    assert onboarding(session, people.alice).next is Step.CONNECT
    found = skip(session, people.alice, "connect")
    assert (found.next, found.complete) == (Step.SPEND, False)
    for step in ("spend", "budget"):
        found = skip(session, people.alice, step)
    # The fourth is done: two people are there.
    assert (found.next, found.complete, found.dismissed) == (None, True, False)
    admin = replace(people.bob, team_role=TeamRole.ADMIN)
    assert onboarding(session, admin).next is Step.CONNECT
    assert update_onboarding(session, people.alice, dismissed=True).dismissed
    found = update_onboarding(session, people.alice, skipped=[])
    assert (found.next, found.dismissed) == (Step.CONNECT, True)
    assert session.get_one(User, people.alice.user_id).onboarding_status == {"skipped": [], "dismissed": True}


@pytest.mark.parametrize(
    ("role", "steps"),
    [
        (TeamRole.VIEWER, []),
        (TeamRole.BILLING, []),
        (TeamRole.MEMBER, [Step.CONNECT, Step.SPEND]),
        (TeamRole.ADMIN, list(Step)),
        (TeamRole.OWNER, list(Step)),
    ],
)
def test_nobody_is_asked_for_what_they_may_not_do(
    session: Session, people: People, role: TeamRole, steps: list[Step]
) -> None:
    found = onboarding(session, replace(people.bob, team_role=role))
    assert [step.name for step in found.steps] == steps
    assert found.complete is not bool(steps)


def test_there_is_no_other_step_and_no_other_person(session: Session, people: People) -> None:
    with pytest.raises(ValidationError, match="There is no step 'nap'"):
        skip(session, people.alice, "nap")
    with pytest.raises(NotFoundError):
        onboarding(session, replace(people.alice, user_id="gone"))
    for ask in (onboarding, update_onboarding):
        with pytest.raises(AuthorizationError):
            ask(session, replace(people.alice, scopes=frozenset({"ingest"})))


def test_what_was_stored_of_other_kinds_is_no_wish(session: Session, people: People) -> None:
    session.get_one(User, people.alice.user_id).onboarding_status = {"skipped": ["nap", "budget"], "dismissed": "yes"}
    session.flush()
    found = onboarding(session, people.alice)
    assert [step.name for step in found.steps if step.skipped] == [Step.BUDGET]
    assert not found.dismissed
