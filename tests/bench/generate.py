"""A large ledger for benches: organizations of very different size, 13 months of rows, denser towards now.

The same seed and the same `now` give the same rows. Reported rows come one per hour, model, key and tier, as providers
send them, so that rolling them up hardly shrinks them: the hardest case for a query over the rollups. Every third row
is a call through the gateway, most of them in hours that a sync has covered.
"""

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from guardian.models.base import derived_id
from guardian.models.costs import ProviderCost
from guardian.models.enums import Provider, ResourceKind, TeamRole, UserRole
from guardian.models.keys import ProviderAccount, ProviderResource
from guardian.periods import DAY, HOUR, floor_day, floor_hour
from guardian.services.actor import Actor
from guardian.services.ledger import daily
from guardian.services.ledger.sql.partitions import ensure_partitions
from guardian.services.ledger.sums.rollups import COUNTS, DIMENSIONS, TAGS
from guardian.services.people.access.accounts import register

ROWS = int(os.environ.get("GUARDIAN_BENCH_ROWS", "1000000"))
DAYS = 395
"""Of history: 13 months."""

_SHARES = (40, 20, 12, 10, 8, 5, 3, 2)  # percent of the rows, by organization
_PROJECTS, _KEYS, _SESSIONS = 6, 12, 500
_GATEWAY_SHARE = 1 / 3

# Dollars for a million tokens of input; a token of output costs four times as much here.
_MODELS: dict[Provider, dict[str, str]] = {
    Provider.OPENAI: {
        "gpt-5-mini": "0.25",
        "gpt-5": "1.25",
        "gpt-4o-mini": "0.15",
        "gpt-4.1": "2",
        "text-embedding-3-small": "0.02",
        "gpt-5-nano": "0.05",
        "gpt-4o": "2.5",
        "o3": "2",
    },
    Provider.ANTHROPIC: {
        "claude-sonnet-4-5": "3",
        "claude-haiku-4-5": "1",
        "claude-opus-4-1": "15",
        "claude-3-5-haiku": "0.8",
    },
}
_TIERS = {Provider.OPENAI: ("default", "batch", "flex"), Provider.ANTHROPIC: ("standard", "batch", "priority")}
COLUMNS = (
    *("id", "timestamp", "bucket_end", "provider", "model", "operation", "origin", "requests", "input_tokens"),
    *("output_tokens", "total_tokens", "cache_read_tokens", "cost", "cost_source", "account_id", "project_id"),
    *("external_key_id", "service_tier", "session", "response_time", "status_code", "user_id", "organization_id"),
)


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organization of the bench, its owner, and its percentage of the rows."""

    actor: Actor
    share: int


def tenants(session: Session) -> list[Tenant]:
    """The organizations, the largest first; committed."""
    found: list[Tenant] = []
    for number, share in enumerate(_SHARES):
        email = f"owner{number}@example.com"
        user = register(session, email=email, password=f"correct horse {number} battery", company=f"Tenant {number}")
        assert user.organization_id is not None
        actor = Actor(user.id, user.organization_id, role=UserRole.USER, team_role=TeamRole.OWNER, email=email)
        found.append(Tenant(actor, share))
    session.commit()
    return found


def fill(session: Session, found: list[Tenant], now: datetime, rows: int = ROWS, seed: int = 2) -> None:
    """Write the rows, their rollups, and the accounts, names and bills of these organizations; committed."""
    ensure_partitions(session, now - (DAYS + 1) * DAY, now)
    for tenant in found:
        _write_accounts(session, tenant.actor.organization_id, now)
    session.flush()
    cursor: Any = session.connection().connection.cursor()
    with cursor.copy(f"COPY usage_logs ({', '.join(COLUMNS)}) FROM STDIN") as copy:
        for tenant in found:
            # Text is a stable seed in every process; a tuple's hash is not.
            chance = random.Random(f"{seed} {tenant.share}")
            for row in generated(chance, tenant.actor, rows * tenant.share // 100, now):
                copy.write_row(row)
    session.connection().execute(text(roll_up()))
    session.commit()
    for table in ("usage_logs", "usage_rollups", "provider_costs"):
        session.connection().execute(text(f"ANALYZE {table}"))
    session.commit()


def sum_up(session: Session, actor: Actor, now: datetime) -> None:
    """Make the organization's days, as the job does within minutes; committed."""
    while daily.make_days(session, actor.organization_id, now, at_once=50):
        session.commit()
    session.commit()
    session.connection().execute(text("ANALYZE usage_cells"))
    session.commit()


