"""Reports: made when they are due, once, of one state of the ledger; the same figures wherever they are shown."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from threading import Barrier
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pypdf import PdfReader
from sqlmodel import Session, select

from guardian import db
from guardian.errors import ConflictError, NotFoundError, ValidationError
from guardian.jobs.patience import patiently
from guardian.models import Budget, Organization, Report
from guardian.models.enums import CostSource, Provider, ReportStatus, UsageOrigin
from guardian.periods import utcnow
from guardian.records import CostBreakdown, UsageBucket, UsageCounts, UsageRecord
from guardian.services.actor import Actor
from guardian.services.guard import reports
from guardian.services.guard.budgets import Scope
from guardian.services.guard.reports.words import dollars, facts
from guardian.services.ledger.queries import summary
from guardian.services.ledger.views import SummaryQuery
from guardian.services.ledger.writing.buckets import replace_buckets
from guardian.services.ledger.writing.calls import Call
from guardian.services.ledger.writing.calls import add_calls as write
from tests.conftest import People
from tests.fakes.seed import company, ledger_account
from tests.fakes.seed import usage as add_usage_of_days
from tests.unit.guard.ledger import add_calls

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 16, tzinfo=BERLIN)
NOW = MONDAY.astimezone(UTC) + timedelta(minutes=5)


@pytest.fixture
def acme(session: Session, people: People) -> Actor:
    """Two weeks of usage: in the second one twice as much, and more of it by team web."""
    session.get_one(Organization, people.alice.organization_id).settings = {"timeZone": "Europe/Berlin"}
    for day in range(14):
        at = (MONDAY - timedelta(days=14 - day)).astimezone(UTC) + timedelta(hours=10)
        costs = ["1.5"] * (1 if day < 7 else 2)
        add_calls(session, people.alice, at, *costs, tags={"team": "web"})
        add_calls(session, people.bob, at + timedelta(hours=1), "0.25", model="gpt-5-mini", tags={"team": "app"})
    session.add(Budget(organization_id=people.alice.organization_id, name="All", limit=Decimal(50)))
    session.commit()
    for row in session.exec(select(Budget)):
        row.created_at = NOW - timedelta(days=60)
    session.commit()
    return people.alice


def make(organization_id: str, now: datetime = NOW) -> dict[str, Any]:
    """Every due report, filled; their contents by scope."""
    with db.session() as session:
        reports.queue_due(session, organization_id, now)
    found: dict[str, Any] = {}
    with db.session() as session:
        rows = session.exec(select(Report).where(Report.organization_id == organization_id)).all()
    for row in rows:
        with db.session() as session:
            assert reports.take_up(session, row.id)
        with db.session() as session:
            view = reports.fill(session, row.id, now)
        assert view is not None
        found[view.scope.value or ""] = view.content
    return found


def test_a_week_that_is_over_is_told_of_the_organization_and_of_each_team(acme: Actor) -> None:
    found = make(acme.organization_id)
    assert found.keys() == {"", "app", "web"}
    whole, web = found[""], found["web"]
    assert whole["title"] == "Week of 9 to 15 November 2026"
    assert (whole["period"]["start"], whole["period"]["end"]) == ("2026-11-08T23:00:00Z", "2026-11-15T23:00:00Z")
    spend = whole["spend"]
    assert (spend["total"], spend["previous"], spend["change"]) == ("22.75", "12.25", "10.5")
    assert (spend["percent"], spend["requests"]) == ("85.7", 21)
    assert (web["spend"]["total"], web["spend"]["change"]) == ("21", "10.5")
    assert web["reconciliation"] is None
    assert web["teams"] == []
    assert [team["name"] for team in whole["teams"]] == ["web", "app"]
    assert "team web" in web["headline"]


def test_everything_adds_up_to_the_total(acme: Actor) -> None:
    for content in make(acme.organization_id).values():
        spend = content["spend"]
        assert sum(Decimal(day["cost"]) for day in content["days"]) == Decimal(spend["total"])
        assert sum(Decimal(day["previous"]) for day in content["days"]) == Decimal(spend["previous"])
        assert sum(Decimal(cause["amount"]) for cause in content["causes"]) == Decimal(spend["change"])
        assert sum(Decimal(model["cost"]) for model in content["models"]) == Decimal(spend["total"])
        for mover in content["movers"]:
            assert Decimal(mover["after"]) - Decimal(mover["before"]) == Decimal(mover["change"])


def test_it_says_what_moved_what_comes_and_how_budgets_stood(acme: Actor, session: Session) -> None:
    """What came after the period is no part of it."""
    add_calls(session, acme, NOW + timedelta(minutes=1), "100")
    session.commit()
    whole = make(acme.organization_id)[""]
    moved = {(each["dimension"], each["name"]): each for each in whole["movers"]}
    assert moved["model", "gpt-5"]["change"] == moved["team", "web"]["change"] == "10.5"
    assert moved["team", "web"]["causes"][0]["part"] == "volume"
    assert moved["user", "Alice"]["value"] == acme.user_id
    assert "apiKey" not in {dimension for dimension, _ in moved}
    told = whole["forecast"]
    assert (told["label"], told["spent"]) == ("November 2026", "35")
    assert Decimal(told["low"]) <= Decimal(told["total"]) <= Decimal(told["high"])
    [budget] = whole["budgets"]
    assert (budget["name"], budget["spent"], budget["percent"], budget["state"]) == ("All", "35", "70", "ok")


def test_each_is_made_once(acme: Actor, session: Session) -> None:
    assert reports.queue_due(session, acme.organization_id, NOW - timedelta(minutes=6)) == 0
    assert reports.queue_due(session, acme.organization_id, NOW) == 3
    assert reports.queue_due(session, acme.organization_id, NOW + timedelta(hours=1)) == 0
    session.commit()
    asked = reports.request_report(session, acme, "weekly", Scope("organization"), date(2026, 11, 11))
    rows = session.exec(select(Report)).all()
    assert len(rows) == 3
    assert asked.id in {row.id for row in rows}


def test_a_month_is_due_on_the_first(acme: Actor, session: Session) -> None:
    first = datetime(2026, 12, 1, tzinfo=BERLIN).astimezone(UTC)
    assert reports.queue_due(session, acme.organization_id, first - timedelta(minutes=1)) == 0
    assert reports.queue_due(session, acme.organization_id, first) == 3
    titles = {row.title for row in session.exec(select(Report))}
    assert titles == {"November 2026", "November 2026, team app", "November 2026, team web"}


def test_nothing_is_due_where_nothing_was_used_or_nobody_waits_any_more(
    acme: Actor, people: People, session: Session
) -> None:
    assert reports.queue_due(session, people.charlie.organization_id, NOW) == 0
    assert reports.queue_due(session, acme.organization_id, NOW + timedelta(days=4)) == 0


def test_the_pdf_says_the_same_figures(acme: Actor, session: Session) -> None:
    whole = make(acme.organization_id)[""]
    [row] = session.exec(select(Report).where(Report.scope == "")).all()
    name, pdf = reports.report_pdf(session, acme, row.id)
    assert name == "report-2026-11-09.pdf"
    text = " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages).split())
    text = text.replace("\u00a0", " ").replace("\u202f", " ")
    shown = [
        whole["spend"]["total"],
        whole["forecast"]["total"],
        whole["forecast"]["low"],
        whole["budgets"][0]["limit"],
    ]
    shown += [each["after"] for each in whole["movers"]] + [each["cost"] for each in whole["models"]]
    for amount in shown:
        assert dollars(amount) in text
    assert whole["title"] in text
    assert "+" + dollars(whole["spend"]["change"]) in text
    assert "Acme" in text


def test_what_people_call_things_is_never_markup(acme: Actor, session: Session) -> None:
    add_calls(session, acme, NOW - timedelta(days=2), "3", model='#panic("x")', tags={"team": '*_`$ <a> \\ #"'})
    session.commit()
    found = make(acme.organization_id)
    assert '*_`$ <a> \\ #"' in found
    for row in session.exec(select(Report)):
        name, pdf = reports.report_pdf(session, acme, row.id)
        assert pdf.startswith(b"%PDF-")
        assert name.isascii()
    [row] = session.exec(select(Report).where(Report.scope == "")).all()
    text = PdfReader(BytesIO(reports.report_pdf(session, acme, row.id)[1])).pages[0].extract_text()
    assert '#panic("x")' in text


def test_days_without_anything_make_a_report_too(people: People, session: Session) -> None:
    session.commit()
    view = reports.request_report(session, people.charlie, "custom", Scope("organization"), date(2026, 3, 1))
    session.commit()
    with pytest.raises(ConflictError):
        reports.report_pdf(session, people.charlie, view.id)
    with db.session() as other:
        made = reports.fill(other, view.id, NOW)
    assert made is not None
    assert made.content is not None
    assert made.content["spend"]["total"] == "0"
    assert made.content["spend"]["previous"] is None
    assert made.content["forecast"] is None
    session.expire_all()
    assert reports.report_pdf(session, people.charlie, view.id)[1].startswith(b"%PDF-")


def test_calls_that_a_report_does_not_count_are_unknown_and_not_zero(session: Session) -> None:
    """Anthropic reports tokens, and of no call."""
    acme = company(session)
    account = ledger_account(session, acme, Provider.ANTHROPIC, NOW - timedelta(days=9), NOW)
    start = datetime(2026, 11, 12, tzinfo=UTC)
    span = {"start": start, "end": start + timedelta(hours=1)}
    counts = UsageCounts(input_tokens=900, output_tokens=100)
    used = UsageRecord(
        provider=Provider.ANTHROPIC, operation="message", model="claude-haiku-4-5", counts=counts, **span
    )
    replace_buckets(session, account, [UsageBucket(series="messages", records=(used,), **span)])
    session.commit()
    found = make(acme.organization.id)[""]
    assert (found["spend"]["requests"], found["models"][0]["requests"]) == (None, None)
    assert ["Calls", "–", "1,000 tokens"] in facts(found)["tiles"]


def test_another_organization_has_none_of_it(acme: Actor, people: People, session: Session) -> None:
    make(acme.organization_id)
    assert reports.list_reports(session, people.charlie).items == ()
    [row, *_] = session.exec(select(Report)).all()
    for read in (reports.get_report, reports.report_pdf):
        with pytest.raises(NotFoundError):
            read(session, people.charlie, row.id)


@pytest.mark.parametrize(
    ("ask", "field"),
    [
        (lambda s, a: reports.request_report(s, a, "weekly", Scope("organization"), date(2100, 1, 1)), "from"),
        (lambda s, a: reports.request_report(s, a, "custom", Scope("user", "x"), date(2026, 3, 1)), "scope"),
        (lambda s, a: reports.request_report(s, a, "custom", Scope("team", " "), date(2026, 3, 1)), "scope"),
        (
            lambda s, a: reports.request_report(
                s, a, "custom", Scope("organization"), date(2026, 3, 2), date(2026, 3, 1)
            ),
            "to",
        ),
        (
            lambda s, a: reports.request_report(
                s, a, "custom", Scope("organization"), date(2025, 1, 1), date(2026, 3, 1)
            ),
            "to",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused(
    people: People, session: Session, ask: Callable[[Session, Actor], object], field: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        ask(session, people.alice)
    assert refused.value.details[0]["field"] == field  # pyright: ignore[reportOptionalSubscript]


def test_a_report_that_never_ends_is_given_up(people: People, session: Session) -> None:
    view = reports.request_report(session, people.alice, "custom", Scope("organization"), date(2026, 3, 1))
    session.commit()
    assert [reports.take_up(session, view.id) for _ in range(4)] == [True, True, True, False]
    session.commit()
    failed = reports.get_report(session, people.alice, view.id)
    assert failed.status is ReportStatus.FAILED
    assert "3 tries" in (failed.error or "")


def test_a_team_is_told_of_its_tracked_calls_where_reports_are_what_counts(session: Session) -> None:
    """Providers' reports cover the hours, and know no teams."""
    acme = company(session)
    add_usage_of_days(session, acme, 30)
    yesterday = (utcnow() - timedelta(days=1)).astimezone(BERLIN)  # by the days of the organization
    add_calls(session, acme.actor, yesterday, "3", tags={"team": "web"})
    session.commit()
    view = reports.request_report(session, acme.actor, "custom", Scope("team", "web"), yesterday.date())
    whole = reports.request_report(session, acme.actor, "custom", Scope("organization"), yesterday.date())
    session.commit()
    found: list[dict[str, Any]] = []
    for each in (view, whole):
        with db.session() as other:
            made = reports.fill(other, each.id, utcnow())
        assert made is not None
        found.append(dict(made.content or {}))
    team, all_of_it = found
    assert (team["book"], team["spend"]["total"], all_of_it["book"]) == ("tracked", "3", "spend")
    assert all_of_it["teams"] == [{"value": "web", "name": "web", "cost": "3", "share": "100"}]
    books = all_of_it["reconciliation"]
    assert books["tracked"] == "3"
    spent = summary(
        session,
        acme.actor,
        SummaryQuery(
            start=datetime.fromisoformat(all_of_it["period"]["start"]),
            end=datetime.fromisoformat(all_of_it["period"]["end"]),
        ),
    )
    assert Decimal(all_of_it["spend"]["total"]) == spent.totals.cost > 0


