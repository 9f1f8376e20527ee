"""The FOCUS export against the specification's own words: columns, types, nulls, allowed values, products and sums.

https://focus.finops.org/focus-specification/v1-2. The validator on the package index knows versions up to 1.0 only.
"""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlmodel import Session

from guardian import db
from guardian.errors import AuthorizationError, ValidationError
from guardian.models.enums import CostSource, Provider, TeamRole, UserRole
from guardian.periods import DAY, HOUR
from guardian.pricing.overrides import Override
from guardian.records import CostBreakdown, CostBucket, CostRecord, UsageBucket, UsageCounts, UsageRecord
from guardian.services.actor import Actor
from guardian.services.ledger import queries
from guardian.services.ledger.exports.focus import focus_csv, focus_parquet
from guardian.services.ledger.sync.coverage import know_account
from guardian.services.ledger.views import SummaryQuery, UsageFilter
from guardian.services.ledger.writing.buckets import replace_buckets, replace_costs
from guardian.services.ledger.writing.calls import add_calls
from guardian.services.ledger.writing.rows import LedgerAccount
from tests.conftest import People
from tests.unit.imports.test_own import call

START = datetime(2026, 11, 20, tzinfo=UTC)
# Feature level Mandatory (the specification, section 3): they are there, in each of its datasets.
MANDATORY = [
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
]
NEVER_NULL = set(MANDATORY) - {"ChargeClass", "ChargeDescription", "PricingQuantity", "PricingUnit"}
NUMBERS = {"BilledCost", "ContractedCost", "EffectiveCost", "ListCost", "PricingCurrencyEffectiveCost"}
PRICES = {"ContractedUnitPrice", "ListUnitPrice", "PricingCurrencyContractedUnitPrice", "PricingCurrencyListUnitPrice"}
QUANTITIES = {"PricingQuantity", "ConsumedQuantity", "x_ConsumedTokens"}
TIMES = {"BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd"}
ALLOWED = {
    "ChargeCategory": {"Usage", "Purchase", "Tax", "Credit", "Adjustment"},
    "ChargeClass": {"", "Correction"},
    "ChargeFrequency": {"One-Time", "Recurring", "Usage-Based"},
    "PricingCategory": {"", "Standard", "Dynamic", "Committed", "Other"},
    "ServiceCategory": {"AI and Machine Learning"},
    "ServiceSubcategory": {"Generative AI"},
    "BillingCurrency": {"USD"},
}


@pytest.fixture
def ledger(session: Session, people: People) -> None:
    """Tracked calls of each cost source, a reported hour that hides one of them, and a bill with a credit."""
    known = CostBreakdown(amount=Decimal("0.0123456789"), source=CostSource.PROVIDER, price_source="provider")
    free = CostBreakdown(amount=Decimal(0), source=CostSource.COMPUTED)
    unpriced = UsageRecord(
        provider=Provider.CUSTOM,
        operation="chat",
        model="mine",
        start=START,
        end=START,
        counts=UsageCounts(input_tokens=500, cache_read_tokens=100, output_tokens=7),
    )
    hidden = UsageRecord(
        provider=Provider.OPENAI,
        operation="chat",
        model="gpt-5",
        start=START,
        end=START,
        counts=UsageCounts(input_tokens=900_000),
    )
    calls = [call(people), call(people, 1, cost=known), call(people, 2, usage=unpriced), call(people, 3, cost=free)]
    add_calls(session, people.alice.organization_id, [*calls, call(people, 4, usage=hidden)])
    account = LedgerAccount(
        organization_id=people.alice.organization_id,
        provider=Provider.OPENAI,
        account_id="org-1",
        user_id=people.alice.user_id,
    )
    row = know_account(session, account.organization_id, Provider.OPENAI, "org-1")
    row.covered_from, row.covered_to = START, START + DAY
    record = UsageRecord(
        provider=Provider.OPENAI,
        operation="completion",
        model="gpt-5",
        start=START,
        end=START + HOUR,
        requests=9,
        counts=UsageCounts(input_tokens=9_000, output_tokens=10, cache_read_tokens=1_000),
        project_id="proj_1",
    )
    replace_buckets(
        session, account, [UsageBucket(series="completions", start=START, end=START + HOUR, records=(record,))]
    )
    lines = tuple(
        CostRecord(provider=Provider.OPENAI, start=START, end=START + DAY, amount=Decimal(amount), line_item=item)
        for amount, item in (("5", "gpt-5, input"), ("-1.5", "=credit"))
    )
    replace_costs(session, account, [CostBucket(start=START, end=START + DAY, records=lines)])
    session.commit()


