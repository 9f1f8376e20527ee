"""Books that real adapters, the real writer and the real tracking filled, and their reconciliation."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session

from guardian.models.base import new_id
from guardian.models.costs import ProviderCost
from guardian.models.enums import Provider, UsageOrigin
from guardian.models.keys import ApiKey, ProviderAccount
from guardian.periods import DAY
from guardian.providers.base import BaseProvider
from guardian.records import CostBreakdown, UsageCounts, UsageRecord
from guardian.services.actor import Actor
from guardian.services.ledger.reconciliation import reconcile
from guardian.services.ledger.reconciliation.views import Cause, Finding, Reconciliation, ReconciliationQuery
from guardian.services.ledger.writing.buckets import replace_buckets, replace_costs
from guardian.services.ledger.writing.calls import Call, add_calls
from guardian.services.ledger.writing.resources import keep_names
from guardian.services.ledger.writing.rows import LedgerAccount
from tests.conftest import People
from tests.fakes import anthropic_api, openai_api
from tests.fakes.fixtures import anthropic, fake, make_adapter, openai, sleeps, tracked
from tests.fakes.provider_server import FakeProvider

__all__ = ["anthropic", "fake", "make_adapter", "openai", "sleeps", "tracked"]

# The days of the contracts' paired examples; long enough ago that no provider restates them any more.
FIRST = date(2026, 11, 1)
LAST = date(2026, 11, 3)
OPENAI_KEY, ANTHROPIC_KEY = "key_Ab1", "apikey_01Rj2N8SVvo6BePZj99NhmiT"
_ADMIN = {Provider.OPENAI: openai_api.ADMIN_KEY, Provider.ANTHROPIC: anthropic_api.ADMIN_KEY}


def at(day: date, hour: float = 0) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour)


def unix(day: date, hour: float = 0) -> int:
    return int(at(day, hour).timestamp())


@dataclass
class World:
    """One organization, and what the providers and its own calls put into its books."""

    session: Session
    actor: Actor
    adapters: Mapping[Provider, BaseProvider]

    def pull(self, provider: Provider, first: date = FIRST, last: date = LAST, *, covered: bool = True) -> None:
        """Read usage and costs of these days through the vendor's adapter, as a sync does."""
        account = self.account(provider, first if covered else None, last)
        adapter, key = self.adapters[provider], _ADMIN[provider]
        start, end = at(first), at(last) + DAY
        keep_names(self.session, account, adapter.get_resources(key))
        for report in adapter.reports:
            replace_buckets(self.session, account, adapter.get_usage(key, start, end, report))
        replace_costs(self.session, account, adapter.get_costs(key, start, end))
        self.session.commit()

    def account(self, provider: Provider, first: date | None = FIRST, last: date = LAST) -> LedgerAccount:
        name = f"org-{provider.value.lower()}"
        row = self.session.get(ProviderAccount, f"{self.actor.organization_id}{provider.value}")
        if row is None:
            row = ProviderAccount(
                id=f"{self.actor.organization_id}{provider.value}",
                organization_id=self.actor.organization_id,
                provider=provider,
                account_id=name,
            )
            self.session.add(row)
        if first is not None:
            row.covered_from, row.covered_to = at(first), at(last) + DAY
        self.session.flush()
        return LedgerAccount(
            organization_id=self.actor.organization_id,
            provider=provider,
            account_id=name,
            user_id=self.actor.user_id,
        )

    def vault_key(
        self, provider: Provider = Provider.OPENAI, external_id: str | None = OPENAI_KEY, **fields: Any
    ) -> str:
        """A key of the vault; `external_id` is the provider's id of it, where its owner told."""
        told = {"externalKeyId": external_id} if external_id else {}
        facts: dict[str, Any] = {"label": external_id or "gateway", "hint": "cdef", "meta": told} | fields
        key = ApiKey(
            provider=provider,
            encrypted_key="",
            iv="",
            tag="",
            user_id=self.actor.user_id,
            organization_id=self.actor.organization_id,
            **facts,
        )
        self.session.add(key)
        self.session.commit()
        return key.id

    def call(
        self,
        moment: datetime,
        model: str,
        key_id: str | None,
        *,
        provider: Provider = Provider.OPENAI,
        cost: CostBreakdown | None = None,
        identity: str | None = None,
        tier: str | None = None,
        **counts: int,
    ) -> None:
        """One call through the gateway."""
        usage = UsageRecord(
            provider=provider,
            operation="completion",
            model=model,
            start=moment,
            end=moment,
            counts=UsageCounts(**counts),  # pyright: ignore[reportArgumentType]  # units are not among them
            service_tier=tier,
        )
        call = Call(
            identity=("event", identity or new_id()),
            origin=UsageOrigin.GATEWAY,
            usage=usage,
            user_id=self.actor.user_id,
            api_key_id=key_id,
            cost=cost,
        )
        add_calls(self.session, self.actor.organization_id, [call])
        self.session.commit()

    def bill(self, provider: Provider, day: date, amount: str, line_item: str, **fields: Any) -> None:
        """A line of the cost report, written as it stands."""
        self.session.add(
            ProviderCost(
                organization_id=self.actor.organization_id,
                id=new_id(),
                provider=provider,
                account_id=f"org-{provider.value.lower()}",
                period_start=at(day),
                period_end=at(day) + DAY,
                line_item=line_item,
                billed_cost=Decimal(amount),
                **fields,
            )
        )
        self.session.commit()

    def reconcile(self, first: date = FIRST, last: date = LAST, **more: Any) -> Reconciliation:
        found = reconcile(self.session, self.actor, ReconciliationQuery(first=first, last=last, **more))
        check_sums(found)
        return found


def check_sums(found: Reconciliation) -> None:
    """What is named, not comparable and unexplained leads from each book to the next, to the last digit."""
    for gap in (found.tracked_reported, found.reported_billed):
        if gap is not None:
            assert gap.first + gap.named + gap.not_comparable + gap.unexplained == gap.second


def only(found: Reconciliation, cause: Cause) -> Finding:
    """The one finding of that cause."""
    [one] = [each for each in found.findings if each.cause is cause]
    return one


def causes(found: Reconciliation) -> list[Cause]:
    return [each.cause for each in found.findings]


@pytest.fixture
def world(session: Session, people: People, openai: BaseProvider, anthropic: BaseProvider) -> World:
    return World(session, people.alice, {Provider.OPENAI: openai, Provider.ANTHROPIC: anthropic})


@pytest.fixture
def openai_pair(world: World, fake: FakeProvider) -> World:
    """OpenAI's paired example reports, pulled."""
    fake.openai.load_examples()
    world.pull(Provider.OPENAI)
    return world


@pytest.fixture
def anthropic_pair(world: World, fake: FakeProvider) -> World:
    """Anthropic's paired example reports, pulled; of the usage only the row that the cost report is about."""
    fake.anthropic.load_examples()
    paired = [row for row in fake.anthropic.usage.rows() if row["model"] == "claude-opus-5-5"]
    fake.anthropic.usage.clear()
    for row in paired:
        fake.anthropic.usage.plant(**row)
    world.pull(Provider.ANTHROPIC)
    return world