def test_savings_are_counterfactuals_of_list_prices_and_no_part_of_spend(acme: Actor, session: Session) -> None:
    """gpt-5 costs 1.25, 0.125 cached and 10 dollars for a million tokens, and half of that in batches."""
    key = session.get_one(Organization, acme.organization_id)
    at = NOW - timedelta(days=2)
    counts = UsageCounts(input_tokens=1_000_000, cache_read_tokens=400_000, output_tokens=100_000)
    for tier in ("default", "batch"):
        call = Call(
            identity=("test", tier),
            origin=UsageOrigin.GATEWAY,
            usage=UsageRecord(
                provider=Provider.OPENAI,
                operation="chat",
                model="gpt-5",
                start=at,
                end=at,
                counts=counts,
                service_tier=tier,
            ),
            user_id=acme.user_id,
            cost=CostBreakdown(amount=Decimal(1), source=CostSource.PROVIDER),
        )
        write(session, key.id, [call], {})
    session.commit()
    whole = make(acme.organization_id)[""]
    saved = {each["kind"]: Decimal(each["amount"]) for each in whole["savings"]}
    assert saved["cache"] == Decimal("0.4") * 2 * Decimal("1.125")
    assert saved["batch"] == (Decimal("0.6") * Decimal("1.25") + Decimal("0.4") * Decimal("0.125") + 1) / 2
    assert whole["spend"]["total"] == "24.75"


def test_two_workers_make_it_once(acme: Actor, session: Session) -> None:
    asked = reports.request_report(session, acme, "custom", Scope("organization"), date(2026, 11, 10))
    session.commit()
    barrier = Barrier(2)

    def work(_: int) -> bool:
        barrier.wait()
        return patiently(lambda opened: reports.fill(opened, asked.id, NOW)) is not None

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(work, range(2))) == [False, True]
