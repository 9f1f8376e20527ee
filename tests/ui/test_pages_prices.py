"""The price page: the queue, agreements shown before they are made, look-ups in the address, runs, and currencies."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from guardian.errors import AuthorizationError, ConflictError, NotFoundError, ValidationError
from guardian.jobs.repricing import reprice
from guardian.models import ActivityLog, ExchangeRate, PriceOverride, TeamMember, User
from guardian.models.enums import Provider, TeamRole
from guardian.periods import DAY, floor_hour, utcnow
from guardian.records import UsageCounts, UsageRecord
from guardian.services.people.access.sessions import open_session
from guardian.ui.pages.dashboard.page import DashboardState
from guardian.ui.pages.prices.page import PricesState
from tests.fakes import seed
from tests.ui import calls
from tests.ui.conftest import StatePage
from tests.ui.pages import payload, work

START = floor_hour(utcnow() - 2 * DAY)
TODAY = utcnow().date().isoformat()
EMPTY = {"input_tokens": "", "output_tokens": "", "cache_read_tokens": "", "cache_write_tokens": "", "note": ""}


@pytest.fixture
def company(session: Session) -> seed.Company:
    """A company with usage of gpt-6-sol ($2 and $10 a million) and of a model that nobody knows."""
    found = seed.company(session, "Acme", zone="UTC")
    account = seed.ledger_account(session, found, Provider.OPENAI, START, utcnow())
    for hour, model in enumerate(("gpt-6-sol", "gpt-6.2-sol")):
        start = START + timedelta(hours=hour)
        record = UsageRecord(
            provider=Provider.OPENAI,
            operation="chat",
            model=model,
            start=start,
            end=start + timedelta(hours=1),
            counts=UsageCounts(input_tokens=1_000_000, output_tokens=100_000),
            requests=10,
        )
        seed.add_usage(session, account, start, record)
    session.commit()
    return found


@pytest.fixture
def page(page_of: StatePage, company: seed.Company) -> PricesState:
    state = page_of(PricesState, company.token, "/prices")
    work(state, "load")
    return state


def form(**fields: str) -> dict[str, str]:
    base = {"provider": "OPENAI", "pattern": "gpt-6-sol", "percent": "", "first": START.date().isoformat(), "last": ""}
    return base | EMPTY | fields


def actions(session: Session) -> list[str]:
    session.expire_all()
    return [row.action for row in session.exec(select(ActivityLog).order_by(ActivityLog.sequence))]


def stored(session: Session) -> list[PriceOverride]:
    session.expire_all()
    return list(session.exec(select(PriceOverride).order_by(PriceOverride.id)))


def agree(page: PricesState, **fields: str) -> Any:
    work(page, "open_agree")
    assert work(page, "agree", form(**fields)) is None
    return work(page, "agree", form(**fields))


def test_no_price_is_offered_for_calls_of_which_nobody_knows_what_they_used(
    session: Session, company: seed.Company, page: PricesState
) -> None:
    calls.write(session, company, calls.untold(company, model="gpt-6-sol"))
    work(page, "load")
    known, untold = page.unpriced
    assert (known.model, known.untold, known.counted) == ("gpt-6.2-sol", False, "1 row, 10 calls")
    assert known.best
    assert (untold.model, untold.untold, untold.counted) == ("gpt-6-sol", True, "1 row, 1 call")
    assert (untold.best, untold.tokens) == ("", "–")


def test_nothing_without_a_price_says_so(page_of: StatePage, session: Session) -> None:
    empty = seed.company(session, "Initech")
    session.commit()
    state = page_of(PricesState, empty.token, "/prices")
    work(state, "load")
    assert (state.loaded, state.unpriced, state.agreed, state.runs, state.rates) == (True, [], [], [], [])
    assert (state.currency, state.may_change) == ("USD", True)


def test_the_queue_comes_with_a_suggestion_and_what_it_would_cost(page: PricesState) -> None:
    """A million in at $2 and a hundred thousand out at $10 a million are $3."""
    (row,) = page.unpriced
    assert (row.model, row.name, row.tokens, row.counted) == ("gpt-6.2-sol", "OpenAI", "1.10\u00a0M", "1 row, 10 calls")
    assert "gpt-6-sol ≈ $3.00" in f"{row.best} {row.guess} {row.others}"


def test_one_click_prices_and_backfills_and_undo_puts_it_back(page: PricesState, session: Session) -> None:
    said = work(page, "fill_like", page.unpriced[0].key)
    best = stored(session)[0]
    assert payload(said)["message"].startswith("gpt-6.2-sol has the prices of gpt-6")
    assert (best.model_pattern, best.note is not None) == ("gpt-6.2-sol", True)
    (run,) = page.runs
    assert (run.state, run.working, run.pull.label, page.busy) == ("Waiting", True, "Writing the new prices", True)
    with pytest.raises(ConflictError, match="under way"):
        work(page, "dry_run", form(pattern="", last=TODAY))
    reprice(run.id)
    work(page, "load")
    (run,) = page.runs
    assert (page.unpriced, run.state, run.can_undo, run.can_apply) == ([], "Applied", True, False)
    assert run.result.startswith("1 row of 1 changed: $0.00 → $")
    assert run.result.endswith("Without a price: 1 before, 0 after.")
    assert [(row.model, row.before.text, row.unpriced) for row in run.models] == [
        ("gpt-6.2-sol", "unpriced", "unpriced 1 → 0")
    ]
    work(page, "undo", run.id)
    reprice(run.id)
    work(page, "load")
    assert (page.runs[0].state, page.runs[0].result, len(page.unpriced)) == (
        "Undone",
        "1 row put back as they were.",
        1,
    )
    assert actions(session) == ["PRICE_BACKFILL", "REPRICE_UNDO"]


def test_a_price_of_ones_own_for_what_has_none(page: PricesState, session: Session) -> None:
    """1,000 in and 500 out at $1 and $4 a million are $0.003."""
    work(page, "open_fill", page.unpriced[0].key)
    assert (page.dialog, page.waiting.model) == ("fill", "gpt-6.2-sol")
    own = EMPTY | {"input_tokens": "$1", "output_tokens": "4.00"}
    work(page, "fill", own)
    assert page.example == (
        "A call of 1,000 in + 500 out of gpt-6.2-sol costs $0.0030; the list knows no price to compare."
    )
    assert stored(session) == []
    said = work(page, "fill", own)
    assert payload(said)["message"] == "gpt-6.2-sol has a price. Its stored usage is being priced."
    assert [row.prices for row in stored(session)] == [{"input_tokens": "1", "output_tokens": "4.00"}]
    assert (page.dialog, page.busy) == ("", True)


def test_a_price_is_shown_before_it_is_agreed_on(page: PricesState, session: Session) -> None:
    """1,000 in and 500 out of gpt-6-sol are $0.007 by the list."""
    work(page, "open_agree")
    assert page.dialog == "agree"
    assert work(page, "agree", form(percent="85 %")) is None
    assert page.example == (
        "A call of 1,000 in + 500 out of gpt-6-sol costs $0.00595, 85\u00a0% of the list price ($0.0070)."
    )
    assert (page.doubt, stored(session)) == ("", [])
    # Another number is another price: it is shown first, too.
    work(page, "agree", form(percent="80"))
    assert ("80\u00a0%" in page.example, stored(session)) == (True, [])
    said = work(page, "agree", form(percent="80"))
    assert payload(said)["message"] == "The price is agreed."
    (row,) = page.agreed
    assert (row.price, row.pattern, row.state, row.may_end) == ("80\u00a0% of list", "gpt-6-sol", "Holds", True)
    assert row.example.startswith("A call of 1,000 in + 500 out of gpt-6-sol costs $0.0056")
    assert (page.dialog, page.example, actions(session)) == ("", "", ["PRICE_CREATE"])


def test_a_price_far_off_names_its_factor_and_needs_a_second_word(page: PricesState, session: Session) -> None:
    per_thousand = {"input_tokens": "0.002", "output_tokens": "0.01"}
    work(page, "open_agree")
    work(page, "agree", form(**per_thousand))
    assert "is a 1,000th of the list price of $2. Prices are dollars per million." in page.doubt
    assert stored(session) == []
    work(page, "agree", form(input_tokens="2", output_tokens="0.01"))
    assert "is a 1,000th of the list price of $10" in page.doubt
    work(page, "agree", form(**per_thousand))
    assert stored(session) == []
    work(page, "agree", form(**per_thousand))
    assert [row.prices for row in stored(session)] == [per_thousand]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Give either a percentage of the list price or prices per million tokens"),
        ({"percent": "80", "input_tokens": "1"}, "not both"),
        ({"percent": "lots"}, "Percent of list: 'lots' is not a number like 2.50."),
        ({"percent": "NaN"}, "Write a number from 0"),
        ({"input_tokens": "1,5"}, "Input: '1,5' is not a number like 2.50."),
        ({"percent": "80", "pattern": " "}, "Name a model, or a pattern like gpt-5*"),
        ({"percent": "80", "provider": "ACME"}, "Choose a provider."),
        ({"percent": "80", "first": "soon"}, "'soon' is not a day."),
        ({"percent": "80", "last": "2020-01-01"}, "The price must end after it starts."),
    ],
)
def test_what_cannot_be_agreed_is_said_in_the_dialog(
    page: PricesState, session: Session, fields: dict[str, str], sentence: str
) -> None:
    work(page, "open_agree")
    for _ in range(2):
        assert work(page, "agree", form(**fields)) is None
        assert sentence in page.refusal
    assert (page.dialog, page.example, stored(session), actions(session)) == ("agree", "", [], [])


def test_another_price_follows_and_one_ends(page: PricesState, session: Session) -> None:
    agree(page, percent="80")
    (old,) = page.agreed
    work(page, "open_change", old.id)
    assert (page.dialog, page.price.price) == ("change", "80\u00a0% of list")
    change = {"percent": "70", "first": TODAY, "last": ""} | EMPTY
    work(page, "change", change)
    assert "70\u00a0%" in page.example
    work(page, "change", change)
    assert [(row.price, row.state) for row in page.agreed] == [
        ("70\u00a0% of list", "Holds"),
        ("80\u00a0% of list", "Ended"),
    ]
    work(page, "open_end", page.agreed[0].id)
    work(page, "end", {"last": "2020-01-01"})
    assert "This price only begins at" in page.refusal
    work(page, "end", {"last": ""})
    assert [row.state for row in page.agreed] == ["Ended", "Ended"]
    assert actions(session) == ["PRICE_CREATE", "PRICE_UPDATE", "PRICE_UPDATE"]


def test_a_price_that_priced_nothing_is_deleted(page: PricesState, session: Session) -> None:
    agree(page, percent="80")
    said = work(page, "delete", page.agreed[0].id)
    assert payload(said)["message"] == "The price is deleted."
    assert (page.agreed, stored(session)) == ([], [])
    agree(page, percent="80")
    work(page, "dry_run", form(pattern="", last=TODAY, provider=""))
    reprice(page.runs[0].id)
    work(page, "load")
    work(page, "apply", page.runs[0].id)
    reprice(page.runs[0].id)
    said = work(page, "delete", page.agreed[0].id)
    assert payload(said)["message"] == "It has priced usage, so it stays and ends now."
    assert page.agreed[0].state == "Ended"


def test_a_dry_run_shows_the_difference_and_is_applied(page: PricesState, session: Session) -> None:
    """$3 of gpt-6-sol at half of the list price."""
    agree(page, percent="50")
    work(page, "dry_run", form(pattern="", last=TODAY, provider=""))
    assert page.runs[0].pull.note == "waiting for a worker"
    reprice(page.runs[0].id)
    work(page, "load")
    (run,) = page.runs
    assert (run.state, run.can_apply, run.can_undo) == ("Dry run", True, False)
    assert run.result == "1 row of 2 would change: $3.00 → $1.50 (−$1.50)."
    assert [(row.model, row.before.text, row.after.text, row.change) for row in run.models] == [
        ("gpt-6-sol", "$3.00", "$1.50", "−$1.50")
    ]
    work(page, "apply", run.id)
    reprice(run.id)
    work(page, "load")
    assert page.runs[0].result == "1 row of 2 changed: $3.00 → $1.50 (−$1.50)."
    work(page, "dry_run", form(pattern="", last=TODAY, provider=""))
    reprice(page.runs[0].id)
    work(page, "load")
    assert page.runs[0].result == "2 rows read: every one has the price of today already."
    assert actions(session)[1:] == ["REPRICE_REQUEST", "REPRICE_APPLY", "REPRICE_REQUEST"]
    with pytest.raises(ValidationError, match="Choose both a first and a last day"):
        work(page, "dry_run", form(last=""))


def test_a_look_up_lives_in_the_address(page: PricesState, page_of: StatePage, company: seed.Company) -> None:
    agree(page, percent="50")
    said = work(page, "look_up", {"model": " gpt-6-sol ", "provider": "", "at": TODAY})
    assert f"/prices?model=gpt-6-sol&at={TODAY}" in str(said.args)
    state = page_of(PricesState, company.token, f"/prices?model=gpt-6-sol&at={TODAY}")
    work(state, "load")
    (found,) = state.found
    assert (found.title, found.name, found.override) == (
        "gpt-6-sol",
        "OpenAI",
        "You pay 50\u00a0% of list, agreed for gpt-6-sol.",
    )
    assert "genai-prices" in found.source
    units = [(unit.unit, unit.listed, unit.agreed, unit.note) for unit in found.units]
    assert ("output tokens", "$10", "$5", "") in units
    assert ("output tokens", "$15", "$7.50", "above 272,000 input tokens") in units
    assert ("web search requests", "$0.01 each", "$0.005 each", "") in units
    # What costs as much as plain input, or is a guess, stands apart.
    assert "image input tokens" not in [unit.unit for unit in found.units]
    assert "image input tokens" in [unit.unit for unit in found.derived]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("model=nobody-knows", "No price of nobody-knows is known, neither listed nor agreed."),
        ("model=nobody-knows&provider=OPENAI", "No price of nobody-knows is known"),
        ("model=gpt-5&provider=ACME", "Choose a provider."),
        ("model=gpt-5&at=soon", "'soon' is not a day."),
    ],
)
def test_a_look_up_without_an_answer_says_why(
    page_of: StatePage, company: seed.Company, query: str, sentence: str
) -> None:
    state = page_of(PricesState, company.token, f"/prices?{query}")
    work(state, "load")
    assert (state.found, state.problem) == ([], "")
    assert sentence in state.nothing


def test_rates_and_the_currency(page: PricesState, session: Session) -> None:
    said = work(page, "choose_currency", {"currency": "eur"})
    assert (payload(said)["message"], page.currency) == ("Totals are shown in EUR too.", "EUR")
    one = {"currency": "EUR", "day": "2026-11-20", "rate": "0.8653", "source": "ECB", "csv": ""}
    assert payload(work(page, "add_rates", one))["message"] == "Rates: 1 added, 0 corrected, 0 known already."
    many = one | {"csv": "day;rate\n2026-11-19;0,86\n2026-11-20;0,8653"}
    assert payload(work(page, "add_rates", many))["message"] == "Rates: 1 added, 0 corrected, 1 known already."
    assert [(row.day, row.rate, row.source) for row in page.rates] == [
        ("2026-11-20", "1 USD = 0.8653 EUR", "ECB"),
        ("2026-11-19", "1 USD = 0.86 EUR", "ECB"),
    ]
    for wrong in (one | {"rate": ""}, one | {"rate": "x"}, one | {"currency": "DOUBLOON"}, one | {"csv": "x"}):
        with pytest.raises(ValidationError):
            work(page, "add_rates", wrong)
    assert len(session.exec(select(ExchangeRate)).all()) == 2
    assert payload(work(page, "choose_currency", {"currency": "USD"}))["message"].endswith("dollars only.")
    assert actions(session) == ["ORGANIZATION_UPDATE", "RATES_ADD", "RATES_ADD", "ORGANIZATION_UPDATE"]


def test_who_may_only_look_changes_nothing(page_of: StatePage, session: Session, company: seed.Company) -> None:
    viewer = User(email="vic@acme.example", organization_id=company.organization.id)
    session.add(viewer)
    session.flush()
    session.add(TeamMember(organization_id=company.organization.id, user_id=viewer.id, role=TeamRole.VIEWER))
    token, _row = open_session(session, viewer, user_agent="pytest", ip_address="127.0.0.1")
    session.commit()
    state = page_of(PricesState, token, "/prices")
    work(state, "load")
    assert (len(state.unpriced), state.may_change) == (1, False)
    for handler, arguments in (
        ("open_agree", []),
        ("open_fill", [state.unpriced[0].key]),
        ("fill_like", [state.unpriced[0].key]),
        ("dry_run", [form(last=TODAY)]),
        ("choose_currency", [{"currency": "EUR"}]),
        ("add_rates", [{"currency": "EUR", "day": "2026-11-20", "rate": "1", "source": "ECB"}]),
    ):
        with pytest.raises(AuthorizationError):
            work(state, handler, *arguments)
    for _ in range(2):
        work(state, "agree", form(percent="80"))
    assert "You are not allowed to do this (prices:update)" in state.refusal
    assert (stored(session), actions(session)) == ([], [])


def test_another_organizations_prices_and_runs_are_unknown(
    page: PricesState, page_of: StatePage, session: Session
) -> None:
    agree(page, percent="80")
    work(page, "dry_run", form(pattern="", last=TODAY, provider=""))
    theirs = seed.company(session, "Globex")
    session.commit()
    state = page_of(PricesState, theirs.token, "/prices")
    work(state, "load")
    assert (state.agreed, state.runs, state.unpriced) == ([], [], [])
    for handler in ("open_change", "open_end", "delete"):
        with pytest.raises(NotFoundError, match="Price not found"):
            work(state, handler, page.agreed[0].id)
    for handler in ("apply", "undo"):
        with pytest.raises(NotFoundError, match="Run not found"):
            work(state, handler, page.runs[0].id)
    with pytest.raises(ValidationError, match="has a price by now"):
        work(state, "fill_like", page.unpriced[0].key)
    assert len(stored(session)) == 1


def test_the_dashboards_total_is_shown_in_the_currency_too(
    page: PricesState, page_of: StatePage, company: seed.Company
) -> None:
    """$3 of gpt-6-sol; gpt-6.2-sol is in no total."""
    dashboard = page_of(DashboardState, company.token, "/dashboard?range=90d")
    work(dashboard, "load")
    assert (dashboard.total.exact, dashboard.converted) == ("3", "")
    work(page, "choose_currency", {"currency": "EUR"})
    work(dashboard, "load")
    assert dashboard.converted == "No rate of EUR is known yet: enter one under Prices."
    work(page, "add_rates", {"currency": "EUR", "day": "2026-01-02", "rate": "0.8653", "source": "ECB", "csv": ""})
    work(dashboard, "load")
    assert dashboard.converted == f"≈ €2.60, rate of 2026-01-02 (the last one before {TODAY}), ECB"
    assert dashboard.total.text == "$3.00"
