"""Later changes to a closed month: each by its own cause, and none by a cause that had nothing to do with it."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import text

from guardian.jobs.repricing import reprice
from guardian.models import ImportRun, PriceOverride
from guardian.models.enums import ImportStatus, Provider, UsageOrigin
from guardian.periods import DAY
from guardian.records import UsageCounts, UsageRecord
from guardian.services.ledger import repricing
from guardian.services.ledger.closing import close_month, get_month, months
from guardian.services.ledger.closing.views import Change
from guardian.services.ledger.repricing.views import RepriceRequest
from guardian.services.ledger.writing.calls import Call, add_calls
from tests.fakes.provider_server import FakeProvider
from tests.unit.reconciliation.conftest import FIRST, LAST, World, at, unix

NOVEMBER = date(2026, 11, 1)
DECEMBER_20 = datetime(2026, 12, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is 20 December 2026."""
    monkeypatch.setattr(months, "utcnow", lambda: DECEMBER_20)


def _of_a_file(world: World, hour: float, id: str, input_tokens: int) -> None:
    """A call of gpt-6-sol as an import stores it."""
    usage = UsageRecord(
        provider=Provider.OPENAI,
        operation="completion",
        model="gpt-6-sol",
        start=at(FIRST, hour),
        end=at(FIRST, hour),
        counts=UsageCounts(input_tokens=input_tokens),
    )
    call = Call(identity=("file", id), origin=UsageOrigin.IMPORT, usage=usage, user_id=world.actor.user_id)
    add_calls(world.session, world.actor.organization_id, [call])
    world.session.commit()


def _repriced(world: World, model: str, *, undo: str | None = None) -> str:
    """Prices of that model are halved, applied after the month was closed; or an earlier run is undone then."""
    session, actor = world.session, world.actor
    if undo is None:
        session.add(
            PriceOverride(
                organization_id=actor.organization_id,
                provider=Provider.OPENAI,
                model_pattern=model,
                percent_of_list=Decimal(50),
                valid_from=at(FIRST),
            )
        )
        session.flush()
        wanted = RepriceRequest(start=at(FIRST), end=at(LAST) + DAY, dry_run=False, model_pattern=model)
        undo = repricing.request_run(session, actor, wanted).id
        session.commit()
        reprice(undo)
    else:
        repricing.undo_run(session, actor, undo)
        session.commit()
        reprice(undo)
    session.connection().execute(
        text(
            "UPDATE reprice_runs SET applied_at = CASE WHEN undone_at IS NULL THEN :later ELSE applied_at END,"
            " undone_at = CASE WHEN undone_at IS NOT NULL THEN :later END"
        ),
        {"later": DECEMBER_20 + DAY},
    )
    session.commit()
    return undo


def test_each_cause_has_its_own_adjustment(openai_pair: World) -> None:
    """One model, and all at once: files, late calls and a re-pricing of old and new ones."""
    world = openai_pair
    _of_a_file(world, 3, "before", 10_000)
    world.call(at(FIRST, 3), "gpt-6-sol", None, input_tokens=10_000)
    close_month(world.session, world.actor, NOVEMBER)
    _of_a_file(world, 4, "after", 20_000)
    world.call(at(FIRST, 4), "gpt-6-sol", None, input_tokens=5_000)
    found = get_month(world.session, world.actor, NOVEMBER).adjustments
    # $2 a million
    assert [(a.book, a.change, a.amount, a.quantity) for a in found] == [
        ("tracked", Change.NEW_IMPORT, Decimal("0.04"), 20_000),
        ("tracked", Change.LATE_CALLS, Decimal("0.01"), 5_000),
    ]
    _repriced(world, "gpt-6-sol")
    found = get_month(world.session, world.actor, NOVEMBER).adjustments
    # Half of the 9 cents for all 45,000 tracked tokens, and of the $1.885 and $1.228 that are reported.
    assert [(a.book, a.change, a.amount, a.quantity) for a in found] == [
        ("reported", Change.REPRICING, Decimal("-1.5565"), 0),
        ("tracked", Change.REPRICING, Decimal("-0.045"), 0),
        ("tracked", Change.NEW_IMPORT, Decimal("0.04"), 20_000),
        ("tracked", Change.LATE_CALLS, Decimal("0.01"), 5_000),
    ]


