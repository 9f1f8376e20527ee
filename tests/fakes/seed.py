"""A company with usage: people, two provider accounts with named projects and keys, and pulled, priced, billed rows.

Rows go through the ledger's own writer, so that rollups, prices and coverage are what a real pull leaves behind.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlmodel import Session

from guardian.models import ApiKey, Organization, ProviderAccount, ProviderResource, SyncRun, TeamMember, User
from guardian.models.enums import KeyStatus, Plan, Provider, ResourceKind, SyncStatus, SyncTrigger, TeamRole, UserRole
from guardian.periods import DAY, HOUR, floor_day, floor_hour, utcnow
from guardian.records import CostBucket, CostRecord, UsageBucket, UsageCounts, UsageRecord
from guardian.services.actor import Actor
from guardian.services.ledger.writing.buckets import replace_buckets, replace_costs
from guardian.services.ledger.writing.rows import LedgerAccount
from guardian.services.people.access.sessions import actor_for_session, open_session

_PROJECTS = {
    Provider.OPENAI: {"proj_8fkweb2c9q": "Web search", "proj_1ahdocs77z": "Document reader", "proj_tests0042": "CI"},
    Provider.ANTHROPIC: {"wrkspc_support9": "Support agent", "wrkspc_coding31": "Coding agents"},
}
_KEYS = {
    Provider.OPENAI: {"key_prodweb01": "prod web", "key_prodbatch": "prod batch", "key_laptop77": "laptop of Mia"},
    Provider.ANTHROPIC: {"apikey_support1": "support prod", "apikey_agents02": "agents prod"},
}
_MODELS = {
    Provider.OPENAI: (("gpt-5.1", 9), ("gpt-5-mini", 30), ("gpt-4o", 4), ("text-embedding-3-small", 60)),
    Provider.ANTHROPIC: (("claude-sonnet-4-5", 10), ("claude-haiku-4-5", 25), ("claude-opus-4-5", 2)),
}
_SERIES = {Provider.OPENAI: "completions", Provider.ANTHROPIC: "messages"}


@dataclass(frozen=True)
class Company:
    """A seeded organization, its owner, and the token of a browser session of theirs (the cookie's value)."""

    organization: Organization
    owner: User
    actor: Actor
    token: str


def company(
    session: Session, name: str = "Acme", *, zone: str = "Europe/Berlin", role: UserRole = UserRole.USER
) -> Company:
    """An organization with one person who is signed in, and nothing else."""
    organization = Organization(name=name, plan=Plan.ENTERPRISE, settings={"timeZone": zone})
    session.add(organization)
    session.flush()
    owner = User(email=f"mia@{name.lower()}.example", name="Mia Winter", role=role, organization_id=organization.id)
    session.add(owner)
    session.flush()
    session.add(TeamMember(organization_id=organization.id, user_id=owner.id, role=TeamRole.OWNER))
    token, _row = open_session(session, owner, user_agent="pytest", ip_address="127.0.0.1")
    session.flush()
    return Company(organization, owner, actor_for_session(session, token), token)


def usage(session: Session, of: Company, days: int = 60, *, now: datetime | None = None, seed: int = 7) -> None:
    """Keys, names, and `days` of hourly usage and daily bills up to now; the same for the same seed and hour."""
    moment = now or utcnow()
    for provider in (Provider.OPENAI, Provider.ANTHROPIC):
        account = ledger_account(session, of, provider, moment - days * DAY, moment)
        rng = random.Random(f"{seed} {provider}")
        replace_buckets(session, account, list(_usage_buckets(provider, floor_day(moment) - days * DAY, moment, rng)))
        replace_costs(session, account, list(_cost_buckets(provider, floor_day(moment) - days * DAY, moment, rng)))


def ledger_account(session: Session, of: Company, provider: Provider, start: datetime, end: datetime) -> LedgerAccount:
    """A key of the vault that has pulled [start, end), with names for its projects and keys."""
    account = f"org-{provider.value.lower()}-1"
    mine = {"organization_id": of.organization.id, "provider": provider, "account_id": account}
    session.add(ProviderAccount(**mine, name="Acme", covered_from=floor_day(start), covered_to=floor_hour(end)))
    for kind, names in ((ResourceKind.PROJECT, _PROJECTS[provider]), (ResourceKind.API_KEY, _KEYS[provider])):
        for external_id, name in names.items():
            session.add(ProviderResource(**mine, kind=kind, external_id=external_id, name=name))
    key = ApiKey(
        **mine,
        encrypted_key="00",
        iv="00",
        tag="00",
        hint="x4Tq" if provider is Provider.OPENAI else "9bLm",
        label="main",
        status=KeyStatus.ACTIVE,
        user_id=of.owner.id,
        last_validated=end,
        last_used=end,
        meta={"kind": "admin"},
    )
    session.add(key)
    session.flush()
    session.add(pull(key, start, end))
    session.flush()
    return LedgerAccount(organization_id=of.organization.id, provider=provider, account_id=account, user_id=of.owner.id)


def pull(key: ApiKey, start: datetime, end: datetime, status: SyncStatus = SyncStatus.FINISHED) -> SyncRun:
    """A pull of that key; not yet in the session."""
    done = status is SyncStatus.FINISHED
    return SyncRun(
        organization_id=key.organization_id or "",
        api_key_id=key.id,
        trigger=SyncTrigger.SCHEDULE,
        status=status,
        window_start=start,
        window_end=end,
        started_at=end - timedelta(seconds=90),
        finished_at=end if done else None,
        steps_done=38,
        steps_total=90,
        rows_read=1_234,
    )


def add_usage(session: Session, account: LedgerAccount, start: datetime, record: UsageRecord) -> None:
    """One hour's bucket of a report of its own that holds one record, as a pull would write it."""
    bucket = UsageBucket(series="planted", start=start, end=start + HOUR, records=(record,))
    replace_buckets(session, account, [bucket])


def _usage_buckets(provider: Provider, start: datetime, end: datetime, rng: random.Random) -> Iterator[UsageBucket]:
    hour = start
    while hour + HOUR <= end:
        busy = hour.weekday() < 5 and 7 <= hour.hour < 19
        records = tuple(_records(provider, hour, rng, 1.0 if busy else 0.12)) if hour.hour % 2 else ()
        yield UsageBucket(series=_SERIES[provider], start=hour, end=hour + HOUR, records=records)
        hour += HOUR


def _records(provider: Provider, hour: datetime, rng: random.Random, load: float) -> Iterator[UsageRecord]:
    projects, keys = list(_PROJECTS[provider]), list(_KEYS[provider])
    for place, (model, calls) in enumerate(_MODELS[provider]):
        requests = int(calls * load * rng.uniform(2, 9))
        if not requests:
            continue
        tokens = requests * rng.randint(600, 4_000)
        yield UsageRecord(
            provider=provider,
            operation="embeddings" if "embedding" in model else "chat",
            model=model,
            start=hour,
            end=hour + HOUR,
            counts=UsageCounts(
                input_tokens=tokens,
                cache_read_tokens=0 if "embedding" in model else tokens // 3,
                output_tokens=0 if "embedding" in model else requests * rng.randint(80, 600),
            ),
            requests=requests if provider is Provider.OPENAI else None,
            project_id=projects[(place + hour.day) % len(projects)],
            external_key_id=keys[(place + hour.hour) % len(keys)],
        )
    if provider is Provider.OPENAI and hour.day % 9 == 0 and hour.hour == 11:
        yield UsageRecord(
            provider=provider,
            operation="chat",
            model="gpt-6-preview-internal",
            start=hour,
            end=hour + HOUR,
            counts=UsageCounts(input_tokens=42_000, output_tokens=3_100),
            requests=7,
            project_id=projects[0],
            external_key_id=keys[0],
        )


def _cost_buckets(provider: Provider, start: datetime, end: datetime, rng: random.Random) -> Iterator[CostBucket]:
    day = start
    while day + DAY <= end:
        line = CostRecord(
            provider=provider,
            start=day,
            end=day + DAY,
            amount=Decimal(rng.randint(100, 900)) / 100,
            line_item="tokens",
        )
        yield CostBucket(start=day, end=day + DAY, records=(line,))
        day += DAY
