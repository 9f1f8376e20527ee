"""A fake provider that the product talks to, keys of it in the vault, and pulls that run in this process."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from guardian import db
from guardian.jobs.pulling import pull
from guardian.models import ApiKey, EmailLog, SyncRun
from guardian.models.enums import Provider, SyncStatus, SyncTrigger
from guardian.periods import DAY, floor_day, utcnow
from guardian.records import TestResult
from guardian.services.actor import Actor
from guardian.services.ledger.sync import request_sync
from guardian.services.ledger.views import SyncRunView
from guardian.services.people.provider_keys import add_key
from tests.conftest import People, Servers, forget_caches
from tests.fakes import anthropic_api, compatible_api, openai_api, xai_api
from tests.fakes.provider_server import FakeProvider
from tests.unit.ledger.making import contents

SECRETS = {
    Provider.OPENAI: openai_api.ADMIN_KEY,
    Provider.ANTHROPIC: anthropic_api.ADMIN_KEY,
    Provider.XAI: xai_api.MANAGEMENT_KEY,
    Provider.CUSTOM: compatible_api.ROUTER_ADMIN_KEY,
}
# Where both vendors' example rows are moved to: well within every window, and whole days.
FIRST_DAY = floor_day(utcnow()) - 2 * DAY
START = FIRST_DAY - DAY


@pytest.fixture
def fake(environment: Servers, monkeypatch: pytest.MonkeyPatch) -> Generator[FakeProvider]:
    """All vendors, without rows; one attempt per request, so that a test of a failure does not wait."""
    with FakeProvider() as server:
        for setting, url in server.urls.items():
            monkeypatch.setenv(setting.upper(), url)
        monkeypatch.setenv("OUTBOUND_ALLOWLIST", "127.0.0.1")
        monkeypatch.setenv("PROVIDER_ATTEMPTS", "1")
        forget_caches()
        yield server


@dataclass(frozen=True)
class Pulls:
    """What tests do with keys and their pulls. Every call has a transaction of its own, as the product's edges do."""

    people: People

    def add_key(
        self,
        provider: Provider = Provider.OPENAI,
        *,
        actor: Actor | None = None,
        secret: str | None = None,
        account: str = "acct",
        label: str | None = "Main",
        kind: str = "admin",
        metadata: Mapping[str, Any] | None = None,
    ) -> str:
        tested = TestResult(success=True, message="works", kind=kind, account_id=account)
        with db.session() as session:
            who, words = actor or self.people.alice, secret or SECRETS[provider]
            return add_key(
                session, who, provider=provider, secret=words, label=label, metadata=metadata, tested=tested
            ).id

    def request(
        self,
        key_id: str,
        *,
        actor: Actor | None = None,
        start: datetime | None = START,
        trigger: SyncTrigger = SyncTrigger.DEMAND,
    ) -> SyncRunView:
        with db.session() as session:
            return request_sync(session, actor or self.people.alice, key_id, start=start, trigger=trigger)

    def run(self, key_id: str, **options: Any) -> SyncRun:
        """Ask for a pull and do it here and now."""
        asked = self.request(key_id, **options)
        pull(asked.id)
        return self.get(asked.id)

    def get(self, run_id: str) -> SyncRun:
        with db.session() as session:
            return session.get_one(SyncRun, run_id)

    def key(self, key_id: str) -> ApiKey:
        with db.session() as session:
            return session.get_one(ApiKey, key_id)

    def make_due(self, run_id: str) -> None:
        """As if the time that the run was put off for had passed."""
        with db.session() as session:
            session.exec(update(SyncRun).where(col(SyncRun.id) == run_id).values(not_before=None))

    def again(self, run_id: str) -> SyncRun:
        self.make_due(run_id)
        pull(run_id)
        return self.get(run_id)

    def mails(self) -> list[EmailLog]:
        with db.session() as session:
            return list(session.exec(select(EmailLog).order_by(col(EmailLog.created_at))))

    def ledger(self) -> dict[str, list[tuple[Any, ...]]]:
        with db.session() as session:
            return contents(session)

    def assert_empty(self) -> None:
        assert all(rows == [] for rows in self.ledger().values())

    def finished(self, key_id: str, **options: Any) -> SyncRun:
        run = self.run(key_id, **options)
        assert (run.status, run.error) == (SyncStatus.FINISHED, None)
        return run


@pytest.fixture
def pulls(fake: FakeProvider, people: People) -> Pulls:
    return Pulls(people)


def hours_ago(number: float) -> int:
    """Unix seconds of a full hour, for planting rows."""
    now = utcnow().replace(minute=0, second=0, microsecond=0)
    return int((now - timedelta(hours=number)).timestamp())
