"""The explorer without a browser: what it reads for an address, what it says, and what may be done to saved views."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, col, select

from guardian import amounts
from guardian.errors import AuthorizationError, NotFoundError, ValidationError
from guardian.models import ActivityLog, SavedView, TeamMember, UsageLog, User
from guardian.models.enums import Provider, TeamRole
from guardian.periods import DAY, HOUR, floor_hour, utcnow
from guardian.records import UsageBucket, UsageCounts, UsageRecord
from guardian.services.ledger.writing.buckets import replace_buckets
from guardian.services.ledger.writing.rows import LedgerAccount
from guardian.services.people.access.sessions import open_session
from guardian.ui import format
from guardian.ui.pages.dashboard.page import DashboardState
from guardian.ui.pages.usage.address import Address
from guardian.ui.pages.usage.groups import GroupRow
from guardian.ui.pages.usage.page import UsageState
from guardian.ui.palette import PaletteState
from tests.fakes import seed
from tests.ui.conftest import StatePage, run_async
from tests.ui.pages import payload, work

OpenPage = Callable[..., UsageState]
LONG = "ft:gpt-4o-2024-08-06:acme-research-and-development:customer-support-classifier:9xkQ2abc"


@pytest.fixture
def company(session: Session) -> seed.Company:
    found = seed.company(session, "Acme")
    seed.usage(session, found, 40)
    _plant(session, found, LONG)
    session.commit()
    return found


@pytest.fixture
def theirs(session: Session) -> seed.Company:
    found = seed.company(session, "Globex")
    session.commit()
    return found


def _plant(session: Session, company: seed.Company, *models: str) -> None:
    """One hour of yesterday in which these models were used, in no project; in place of what was planted before."""
    hour = floor_hour(utcnow()) - DAY
    account = LedgerAccount(
        organization_id=company.organization.id,
        provider=Provider.OPENAI,
        account_id="org-openai-1",
        user_id=company.owner.id,
    )
    records = tuple(
        UsageRecord(
            provider=Provider.OPENAI,
            operation="chat",
            model=model,
            start=hour,
            end=hour + HOUR,
            counts=UsageCounts(input_tokens=240_000, output_tokens=12_000),
            requests=30,
        )
        for model in models
    )
    replace_buckets(session, account, [UsageBucket(series="planted", start=hour, end=hour + HOUR, records=records)])


@pytest.fixture
def open_page(page_of: StatePage, company: seed.Company) -> OpenPage:
    def make(query: str = "range=7d", token: str = company.token) -> UsageState:
        state = page_of(UsageState, token, f"/usage?{query}")
        work(state, "load")
        return state

    return make


def _sum(rows: list[GroupRow]) -> Decimal:
    return sum((Decimal(row.money.exact or 0) for row in rows), Decimal(0))


@pytest.mark.parametrize("dimension", ["provider", "model", "project", "providerKey", "tier", "tag:team", "session"])
def test_groups_add_up_to_the_total_and_so_do_the_bars(open_page: OpenPage, dimension: str) -> None:
    page = open_page(f"range=7d&groupBy={dimension}")
    assert page.problem == ""
    assert Decimal(page.total.exact) > 0
    assert _sum(page.groups) == Decimal(page.total.exact)
    drawn = sum(Decimal(str(y)) for series in page.figure["data"] for y in series["y"] if y is not None)
    assert abs(drawn - Decimal(page.total.exact)) < Decimal("1e-6")
    points = sum(len(series["x"]) for series in page.figure["data"])
    assert points <= 200
    assert len(page.figure["data"]) <= 8


def test_calls_that_no_report_counts_are_unknown_and_not_none(
    open_page: OpenPage, session: Session, company: seed.Company
) -> None:
    hour = floor_hour(utcnow()) - DAY
    account = LedgerAccount(
        organization_id=company.organization.id,
        provider=Provider.XAI,
        account_id="uncounted",
        user_id=company.owner.id,
    )
    record = UsageRecord(
        provider=Provider.XAI,
        operation="chat",
        model="grok-4",
        start=hour,
        end=hour + HOUR,
        counts=UsageCounts(input_tokens=1_000),
    )
    replace_buckets(session, account, [UsageBucket(series="planted", start=hour, end=hour + HOUR, records=(record,))])
    session.commit()
    rows = {row.key: row for row in open_page("range=7d&groupBy=provider").groups}
    told = rows["=OPENAI"]
    assert (told.requests_title, told.requests_csv) == ("", str(told.requests))
    untold = rows["=XAI"]
    assert (untold.requests_text, untold.requests_csv) == ("–", "")
    assert untold.requests_title == "The provider's reports do not count these calls."


def test_a_group_leads_deeper_until_nothing_is_left_to_decide(open_page: OpenPage) -> None:
    page = open_page("range=7d&groupBy=provider")
    seen: list[str] = []
    for _ in range(10):
        row = next(row for row in page.groups if row.money.exact and row.href)
        address = Address.read(row.href.partition("?")[2])
        seen.append(address.one("tab") or address.one("groupBy"))
        page = open_page(row.href.partition("?")[2])
        if address.one("tab"):
            break
        assert Decimal(page.total.exact) == Decimal(row.money.exact)
    assert seen == ["model", "project", "providerKey", "user", "operation", "tier", "rows"]
    assert page.lines
    assert {chip.label for chip in page.chips} >= {"Provider", "Model", "Project", "Tier"}


def test_what_has_no_project_is_a_group_that_can_be_filtered_by(
    session: Session, company: seed.Company, open_page
) -> None:
    _plant(session, company, "gpt-4o")
    session.commit()
    page = open_page("range=7d&groupBy=project")
    row = next(row for row in page.groups if row.name == "No project")
    assert row.href == "/usage?range=7d&groupBy=model&project="
    inside = open_page(row.href.partition("?")[2])
    assert Decimal(inside.total.exact) == Decimal(row.money.exact)
    assert [(chip.label, chip.text) for chip in inside.chips] == [("Project", "No project")]


def test_what_names_no_key_of_the_provider_may_have_had_one(open_page: OpenPage) -> None:
    assert "No key named" in [row.name for row in open_page("range=7d&groupBy=providerKey").groups]


def test_change_is_against_the_days_before_or_says_that_there_are_none(open_page: OpenPage) -> None:
    page = open_page("range=7d&groupBy=provider")
    assert "against $" in page.change.against
    change = sum((Decimal(row.change_csv) for row in page.groups), Decimal(0))
    before = Decimal(page.total.exact) - change
    assert page.change.text == format.change(change, change / before * 100)
    assert amounts.dollars(before) in page.change.against
    older = open_page("range=90d")
    assert older.change.against.startswith("no complete data for ")
    assert {row.change.text for row in older.groups} == {""}


def test_unpriced_is_marked_at_the_number_and_no_zero(
    session: Session, company: seed.Company, open_page: OpenPage
) -> None:
    _plant(session, company, "gpt-99-internal")
    session.commit()
    page = open_page("range=7d")
    row = next(row for row in page.groups if row.name == "gpt-99-internal")
    assert (row.money.text, row.money.exact, row.share) == ("unpriced", "", "")
    assert "have no known price" in page.total.note
    assert page.unpriced != ""


def test_long_names_are_cut_in_the_middle_and_whole_on_hover(open_page: OpenPage) -> None:
    row = next(row for row in open_page("range=7d").groups if row.title == LONG)
    assert (row.name[:12], row.name[-8:], len(row.name) <= 48) == (LONG[:12], LONG[-8:], True)
    assert "…" in row.name


def test_sorting_is_in_the_address(open_page: OpenPage) -> None:
    page = open_page("range=7d&sort=name")
    assert [row.title.lower() for row in page.groups] == sorted(row.title.lower() for row in page.groups)
    page = open_page(page.sorts["tokens"].partition("?")[2])
    assert (page.sorted_by, page.descending) == ("tokens", True)
    assert [row.tokens for row in page.groups] == sorted((row.tokens for row in page.groups), reverse=True)


def test_more_groups_than_fit_become_one_row_and_more_can_be_shown(
    session: Session, company: seed.Company, open_page
) -> None:
    _plant(session, company, *(f"model-{number:02}" for number in range(52)))
    session.commit()
    page = open_page("range=7d")
    assert len(page.groups) == 51
    assert page.groups[-1].name.startswith("Other (")
    assert page.groups[-1].href == ""
    assert page.figure["data"][-1]["name"] == "Other"
    assert _sum(page.groups) == Decimal(page.total.exact)
    more = open_page(page.more_href.partition("?")[2])
    assert (len(more.groups) > 51, more.more_href) == (True, "")


def test_rows_are_paged_by_fifty_without_a_gap(session: Session, company: seed.Company, open_page: OpenPage) -> None:
    page, seen = open_page("range=7d&tab=rows"), []
    while True:
        seen += [row.key for row in page.lines]
        if not page.older_href:
            break
        assert len(page.lines) == 50
        page = open_page(page.older_href.partition("?")[2])
        assert page.newest_href == "/usage?range=7d&tab=rows"
    stored = {row for row in session.exec(select(UsageLog.id).where(UsageLog.timestamp >= utcnow() - 6 * DAY))}
    assert len(seen) == len(set(seen))
    assert stored <= set(seen)


def test_a_row_shows_its_bill_to_the_last_digit(session: Session, open_page: OpenPage) -> None:
    for row in open_page("range=7d&tab=rows").lines[:20]:
        panel = open_page(row.href.partition("?")[2]).panel
        assert panel.id == row.key
        if panel.bill:
            assert sum(Decimal(line.amount.exact) for line in panel.bill) == Decimal(panel.sum.exact)
            assert abs(Decimal(panel.sum.exact) - Decimal(panel.money.exact)) < Decimal("1e-9")
            assert "genai-prices, version" in panel.price
        names = {fact.name for fact in panel.facts}
        assert {"id", "provider", "model", "timestamp", "organizationId"} <= names


def test_a_row_of_another_organization_is_not_there(open_page: OpenPage, theirs: seed.Company) -> None:
    row = open_page("range=7d&tab=rows").lines[0]
    panel = open_page(f"tab=rows&row={row.key}", theirs.token).panel
    assert (panel.id, panel.title, panel.facts) == (row.key, "", ())


@pytest.mark.parametrize(
    ("query", "nothing"), [("range=7d&model=gpt-0", "filtered"), ("from=2024-01-01&to=2024-01-02", "range")]
)
@pytest.mark.parametrize("tab", ["", "&tab=rows"])
def test_nothing_found_says_why(open_page: OpenPage, query: str, nothing: str, tab: str) -> None:
    assert open_page(query + tab).nothing == nothing


def test_nothing_connected_says_so(open_page: OpenPage, theirs: seed.Company) -> None:
    assert open_page("", theirs.token).nothing == "unconnected"


def test_a_wrong_filter_is_an_error_that_says_what_is_possible(open_page: OpenPage) -> None:
    page = open_page("provider=NOBODY")
    assert "Unknown provider 'NOBODY'" in page.problem
    assert not page.loaded


# The filter


def test_values_are_found_by_name_and_by_id_and_toggle(open_page: OpenPage) -> None:
    page = open_page("range=7d&groupBy=model")
    work(page, "open_filter", "project")
    assert "Web search" in {option.name for option in page.options}
    work(page, "search_values", "proj_8fk")
    assert [(option.name, option.checked) for option in page.options] == [("Web search", False)]
    assert "project=proj_8fkweb2c9q" in page.options[0].href
    said = work(page, "add_value", {"value": "web sea"})
    assert payload(said)["path"] == page.options[0].href
    chosen = open_page("range=7d&project=proj_8fkweb2c9q&project=gone")
    work(chosen, "open_filter", "project")
    assert [(option.key, option.checked) for option in chosen.options[:2]] == [
        ("proj_8fkweb2c9q", True),
        ("gone", True),
    ]
    # The other values stay to be added.
    assert len(chosen.options) > 2


def test_sessions_and_tags_are_typed(open_page: OpenPage) -> None:
    page = open_page("range=7d")
    work(page, "open_filter", "tag")
    assert payload(work(page, "add_value", {"value": "team=web"}))["path"] == "/usage?range=7d&tag=team%3Aweb"
    with pytest.raises(ValidationError, match="its key, a colon"):
        work(page, "add_value", {"value": "team"})
    work(page, "open_filter", "session")
    assert payload(work(page, "add_value", {"value": "s-1"}))["path"] == "/usage?range=7d&session=s-1"
    assert work(page, "add_value", {"value": " "}) is None


def test_forms_put_what_was_typed_into_the_address(open_page: OpenPage) -> None:
    page = open_page("range=7d&model=gpt-5.1")
    days = work(page, "choose_days", {"from": "2025-11-01", "to": "2025-11-02"})
    assert payload(days)["path"] == "/usage?from=2025-11-01&to=2025-11-02&model=gpt-5.1"
    with pytest.raises(ValidationError):
        work(page, "choose_days", {"from": "2025-11-03", "to": "2025-11-02"})
    zone = work(page, "choose_zone", {"zone": "Asia/Tokyo"})
    assert payload(zone)["path"] == "/usage?range=7d&tz=Asia%2FTokyo&model=gpt-5.1"
    with pytest.raises(ValidationError, match="Mars"):
        work(page, "choose_zone", {"zone": "Mars"})
    assert "groupBy=tag%3Aenvironment" in payload(work(page, "group_by_tag", {"tag": " environment "}))["path"]


def test_another_zone_cuts_the_days_elsewhere(open_page: OpenPage) -> None:
    berlin, auckland = open_page("range=7d"), open_page("range=7d&tz=Pacific/Auckland")
    assert auckland.zone == "Pacific/Auckland"
    assert berlin.total.exact != auckland.total.exact


# Saved views


def _views(session: Session) -> list[SavedView]:
    session.expire_all()
    return list(session.exec(select(SavedView)))


def test_a_view_is_saved_opened_renamed_changed_and_deleted(
    session: Session, page_of: StatePage, company: seed.Company, open_page: OpenPage
) -> None:
    page = open_page("range=7d&groupBy=project&row=c1&cursor=x&tab=rows")
    work(page, "open_save")
    said = payload(work(page, "save_view", {"name": "Mine", "shared": "on"}))
    [row] = _views(session)
    assert (row.name, row.query, row.shared) == ("Mine", "range=7d&groupBy=project&tab=rows", True)
    assert (page.dialog, said["path"].endswith(f"saved={row.id}")) == ("", True)

    opened = _led_to(page_of(UsageState, company.token, f"/usage?saved={row.id}"))
    assert opened == f"/usage?range=7d&groupBy=project&tab=rows&saved={row.id}"
    page = open_page(opened.partition("?")[2])
    assert (page.view.name, page.changed) == ("Mine", False)
    page = open_page(f"range=90d&saved={row.id}")
    assert page.changed
    work(page, "keep_in_view", row.id)
    assert (_views(session)[0].query, page.changed) == ("range=90d", False)
    work(page, "open_rename", row.id)
    work(page, "rename_view", {"name": " "})
    assert (page.dialog, "1 to 100" in page.refusal) == ("rename", True)
    work(page, "rename_view", {"name": "Ours"})
    work(page, "share_view", row.id, False)
    assert (page.view.name, page.view.shared) == ("Ours", False)
    work(page, "open_delete", row.id)
    assert payload(work(page, "delete_view"))["path"] == "/usage?range=90d"
    assert _views(session) == []
    actions = session.exec(select(ActivityLog.action).order_by(col(ActivityLog.sequence))).all()
    assert actions == ["VIEW_CREATE", "VIEW_UPDATE", "VIEW_UPDATE", "VIEW_UPDATE", "VIEW_DELETE"]


def _led_to(page: UsageState) -> str:
    """Where opening the page sends the browser."""

    async def run() -> list[Any]:
        return [event async for event in type(page).event_handlers["load"].fn(page) if event is not None]

    [event] = run_async(run())
    return str(payload(event)["path"])


def test_a_view_of_another_organization_does_not_exist(
    session: Session, company: seed.Company, theirs: seed.Company, open_page
) -> None:
    work(open_page("range=7d"), "save_view", {"name": "Secret plan", "shared": "on"})
    [row] = _views(session)
    stranger = open_page(f"saved={row.id}", theirs.token)
    assert stranger.problem == "Saved view not found"
    assert "Secret plan" not in repr(stranger.dict())
    for handler, arguments in (
        ("open_rename", (row.id,)),
        ("open_delete", (row.id,)),
        ("share_view", (row.id, False)),
        ("keep_in_view", (row.id,)),
    ):
        with pytest.raises(NotFoundError):
            work(stranger, handler, *arguments)
    assert _views(session)[0].model_dump() == row.model_dump()


def test_a_private_view_is_on_nobody_elses_page(
    session: Session, company: seed.Company, page_of: StatePage, open_page
) -> None:
    user = User(email="bob@acme.example", organization_id=company.organization.id)
    session.add(user)
    session.flush()
    session.add(TeamMember(organization_id=company.organization.id, user_id=user.id, role=TeamRole.VIEWER))
    token, _row = open_session(session, user, user_agent=None, ip_address=None)
    session.commit()
    work(open_page("range=7d"), "save_view", {"name": "Private"})
    work(open_page("range=7d"), "save_view", {"name": "For all", "shared": "on"})
    bobs = open_page("range=7d", token)
    assert [(view.name, view.owner, view.may_change) for view in bobs.views] == [("For all", "Mia Winter", False)]
    assert bobs.may_share is False
    # A live message is read once for all who look at the same thing: nothing personal may come with it.
    assert "Private" not in repr(UsageState._read(session, company.actor, bobs._query()))
    with pytest.raises(AuthorizationError):
        work(bobs, "share_view", bobs.views[0].id, False)


# The palette


def test_the_palette_finds_models_and_keys_by_name_and_id(
    page_of: StatePage, company: seed.Company, theirs: seed.Company
) -> None:
    state = page_of(PaletteState, company.token)
    work(state, "find", "")
    assert {place.is_key for place in state.places} == {True, False}
    work(state, "find", "sonnet")
    assert [(place.name, place.detail) for place in state.places] == [("claude-sonnet-4-5", "Anthropic model")]
    work(state, "find", "key_laptop77")
    [place] = state.places
    assert (place.name, place.detail) == ("laptop of Mia", "OpenAI key key_laptop77")
    assert place.href == "/usage?range=90d&groupBy=model&provider=OPENAI&providerKey=key_laptop77"
    strangers = page_of(PaletteState, theirs.token)
    work(strangers, "find", "")
    assert strangers.places == []


def test_the_dashboard_leads_to_the_same_figures(
    page_of: StatePage, company: seed.Company, open_page: OpenPage
) -> None:
    dashboard = page_of(DashboardState, company.token, "/dashboard?range=7d")
    work(dashboard, "load")
    for row in (dashboard.by_provider[0], dashboard.by_model[0], dashboard.by_project[-1], dashboard.by_key[0]):
        page = open_page(row.href.partition("?")[2])
        assert (page.first, page.total.exact) == (dashboard.first, row.money.exact)
    rows = open_page(dashboard.lines[-1].href.partition("?")[2])
    assert rows.tab == "rows"
    assert sum(Decimal(row.money.exact) for row in rows.lines) == Decimal(dashboard.lines[-1].money.exact)