def exported(people: People, **filters: tuple[str, ...]) -> list[dict[str, str]]:
    with db.session() as session:
        content = b"".join(focus_csv(session, people.alice, UsageFilter(filters=filters))).decode()
    assert content.count("\n") == content.count("\r\n")
    return list(csv.DictReader(io.StringIO(content)))


def usage_of(rows: list[dict[str, str]]) -> Iterator[dict[str, str]]:
    return (row for row in rows if row["ChargeCategory"] == "Usage")


def test_columns_types_and_allowed_values(ledger: None, people: People) -> None:
    rows = exported(people)
    assert rows
    assert set(MANDATORY) <= rows[0].keys()
    assert all(name[:2] == "x_" or name[0].isupper() for name in rows[0])
    for row in rows:
        for name in NEVER_NULL:
            assert row[name] != "", name
        for name, values in ALLOWED.items():
            assert row[name] in values, name
        for name in NUMBERS:
            # Decimal point, 12 places, no currency, no thousands separator, no exponent.
            assert row[name] == "" or (len(row[name].partition(".")[2]) == 12 and Decimal(row[name]).is_finite())
        for name in PRICES | QUANTITIES:
            assert row[name] == "" or (Decimal(row[name]) >= 0 and "E" not in row[name])
        for name in TIMES:
            moment = datetime.fromisoformat(row[name])
            assert row[name].endswith("Z")
            assert moment.utcoffset() == timedelta(0)
        assert row["ChargePeriodStart"] < row["ChargePeriodEnd"]
        assert row["BillingPeriodStart"] <= row["ChargePeriodStart"] < row["BillingPeriodEnd"]
        assert isinstance(json.loads(row["Tags"]), dict)
        assert not row["ChargeDescription"].startswith("=")


def test_nulls_are_where_the_specification_wants_them(ledger: None, people: People) -> None:
    pricing = ("PricingQuantity", "PricingUnit", "PricingCategory", "ListUnitPrice", "ContractedUnitPrice")
    for row in usage_of(exported(people)):
        if row["x_CostSource"] == "unpriced":
            assert row["SkuPriceId"] == ""
            assert all(row[name] == "" for name in (*pricing, "ConsumedQuantity", "ConsumedUnit"))
            assert Decimal(row["BilledCost"]) == 0
        else:
            assert row["SkuPriceId"] != ""
            assert all(row[name] != "" for name in (*pricing, "ConsumedQuantity", "ConsumedUnit", "PricingCurrency"))


def test_quantity_times_price_is_the_cost(ledger: None, people: People) -> None:
    priced = [row for row in usage_of(exported(people)) if row["SkuPriceId"]]
    assert priced
    for row in priced:
        quantity = Decimal(row["PricingQuantity"])
        for price, cost in (("ContractedUnitPrice", "ContractedCost"), ("ListUnitPrice", "ListCost")):
            assert abs(quantity * Decimal(row[price]) - Decimal(row[cost])) <= Decimal("1e-12")
    tokens = [row for row in priced if row["SkuMeter"].endswith("_tokens")]
    assert {row["PricingUnit"] for row in tokens} == {"tokens"}
    assert all(row["x_ConsumedTokens"] == row["ConsumedQuantity"] for row in tokens)


def test_it_adds_up_to_the_spend_and_to_the_tokens(ledger: None, session: Session, people: People) -> None:
    asked = SummaryQuery(start=START - DAY, end=START + 3 * DAY)
    totals = queries.summary(session, people.alice, asked).totals
    rows = list(usage_of(exported(people)))
    assert sum(Decimal(row["BilledCost"]) for row in rows) == totals.cost
    assert sum(Decimal(row["EffectiveCost"]) for row in rows) == totals.cost
    tokens = sum(Decimal(row["x_ConsumedTokens"] or 0) for row in rows)
    assert tokens == totals.input_tokens + totals.output_tokens
    unpriced = sum(Decimal(row["x_ConsumedTokens"]) for row in rows if row["x_CostSource"] == "unpriced")
    assert unpriced == totals.unpriced_tokens == 507


