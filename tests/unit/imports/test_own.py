"""Our own CSV: exported and imported, every row is the same to the last digit, and nothing is there twice."""

import csv
import io
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import Session

from guardian import db
from guardian.models.enums import CostSource, ImportStatus, Provider, UsageOrigin
from guardian.periods import DAY, HOUR, floor_hour
from guardian.records import CostBreakdown, UsageBucket, UsageCounts, UsageRecord
from guardian.services.actor import Actor
from guardian.services.ledger import queries
from guardian.services.ledger.exports.columns import escaped, unescaped
from guardian.services.ledger.exports.usage import usage_csv
from guardian.services.ledger.sql.tables import USAGE
from guardian.services.ledger.sums.rollups import disagreements
from guardian.services.ledger.sync.coverage import know_account
from guardian.services.ledger.views import SummaryQuery, UsageFilter
from guardian.services.ledger.writing.buckets import replace_buckets
from guardian.services.ledger.writing.calls import Call, add_calls
from guardian.services.ledger.writing.rows import LedgerAccount
from tests.conftest import People
from tests.unit.imports.making import Importer, run

MOMENT = datetime(2026, 11, 20, 10, 30, 0, 123_000, tzinfo=UTC)
_OURS = ("id", "organization_id", "user_id", "api_key_id")


def exported(actor: Actor) -> bytes:
    with db.session() as session:
        return b"".join(usage_csv(session, actor, UsageFilter()))


def stored(actor: Actor) -> list[dict[str, Any]]:
    """Every row of the organization, without what is its own."""
    with db.session() as session:
        found = session.connection().execute(
            select(USAGE)
            .where(USAGE.c.organization_id == actor.organization_id)
            .order_by(USAGE.c.timestamp, USAGE.c.model)
        )
        return [{k: v for k, v in row.items() if k not in _OURS} for row in found.mappings()]


def call(people: People, number: int = 0, **changes: Any) -> Call:
    usage = UsageRecord(
        provider=Provider.ANTHROPIC,
        operation="message",
        model="claude-opus-4-5",
        start=MOMENT + number * timedelta(minutes=7),
        end=MOMENT + number * timedelta(minutes=7),
        counts=UsageCounts(
            input_tokens=1_000 + number,
            output_tokens=77,
            cache_read_tokens=500,
            cache_read_audio_tokens=3,
            units={"web_search_requests": Decimal("2")},
        ),
        service_tier="standard",
        dimensions={"inference_geo": "us"},
        doubts=("something was repaired",),
    )
    return replace(
        Call(
            identity=("event", str(number)),
            origin=UsageOrigin.GATEWAY,
            usage=usage,
            user_id=people.alice.user_id,
            response_time=1_234,
            status_code=200,
            session="=cmd|' /C calc'!A1",
            tags={"team": "web", "note": 'quotes " and, commas\nand lines'},
            metadata={"attempt": 2, "nested": {"deep": ["x", None, True]}},
        ),
        **changes,
    )


def fill(session: Session, people: People) -> None:
    known = CostBreakdown(amount=Decimal("0.0000000001"), source=CostSource.PROVIDER, price_source="provider")
    unpriced = UsageRecord(
        provider=Provider.CUSTOM,
        operation="chat",
        model="'-mine",
        start=MOMENT,
        end=MOMENT,
        counts=UsageCounts(input_tokens=5),
    )
    calls = [call(people), call(people, 1, cost=known, error="it\r\nbroke\tbadly \\N"), call(people, 2, usage=unpriced)]
    add_calls(session, people.alice.organization_id, calls)
    account = LedgerAccount(
        organization_id=people.alice.organization_id,
        provider=Provider.OPENAI,
        account_id="org-1",
        user_id=people.alice.user_id,
    )
    start = MOMENT.replace(minute=0, second=0, microsecond=0)
    record = UsageRecord(
        provider=Provider.OPENAI,
        operation="completion",
        model="gpt-5",
        start=start,
        end=start + HOUR,
        requests=9,
        counts=UsageCounts(input_tokens=9_000, output_tokens=10),
        project_id="proj_1",
        external_key_id="key_1",
        dimensions={"source": "api"},
    )
    replace_buckets(
        session, account, [UsageBucket(series="completions", start=start, end=start + HOUR, records=(record,))]
    )
    session.commit()


