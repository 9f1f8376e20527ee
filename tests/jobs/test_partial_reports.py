"""Pulls of vendors that report a part only: what is billed, what becomes covered, and what is left of the credit."""

from decimal import Decimal

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from guardian import db
from guardian.errors import ValidationError
from guardian.models import ProviderAccount, ProviderCost, ProviderResource, UsageLog
from guardian.models.enums import CostSource, Provider, SyncTrigger
from guardian.periods import DAY, floor_day, utcnow
from guardian.services.ledger.sync import due_keys
from tests.fakes import compatible_api, perplexity_api, xai_api
from tests.fakes.provider_server import FakeProvider
from tests.jobs.conftest import FIRST_DAY, Pulls


def account(provider: Provider) -> ProviderAccount:
    with db.session() as session:
        return session.exec(select(ProviderAccount).where(ProviderAccount.provider == provider)).one()


def bill(provider: Provider) -> list[tuple[str, Decimal]]:
    with db.session() as session:
        rows = session.exec(
            select(ProviderCost)
            .where(ProviderCost.provider == provider)
            .order_by(col(ProviderCost.period_start), col(ProviderCost.line_item))
        )
        return [(row.line_item, row.billed_cost) for row in rows]


def test_xais_bill_is_pulled_and_its_account_is_not_covered(fake: FakeProvider, pulls: Pulls) -> None:
    """Without a usage report, what the gateway tracked speaks for the account: no hour may count as reported."""
    fake.load_examples("xai-management", FIRST_DAY)
    run = pulls.finished(pulls.add_key(Provider.XAI, account=xai_api.TEAM))
    assert bill(Provider.XAI) == [
        ("Web Search", Decimal("0.015")),
        ("grok-4.3 text output tokens", Decimal("1.25")),
        ("Web Search", Decimal("0.005")),
    ]
    assert (run.rows_read, run.rows_added) == (3, 3)
    found = account(Provider.XAI)
    assert (found.covered_from, found.covered_to) == (None, None)
    assert (found.balance, found.balance_currency) == (Decimal(25), "USD")
    assert found.balance_at is not None
    with db.session() as session:
        assert session.exec(select(UsageLog)).all() == []
        names = session.exec(select(ProviderResource.name).order_by(ProviderResource.name)).all()
    assert list(names) == ["idle", "prod"]


def test_a_second_pull_brings_the_new_balance_and_changes_no_line(fake: FakeProvider, pulls: Pulls) -> None:
    fake.load_examples("xai-management", FIRST_DAY)
    key_id = pulls.add_key(Provider.XAI, account=xai_api.TEAM)
    pulls.finished(key_id)
    before = bill(Provider.XAI)
    fake.xai.balance["total"] = {"val": "150"}
    again = pulls.finished(key_id)
    assert (again.rows_added, again.rows_changed, again.rows_removed) == (0, 0, 0)
    assert bill(Provider.XAI) == before
    assert account(Provider.XAI).balance == Decimal("-1.50")


def test_names_are_kept_when_the_balance_is_refused(fake: FakeProvider, pulls: Pulls) -> None:
    fake.load_examples("xai-management", FIRST_DAY)
    fake.fail("*/prepaid/balance", status=500)
    pulls.finished(pulls.add_key(Provider.XAI, account=xai_api.TEAM))
    assert account(Provider.XAI).balance is None
    with db.session() as session:
        assert len(session.exec(select(ProviderResource)).all()) == 2


def test_openrouters_completed_days_are_covered_and_no_other(fake: FakeProvider, pulls: Pulls) -> None:
    today = floor_day(utcnow())
    fake.openrouter.load_examples(today - 2 * DAY)
    metadata = {"preset": "openrouter", "baseUrl": fake.url("openrouter")}
    key_id = pulls.add_key(Provider.CUSTOM, metadata=metadata, account="openrouter")
    pulls.finished(key_id, start=None, trigger=SyncTrigger.BACKFILL)
    found = account(Provider.CUSTOM)
    # Neither today, which is not reported yet, nor what was before the thirty days that are.
    assert (found.covered_from, found.covered_to) == (today - 30 * DAY, today)
    assert (found.balance, found.balance_currency) == (Decimal("74.75"), "USD")
    with db.session() as session:
        (row,) = session.exec(select(UsageLog)).all()
    assert (row.timestamp, row.bucket_end) == (today - 2 * DAY, today - DAY)
    assert (row.cost, row.cost_source, row.input_tokens) == (Decimal("0.015"), CostSource.PROVIDER, 50_000)
    assert bill(Provider.CUSTOM) == [("openai/gpt-6-sol", Decimal("0.015"))]


def test_days_that_openrouter_has_forgotten_stay_as_they_were(fake: FakeProvider, pulls: Pulls) -> None:
    """A pull that reaches further back than the activity: what is not listed is unknown, and not empty."""
    today = floor_day(utcnow())
    fake.openrouter.known_days = 60
    fake.openrouter.load_examples(today - 30 * DAY)
    metadata = {"preset": "openrouter", "baseUrl": fake.url("openrouter")}
    key_id = pulls.add_key(Provider.CUSTOM, metadata=metadata, account="openrouter")
    pulls.finished(key_id, start=None, trigger=SyncTrigger.BACKFILL)
    with db.session() as session:
        # As if the day had been pulled long ago.
        for table in (UsageLog, ProviderCost):
            row = session.exec(select(table)).one()
            moved = {"timestamp": today - 50 * DAY, "bucket_end": today - 49 * DAY}
            moved |= {"period_start": today - 50 * DAY, "period_end": today - 49 * DAY}
            session.exec(
                update(table)
                .where(col(table.id) == row.id)
                .values({n: v for n, v in moved.items() if hasattr(table, n)})
            )
    fake.openrouter.activity.clear()
    again = pulls.finished(key_id, start=today - 90 * DAY)
    assert (again.rows_read, again.rows_removed) == (0, 0)
    assert bill(Provider.CUSTOM) == [("openai/gpt-6-sol", Decimal("0.015"))]


@pytest.mark.parametrize(
    ("provider", "secret", "metadata"),
    [
        (Provider.PERPLEXITY, perplexity_api.KEY, {}),
        (Provider.XAI, xai_api.INFERENCE_KEY, {}),
        (Provider.CUSTOM, compatible_api.KEY, {"baseUrl": "https://llm.example.com"}),
        (Provider.CUSTOM, compatible_api.DEEPSEEK_KEY, {"preset": "deepseek"}),
        (Provider.CUSTOM, compatible_api.ROUTER_KEY, {"preset": "openrouter"}),
    ],
    ids=str,
)
def test_what_reports_nothing_is_neither_pulled_nor_scheduled(
    pulls: Pulls, provider: Provider, secret: str, metadata: dict[str, str]
) -> None:
    key_id = pulls.add_key(provider, secret=secret, kind="inference", metadata=metadata)
    with pytest.raises(ValidationError, match=r"^There is nothing to pull\. .*gateway.*ingest API") as refused:
        pulls.request(key_id)
    assert refused.value.details[0]["field"] == "id"
    with db.session() as session:
        assert due_keys(session, utcnow() + DAY) == []
