"""A ledger to ask: rows written through the product's own rollups, and the accounts that a sync has covered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from sqlmodel import Session

from guardian.models.base import derived_id
from guardian.models.costs import ProviderCost
from guardian.models.enums import CostSource, Provider, ResourceKind, SyncStatus, SyncTrigger, UsageOrigin
from guardian.models.keys import ApiKey, ProviderAccount, ProviderResource
from guardian.models.sync import SyncRun
from guardian.models.usage import UsageLog
from guardian.services.actor import Actor
from guardian.services.ledger.bills.short import kept_text
from guardian.services.ledger.queries import invalidate_organization
from guardian.services.ledger.sql.partitions import ensure_partitions
from guardian.services.ledger.sql.shared import keep_shared
from guardian.services.ledger.sums.rollups import RollupChanges
from tests.conftest import People

_serial = count()


def utc(text: str) -> datetime:
    """ "2026-03-01" or "2026-03-01T12:30", in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass
class Ledger:
    """Writes rows for one organization; `write` commits, so that other connections see them."""

    session: Session
    actor: Actor

    def row(self, at: datetime | str, cost: Decimal | str | None = "1", **fields: Any) -> UsageLog:
        moment = utc(at) if isinstance(at, str) else at
        known = {
            "provider": Provider.OPENAI,
            "model": "gpt-5",
            "operation": "completions",
            "origin": UsageOrigin.SYNC,
            "account_id": "acct",
            "requests": 1,
            "input_tokens": 100,
            "output_tokens": 10,
            "cost_source": CostSource.UNPRICED if cost is None else CostSource.COMPUTED,
        } | fields
        tokens = known["input_tokens"] + known["output_tokens"]
        return UsageLog(
            id=derived_id(moment, str(next(_serial))),
            timestamp=moment,
            cost=None if cost is None else Decimal(cost),
            total_tokens=tokens,
            user_id=self.actor.user_id,
            organization_id=self.actor.organization_id,
            **known,
        )

    def write(self, *rows: UsageLog) -> Sequence[UsageLog]:
        if rows:
            moments = [row.timestamp for row in rows]
            ensure_partitions(self.session, min(moments), max(moments))
        tokens = [kept_text(row.access_token_id) for row in rows if row.access_token_id is not None]
        keep_shared(self.session, dict(tokens))
        self.session.add_all(rows)
        self.roll_up(rows)
        self.session.commit()
        invalidate_organization(self.actor.organization_id)
        return rows

    def roll_up(self, rows: Iterable[UsageLog]) -> None:
        """The rollups of these rows alone, without a commit: all that sums are read from."""
        changes = RollupChanges()
        for row in rows:
            changes.add(row.model_dump())
        changes.apply(self.session)

    def cover(
        self,
        start: str | None,
        end: str | None,
        provider: Provider = Provider.OPENAI,
        account: str = "acct",
        name: str | None = None,
    ) -> None:
        self.session.add(
            ProviderAccount(
                organization_id=self.actor.organization_id,
                provider=provider,
                account_id=account,
                name=name,
                covered_from=utc(start) if start else None,
                covered_to=utc(end) if end else None,
            )
        )
        self.session.commit()

    def key(self, label: str | None = None, **fields: Any) -> ApiKey:
        """A key of the vault that seals nothing."""
        key = ApiKey(
            provider=Provider.OPENAI,
            encrypted_key="",
            iv="",
            tag="",
            hint="wxyz",
            label=label,
            user_id=self.actor.user_id,
            organization_id=self.actor.organization_id,
            **fields,
        )
        self.session.add(key)
        self.session.commit()
        return key

    def pull(self, key: ApiKey, status: SyncStatus, created: str, **fields: Any) -> SyncRun:
        """A pull of that key, of the day on which it was created."""
        run = SyncRun(
            organization_id=self.actor.organization_id,
            api_key_id=key.id,
            trigger=SyncTrigger.SCHEDULE,
            status=status,
            created_at=utc(created),
            window_start=fields.pop("window_start", utc(created[:10])),
            window_end=fields.pop("window_end", utc(created)),
            **fields,
        )
        self.session.add(run)
        self.session.commit()
        return run

    def name(self, kind: ResourceKind, id: str, name: str, day: str = "2026-01-01", account: str = "acct") -> None:
        self.session.add(
            ProviderResource(
                organization_id=self.actor.organization_id,
                provider=Provider.OPENAI,
                account_id=account,
                kind=kind,
                external_id=id,
                name=name,
                updated_at=utc(day),
            )
        )
        self.session.commit()

    def bill(self, day: str, amount: str, line_item: str = "tokens", **fields: Any) -> None:
        start = utc(day)
        self.session.add(
            ProviderCost(
                organization_id=self.actor.organization_id,
                id=derived_id(start, str(next(_serial))),
                provider=fields.pop("provider", Provider.OPENAI),
                account_id="acct",
                period_start=start,
                period_end=start + timedelta(days=1),
                line_item=line_item,
                billed_cost=Decimal(amount),
                **fields,
            )
        )
        self.session.commit()


@pytest.fixture
def ledger(session: Session, people: People) -> Ledger:
    """The ledger of alice's and bob's organization."""
    return Ledger(session, people.alice)


@pytest.fixture
def other_ledger(session: Session, people: People) -> Ledger:
    """The ledger of charlie's organization."""
    return Ledger(session, people.charlie)