def test_there_and_back_is_the_same_to_the_last_digit(
    session: Session, people: People, bring: Importer, tmp_path: Path
) -> None:
    fill(session, people)
    content = exported(people.alice)
    again = bring(content)
    assert (again.format, again.rows_added, again.rows_duplicate, again.errors) == ("guardian-csv", 0, 4, ())
    theirs = bring(content, actor=people.charlie)
    assert (theirs.rows_added, theirs.rows_refused, theirs.errors) == (4, 0, ())
    assert stored(people.charlie) == stored(people.alice)
    assert bring(content, actor=people.charlie).rows_duplicate == 4
    assert disagreements(session) == []


def test_cells_that_a_spreadsheet_would_run_are_escaped(session: Session, people: People) -> None:
    fill(session, people)
    text = exported(people.alice).decode()
    assert "'=cmd|' /C calc'!A1" in text
    assert "''-mine" in text
    assert ",=cmd" not in text


# https://owasp.org/www-community/attacks/CSV_Injection: signs, also full-width ones, and what is skipped before them.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@given(st.text())
def test_escaping_can_be_undone(text: str) -> None:
    assert unescaped(escaped(text)) == text
    assert not escaped(text).startswith(FORMULA)


@pytest.mark.parametrize("first", FORMULA)
def test_what_a_spreadsheet_may_take_for_a_formula(first: str) -> None:
    assert escaped(f"{first}1+1") == f"'{first}1+1"
    assert unescaped(escaped(f"{first}1+1")) == f"{first}1+1"


_counts = st.integers(0, 10**12)
_words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    many=st.lists(st.tuples(_counts, _counts, _words, _words, st.decimals("0", "999", places=10)), max_size=4),
    broken=st.integers(0, 5),
)
def test_any_rows_there_and_back(
    session: Session, people: People, tmp_path: Path, many: Iterable[Any], broken: int
) -> None:
    session.connection().execute(USAGE.delete())
    calls = [
        call(
            people,
            number,
            session=word or None,
            tags={"key": tag, tag or "k": word},
            cost=CostBreakdown(amount=cost, source=CostSource.ESTIMATED, reason=tag or None),
            usage=replace(
                call(people, number).usage,
                model=word.strip() or "m",
                counts=UsageCounts(input_tokens=input, output_tokens=output),
            ),
        )
        for number, (input, output, word, tag, cost) in enumerate(many)
    ]
    add_calls(session, people.alice.organization_id, calls)
    session.commit()
    path = tmp_path / "usage.csv"
    lines = exported(people.alice).split(b"\r\n")
    lines.insert(1, b'"never closed,1,2')
    path.write_bytes(b"\r\n".join(lines))
    view = run(people.charlie, path)
    assert (view.rows_added, view.rows_refused) == (len(calls), 1)
    assert stored(people.charlie) == stored(people.alice)


def test_both_books_of_another_account_are_not_added_up(session: Session, people: People, bring: Importer) -> None:
    """The rows' account is not one of this organization's, whose own account was pulled at the same time."""
    hour = floor_hour(MOMENT)
    u = call(people).usage
    made = replace(
        u, provider=Provider.OPENAI, model="gpt-5", counts=UsageCounts(input_tokens=1_000_000), dimensions={}
    )
    add_calls(session, people.alice.organization_id, [call(people, usage=made, account_id="org-1")])
    account = LedgerAccount(
        organization_id=people.alice.organization_id,
        provider=Provider.OPENAI,
        account_id="org-1",
        user_id=people.alice.user_id,
    )
    stated = replace(made, start=hour, end=hour + HOUR)
    replace_buckets(
        session, account, [UsageBucket(series="completions", start=hour, end=hour + HOUR, records=(stated,))]
    )
    theirs = know_account(session, people.charlie.organization_id, Provider.OPENAI, "org-2")
    theirs.covered_from, theirs.covered_to = hour - DAY, hour + DAY
    session.commit()
    assert bring(exported(people.alice), actor=people.charlie).rows_added == 2
    with db.session() as fresh:
        found = queries.summary(fresh, people.charlie, SummaryQuery(start=hour, end=hour + HOUR))
    # 1M × $1.25, once.
    assert found.totals.cost == Decimal("1.25")