def generated(chance: random.Random, actor: Actor, count: int, now: datetime) -> Iterator[tuple[Any, ...]]:
    """Rows of usage_logs for one organization."""
    first = floor_hour(now) - DAYS * DAY
    history = (now - first).total_seconds()
    providers = list(_MODELS)
    # The first of a list is used most, the n-th 1/n as often.
    weights = [1 / n for n in range(1, 20)]
    for number in range(count):
        # sqrt: on the last day of n, twice as many rows as on the average day.
        moment = first + timedelta(seconds=int(history * chance.random() ** 0.5))
        provider = providers[chance.random() < 0.4]
        model = chance.choices(list(_MODELS[provider]), weights[: len(_MODELS[provider])])[0]
        key = chance.choices(range(_KEYS), weights[:_KEYS])[0]
        tier = chance.choices(_TIERS[provider], (90, 8, 2))[0]
        gateway = chance.random() < _GATEWAY_SHARE
        yield _row(chance, actor, number, moment, provider, model, key, tier, gateway)


def _row(
    chance: random.Random,
    actor: Actor,
    number: int,
    moment: datetime,
    provider: Provider,
    model: str,
    key: int,
    tier: str,
    gateway: bool,
) -> tuple[Any, ...]:
    calls = 1 if gateway else chance.randrange(1, 400)
    inputs, outputs = calls * chance.randrange(50, 8_000), calls * chance.randrange(10, 1_500)
    unpriced = chance.random() < 0.002
    cost = Decimal(_MODELS[provider][model]) * (inputs + 4 * outputs) / 1_000_000
    at = moment if gateway else floor_hour(moment)
    return (
        derived_id(at, actor.organization_id, str(number)),
        at,
        None if gateway else at + HOUR,
        provider.value,
        model,
        "embeddings" if "embedding" in model else "completions" if provider is Provider.OPENAI else "messages",
        "gateway" if gateway else "sync",
        calls if gateway or provider is Provider.OPENAI else None,
        inputs,
        outputs,
        inputs + outputs,
        inputs // 3,
        None if unpriced else cost,
        "unpriced" if unpriced else "estimated" if chance.random() < 0.05 else "computed",
        _account(provider),
        f"{provider.value.lower()}_project_{key % _PROJECTS}",
        None if gateway else f"{provider.value.lower()}_key_{key}",
        tier,
        f"session-{chance.randrange(_SESSIONS)}" if gateway else None,
        chance.randrange(200, 9_000) if gateway else None,
        200 if gateway else None,
        actor.user_id,
        actor.organization_id,
    )


def _account(provider: Provider) -> str:
    return f"{provider.value.lower()}_account"


def _write_accounts(session: Session, organization_id: str, now: datetime) -> None:
    """Covered from nine months ago until now, so that the oldest months are the gateway's alone and the reports'."""
    for provider in _MODELS:
        name, account = provider.value.lower(), _account(provider)
        session.add(
            ProviderAccount(
                organization_id=organization_id,
                provider=provider,
                account_id=account,
                name=f"{provider.value.title()} account",
                covered_from=floor_day(now) - 270 * DAY,
                covered_to=floor_hour(now),
            )
        )
        named = {f"{name}_project_{n}": (ResourceKind.PROJECT, f"Project {n}") for n in range(_PROJECTS)}
        named |= {f"{name}_key_{n}": (ResourceKind.API_KEY, f"Key {n}") for n in range(_KEYS)}
        session.add_all(
            ProviderResource(
                organization_id=organization_id,
                provider=provider,
                account_id=account,
                kind=kind,
                external_id=id,
                name=text_name,
            )
            for id, (kind, text_name) in named.items()
        )
        session.add_all(
            ProviderCost(
                organization_id=organization_id,
                id=derived_id(day, organization_id, account, model),
                provider=provider,
                account_id=account,
                period_start=day,
                period_end=day + DAY,
                line_item=model,
                billed_cost=Decimal("12.34"),
            )
            for day in (floor_day(now) - n * DAY for n in range(DAYS))
            for model in _MODELS[provider]
        )


# The product's own rollups, of everything at once and in the database. Nothing looks a rollup up by its id here.
_PLACE = [
    "organization_id",
    "date_trunc('hour', timestamp, 'UTC')",
    *(
        {"user_id": "CASE WHEN origin = 'sync' THEN NULL ELSE user_id END"}.get(name)
        or (f"tags ->> '{name}'" if name in TAGS else name)
        for name in DIMENSIONS
    ),
]
_ROLL_UP = f"""
    INSERT INTO usage_rollups (organization_id, hour, {", ".join(DIMENSIONS)}, {", ".join(COUNTS)},
        id, rows, requests, cost, unpriced_rows, unpriced_tokens)
    SELECT {", ".join(_PLACE)}, {", ".join(f"coalesce(sum({name}), 0)" for name in COUNTS)},
        min(id), count(*), coalesce(sum(requests), 0), coalesce(sum(cost), 0),
        count(*) FILTER (WHERE cost IS NULL), coalesce(sum(total_tokens) FILTER (WHERE cost IS NULL), 0)
    FROM usage_logs
    WHERE
"""


def roll_up(condition: str = "true") -> str:
    """The statement that rolls up those rows, hour after hour, as time does."""
    return f"{_ROLL_UP} {condition} GROUP BY {', '.join(str(n) for n in range(1, len(_PLACE) + 1))} ORDER BY 2"
