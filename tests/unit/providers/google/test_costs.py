"""Money from the billing export: waited for, paged, exact, in dollars; credits and corrections as what they are."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardian import errors
from guardian.models.enums import Provider
from guardian.providers.base import BaseProvider
from guardian.records import CostRecord
from tests.fakes.fixtures import MakeAdapter
from tests.fakes.google_cloud import TABLE
from tests.fakes.google_keys import DATA, JOBS, PROJECT, key_file
from tests.fakes.provider_server import FakeProvider

KEY = key_file()
DAY = timedelta(days=1)
DAY0 = datetime(2026, 11, 1, tzinfo=UTC)
T0 = int(DAY0.timestamp())
QUERIES = f"/bigquery/v2/projects/{PROJECT}/queries"
TEXT = "Gemini 3.8 Flash Global Text Output - Predictions"


def lines(google: BaseProvider, days: int = 1) -> list[CostRecord]:
    return [r for b in google.get_costs(KEY, DAY0, DAY0 + days * DAY) for r in b.records]


def test_sums_have_the_digits_that_google_wrote(fake: FakeProvider, google: BaseProvider) -> None:
    for cost in ("0.1", "0.2", "1E-9"):
        fake.google.bigquery.plant(T0, cost, TEXT, amount=Decimal("0.1"))
    (line,) = lines(google)
    assert (line.amount, line.quantity) == (Decimal("0.300000001"), Decimal("0.3"))


def test_a_day_is_a_day_in_utc_and_other_days_and_services_are_left_out(
    fake: FakeProvider, google: BaseProvider
) -> None:
    for at, name in ((T0 - 1, "before"), (T0, "first"), (T0 + 86399, "last"), (T0 + 86400, "after")):
        fake.google.bigquery.plant(at, 1, name)
    fake.google.bigquery.plant(T0, 1, "Compute Engine", service="6F81-5844-456A")
    assert sorted(r.line_item for r in lines(google)) == ["first", "last"]


def test_corrections_restate_a_day(fake: FakeProvider, google: BaseProvider) -> None:
    fake.google.bigquery.plant(T0, "2", TEXT)
    assert [r.amount for r in lines(google)] == [Decimal(2)]
    fake.google.bigquery.plant(T0, "-0.5", TEXT)
    assert [r.amount for r in lines(google)] == [Decimal("1.5")]


def test_credits_are_negative_lines_of_their_own_by_name(fake: FakeProvider, google: BaseProvider) -> None:
    granted = (("Free trial", "PROMOTION", Decimal("-0.4")), ("Committed use", "COMMITTED_USAGE", Decimal("-0.1")))
    fake.google.bigquery.plant(T0, 2, TEXT, credits=granted)
    fake.google.bigquery.plant(T0, 1, TEXT, credits=granted[:1])
    found = {r.line_item: r for r in lines(google)}
    assert {name: r.amount for name, r in found.items()} == {
        TEXT: Decimal(3),
        f"Free trial: {TEXT}": Decimal("-0.8"),
        f"Committed use: {TEXT}": Decimal("-0.1"),
    }
    credit = found[f"Free trial: {TEXT}"]
    assert (credit.cost_type, credit.token_type, credit.quantity) == ("credit", None, None)
    assert credit.dimensions["credit_type"] == "PROMOTION"


@pytest.mark.parametrize("kind", ["tax", "adjustment", "rounding_error"])
def test_what_is_no_regular_charge_says_so(fake: FakeProvider, google: BaseProvider, kind: str) -> None:
    fake.google.bigquery.plant(T0, "2", TEXT)
    fake.google.bigquery.plant(T0, "0.38", TEXT, cost_type=kind)
    found = {r.cost_type: r for r in lines(google)}
    assert {name: r.amount for name, r in found.items()} == {"tokens": Decimal(2), kind: Decimal("0.38")}
    assert found[kind].token_type is None
    assert found["tokens"].token_type == "output_tokens"


def test_other_currencies_become_dollars_and_keep_the_native_amount(fake: FakeProvider, google: BaseProvider) -> None:
    credit = (("Free trial", "PROMOTION", Decimal("-0.46")),)
    fake.google.bigquery.plant(T0, "2.3", TEXT, currency="EUR", rate=Decimal("0.92"), credits=credit)
    charge, granted = sorted(lines(google), key=lambda r: -r.amount)
    assert (charge.amount, granted.amount) == (Decimal("2.5"), Decimal("-0.5"))
    assert {n: charge.dimensions[n] for n in ("currency", "native_amount", "conversion_rate")} == {
        "currency": "EUR",
        "native_amount": "2.3",
        "conversion_rate": "0.92",
    }


def test_dollars_need_no_rate(fake: FakeProvider, google: BaseProvider) -> None:
    fake.google.bigquery.plant(T0, "2.3", TEXT, rate=None)
    (line,) = lines(google)
    assert line.amount == Decimal("2.3")
    assert "currency" not in line.dimensions


@pytest.mark.parametrize("rate", [None, Decimal(0), Decimal(-1)])
def test_a_currency_without_a_rate_is_refused(fake: FakeProvider, google: BaseProvider, rate: Decimal | None) -> None:
    fake.google.bigquery.plant(T0, "2.3", TEXT, currency="EUR", rate=rate)
    with pytest.raises(errors.ProviderContractBroken, match="in EUR and names no rate to US dollars"):
        lines(google)


def test_projects_are_kept_apart(fake: FakeProvider, google: BaseProvider) -> None:
    fake.google.bigquery.plant(T0, 1, TEXT)
    fake.google.bigquery.plant(T0, 2, TEXT, project="etl-proj", project_name="ETL")
    fake.google.bigquery.plant(T0, 4, TEXT, project=None)
    assert {r.project_id: r.amount for r in lines(google)} == {"my-proj": 1, "etl-proj": 2, None: 4}
    assert all(r.external_key_id is None for r in lines(google))


def test_names_of_the_projects_of_the_last_month(fake: FakeProvider, google: BaseProvider) -> None:
    at = int(datetime.now(UTC).timestamp()) - 3600
    fake.google.bigquery.plant(at, 1, TEXT)
    fake.google.bigquery.plant(at, 2, TEXT, project="etl-proj", project_name=None)
    fake.google.bigquery.plant(at, 4, TEXT, project=None)
    fake.google.bigquery.plant(at - 40 * 86400, 4, TEXT, project="old-proj")
    assert sorted((r.external_id, r.name) for r in google.get_resources(KEY)) == [
        ("etl-proj", "etl-proj"),
        ("my-proj", "My project"),
    ]


def test_a_view_has_no_partitions_to_name(fake: FakeProvider, google: BaseProvider) -> None:
    fake.google.bigquery.is_view = True
    fake.google.bigquery.plant(T0, 1, TEXT)
    assert google.test_connection(KEY).success
    assert [r.amount for r in lines(google)] == [Decimal(1)]


def test_without_a_table_no_costs_are_read_and_the_key_test_says_so(
    fake: FakeProvider, make_adapter: MakeAdapter
) -> None:
    google = make_adapter(Provider.GOOGLE)
    tested = google.test_connection(KEY)
    assert (tested.success, tested.kind, tested.account_id) == (True, "admin", "project:my-proj")
    assert "Costs need the table of the billing export" in tested.message
    assert lines(google) == []
    assert list(google.get_resources(KEY)) == []
    assert fake.requests(QUERIES) == []


@pytest.mark.parametrize("role", [JOBS, DATA])
def test_a_missing_role_is_found_by_the_key_test_for_free(fake: FakeProvider, google: BaseProvider, role: str) -> None:
    fake.google.reader.roles.remove(role)
    tested = google.test_connection(KEY)
    assert (tested.success, tested.metadata["code"]) == (False, "PROVIDER_FORBIDDEN")
    assert "Access Denied: bigquery" in tested.message
    assert all((r.body or {})["dryRun"] for r in fake.requests(QUERIES))


def test_a_table_that_is_not_there_is_named(fake: FakeProvider, make_adapter: MakeAdapter) -> None:
    google = make_adapter(Provider.GOOGLE, metadata={"billingTable": f"{TABLE}_typo"})
    tested = google.test_connection(KEY)
    assert not tested.success
    assert "typo was not found in location EU" in tested.message


amounts = st.decimals(min_value=Decimal("-1000"), max_value=Decimal("1000"), places=9)


@given(rows=st.lists(st.tuples(st.integers(0, 3 * 86400 - 1), amounts, st.sampled_from(["a", "b"]), amounts)))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_billed_comes_out_to_the_last_digit(
    fake: FakeProvider, google: BaseProvider, rows: list[tuple[int, Decimal, str, Decimal]]
) -> None:
    fake.google.bigquery.rows.clear()
    fake.google.bigquery.page_rows = 3
    for at, cost, sku, credit in rows:
        fake.google.bigquery.plant(T0 + at, cost, sku, credits=(("Free trial", "PROMOTION", credit),))
    found = list(google.get_costs(KEY, DAY0, DAY0 + 3 * DAY))
    assert [b.start for b in found] == [DAY0, DAY0 + DAY, DAY0 + 2 * DAY]
    for number, bucket in enumerate(found):
        mine = [cost + credit for at, cost, _, credit in rows if at // 86400 == number]
        assert sum(r.amount for r in bucket.records) == sum(mine)
