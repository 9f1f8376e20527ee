"""Many organizations for a bench of alerts: thirteen months of usage each, budgets, and rules of every type."""

from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from guardian.models import Alert, Budget, Organization, ProviderAccount, TeamMember, User
from guardian.models.enums import AlertFrequency, AlertType, ComparisonType, Plan, Provider, TeamRole
from guardian.periods import DAY, HOUR, floor_day, floor_hour
from guardian.services.actor import Actor
from guardian.services.ledger.sql.partitions import ensure_partitions
from tests.bench import generate
from tests.bench.place import FULL

RULES = 10_000 if FULL else 400
ORGANIZATIONS = 200 if FULL else 8
ROWS = 2_500 if FULL else 500  # of each organization, in 13 months; the first one has forty times as many
_LARGE = 40

# What each hundred rules of an organization are: type, metric, window, scope, group, how many.
_SHAPES: tuple[tuple[AlertType, str, str, dict[str, str] | None, str | None, int], ...] = (
    (AlertType.COST_THRESHOLD, "cost", "1d", None, None, 10),
    (AlertType.COST_THRESHOLD, "cost", "month", None, "model", 6),
    (AlertType.COST_THRESHOLD, "cost", "1h", {"type": "model", "value": "gpt-*"}, None, 12),
    (AlertType.COST_THRESHOLD, "cost", "7d", {"type": "provider", "value": "OPENAI"}, "project", 8),
    (AlertType.COST_THRESHOLD, "cost", "day", {"type": "team", "value": "web"}, "user", 8),
    (AlertType.COST_THRESHOLD, "cost", "30d", {"type": "tag", "value": "stage=live"}, None, 2),
    (AlertType.COST_THRESHOLD, "unpriced", "1d", None, None, 6),
    (AlertType.COST_THRESHOLD, "drift", "7d", None, None, 1),
    (AlertType.USAGE_SPIKE, "cost", "1h", None, None, 6),
    (AlertType.USAGE_SPIKE, "requests", "1d", None, "model", 5),
    (AlertType.USAGE_SPIKE, "new_models", "1d", None, None, 2),
    (AlertType.USAGE_SPIKE, "new_keys", "1d", None, None, 2),
    (AlertType.RATE_LIMIT, "used", "1d", None, "key", 4),
    (AlertType.RATE_LIMIT, "refusals", "15m", None, None, 6),
    (AlertType.ERROR_RATE, "errors", "1h", None, "model", 10),
    (AlertType.ERROR_RATE, "sync_failures", "1d", None, "key", 4),
    (AlertType.BUDGET_EXCEEDED, "spent", "1d", None, None, 6),
    (AlertType.BUDGET_EXCEEDED, "forecast", "1d", None, None, 2),
)


def organizations(session: Session) -> list[Actor]:
    """Their owners; committed."""
    found: list[Actor] = []
    for number in range(ORGANIZATIONS):
        organization = Organization(
            name=f"Tenant {number}", plan=Plan.ENTERPRISE, settings={"timeZone": "Europe/Berlin"}
        )
        session.add(organization)
        session.flush()
        owner = User(email=f"owner{number}@example.com", organization_id=organization.id)
        session.add(owner)
        session.flush()
        session.add(TeamMember(organization_id=organization.id, user_id=owner.id, role=TeamRole.OWNER))
        found.append(Actor(owner.id, organization.id, owner.role, TeamRole.OWNER, owner.email))
    session.commit()
    return found


def fill(session: Session, actors: list[Actor], now: datetime) -> None:
    """Thirteen months of calls and of reports, which a sync has covered up to three hours ago; committed."""
    ensure_partitions(session, now - (generate.DAYS + 1) * DAY, now)
    cursor: Any = session.connection().connection.cursor()
    with cursor.copy(f"COPY usage_logs ({', '.join(generate.COLUMNS)}) FROM STDIN") as copy:
        for number, actor in enumerate(actors):
            chance = Random(f"alerts {number}")
            for row in generate.generated(chance, actor, ROWS * (_LARGE if number == 0 else 1), now):
                copy.write_row(row)
    session.connection().execute(text(generate.roll_up()))
    for actor in actors:
        for provider in (Provider.OPENAI, Provider.ANTHROPIC):
            covered = {"covered_from": floor_day(now) - 270 * DAY, "covered_to": floor_hour(now) - 3 * HOUR}
            account = f"{provider.value.lower()}_account"
            session.add(
                ProviderAccount(organization_id=actor.organization_id, provider=provider, account_id=account, **covered)
            )
    session.commit()
    for table in ("usage_logs", "usage_rollups"):
        session.connection().execute(text(f"ANALYZE {table}"))
    session.commit()
    generate.sum_up(session, actors[0], now)


def add_rules(session: Session, actors: list[Actor]) -> None:
    """As many of each organization; one in twenty is over its threshold as soon as it measures anything; committed."""
    chance, weights = Random("rules"), [shape[-1] for shape in _SHAPES]
    for actor in actors:
        limit = {"organization_id": actor.organization_id, "thresholds": [50, 80, 100]}
        session.add(Budget(name="All", limit=Decimal(100_000), **limit))
        session.add(Budget(name="Web", limit=Decimal(5_000), scope={"type": "team", "value": "web"}, **limit))
        for number in range(RULES // len(actors)):
            kind, metric, window, scope, group_by, _ = chance.choices(_SHAPES, weights)[0]
            session.add(
                Alert(
                    name=f"Rule {number}",
                    type=kind,
                    metric=metric,
                    threshold=Decimal(0 if chance.random() < 0.05 else 90_000),
                    comparison_type=ComparisonType.GREATER_THAN,
                    frequency=AlertFrequency.HOURLY,
                    scope=scope,
                    group_by=group_by,
                    window=window,
                    notify_email=False,
                    user_id=actor.user_id,
                    organization_id=actor.organization_id,
                )
            )
    session.commit()
