"""The budgets page: its cards, the form that follows what is typed, and what its handlers do and refuse."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, select

from guardian.errors import AuthorizationError, NotFoundError, ValidationError
from guardian.live import USAGE_UPDATE
from guardian.models import ActivityLog, Budget, TeamMember, User
from guardian.models.enums import BudgetKind, BudgetPeriod, TeamRole
from guardian.periods import DAY, floor_month, local_date, utcnow, zone
from guardian.services.guard import budgets
from guardian.services.guard.budgets import BudgetView, NewBudget, Raised, Scope
from guardian.services.people.access.sessions import open_session
from guardian.ui.pages.budgets import draft, rows
from guardian.ui.pages.budgets.page import BudgetsState
from tests.fakes import seed
from tests.ui.conftest import StatePage
from tests.ui.pages import payload, work
from tests.unit.guard.ledger import add_calls

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
LAST_MONTH = floor_month(floor_month(utcnow()) - DAY) + 3 * DAY


@pytest.fixture
def company(session: Session) -> seed.Company:
    """Last month: $200, of which $60 are of the team web; this month: $30."""
    found = seed.company(session, "Acme", zone="UTC")
    add_calls(session, found.actor, LAST_MONTH, "140")
    add_calls(session, found.actor, LAST_MONTH, "60", tags={"team": "web"})
    add_calls(session, found.actor, utcnow(), "30")
    session.commit()
    return found


@pytest.fixture
def page(page_of: StatePage, company: seed.Company) -> BudgetsState:
    state = page_of(BudgetsState, company.token, "/budgets")
    work(state, "load")
    return state


@pytest.fixture
def made(page: BudgetsState, session: Session) -> Budget:
    """A budget of $100 a month, made through the page."""
    work(page, "open_new")
    work(page, "save", {"amount": "100", "scope": "organization", "period": "MONTHLY", "kind": "SOFT"})
    return session.exec(select(Budget)).one()


def _actions(session: Session) -> list[str]:
    session.expire_all()
    return [row.action for row in session.exec(select(ActivityLog).order_by(ActivityLog.sequence))]  # pyright: ignore[reportArgumentType]


def test_a_new_budget_begins_with_what_fits_last_month(page: BudgetsState, session: Session) -> None:
    work(page, "open_new")
    assert (page.dialog, page.before, page.shown.amount) == ("form", "Last month: $200.00.", "250")
    assert page.look.text.startswith("Last month, $200.00 was spent: 50\u00a0% of $250.00 on 4")
    assert page.look.over is False
    form = {"amount": "250", "scope": "organization", "period": "MONTHLY", "kind": "HARD", "name": "", "thresholds": ""}
    said = work(page, "save", form)
    row = session.exec(select(Budget)).one()
    assert (row.name, row.limit, row.kind, row.thresholds) == ("Everything, every month", 250, BudgetKind.HARD, [])
    assert payload(said)["message"] == "Everything, every month is set. It holds for the next call."
    assert (page.dialog, [each.left.text for each in page.budgets]) == ("", ["$220.00"])
    assert _actions(session) == ["BUDGET_CREATE"]


def test_the_look_follows_what_is_chosen_and_typed(page: BudgetsState) -> None:
    work(page, "open_new")
    work(page, "choose_scope", "team")
    assert ([each.value for each in page.targets], page.shown.of, page.picked) == (["web"], "web", False)
    assert (page.before, page.shown.amount) == ("Last month: $60.00.", "80")
    work(page, "type_amount", "$50")
    assert (page.look.over, "100\u00a0% on" in page.look.text) == (True, True)
    # What somebody has typed stays, whatever is chosen after it.
    work(page, "choose_scope", "organization")
    assert (page.before, page.shown.amount, page.look.over) == ("Last month: $200.00.", "80", True)
    work(page, "choose_period", "ROLLING")
    work(page, "type_days", "7")
    assert "last 7 days" in page.look.text
    work(page, "type_amount", "much")
    assert page.look == rows.NO_LOOK


@pytest.mark.parametrize(
    ("scope", "value"), [("provider", "OPENAI"), ("user", "Mia Winter"), ("model", "gpt-5"), ("key", ""), ("token", "")]
)
def test_there_is_something_to_choose_for_each_scope(page: BudgetsState, scope: str, value: str) -> None:
    work(page, "open_new")
    work(page, "choose_scope", scope)
    assert (page.targets[0].text if page.targets and scope == "user" else page.shown.of) == value


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"amount": "much"}, "Give an amount in dollars"),
        ({"amount": "0"}, "Give a limit above $0"),
        ({"scope": "user", "of": "nobody"}, "There is no such user"),
        ({"scope": "planet"}, "Choose what the budget limits"),
        ({"period": "FORTNIGHTLY"}, "Choose what the budget limits"),
        ({"kind": "FIRM"}, "soft or hard"),
        ({"thresholds": "fifty"}, "whole percentages"),
        ({"period": "ROLLING", "days": "0"}, "1 to 366 days"),
        ({"period": "ROLLING", "days": "many"}, "1 to 366 days"),
        ({"name": "x" * 101}, "a name of 1 to 100"),
    ],
)
def test_what_is_no_budget_is_said_in_the_dialog(
    page: BudgetsState, session: Session, form: dict[str, str], sentence: str
) -> None:
    work(page, "open_new")
    good = {"amount": "100", "scope": "organization", "period": "MONTHLY", "kind": "SOFT"}
    assert work(page, "save", {**good, **form}) is None
    assert (page.dialog, sentence in page.refusal) == ("form", True), page.refusal
    assert session.exec(select(Budget)).all() == []


def test_a_budget_is_edited_raised_paused_and_deleted(page: BudgetsState, made: Budget, session: Session) -> None:
    work(page, "open_edit", made.id)
    assert (page.shown.amount, page.shown.thresholds, page.shown.name) == ("100", "50, 80, 100", made.name)
    work(page, "save", {"amount": "40", "name": "Ours", "kind": "HARD"})
    (row,) = page.budgets
    assert (row.name, row.kind, row.state, row.left.text) == ("Ours", "Hard", "Within budget", "$10.00")
    work(page, "open_raise", made.id)
    assert page.raise_amount == "50"
    until = f"{local_date(utcnow(), zone('UTC'))}"
    work(page, "lift", {"amount": "39", "until": until, "reason": "launch"})
    assert (page.dialog, "A raise lifts the limit" in page.refusal) == ("raise", True)
    assert payload(work(page, "lift", {"amount": "60", "until": until, "reason": "launch"}))["message"] == (
        "Ours is raised. It ends by itself."
    )
    (row,) = page.budgets
    assert (row.raised, row.left.text, "Raised from $40.00 by Mia Winter until" in row.raise_note) == (
        True,
        "$30.00",
        True,
    )
    work(page, "end_raise", made.id)
    work(page, "switch", made.id, False)
    assert [(each.raised, each.state) for each in page.budgets] == [(False, "Paused")]
    work(page, "switch", made.id, True)
    work(page, "open_delete", made.id)
    with pytest.raises(ValidationError):
        work(page, "delete")
    work(page, "type_name", "Ours")
    work(page, "delete")
    assert (page.budgets, page.dialog) == ([], "")
    assert _actions(session) == [
        "BUDGET_CREATE",
        "BUDGET_UPDATE",
        "BUDGET_RAISE",
        "BUDGET_RAISE_END",
        "BUDGET_UPDATE",
        "BUDGET_UPDATE",
        "BUDGET_DELETE",
    ]


def test_an_edit_leaves_what_the_form_does_not_show(page: BudgetsState, made: Budget, session: Session) -> None:
    made.meta = {"whenRedisIsAway": "open", "unpricedModels": "allow"}
    session.commit()
    work(page, "open_edit", made.id)
    work(page, "save", {"amount": "90", "kind": "HARD"})
    session.expire_all()
    stored = session.get_one(Budget, made.id)
    assert (stored.limit, stored.meta) == (90, {"whenRedisIsAway": "open", "unpricedModels": "allow"})


_HANDLERS: tuple[Callable[[str], tuple[Any, ...]], ...] = (
    lambda budget_id: ("open_edit", budget_id),
    lambda budget_id: ("open_raise", budget_id),
    lambda budget_id: ("open_delete", budget_id),
    lambda budget_id: ("end_raise", budget_id),
    lambda budget_id: ("switch", budget_id, False),
)


@pytest.mark.parametrize("handler", _HANDLERS)
def test_another_organizations_budget_does_not_exist(
    page_of: StatePage, made: Budget, session: Session, handler: Callable[[str], tuple[Any, ...]]
) -> None:
    other = seed.company(session, "Globex")
    session.commit()
    state = page_of(BudgetsState, other.token, "/budgets")
    work(state, "load")
    assert state.budgets == []
    with pytest.raises(NotFoundError):
        work(state, *handler(made.id))
    # A dialog that was never opened is about no budget at all.
    state.budget = rows.BudgetRow(id=made.id, name="x")
    state.typed = "x"
    work(state, "delete")
    work(state, "lift", {"amount": "500", "until": "2030-01-01", "reason": "x"})
    assert state.refusal == "Budget not found"
    state._draft = draft.Draft(id=made.id)
    work(state, "save", {"amount": "1"})
    session.expire_all()
    stored = session.get_one(Budget, made.id)
    assert (stored.limit, stored.raised_limit, stored.is_active) == (100, None, True)


def test_a_viewer_sees_budgets_and_changes_none(
    page_of: StatePage, company: seed.Company, made: Budget, session: Session
) -> None:
    viewer = User(email="vi@acme.example", name="Vi", organization_id=company.organization.id)
    session.add(viewer)
    session.flush()
    session.add(TeamMember(organization_id=company.organization.id, user_id=viewer.id, role=TeamRole.VIEWER))
    token, _ = open_session(session, viewer, user_agent="pytest", ip_address="127.0.0.1")
    session.commit()
    state = page_of(BudgetsState, token, "/budgets")
    work(state, "load")
    assert (len(state.budgets), state.can_change) == (1, False)
    for call in (("open_new",), *(handler(made.id) for handler in _HANDLERS)):
        with pytest.raises(AuthorizationError):
            work(state, *call)
    work(state, "save", {"amount": "1"})
    assert (state.refusal != "", len(session.exec(select(Budget)).all())) == (True, 1)


def _view(**facts: Any) -> BudgetView:
    given: dict[str, Any] = {
        "id": "b",
        "name": "b",
        "scope": Scope("organization"),
        "of": "",
        "filters": {"origin": ("gateway",)},
        "time_zone": "UTC",
        "limit": Decimal(100),
        "period": BudgetPeriod.MONTHLY,
        "rolling_days": None,
        "kind": BudgetKind.SOFT,
        "thresholds": (50, 80, 100),
        "is_active": True,
        "when_redis_is_away": "open",
        "unpriced_models": "refuse",
        "effective_limit": Decimal(100),
        "raised": None,
        "spent": Decimal(40),
        "unpriced_calls": 0,
        "held": Decimal(10),
        "left": Decimal(50),
        "forecast": Decimal(90),
        "forecast_low": Decimal(80),
        "forecast_high": Decimal(100),
        "starts_at": datetime(2026, 11, 1, tzinfo=UTC),
        "resets_at": datetime(2026, 12, 1, tzinfo=UTC),
        "created_at": NOW,
    }
    return BudgetView(**{**given, **facts})


@pytest.mark.parametrize(
    ("facts", "state", "crossed"),
    [
        ({"spent": Decimal("49.99")}, "ok", ()),
        ({"spent": Decimal(50)}, "ok", (50,)),
        ({"spent": Decimal(80)}, "near", (50, 80)),
        ({"spent": Decimal(100)}, "over", (50, 80, 100)),
        ({"spent": Decimal(79), "thresholds": ()}, "ok", ()),
        ({"spent": Decimal(80), "thresholds": ()}, "near", ()),
        ({"spent": Decimal(80), "thresholds": (90,)}, "ok", ()),
        ({"spent": Decimal(100), "effective_limit": Decimal(200)}, "ok", (50,)),
        ({"spent": Decimal(100), "is_active": False}, "paused", (50, 80, 100)),
    ],
)
def test_the_state_of_a_budget(facts: dict[str, Any], state: str, crossed: tuple[int, ...]) -> None:
    view = _view(**facts)
    assert (view.state, view.crossed) == (state, crossed)


def test_the_bar_has_room_for_what_is_to_come() -> None:
    row = rows.budget_row(_view(), NOW, zone("UTC"))
    assert (row.spent_width, row.held_width, row.forecast_at, row.limit_at) == ("40.00", "10.00", "90.00", "")
    assert [(tick.at, tick.reached) for tick in row.ticks] == [("50.00", False), ("80.00", False), ("100.00", False)]
    assert row.resets == "1 Dec, in 12\u00a0days"
    ahead = rows.budget_row(_view(forecast=Decimal(125)), NOW, zone("UTC"))
    assert (ahead.spent_width, ahead.limit_at, ahead.forecast_at) == ("32.00", "80.00", "100.00")
    far = rows.budget_row(_view(forecast=Decimal(10_000)), NOW, zone("UTC"))
    assert (far.limit_at, far.forecast_at) == ("62.50", "100.00")
    over = rows.budget_row(_view(spent=Decimal(150), left=Decimal(-60), forecast=None), NOW, zone("UTC"))
    assert (over.left_name, over.left.text, over.spent_width, over.tone) == ("Over by", "$60.00", "93.75", "bad")


def test_words_of_thresholds_do_not_meet() -> None:
    row = rows.budget_row(_view(thresholds=(50, 90, 100, 120)), NOW, zone("UTC"))
    assert [(tick.at, tick.text) for tick in row.ticks] == [
        ("50.00", "50\u00a0%"),
        ("90.00", ""),
        ("100.00", "100\u00a0%"),
    ]
    assert rows.budget_row(_view(thresholds=()), NOW, zone("UTC")).ticks == ()


def test_what_is_not_known_is_no_zero() -> None:
    row = rows.budget_row(_view(held=None, left=None, forecast=None), NOW, zone("UTC"))
    assert (row.held.text, row.left.text, row.forecast.text, row.forecast_at) == ("–", "–", "–", "")


def test_the_rows_behind_a_budget_are_in_the_explorer() -> None:
    view = _view(filters={"origin": ("gateway", "ingest"), "team": ("web",)})
    href = rows.budget_row(view, NOW, zone("UTC")).href
    assert href == "/usage?from=2026-11-01&to=2026-11-18&origin=gateway&origin=ingest&team=web"
    assert rows.budget_row(_view(filters=None), NOW, zone("UTC")).href == ""


def test_a_raise_is_told_with_its_end() -> None:
    raised = Raised(limit=Decimal(150), until=NOW + timedelta(hours=3), reason="launch", by=None)
    row = rows.budget_row(_view(raised=raised, effective_limit=Decimal(150)), NOW, zone("UTC"))
    assert (row.limit.text, row.raise_note) == ("$150.00", "Raised from $100.00 until 15:00: launch")


@pytest.mark.parametrize(
    ("spent", "limit"),
    [
        ("0", "100"),
        ("200", "250"),
        ("0.004", "0.005"),
        ("9.2", "12"),
        ("90", "100"),
        ("1234", "1500"),
        ("5400", "6000"),
    ],
)
def test_a_suggested_limit_is_round(spent: str, limit: str) -> None:
    assert draft.amount_text(draft.suggested(Decimal(spent))) == limit


def test_a_live_message_shows_what_was_spent_since(
    page: BudgetsState, made: Budget, company: seed.Company, session: Session
) -> None:
    (before,) = page.budgets
    add_calls(session, company.actor, utcnow(), "20")
    session.commit()
    page._show(BudgetsState._read(session, company.actor, ()))
    (after,) = page.budgets
    assert (before.spent.text, after.spent.text) == ("$30.00", "$50.00")
    assert USAGE_UPDATE in BudgetsState._live_events


def test_a_name_says_what_is_limited(session: Session, company: seed.Company) -> None:
    made = budgets.create_budget(
        session, company.actor, NewBudget(name="x", limit=Decimal(1), scope=Scope("user", company.owner.id))
    )
    assert (made.of, rows.budget_row(made, NOW, zone("UTC")).scope) == ("Mia Winter", "Mia Winter")
