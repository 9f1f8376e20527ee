"""The pages of calls without a browser: what they show, pause, find, and keep from other organizations."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session

from guardian.errors import ValidationError
from guardian.models.base import new_id
from guardian.models.enums import CostSource, Provider
from guardian.periods import utcnow
from guardian.records import CostBreakdown, UsageCounts
from guardian.services.ledger import queries
from guardian.ui.pages.call import rows as call_rows
from guardian.ui.pages.call.page import CallState
from guardian.ui.pages.requests.address import Address
from guardian.ui.pages.requests.page import RequestsState
from guardian.ui.pages.requests.rows import failure, milliseconds
from guardian.ui.pages.settings.page import SettingsState
from guardian.ui.pages.usage import bill
from tests.fakes import seed
from tests.ui import calls
from tests.ui.conftest import StatePage
from tests.ui.pages import OpenPage, payload, work


@pytest.fixture
def open_page(page_of: StatePage, company: seed.Company) -> OpenPage:
    def make(query: str = "", token: str = company.token) -> RequestsState:
        state = page_of(RequestsState, token, f"/requests?{query}")
        work(state, "load")
        return state

    return make


def _redirected(event: Any) -> Address:
    path, _, query = payload(event)["path"].partition("?")
    assert path == "/requests"
    return Address.read(query)


def _models(page: RequestsState) -> list[str]:
    return [row.model_title for row in page.calls]


def test_a_call_tells_who_what_with_which_key_how_much_and_how_long(
    session: Session, company: seed.Company, open_page: OpenPage
) -> None:
    token, key = calls.token(session, company), calls.key(session, company, "production")
    made = calls.call(
        company,
        cost="0.0042",
        access_token_id=token.id,
        api_key_id=key.id,
        metadata={
            "requestId": "req-1",
            "streamed": True,
            "timeToFirstToken": 310,
            "fallbackFrom": "gpt-5.1",
            "attempts": [{"key": key.id, "status": 529}, {"key": key.id, "model": "gpt-5-mini", "status": 200}],
        },
    )
    calls.write(session, company, made)
    page = open_page()
    (row,) = page.calls
    assert (row.model, row.about, row.caller, row.caller_detail) == (
        "gpt-5-mini",
        "OpenAI, chat",
        "search service",
        "Mia Winter",
    )
    assert (row.provider_key, row.input, row.output, row.cached) == ("production", "1,200", "340", "1,000")
    assert (row.money.text, row.latency, row.first_token) == ("$0.0042", "1.24\u00a0s", "310\u00a0ms")
    assert (row.status, row.tone, row.error) == ("200", "good", "")
    assert row.notes == "streamed, 2 attempts, instead of gpt-5.1"
    assert (page.figures.count, page.figures.spend.exact, page.figures.failed) == ("1 call", "0.0042", "0")
    assert not row.fresh


def test_failures_and_unknown_costs_are_no_zeros_and_no_successes(
    session: Session, company: seed.Company, open_page: OpenPage
) -> None:
    calls.write(
        session,
        company,
        calls.call(company, model="gpt-99-internal"),
        calls.call(company, cost="0", status_code=429, error="rate_limit_exceeded", counts=UsageCounts()),
        calls.call(company, cost="0", status_code=None, error="connect_failed", response_time=None),
    )
    page = open_page()
    rows = {row.error: row for row in page.calls}
    assert rows[""].money.text == "unpriced"
    assert (rows["rate_limit_exceeded"].status, rows["rate_limit_exceeded"].tone) == ("429", "warn")
    assert (rows["connect_failed"].status, rows["connect_failed"].tone) == ("failed", "bad")
    assert rows["connect_failed"].latency == "–"
    assert rows["connect_failed"].failure == "connect failed"
    assert (page.figures.failed, page.figures.failed_share) == ("2", "67\u00a0%")
    assert "no known price" in page.figures.spend.note


def test_a_failure_is_told_in_words() -> None:
    assert failure("policy_budget_exceeded") == "budget exceeded"
    assert failure("caller_left") == "caller left"
    assert failure("") == ""


def test_what_was_never_told_is_no_zero(session: Session, company: seed.Company, open_page: OpenPage) -> None:
    calls.write(session, company, calls.untold(company))
    (row,) = open_page().calls
    assert (row.input, row.output, row.money.text) == ("–", "–", "unknown")
    view = queries.get_usage(session, company.actor, row.key)
    assert call_rows.call_facts(view, {}).tokens == ()
    assert "priced as soon" not in bill.panel(view, ZoneInfo("UTC")).price


def test_a_caller_who_left_is_no_fault_of_the_provider(
    session: Session, company: seed.Company, open_page: OpenPage
) -> None:
    calls.write(session, company, calls.call(company, error="caller_left"), calls.call(company, error="cut_short"))
    assert {row.error: row.tone for row in open_page().calls} == {"caller_left": "warn", "cut_short": "bad"}


def test_at_most_so_many_rows_and_more_at_a_click(session: Session, company: seed.Company, open_page: OpenPage) -> None:
    calls.write(session, company, *calls.many(session, company, 230))
    page = open_page()
    assert (len(page.calls), page.figures.count) == (50, "200 calls")
    page = open_page(page.more_href.partition("?")[2])
    assert len(page.calls) == 100
    page = open_page("rows=9999")
    assert (len(page.calls), page.more_href) == (200, "")
    moments = [row.moment for row in page.calls]
    assert moments == sorted(moments, reverse=True)


def test_pausing_holds_the_rows_counts_what_waits_and_goes_on(
    session: Session, company: seed.Company, open_page: OpenPage
) -> None:
    calls.write(session, company, calls.call(company, model="gpt-5-mini"))
    page = open_page()
    work(page, "toggle_pause")
    assert page.paused
    calls.write(session, company, calls.call(company, model="gpt-5.1"), calls.call(company, model="gpt-4o"))
    # One that began before those that are shown and ended after: it waits, too.
    calls.write(session, company, calls.call(company, model="o3", at=utcnow() - timedelta(hours=1)))
    work(page, "load")
    assert (_models(page), page.waiting) == (["gpt-5-mini"], "3")
    work(page, "toggle_pause")
    assert not page.paused
    assert page.waiting == ""
    assert sorted(_models(page)) == ["gpt-4o", "gpt-5-mini", "gpt-5.1", "o3"]
    assert {row.model_title for row in page.calls if row.fresh} == {"gpt-4o", "gpt-5.1", "o3"}
    calls.write(session, company, *(calls.call(company) for _ in range(205)))
    work(page, "toggle_pause")
    work(page, "load")
    assert page.waiting == "200+"


def test_another_filter_shows_its_calls_also_while_paused(
    session: Session, company: seed.Company, page_of: StatePage
) -> None:
    calls.write(session, company, calls.call(company), calls.call(company, model="gpt-5.1"))
    page = page_of(RequestsState, company.token, "/requests")
    work(page, "load")
    work(page, "toggle_pause")
    other = page_of(RequestsState, company.token, "/requests?model=gpt-5.1")
    page._get_root_state().rx_router_url = other._get_root_state().rx_router_url
    work(page, "load")
    assert (_models(page), page.waiting, page.paused) == (["gpt-5.1"], "", True)


def test_filters_of_the_address_are_chips_that_can_be_taken_away(
    session: Session, company: seed.Company, open_page: OpenPage
) -> None:
    token = calls.token(session, company)
    calls.write(
        session,
        company,
        calls.call(company, access_token_id=token.id, cost="0.5", tags={"team": "web"}, session="s-1"),
        calls.call(company, model="gpt-5.1", provider=Provider.CUSTOM, cost="0.1", status_code=500, error="boom"),
    )
    query = f"provider=OPENAI&model=gpt-5-mini&user={company.owner.id}&token={token.id}&status=ok&minCost=0.2"
    page = open_page(f"{query}&tag=team%3Aweb&q=S-1")
    assert _models(page) == ["gpt-5-mini"]
    assert [(chip.label, chip.text) for chip in page.chips] == [
        ("Provider", "OpenAI"),
        ("Model", "gpt-5-mini"),
        ("Person", "Mia Winter"),
        ("Token", "search service"),
        ("Status", "answered"),
        ("At least", "$0.2"),
        ("Tag", "team:web"),
        ("Text", "S-1"),
    ]
    for chip in page.chips:
        assert len(Address.read(chip.href.partition("?")[2]).pairs) == 7
    assert page.clear_href == "/requests"
    assert _models(open_page("status=error")) == ["gpt-5.1"]
    nothing = open_page("model=nothing-like-it")
    assert (nothing.nothing, nothing.calls) == ("filtered", [])
    assert "50,000" in nothing.searched
    # What is nonsense means any, and no address breaks the page.
    assert len(open_page("status=maybe&minCost=much&rows=-1&x=y").calls) == 2
    assert open_page("tag=nocolon").problem != ""


def test_the_form_of_filters_leads_to_their_address(
    session: Session, company: seed.Company, open_page: OpenPage
) -> None:
    token = calls.token(session, company)
    calls.write(session, company, calls.call(company, access_token_id=token.id))
    page = open_page("status=ok&q=gpt")
    work(page, "open_filters")
    assert page.models == ["gpt-5-mini"]
    assert [option.value for option in page.callers] == [f"token:{token.id}", f"user:{company.owner.id}"]
    form = {"provider": "OPENAI", "model": " gpt-5-mini ", "caller": f"token:{token.id}", "minCost": "$0.05", "tag": ""}
    found = _redirected(work(page, "apply_filters", form))
    assert dict(found.pairs) == {
        "provider": "OPENAI",
        "model": "gpt-5-mini",
        "token": token.id,
        "status": "ok",
        "minCost": "0.05",
        "q": "gpt",
    }
    assert found.filter.least_cost == Decimal("0.05")
    assert _redirected(work(page, "search", {"q": " req "})).one("q") == "req"
    for wrong in ({"minCost": "much"}, {"minCost": "-1"}, {"tag": "search"}, {"tag": ":search"}):
        with pytest.raises(ValidationError):
            work(page, "apply_filters", wrong)


def test_a_page_without_calls_shows_how_to_send_the_first_one(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page()
    assert page.nothing == "none"
    assert "curl http://127.0.0.1:8001/openai/v1/chat/completions" in page.snippet


def test_the_settings_hold_a_set_up_for_each_of_the_usual_clients(page_of: StatePage, company: seed.Company) -> None:
    state = page_of(SettingsState, company.token, "/settings")
    work(state, "load")
    assert {"openai-python", "anthropic-javascript", "google-python", "claude-code", "litellm", "opentelemetry"} <= {
        setup.name for setup in state.setups
    }
    assert all("http://127.0.0.1:800" in setup.text for setup in state.setups)


def test_a_call_has_a_page_with_its_bill_timing_and_attempts(
    session: Session, company: seed.Company, page_of: StatePage
) -> None:
    token = calls.token(session, company)
    first, second = (calls.key(session, company, label) for label in ("production", "fallback"))
    calls.write(
        session,
        company,
        calls.call(
            company,
            access_token_id=token.id,
            api_key_id=second.id,
            session="checkout-1",
            tags={"team": "web", "environment": "test"},
            response_time=1_000,
            error="cut_short",
            metadata={
                "requestId": "req-1",
                "responseId": "chatcmpl-1",
                "timeToFirstToken": 250,
                "streamed": True,
                "endUser": "customer-9",
                "attempts": [
                    {"key": first.id, "status": 429, "milliseconds": 38},
                    {"key": first.id, "model": "gpt-5", "error": "budget_exceeded"},
                    {"key": second.id, "error": "cut_short", "milliseconds": 1_240},
                ],
                "color": "blue",
            },
        ),
    )
    (id,) = calls.ids(session, company)
    page = page_of(CallState, company.token, f"/requests/{id}")
    work(page, "load")
    assert (page.problem, page.missing, page.panel.title) == ("", False, "gpt-5-mini")
    amounts = [Decimal(line.amount.exact) for line in page.panel.bill]
    assert len(amounts) == 3
    assert sum(amounts) == Decimal(page.panel.sum.exact)
    facts = page.facts
    assert (facts.status, facts.tone, facts.error) == ("200", "bad", "cut_short")
    assert "before its answer was whole" in facts.happened
    assert (facts.timing.first, facts.timing.first_width, facts.timing.rest_width) == ("250\u00a0ms", 25.0, 75.0)
    assert [(each.key, each.status, each.error, each.took) for each in facts.attempts] == [
        ("production", "429", "", "38\u00a0ms"),
        ("production", "not tried", "budget_exceeded", "–"),
        ("fallback", "no answer", "cut_short", "1.24\u00a0s"),
    ]
    assert {fact.name: fact.text for fact in facts.who} == {
        "Person": "Mia Winter",
        "Access token": "search service",
        "End user": "customer-9",
        "Session": "checkout-1",
        "Team": "web",
        "Tags": "environment=test",
        "Provider key": "fallback",
    }
    assert {fact.name: fact.text for fact in facts.ids} == {
        "Request id": "req-1",
        "Id of the answer": "chatcmpl-1",
        "Row of the ledger": id,
        "color": "blue",
    }
    assert [(fact.name, fact.text) for fact in facts.tokens] == [
        ("In", "1,200"),
        ("of it read from the cache", "1,000"),
        ("Out", "340"),
    ]


def test_what_was_not_billed_says_so_and_names_no_price(
    session: Session, company: seed.Company, page_of: StatePage
) -> None:
    reason = "Providers do not bill an answer that is an error."
    known = CostBreakdown(amount=Decimal(0), source=CostSource.COMPUTED, reason=reason)
    failed = calls.call(company, cost="0", status_code=429, error="rate_limit_exceeded", counts=UsageCounts())
    calls.write(session, company, replace(failed, cost=known))
    page = page_of(CallState, company.token, f"/requests/{calls.ids(session, company)[0]}")
    work(page, "load")
    assert (page.panel.money.exact, page.panel.bill, page.panel.price, page.panel.doubt) == ("0", (), reason, "")


def test_what_senders_put_into_free_fields_breaks_nothing(
    session: Session, company: seed.Company, page_of: StatePage, open_page: OpenPage
) -> None:
    odd = {"timeToFirstToken": "soon", "attempts": [1, {"key": 7}, {"key": None}], "endUser": {"a": [1]}, "x": None}
    calls.write(session, company, calls.call(company, response_time=0, metadata=odd))
    assert open_page().calls[0].first_token == ""
    page = page_of(CallState, company.token, f"/requests/{calls.ids(session, company)[0]}")
    work(page, "load")
    assert (page.problem, page.missing) == ("", False)
    assert [each.key for each in page.facts.attempts] == ["7", "–"]


def test_calls_of_another_organization_are_not_there(
    session: Session, company: seed.Company, page_of: StatePage, open_page: OpenPage
) -> None:
    theirs = seed.company(session, "Globex")
    token = calls.token(session, company)
    calls.write(session, company, calls.call(company, access_token_id=token.id))
    page = open_page("", theirs.token)
    assert (page.calls, page.nothing) == ([], "none")
    work(page, "open_filters")
    assert (page.models, page.callers) == ([], [])
    filtered = open_page(f"token={token.id}&user={company.owner.id}", theirs.token)
    assert filtered.nothing == "filtered"
    assert token.name not in repr(filtered.dict())
    assert "Mia" not in repr([chip.text for chip in filtered.chips])
    for id in (calls.ids(session, company)[0], new_id(), "x", "%00"):
        state = page_of(CallState, theirs.token, f"/requests/{id}")
        work(state, "load")
        assert (state.missing, state.loaded, state.panel.title) == (True, True, "")
        assert "gpt-5-mini" not in repr(state.dict())


@pytest.mark.parametrize(
    ("span", "text"),
    [(0, "0 ms"), (999, "999 ms"), (1_000, "1.00 s"), (9_994, "9.99 s"), (12_345, "12.3 s"), (125_400, "2 min 5 s")],
)
def test_latencies_are_read_at_a_glance(span: int, text: str) -> None:
    assert milliseconds(span).replace("\u00a0", " ") == text
