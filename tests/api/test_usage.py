"""usage: pages of rows, one row with its bill, and sums; amounts as plain decimal text."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlmodel import Session

from guardian import db
from guardian.api.requests.moments import end_of, start_of
from guardian.api.usage.shapes import TotalsOut, UsageQuery, group_json
from guardian.errors import ValidationError
from guardian.models.enums import Provider
from guardian.periods import HOUR, floor_hour, utcnow, zone
from guardian.records import UsageCounts, UsageRecord
from guardian.services.ledger.sql.partitions import ensure_partitions
from guardian.services.ledger.views import DIMENSIONS, USAGE_FILTERS, Group, Totals
from guardian.services.people.access.sessions import actor_for_session
from tests.api.conftest import Client, MakeClient
from tests.fakes import seed
from tests.fakes.seed import Company


@pytest.fixture
def company(session: Session) -> Company:
    """Acme with one hour of embedding tokens that cost almost nothing, and one of a model without a price."""
    made = seed.company(session, zone="Europe/Berlin")
    now = utcnow()
    ensure_partitions(session, now - timedelta(days=3), now)
    account = seed.ledger_account(session, made, Provider.OPENAI, now - timedelta(days=3), now)
    hour = floor_hour(now) - 3 * HOUR
    seed.add_usage(session, account, hour, _record(hour, "text-embedding-3-small", 10, 0))
    seed.add_usage(session, account, hour + HOUR, _record(hour + HOUR, "no-such-model-9", 700, 50))
    session.commit()
    return made


def _record(hour: datetime, model: str, input_tokens: int, output_tokens: int) -> UsageRecord:
    return UsageRecord(
        provider=Provider.OPENAI,
        operation="embeddings" if "embedding" in model else "chat",
        model=model,
        start=hour,
        end=hour + HOUR,
        counts=UsageCounts(input_tokens=input_tokens, output_tokens=output_tokens),
        requests=1,
        project_id="proj_8fkweb2c9q",
    )


@pytest.fixture
def mia(company: Company, new_client: MakeClient) -> Client:
    return new_client(cookies={"guardian_session": company.token})


def test_rows_are_paged_newest_first(mia: Client) -> None:
    first = mia.get("/api/v1/usage?limit=1").json()
    assert [row["model"] for row in first["data"]] == ["no-such-model-9"]
    second = mia.get(f"/api/v1/usage?limit=1&cursor={first['metadata']['nextCursor']}").json()
    assert [row["model"] for row in second["data"]] == ["text-embedding-3-small"]
    assert second["metadata"]["nextCursor"] is None


def test_a_row_says_what_it_costs_to_the_last_digit_and_unknown_is_not_zero(mia: Client) -> None:
    unpriced, embedding = mia.data("GET", "/usage")
    assert mia.data("GET", "/usage?sort=-timestamp") == [unpriced, embedding]
    assert mia.data("GET", "/usage?sort=timestamp") == [embedding, unpriced]
    assert mia.failure("GET", "/usage?sort=-cost", 400)["details"][0]["field"] == "sort"
    assert (embedding["cost"], embedding["costSource"]) == ("0.0000002", "computed")
    assert (unpriced["cost"], unpriced["costSource"]) == (None, "unpriced")
    assert unpriced["costReason"]
    assert {"cacheWrite5mTokens", "cacheWrite1hTokens", "externalKeyId", "bucketEnd"} <= embedding.keys()
    assert embedding["timestamp"].endswith("Z")
    assert "bill" not in embedding


def test_the_bill_of_a_row_adds_up_to_its_cost(mia: Client) -> None:
    row = mia.data("GET", "/usage")[1]
    bill = mia.data("GET", f"/usage/{row['id']}")["bill"]
    assert bill
    assert all(re.fullmatch(r"[0-9]+(\.[0-9]*[1-9])?", line[name]) for line in bill for name in line if name != "unit")
    lines = [(Decimal(b["quantity"]) * Decimal(b["unitPrice"]) * Decimal(b["multiplier"]), b["amount"]) for b in bill]
    assert sum(Decimal(amount) for _product, amount in lines) == Decimal(row["cost"])
    assert all(product == Decimal(amount) for product, amount in lines)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 2),
        ("origin=sync&provider=OPENAI&model=&from=&to=", 2),
        ("model=no-such-model-9", 1),
        ("model=no-such-model-9,text-embedding-3-small", 2),
        ("model=no-such-model-9&model=text-embedding-3-small", 2),
        ("provider=ANTHROPIC", 0),
        ("costSource=unpriced", 1),
        ("project=proj_8fkweb2c9q", 2),
        ("to=2020-01-01", 0),
        ("from=2020-01-01", 2),
        ("from=2020-01-01T00:00:00%2B02:00&tz=Asia/Tokyo", 2),
    ],
)
def test_filters(mia: Client, query: str, count: int) -> None:
    assert len(mia.data("GET", f"/usage?{query}")) == count


def test_filters_by_the_names_of_a_row(mia: Client, company: Company) -> None:
    rows = mia.data("GET", f"/usage?userId={company.owner.id}")
    assert [row["userId"] for row in rows] == [company.owner.id] * 2
    # Nobody here caused what a provider reports: not the owner of the key that pulled it either.
    assert mia.data("GET", f"/usage?user={company.owner.id}") == []
    assert mia.data("GET", "/usage?apiKeyId=other") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("modle=x", "modle"),
        ("provider=NOBODY", "provider"),
        ("from=yesterday", "from"),
        ("to=2026-02-30", "to"),
        ("tz=Mars/Olympus", "tz"),
        ("limit=201", "limit"),
        ("cursor=nonsense", "cursor"),
        ("from=2026-02-02&to=2026-01-01", "from"),
    ],
)
def test_wrong_filters_are_named(mia: Client, query: str, field: str) -> None:
    assert mia.failure("GET", f"/usage?{query}", 400)["details"][0]["field"] == field


def test_every_dimension_can_be_filtered_by() -> None:
    sent = {name: [name] for name in USAGE_FILTERS}
    assert set(UsageQuery.model_validate(sent).filters()) == set(USAGE_FILTERS)


def test_the_summary_of_the_last_30_days(mia: Client) -> None:
    found = mia.data("GET", "/usage/summary?groupBy=model,project&bucket=day")
    assert found["timeZone"] == "Europe/Berlin"
    assert found["totals"]["cost"] == "0.0000002"
    assert (found["totals"]["inputTokens"], found["totals"]["unpricedTokens"]) == (710, 750)
    assert [(g["model"], g["project"], g["projectName"], g["cost"]) for g in found["groups"]] == [
        ("text-embedding-3-small", "proj_8fkweb2c9q", "Web search", "0.0000002"),
        ("no-such-model-9", "proj_8fkweb2c9q", "Web search", "0"),
    ]
    assert len(found["buckets"]) == 30
    assert found["buckets"][0]["covered"] is False
    assert found["buckets"][0]["start"] == found["start"]
    assert found["buckets"][-1]["end"] == found["end"]
    assert sum(Decimal(bucket["cost"]) for bucket in found["buckets"]) == Decimal("0.0000002")


def test_a_day_is_the_zones_and_the_last_one_is_within(mia: Client) -> None:
    found = mia.data("GET", "/usage/summary?from=2026-03-28&to=2026-03-29&tz=Europe/Berlin&bucket=day")
    assert (found["start"], found["end"]) == ("2026-03-27T23:00:00Z", "2026-03-29T22:00:00Z")
    assert [bucket["start"] for bucket in found["buckets"]] == ["2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z"]


@pytest.mark.parametrize("all", DIMENSIONS)
def test_every_dimension_can_be_grouped_by(mia: Client, all: str) -> None:
    assert all in mia.data("GET", f"/usage/summary?groupBy={all}")["groups"][0]


@pytest.mark.parametrize("query", ["groupBy=colour", "bucket=week2", "from=2020-01-01&to=2026-01-01", "limit=5"])
def test_a_wrong_summary_is_refused(mia: Client, query: str) -> None:
    assert mia.failure("GET", f"/usage/summary?{query}", 400)["code"] == "VALIDATION_ERROR"


def test_moments() -> None:
    berlin = zone("Europe/Berlin")
    assert start_of("2026-11-01", "from", berlin) == datetime(2026, 10, 31, 23, tzinfo=UTC)
    assert end_of("2026-11-01", "to", berlin) == datetime(2026, 11, 1, 23, tzinfo=UTC)
    assert start_of("2026-11-01T10:00:00", "from", berlin) == datetime(2026, 11, 1, 10, tzinfo=UTC)
    assert start_of("2026-11-01T10:00:00 02:00", "from", berlin) == datetime(2026, 11, 1, 8, tzinfo=UTC)
    assert start_of("", "from", berlin) is None
    for wrong in ("2026-11-31", "0001-01-01", "9999-12-31", "0001-01-01T00:00:00+05:00", "now", "20261101"):
        with pytest.raises(ValidationError):
            start_of(wrong, "from", berlin)


def test_the_session_of_the_seed_is_a_real_one(company: Company) -> None:
    with db.session() as session:
        assert actor_for_session(session, company.token).organization_id == company.organization.id


def test_a_group_s_totals_are_those_of_the_documented_shape() -> None:
    totals = Totals(cost=Decimal("1.50"), estimated_cost=Decimal("1E-7"), requests=3, unpriced_tokens=7)
    written = group_json(Group(values={"model": None}, names={}, totals=totals, others=2))
    documented = TotalsOut.model_validate(totals).model_dump(by_alias=True)
    assert written == {"model": None, "others": 2, **documented}


def test_calls_that_a_report_does_not_count_are_unknown_and_not_zero() -> None:
    uncounted = Totals(cost=Decimal("1.50"), input_tokens=900)
    for totals, requests in ((uncounted, None), (Totals(unpriced_tokens=9, input_tokens=9), None), (Totals(), 0)):
        written = group_json(Group(values={"model": None}, names={}, totals=totals))
        documented = TotalsOut.model_validate(totals).model_dump(by_alias=True)
        assert (written["requests"], documented["requests"]) == (requests, requests)
