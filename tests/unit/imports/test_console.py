"""Exports of the providers' consoles: into the books that the API fills, and never beside what it has filled."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlmodel import Session, col, select

from guardian import db
from guardian.models import ApiKey, ProviderAccount, ProviderCost, ProviderResource
from guardian.models.enums import ImportStatus, Provider, ResourceKind, UsageOrigin
from guardian.periods import DAY, HOUR
from guardian.records import CostBucket, CostRecord, UsageBucket, UsageCounts, UsageRecord
from guardian.services.ledger import queries
from guardian.services.ledger.imports import table
from guardian.services.ledger.imports.report import Report
from guardian.services.ledger.imports.source import Member
from guardian.services.ledger.sums.rollups import disagreements
from guardian.services.ledger.sync.coverage import know_account
from guardian.services.ledger.views import SummaryQuery
from guardian.services.ledger.writing.buckets import replace_buckets, replace_costs
from guardian.services.ledger.writing.rows import LedgerAccount
from tests.conftest import People
from tests.unit.imports.making import Importer, claude, jsonl
from tests.unit.imports.test_claude_code import rows

DAY_1 = datetime(2026, 11, 2, tzinfo=UTC)
ANTHROPIC = (
    "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,"
    "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
    "usage_output_tokens,web_search_count,inference_geo,speed\n"
)
ANTHROPIC_ROW = "{day},claude-opus-4-5,CI key,Default,standard,≤ 200k,1000,200,100,5000,300,2,not_available,\n"
OPENAI = (
    "start_time,end_time,start_time_iso,end_time_iso,num_model_requests,input_tokens,output_tokens,"
    "input_cached_tokens,model,project_id,api_key_id,batch\n"
)
COSTS = "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id\n"


def unix(day: int = 0) -> tuple[str, str]:
    start = int((DAY_1 + day * DAY).timestamp())
    return f"{start},{start + 86_400}", f"{DAY_1 + day * DAY:%Y-%m-%dT%H:%M:%SZ},{DAY_1 + (day + 1) * DAY:%Y-%m-%d}"


def openai(day: int = 0, requests: str = "3", input: str = "1000", project: str = "proj_1") -> str:
    numbers, words = unix(day)
    return f"{numbers},{words},{requests},{input},100,400,gpt-5,{project},key_1,False\n"


def cost(day: int = 0, amount: str = "1.25", currency: str = "usd") -> str:
    numbers, words = unix(day)
    return f'{numbers},{words},{amount},{currency},"gpt-5, input",proj_1\n'


def spend(session: Session, people: People) -> Decimal:
    asked = SummaryQuery(start=DAY_1 - 3 * DAY, end=DAY_1 + 9 * DAY)
    queries.invalidate_organization(people.alice.organization_id)
    session.rollback()
    return queries.summary(session, people.alice, asked).totals.cost


def test_anthropic_usage(session: Session, people: People, bring: Importer) -> None:
    session.add(
        ProviderResource(
            organization_id=people.alice.organization_id,
            provider=Provider.ANTHROPIC,
            account_id="org_1",
            kind=ResourceKind.API_KEY,
            external_id="apikey_01",
            name="CI key",
        )
    )
    session.commit()
    content = "\ufeff" + ANTHROPIC + ANTHROPIC_ROW.format(day="2026-11-02") + ANTHROPIC_ROW.format(day="2026-11-03")
    view = bring(content.replace("\n", "\r\n", 1))
    assert (view.format, view.status, view.rows_added, view.errors) == ("anthropic-usage", ImportStatus.FINISHED, 2, ())
    row = rows(session)[0]
    assert (row.origin, row.series, row.account_id) == (UsageOrigin.SYNC, "messages", "file:")
    assert (row.timestamp, row.bucket_end) == (DAY_1, DAY_1 + DAY)
    assert (row.input_tokens, row.cache_read_tokens, row.cache_write_5m_tokens) == (6_300, 5_000, 200)
    assert (row.cache_write_1h_tokens, row.output_tokens, row.units) == (100, 300, {"web_search_requests": "2"})
    assert (row.external_key_id, row.project_id, row.meta) == ("apikey_01", None, {"context_window": "0-200k"})
    # $5 in, $6.25 and $10 written, $0.50 read, $25 out per million, $10 per thousand searches
    assert row.cost == Decimal("0.03725")
    assert bring(content).rows_duplicate == 2
    assert disagreements(session) == []


def test_openai_usage_sums_what_it_does_not_tell_apart(session: Session, bring: Importer) -> None:
    view = bring(OPENAI + openai() + openai(input="2000") + openai(1))
    assert (view.format, view.rows_read, view.rows_added) == ("openai-usage", 3, 3)
    one, two = rows(session)
    assert (one.input_tokens, one.requests, one.external_key_id, one.series) == (3_000, 6, "key_1", "completions")
    assert two.input_tokens == 1_000
    assert bring(OPENAI + openai() + openai(input="2000") + openai(1)).rows_duplicate == 3


def test_costs_are_billed(session: Session, bring: Importer) -> None:
    view = bring(COSTS + cost() + cost(1, "-3e-1"))
    assert (view.format, view.rows_added) == ("openai-cost", 2)
    found = session.exec(select(ProviderCost).order_by(ProviderCost.period_start)).all()  # pyright: ignore[reportArgumentType]
    assert [(row.billed_cost, row.model, row.account_id) for row in found] == [
        (Decimal("1.25"), "gpt-5", "file:"),
        (Decimal("-0.3"), "gpt-5", "file:"),
    ]
    assert rows(session) == []


def test_anthropic_costs_are_dollars_and_cents_are_cents(session: Session, bring: Importer) -> None:
    header = "usage_date_utc,model,workspace,api_key,usage_type,token_type,{},cost_type\n"
    bring(header.format("cost_usd") + "2026-11-02,Claude Opus 4.5,Default,CI,message,input_no_cache,1.5,token\n")
    bring(header.format("cost_cents") + "2026-11-05,Claude Opus 4.5,Default,CI,message,input_no_cache,150,token\n")
    assert [row.billed_cost for row in session.exec(select(ProviderCost))] == [Decimal("1.5")] * 2


def test_an_empty_export_is_no_error(session: Session, bring: Importer) -> None:
    view = bring("start_time,end_time,start_time_iso,end_time_iso\n" + ",".join(unix()) + "\n")
    assert (view.status, view.rows_read) == (ImportStatus.FINISHED, 0)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (openai(input="-5"), "input_tokens is negative"),
        (openai(input="NaN"), "input_tokens is 'NaN', not a whole number"),
        (openai(input="100"), "contradicts itself: "),
        (openai(requests="1,5").replace("1,5", '"1,5"'), "num_model_requests is '1,5'"),
        ("1,2\n", "The line has 2 cells where the header has 12."),
    ],
)
def test_a_bad_row_is_refused_alone(session: Session, bring: Importer, line: str, said: str) -> None:
    view = bring(OPENAI + openai() + line + openai(1))
    assert (view.rows_added, view.rows_refused, view.errors[0]["line"]) == (2, 1, 3)
    assert said in str(view.errors[0]["message"])


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [("1.25", "eur", "not in US dollars"), ("inf", "usd", "not a number"), ("1e12", "usd", "believable")],
)
def test_money_that_cannot_be_added_up_is_refused(
    session: Session, bring: Importer, amount: str, currency: str, said: str
) -> None:
    view = bring(COSTS + cost(0, amount, currency) + cost(1))
    assert (view.rows_added, view.rows_refused) == (1, 1)
    assert said in str(view.errors[0]["message"])


def test_another_encoding_or_header_is_refused_in_words(session: Session, bring: Importer) -> None:
    utf16 = bring((OPENAI + openai()).encode("utf-16"))
    assert "UTF-16" in (utf16.error or "")
    assert utf16.status is ImportStatus.FAILED
    latin = bring((OPENAI.replace("model", "modèle") + openai()).encode("cp1252"))
    assert "not UTF-8" in (latin.error or "")
    later = bring((OPENAI + openai() + openai(1, project="projét")).encode("cp1252"))
    assert (later.rows_added, later.rows_refused) == (1, 1)
    assert "not UTF-8" in str(later.errors[0]["message"])
    assert "format of this file is not known" in (bring("a,b\n1,2\n").error or "")
    assert "empty" in (bring("").error or "")
    assert "two columns of the same name" in (bring("usage_date_utc,usage_date_utc\n").error or "")


def _pulled(session: Session, people: People, account_id: str, start: datetime, end: datetime) -> LedgerAccount:
    account = know_account(session, people.alice.organization_id, Provider.OPENAI, account_id)
    account.covered_from, account.covered_to = start, end
    ledger = LedgerAccount(
        organization_id=people.alice.organization_id,
        provider=Provider.OPENAI,
        account_id=account_id,
        user_id=people.alice.user_id,
    )
    hours = int((end - start) / HOUR)
    buckets = [_bucket(start + number * HOUR) for number in range(hours)]
    replace_buckets(session, ledger, buckets)
    session.commit()
    return ledger


def _bucket(start: datetime) -> UsageBucket:
    record = UsageRecord(
        provider=Provider.OPENAI,
        operation="completion",
        model="gpt-5",
        start=start,
        end=start + HOUR,
        requests=1,
        counts=UsageCounts(input_tokens=1_000_000),
    )
    return UsageBucket(series="completions", start=start, end=start + HOUR, records=(record,))


def test_days_that_a_pull_has_covered_are_left_out(session: Session, people: People, bring: Importer) -> None:
    _pulled(session, people, "org-1", DAY_1 + DAY, DAY_1 + 2 * DAY)
    before = spend(session, people)
    view = bring(OPENAI + openai() + openai(1) + openai(2))
    assert (view.rows_added, view.rows_skipped) == (2, 1)
    assert "a pull has the provider's own report of these days" in view.notes[0]
    # gpt-5: 600 × $1.25 + 400 × $0.125 + 100 × $10 per million, twice
    assert spend(session, people) - before == 2 * Decimal("0.0018")


def test_a_later_pull_takes_the_place_of_a_file(session: Session, people: People, bring: Importer) -> None:
    bring(OPENAI + openai() + openai(1))
    bring(COSTS + cost() + cost(1))
    ledger = _pulled(session, people, "org-1", DAY_1, DAY_1 + HOUR)
    # A pull that has read an hour of a day has the better word about the day.
    assert [row.account_id for row in rows(session)] == ["org-1", "file:"]
    start = DAY_1
    bill = CostRecord(provider=Provider.OPENAI, start=start, end=start + DAY, amount=Decimal(9), line_item="all")
    replace_costs(session, ledger, [CostBucket(start=start, end=start + DAY, records=(bill,))])
    session.commit()
    found = session.exec(select(ProviderCost)).all()
    assert sorted((row.account_id, row.billed_cost) for row in found) == [
        ("file:", Decimal("1.25")),
        ("org-1", Decimal(9)),
    ]
    assert disagreements(session) == []


def test_calls_of_the_same_days_are_explained_and_not_added(session: Session, people: People, bring: Importer) -> None:
    bring(jsonl(claude(), claude(id="m2", timestamp="2026-11-02T23:10:00Z")))
    tracked = spend(session, people)
    assert tracked > 0
    bring(ANTHROPIC + ANTHROPIC_ROW.format(day="2026-11-02"))
    assert spend(session, people) == Decimal("0.03725")


def test_a_named_key_says_whose_account_it_is(session: Session, people: People, bring: Importer) -> None:
    _pulled(session, people, "org-1", DAY_1, DAY_1 + DAY)
    for label, account in (("main", "org-1"), ("other", "org-2")):
        session.add(
            ApiKey(
                provider=Provider.OPENAI,
                encrypted_key="x",
                iv="x",
                tag="x",
                label=label,
                account_id=account,
                user_id=people.alice.user_id,
                organization_id=people.alice.organization_id,
            )
        )
    session.commit()
    assert bring(OPENAI + openai(), key_label="main").rows_skipped == 1
    assert bring(OPENAI + openai(), key_label="other").rows_added == 1
    assert {row.account_id for row in rows(session)} == {"org-1", "file:org-2"}
    wrong = bring(ANTHROPIC + ANTHROPIC_ROW.format(day="2026-11-02"), key_label="other")
    assert "name a key of that provider" in (wrong.error or "")


def test_files_with_a_gap_between_them_cover_only_what_they_tell_of(
    session: Session, people: People, bring: Importer
) -> None:
    bring(OPENAI + openai(0))
    bring(OPENAI + openai(7))
    assert bring(OPENAI + openai(7)).rows_duplicate == 1
    spans = session.exec(select(ProviderAccount)).all()
    assert sorted((s.account_id, s.covered_from, s.covered_to) for s in spans) == [  # type: ignore[type-var]
        ("file:", DAY_1, DAY_1 + DAY),
        ("file:@2026-11-09", DAY_1 + 7 * DAY, DAY_1 + 8 * DAY),
    ]


def test_days_in_no_order_and_in_many_portions(
    session: Session, bring: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("guardian.services.ledger.imports.console._PORTION", 3)
    days = [5, 0, 3, 1, 4, 2, 0, 5, 2]
    content = OPENAI + "".join(openai(day, project=f"proj_{n}") for n, day in enumerate(days)) + "1,2\n"
    view = bring(content)
    assert (view.rows_added, view.rows_refused) == (9, 1)
    assert [(row.timestamp - DAY_1) / timedelta(days=1) for row in rows(session)] == sorted(days)
    assert bring(content).rows_duplicate == 9


def test_days_in_order_are_read_twice_however_many(
    session: Session, bring: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("guardian.services.ledger.imports.console._PORTION", 2)
    passes: list[str] = []
    read = table.rows

    def counted(member: Member, report: Report) -> Iterator[tuple[int, dict[str, str]]]:
        passes.append(member.name)
        return read(member, report)

    monkeypatch.setattr(table, "rows", counted)
    content = OPENAI + "".join(openai(day, project=f"proj_{n}") for day in (0, 1, 2, 5, 6) for n in range(2)) + "1,2\n"
    view = bring(content)
    assert (view.rows_added, view.rows_refused, len(passes)) == (10, 1, 2)
    assert [(row.timestamp - DAY_1) / timedelta(days=1) for row in rows(session)] == [0, 0, 1, 1, 2, 2, 5, 5, 6, 6]
    assert bring(content).rows_duplicate == 10


def test_a_day_that_a_later_file_has_nothing_of_is_emptied(session: Session, people: People, bring: Importer) -> None:
    bring(OPENAI + openai(0) + openai(1) + openai(2) + openai(3))
    bring(COSTS + cost(0) + cost(1) + cost(2))
    one = spend(session, people) / 4
    numbers, words = unix(1)
    again = bring(OPENAI + openai(0) + f"{numbers},{words},,,,,,,,\n" + openai(3))
    assert (again.rows_added, again.rows_duplicate, again.notes) == (0, 2, ())
    assert spend(session, people) == 2 * one
    bring(COSTS + cost(0) + cost(2))
    assert [
        row.period_start for row in session.exec(select(ProviderCost).order_by(col(ProviderCost.period_start)))
    ] == [
        DAY_1,
        DAY_1 + 2 * DAY,
    ]
    assert disagreements(session) == []


def test_a_day_whose_rows_were_refused_is_not_taken_for_an_empty_one(
    session: Session, people: People, bring: Importer
) -> None:
    bring(OPENAI + openai(0) + openai(1) + openai(2))
    before = spend(session, people)
    again = bring(OPENAI + openai(0) + openai(1, input="many") + openai(2))
    assert (again.rows_duplicate, again.rows_refused) == (2, 1)
    assert spend(session, people) == before


def test_lines_before_the_header_may_be_empty(bring: Importer) -> None:
    view = bring("\n\r\n" + OPENAI + openai() + openai(1, input="many"))
    assert (view.rows_added, view.rows_refused) == (1, 1)
    assert view.errors[0]["line"] == 5


def test_another_organizations_files_are_not_ours(people: People, bring: Importer) -> None:
    bring(OPENAI + openai())
    assert bring(OPENAI + openai(), actor=people.charlie).rows_added == 1
    with db.session() as session:
        assert len(session.exec(select(ProviderAccount)).all()) == 2


@pytest.mark.parametrize(
    ("content", "column"),
    [
        (ANTHROPIC + ANTHROPIC_ROW.format(day="2026-11-02"), "usage_input_tokens_cache_read"),
        (ANTHROPIC + ANTHROPIC_ROW.format(day="2026-11-02"), "usage_input_tokens_cache_write_5m"),
        (OPENAI + openai(), "input_cached_tokens"),
        (OPENAI + openai(), ",input_tokens"),
    ],
)
def test_a_count_that_has_no_column_is_not_zero(bring: Importer, content: str, column: str) -> None:
    view = bring(content.replace(column, f"{column}_renamed", 1))
    assert (view.rows_added, view.rows_refused) == (0, 1)
    assert f"The file has no column {column.strip(',')}" in str(view.errors[0]["message"])