def test_a_re_pricing_that_is_undone_after_the_close_is_one_again(openai_pair: World) -> None:
    world = openai_pair
    run = _repriced(world, "gpt-6-sol")
    world.session.connection().execute(text("UPDATE reprice_runs SET applied_at = :at"), {"at": DECEMBER_20 - DAY})
    close_month(world.session, world.actor, NOVEMBER)
    assert get_month(world.session, world.actor, NOVEMBER).adjustments == ()
    _repriced(world, "gpt-6-sol", undo=run)
    [found] = get_month(world.session, world.actor, NOVEMBER).adjustments
    assert (found.book, found.change, found.amount) == ("reported", Change.REPRICING, Decimal("1.5565"))


def test_an_import_of_something_else_is_not_the_cause_of_late_calls(openai_pair: World) -> None:
    world = openai_pair
    close_month(world.session, world.actor, NOVEMBER)
    world.session.add(
        ImportRun(
            organization_id=world.actor.organization_id,
            file_name="other.csv",
            status=ImportStatus.FINISHED,
            rows_added=1,
            updated_at=DECEMBER_20 + DAY,
        )
    )
    world.session.flush()
    world.call(at(FIRST, 3), "gpt-6-sol", None, input_tokens=1_000, output_tokens=100)
    [found] = get_month(world.session, world.actor, NOVEMBER).adjustments
    assert (found.change, found.amount) == (Change.LATE_CALLS, Decimal("0.003"))


def test_a_price_that_only_the_report_changed_is_the_providers(openai_pair: World) -> None:
    """The tokens stay and the amount does not, and nobody has priced anything anew."""
    world = openai_pair
    close_month(world.session, world.actor, NOVEMBER)
    world.session.connection().execute(
        text("UPDATE usage_rollups SET cost = cost / 2 WHERE model = 'gpt-5.4-mini' AND origin = 'sync'")
    )
    [found] = get_month(world.session, world.actor, NOVEMBER).adjustments
    assert (found.change, found.amount) == (Change.LATE_BUCKET, Decimal("-1.69875"))


def test_lines_that_tell_no_quantity_are_no_change_of_tokens(openai_pair: World, fake: FakeProvider) -> None:
    world = openai_pair
    line = {"line_item": "gpt-6-sol, input_tokens", "project_id": "proj_web"}
    fake.openai.plant_cost(unix(LAST), Decimal("1.5"), **line, quantity=None)
    world.pull(Provider.OPENAI)
    assert close_month(world.session, world.actor, NOVEMBER).adjustments == ()
    # One more line without a quantity is that much more money, and nobody knows how many tokens.
    fake.openai.plant_cost(unix(LAST), Decimal("0.5"), **line, api_key_id="key_Cd2", quantity=None)
    fake.openai.plant_cost(unix(LAST), Decimal("0.25"), "gpt-6-sol, output_tokens", project_id="proj_web", quantity=25)
    world.pull(Provider.OPENAI)
    changed = get_month(world.session, world.actor, NOVEMBER).adjustments
    assert [(a.book, a.change, a.amount, a.quantity) for a in changed] == [
        ("billed", Change.LATE_BUCKET, Decimal("0.75"), 25)
    ]


def test_a_quantity_that_is_told_no_more_is_no_change_of_tokens(openai_pair: World, fake: FakeProvider) -> None:
    world = openai_pair
    close_month(world.session, world.actor, NOVEMBER)
    fake.openai.plant_cost(unix(LAST), Decimal("1.5"), "gpt-6-sol, input_tokens", project_id="proj_web", quantity=None)
    world.pull(Provider.OPENAI)
    [changed] = get_month(world.session, world.actor, NOVEMBER).adjustments
    assert (changed.amount, changed.quantity) == (Decimal("1.5"), 0)