def test_a_file_without_a_column_of_counts_is_refused(session: Session, people: People, bring: Importer) -> None:
    add_calls(session, people.alice.organization_id, [call(people, tags={}, metadata={})])
    session.commit()
    view = bring(exported(people.alice).replace(b"cacheReadTokens", b"cachedTokens"), actor=people.charlie)
    assert (view.rows_added, view.rows_refused) == (0, 1)
    assert "The file has no column cacheReadTokens" in str(view.errors[0]["message"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"costSource": "guessed"}, "costSource is 'guessed', which is none of"),
        ({"cost": ""}, "cost is empty exactly where costSource is unpriced"),
        ({"totalTokens": "1"}, "totalTokens is not the sum"),
        ({"bill": "[{]"}, "bill is not what the export writes there"),
        ({"bill": '"[{""unit"":""x""}]"'}, "bill is not what the export writes there"),
        ({"inputTokens": "1"}, "exceed input_tokens"),
        ({"timestamp": "1999-01-01T00:00:00Z"}, "timestamp is in the year 1999"),
        ({"bucketEnd": "2026-11-21T00:00:00Z"}, "bucketEnd belongs to rows of origin sync"),
        ({"origin": "sync", "bucketEnd": "2026-11-20T10:00:00Z"}, "bucketEnd is not within a day after timestamp"),
        ({"origin": "sync", "bucketEnd": "2027-11-20T11:00:00Z"}, "bucketEnd is not within a day after timestamp"),
        ({"cost": "-0.5"}, "cost is negative"),
        ({"cost": "0.5"}, "cost is not the sum of the bill"),
        ({"metadata": '{"_dimensions":["speed"]}'}, "metadata is not what the export writes there"),
        ({"metadata": '{"_dimensions":5}'}, "metadata is not what the export writes there"),
        ({"metadata": '{"_doubts":[5]}'}, "metadata is not what the export writes there"),
        ({"units": '{"cache_read_audio_tokens":"1.5"}'}, "not a whole number"),
        ({"units": '{"web_search_requests":"-2"}'}, "web_search_requests is negative"),
        ({"statusCode": "99999999999"}, "statusCode is 99999999999, which cannot be"),
        ({"responseTime": "3000000000"}, "responseTime is 3000000000, which cannot be"),
        ({"session": "s" * 501}, "longer than 500 characters"),
        ({"outputTokens": str(10**16), "totalTokens": ""}, "more than one row can be of"),
    ],
)
def test_an_edited_row_is_refused(
    session: Session, people: People, bring: Importer, change: dict[str, str], said: str
) -> None:
    add_calls(session, people.alice.organization_id, [call(people, session=None, tags={}, metadata={})])
    session.commit()
    header, cells = list(csv.reader(io.StringIO(exported(people.alice).decode())))
    row = dict(zip(header, cells, strict=True)) | {"id": "c" + "0" * 24}
    row |= {k: v.strip('"').replace('""', '"') for k, v in change.items()}
    if "inputTokens" in change:
        row["totalTokens"] = "78"
    out = io.StringIO()
    csv.writer(out).writerows([header, list(row.values())])
    view = bring(out.getvalue())
    assert (view.status, view.rows_added, view.rows_refused) == (ImportStatus.FINISHED, 0, 1)
    assert said in str(view.errors[0]["message"])
