"""A pull of Google, end to end in one process: from a pasted key file to rows that say themselves what they lack."""

from decimal import Decimal

import pytest
from sqlalchemy import func
from sqlmodel import col, select

from guardian import db
from guardian.models import ApiKey, ProviderAccount, ProviderCost, ProviderResource, UsageLog
from guardian.models.enums import CostSource, Provider, SyncStatus
from guardian.periods import HOUR, utcnow
from guardian.services.people import provider_keys
from tests.conftest import forget_caches
from tests.fakes.google_cloud import BILLING_ACCOUNT, TABLE
from tests.fakes.google_keys import key_file
from tests.fakes.google_monitoring import QUOTA
from tests.fakes.provider_server import FakeProvider
from tests.jobs.conftest import FIRST_DAY, Pulls

METADATA = {"billingTable": TABLE, "location": "EU"}
T0 = int(FIRST_DAY.timestamp())


@pytest.fixture
def key(fake: FakeProvider, pulls: Pulls, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a service account's key, pasted as the file is, tested and stored."""
    for setting, url in fake.urls.items():
        monkeypatch.setenv(setting.upper(), url)
    forget_caches()
    fake.load_examples("google", FIRST_DAY)
    alice = pulls.people.alice
    tested = provider_keys.test_key(alice, Provider.GOOGLE, key_file(), METADATA)
    with db.session() as session:
        stored = provider_keys.add_key(
            session, alice, provider=Provider.GOOGLE, secret=key_file(), metadata=METADATA, tested=tested
        )
        return stored.id


def test_the_key_is_kept_small_and_known_by_the_id_in_its_file(key: str) -> None:
    with db.session() as session:
        row = session.get_one(ApiKey, key)
        assert (row.hint, row.account_id) == ("eeff", BILLING_ACCOUNT)
        assert row.meta == METADATA | {"kind": "admin"}
        assert provider_keys.open_secret(session, key).count("\n") == 0


def test_examples_end_in_an_estimate_and_an_exact_bill(fake: FakeProvider, pulls: Pulls, key: str) -> None:
    fake.google.monitoring.series.plant(
        T0, f"{QUOTA}_paid_tier_input_token_count/usage", "gemini-2.5-pro", {"": 500}, limit_name="PerMinute"
    )
    pulls.finished(key)
    with db.session() as session:
        rows = {row.model: row for row in session.exec(select(UsageLog))}
        assert rows.keys() == {"gemini-3.8-flash", "gemini-2.5-pro"}
        vertex, quota = rows["gemini-3.8-flash"], rows["gemini-2.5-pro"]
        assert (vertex.cost_source, vertex.series) == (CostSource.ESTIMATED, "vertex/my-proj")
        assert "do not tell cached input apart" in (vertex.cost_reason or "")
        assert (quota.cost_source, quota.cost, quota.input_tokens) == (CostSource.UNPRICED, None, 500)
        billed = {row.line_item: row.billed_cost for row in session.exec(select(ProviderCost))}
        assert billed == {
            "Generate content output token count gemini 2.5 flash short input text": Decimal("0.225"),
            "Gemini 3.8 Flash Global Text Input - Predictions": Decimal("0.9"),
            "Free trial: Gemini 3.8 Flash Global Text Input - Predictions": Decimal("-0.4"),
        }
        names = {row.external_id: row.name for row in session.exec(select(ProviderResource))}
        assert names == {"my-proj": "my-proj"}
        account = session.exec(select(ProviderAccount)).one()
        assert account.account_id == BILLING_ACCOUNT
        assert account.covered_to is not None
        assert utcnow() - 3 * HOUR < account.covered_to <= utcnow()
    pulls.ledger()


def test_a_second_pull_changes_nothing_and_a_restated_day_changes_exactly_itself(
    fake: FakeProvider, pulls: Pulls, key: str
) -> None:
    pulls.finished(key)
    before = pulls.ledger()
    again = pulls.finished(key)
    assert (again.rows_added, again.rows_changed, again.rows_removed) == (0, 0, 0)
    assert pulls.ledger() == before
    fake.google.bigquery.plant(T0, "-0.1", "Gemini 3.8 Flash Global Text Input - Predictions", amount=Decimal(0))
    restated = pulls.finished(key)
    assert (restated.rows_added, restated.rows_changed, restated.rows_removed) == (0, 1, 0)
    with db.session() as session:
        total = session.exec(select(func.sum(col(ProviderCost.billed_cost)))).one()
    assert total == Decimal("0.225") + Decimal("0.8") - Decimal("0.4")


def test_a_key_that_google_revoked_stops(fake: FakeProvider, pulls: Pulls, key: str) -> None:
    fake.google.reader.revoked = True
    run = pulls.run(key)
    assert (run.status, run.error_code) == (SyncStatus.FAILED, "PROVIDER_KEY_REJECTED")
