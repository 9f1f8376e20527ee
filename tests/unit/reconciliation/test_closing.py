"""Closing a month: what is frozen, what refuses it, and what later changes look like."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlmodel import select

from guardian.errors import AuthorizationError, ConflictError, NotFoundError, ValidationError
from guardian.models import ApiKey, SyncRun
from guardian.models.enums import Provider, SyncStatus, SyncTrigger
from guardian.periods import DAY, utcnow
from guardian.services.ledger.closing import close_month, get_month, list_months, months, reopen_month
from guardian.services.ledger.closing import doubts as doubting
from guardian.services.ledger.closing.views import Change
from guardian.services.ledger.queries import invalidate_organization
from tests.conftest import People
from tests.fakes.provider_server import FakeProvider
from tests.unit.reconciliation.conftest import FIRST, LAST, World, at, unix

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
DECEMBER_20 = datetime(2026, 12, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is 20 December 2026."""
    monkeypatch.setattr(months, "utcnow", lambda: DECEMBER_20)


def _it_is(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(months, "utcnow", lambda: moment)


def test_the_figures_are_frozen_as_they_stand(openai_pair: World) -> None:
    world = openai_pair
    [view] = [m for m in list_months(world.session, world.actor) if m.month == NOVEMBER]
    assert (view.ended, view.closed, view.doubts) == (True, None, ())
    closed = close_month(world.session, world.actor, date(2026, 11, 17), note=" as agreed ")
    assert closed.closed is not None
    figures = closed.closed
    assert (figures.tracked, figures.reported, figures.billed) == (None, Decimal("6.5105"), Decimal("5.3175"))
    assert (figures.spend, figures.closed_by, figures.note) == (Decimal("6.5105"), "Alice", "as agreed")
    assert closed.adjustments == ()
    row = world.session.connection().execute(text("SELECT lines FROM closed_months")).scalar_one()
    output = next(line for line in row if (line["model"], line["tokenKind"]) == ("gpt-5.4-mini", "output_tokens"))
    assert output["reported"] == {"quantity": "610000", "cost": "1.3725000000"}
    assert output["billed"] == {"quantity": "610000", "cost": "1.3725000000"}
    assert output["tracked"] is None


def test_what_is_stated_later_is_an_adjustment_and_the_frozen_figures_stay(
    openai_pair: World, fake: FakeProvider
) -> None:
    world = openai_pair
    close_month(world.session, world.actor, NOVEMBER)
    fake.openai.plant_cost(
        unix(LAST), Decimal("1.5"), "gpt-6-sol, input_tokens", project_id="proj_web", quantity=750_000
    )
    fake.openai.plant_completion(
        unix(FIRST, 5), uncached=100_000, output=0, model="gpt-6-sol", api_key_id="key_Ab1", project_id="proj_web"
    )
    world.pull(Provider.OPENAI)
    world.call(at(FIRST, 3), "gpt-6-sol", world.vault_key(), input_tokens=1_000, output_tokens=100)
    invalidate_organization(world.actor.organization_id)
    view = get_month(world.session, world.actor, NOVEMBER)
    assert view.closed is not None
    assert view.closed.billed == Decimal("5.3175")
    assert [(a.book, a.change, a.amount, a.quantity) for a in view.adjustments] == [
        ("billed", Change.LATE_BUCKET, Decimal("1.5"), 750_000),
        ("reported", Change.LATE_BUCKET, Decimal("0.2"), 100_000),
        # 1,000 × $2 + 100 × $10 a million
        ("tracked", Change.LATE_CALLS, Decimal("0.003"), 1_100),
    ]
    assert view.adjustments[0].sentence == "OpenAI restated its billed figures: gpt-6-sol."


def test_a_month_that_has_not_ended_is_refused_even_when_confirmed(
    openai_pair: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _it_is(monkeypatch, datetime(2026, 11, 30, 23, 59, tzinfo=UTC))
    with pytest.raises(ConflictError, match=r"November 2026 ends on 1 December 2026, 00:00 UTC\. Close it after that"):
        close_month(openai_pair.session, openai_pair.actor, NOVEMBER, confirm=True)
    assert not get_month(openai_pair.session, openai_pair.actor, NOVEMBER).ended


def test_a_month_that_is_not_settled_needs_to_be_confirmed(openai_pair: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = openai_pair
    key_id = world.vault_key(account_id="org-openai", meta={"kind": "admin"})
    world.session.add(
        SyncRun(
            organization_id=world.actor.organization_id,
            api_key_id=key_id,
            trigger=SyncTrigger.DEMAND,
            status=SyncStatus.RUNNING,
            window_start=at(FIRST),
            window_end=utcnow(),
        )
    )
    world.session.flush()
    _it_is(monkeypatch, datetime(2026, 12, 2, tzinfo=UTC))
    with pytest.raises(ConflictError) as refused:
        close_month(world.session, world.actor, NOVEMBER)
    assert refused.value.details["needsConfirm"] is True
    assert refused.value.details["doubts"] == [
        "1 pull of it is not finished.",
        "OpenAI account org-openai is read up to 4 November 2026, 00:00 UTC only.",
        "Providers restate their last 3 days: the figures are final from 4 December 2026 on.",
    ]
    assert get_month(world.session, world.actor, NOVEMBER).closed is None
    assert close_month(world.session, world.actor, NOVEMBER, confirm=True).closed is not None
    assert doubting.TRAILING == 3 * DAY


def test_an_account_that_is_behind_since_long_or_was_never_read_is_a_doubt(openai_pair: World) -> None:
    world = openai_pair
    world.account(Provider.OPENAI, date(2026, 10, 1), date(2026, 10, 20))
    for provider in (Provider.ANTHROPIC, Provider.XAI):
        world.account(provider, None)
    inference = world.vault_key(account_id="org-openai", meta={"kind": "inference"})
    assert get_month(world.session, world.actor, NOVEMBER).doubts == ()
    # xAI has no usage report that could be read.
    for provider in (Provider.OPENAI, Provider.ANTHROPIC, Provider.XAI):
        world.vault_key(provider, account_id=f"org-{provider.value.lower()}", label="reports", meta={"kind": "admin"})
    assert list(get_month(world.session, world.actor, NOVEMBER).doubts) == [
        "OpenAI account org-openai is read up to 21 October 2026, 00:00 UTC only.",
        "Anthropic account org-anthropic has not been read yet.",
    ]
    for key in world.session.exec(select(ApiKey).where(ApiKey.id != inference)):
        key.is_active = False
    world.session.flush()
    assert get_month(world.session, world.actor, NOVEMBER).doubts == ()


def test_a_pull_that_failed_is_a_doubt_until_one_has_read_its_days(openai_pair: World) -> None:
    world = openai_pair
    world.account(Provider.OPENAI, FIRST, date(2026, 12, 10))
    key_id = world.vault_key(account_id="org-openai", meta={"kind": "admin"})
    other = world.vault_key(account_id="org-other", label="other", meta={"kind": "admin"})

    def ran(key: str, first: date, last: date, status: SyncStatus) -> None:
        run = SyncRun(
            organization_id=world.actor.organization_id,
            api_key_id=key,
            trigger=SyncTrigger.SCHEDULE,
            status=status,
            window_start=at(first),
            window_end=at(last),
        )
        world.session.add(run)
        world.session.flush()

    failed, finished = SyncStatus.FAILED, SyncStatus.FINISHED
    ran(key_id, date(2026, 10, 1), FIRST, failed)  # of October
    ran(key_id, date(2026, 11, 20), date(2026, 11, 23), failed)
    ran(key_id, date(2026, 11, 21), date(2026, 11, 24), finished)
    ran(other, date(2026, 11, 20), date(2026, 11, 24), finished)
    assert list(get_month(world.session, world.actor, NOVEMBER).doubts) == [
        "1 pull of it failed, and none since has read what it left out."
    ]
    ran(key_id, date(2026, 11, 20), date(2026, 11, 24), finished)
    assert get_month(world.session, world.actor, NOVEMBER).doubts == ()


def test_nothing_is_closed_twice_and_nothing_empty(openai_pair: World) -> None:
    world = openai_pair
    close_month(world.session, world.actor, NOVEMBER)
    with pytest.raises(ConflictError, match="closed already"):
        close_month(world.session, world.actor, NOVEMBER)
    with pytest.raises(ConflictError, match="nothing to close"):
        close_month(world.session, world.actor, OCTOBER)
    with pytest.raises(ValidationError, match="500 characters"):
        close_month(world.session, world.actor, NOVEMBER, note="x" * 501)


def test_reopening_forgets_the_figures(openai_pair: World) -> None:
    world = openai_pair
    with pytest.raises(NotFoundError):
        reopen_month(world.session, world.actor, NOVEMBER)
    close_month(world.session, world.actor, NOVEMBER)
    assert reopen_month(world.session, world.actor, NOVEMBER).closed is None
    assert close_month(world.session, world.actor, NOVEMBER).closed is not None


def test_only_an_administrator_closes_and_only_their_own(openai_pair: World, people: People) -> None:
    world = openai_pair
    for work in (close_month, reopen_month):
        with pytest.raises(AuthorizationError):
            work(world.session, people.bob, NOVEMBER)
    with pytest.raises(ConflictError, match="nothing to close"):
        close_month(world.session, people.charlie, NOVEMBER)
    close_month(world.session, world.actor, NOVEMBER)
    assert list_months(world.session, people.charlie) == ()
    with pytest.raises(NotFoundError):
        reopen_month(world.session, people.charlie, NOVEMBER)
    assert next(m for m in list_months(world.session, people.bob) if m.month == NOVEMBER).closed is not None