def test_credits_stand_apart(ledger: None, people: People) -> None:
    (credit,) = [row for row in exported(people) if row["ChargeCategory"] == "Credit"]
    assert (credit["BilledCost"], credit["ContractedCost"]) == ("-1.500000000000", "-1.500000000000")
    assert (credit["ChargeDescription"], credit["ProviderName"]) == ("'=credit", "OpenAI")
    assert (credit["SkuPriceId"], credit["PricingQuantity"]) == ("", "")
    assert not [row for row in exported(people, model=("gpt-5",)) if row["ChargeCategory"] == "Credit"]


def test_filters_and_range_are_those_of_the_usage_route(ledger: None, people: People) -> None:
    assert {row["SkuId"] for row in usage_of(exported(people, provider=("CUSTOM",)))} == {"mine"}
    # One book alone, where its origin is asked for: the call that the report has hidden is there again.
    tracked = list(usage_of(exported(people, origin=("gateway",), provider=("OPENAI",))))
    assert [row["ConsumedQuantity"] for row in tracked] == ["900000"]
    with db.session() as session:
        half = UsageFilter(start=START + 10 * HOUR + timedelta(minutes=31), end=START + DAY)
        content = b"".join(focus_csv(session, people.alice, half)).decode()
    moments = {row["x_UsageId"] for row in usage_of(list(csv.DictReader(io.StringIO(content))))}
    assert len(moments) == 2


def test_parquet_is_the_same(ledger: None, people: People) -> None:
    with db.session() as session:
        content = b"".join(focus_parquet(session, people.alice, UsageFilter()))
    table = pq.read_table(io.BytesIO(content))
    rows: list[dict[str, Any]] = table.to_pylist()
    text = exported(people)
    assert [row["x_UsageId"] or "" for row in rows] == [row["x_UsageId"] for row in text]
    assert [row["BilledCost"] for row in rows] == [Decimal(row["BilledCost"]) for row in text]
    assert str(table.schema.field("BilledCost").type) == "decimal128(28, 12)"
    assert rows[0]["ChargePeriodStart"].tzinfo is not None


def test_who_may_not_read_gets_nothing(ledger: None, session: Session, people: People) -> None:
    ingest = Actor(
        people.alice.user_id, people.alice.organization_id, UserRole.USER, TeamRole.OWNER, scopes=frozenset({"ingest"})
    )
    with pytest.raises(AuthorizationError):
        focus_csv(session, ingest, UsageFilter())
    with pytest.raises(ValidationError, match="Unknown filter"):
        focus_csv(session, people.alice, UsageFilter(filters={"weather": ("fine",)}))
    charlie = list(csv.DictReader(io.StringIO(b"".join(focus_csv(session, people.charlie, UsageFilter())).decode())))
    assert charlie == []


def test_an_agreed_price_is_contracted_and_the_list_stays_the_list(session: Session, people: People) -> None:
    most = Override(
        id="agreed",
        provider=Provider.OPENAI,
        model_pattern="gpt-5",
        valid_from=START,
        percent_of_list=Decimal(80),
    )
    own = Override(
        id="own", provider=Provider.CUSTOM, model_pattern="mine", valid_from=START, prices={"input_tokens": Decimal(3)}
    )
    calls = [
        call(
            people,
            number,
            usage=UsageRecord(
                provider=provider,
                operation="chat",
                model=model,
                start=START,
                end=START,
                counts=UsageCounts(input_tokens=1_000_000),
            ),
        )
        for number, (provider, model) in enumerate(((Provider.OPENAI, "gpt-5"), (Provider.CUSTOM, "mine")))
    ]
    overrides = {Provider.OPENAI: (most,), Provider.CUSTOM: (own,)}
    add_calls(session, people.alice.organization_id, calls, overrides)
    session.commit()
    rows = {row["SkuId"]: row for row in exported(people)}
    # gpt-5: $1.25 per million tokens of input by the list, and 80 % of it agreed; no list knows the other one.
    expected = {"gpt-5": ("1.25", "1"), "mine": ("3", "3")}
    for model, (listed, contracted) in expected.items():
        row = rows[model]
        assert [Decimal(row[name]) for name in ("ListCost", "ContractedCost", "BilledCost", "EffectiveCost")] == [
            Decimal(listed),
            *[Decimal(contracted)] * 3,
        ]
        assert Decimal(row["ListUnitPrice"]) == Decimal(row["PricingCurrencyListUnitPrice"]) == Decimal(listed) / 10**6
        assert Decimal(row["ContractedUnitPrice"]) == Decimal(contracted) / 10**6
