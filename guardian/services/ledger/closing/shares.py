"""Shares of a month's books that have a cause of their own: what files brought in, and what was priced anew since."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from guardian.models import UsageRollup
from guardian.models.enums import Provider, UsageOrigin
from guardian.periods import DAY
from guardian.services.ledger.closing.views import end_of
from guardian.services.ledger.reconciliation.reading import window_of

Model = tuple[Provider, str]
Place = tuple[str, Provider, str | None, str | None]
"""Book, provider, account (not of the tracked book, whose calls need not name it) and model."""


def read_imported(session: Session, organization_id: str, month: date) -> dict[Model, tuple[Decimal, Decimal]]:
    """(amount, tokens) of the tracked calls that came out of files."""
    r, window = UsageRollup, window_of(month, end_of(month).date() - DAY)
    query = (
        select(
            col(r.provider),
            col(r.model),
            func.sum(col(r.cost)),
            func.sum(col(r.input_tokens) + col(r.output_tokens)),
        )
        .where(
            col(r.organization_id) == organization_id,
            col(r.origin) == UsageOrigin.IMPORT,
            col(r.hour) >= window.start,
            col(r.hour) < window.end,
        )
        .group_by(col(r.provider), col(r.model))
    )
    return {(provider, model): (cost, Decimal(tokens)) for provider, model, cost, tokens in session.exec(query)}


# A run that was applied before the month was closed, and undone after it, took its change away again.
_REPRICED = """
    SELECT u.origin = 'import' AS imported, u.origin = 'sync' AS reported, u.provider, u.account_id, u.model,
           sum((coalesce((c.after ->> 'cost')::numeric, 0) - coalesce((c.before ->> 'cost')::numeric, 0))
               * CASE WHEN r.undone_at IS NULL THEN 1 ELSE -1 END) AS amount
    FROM reprice_runs r
    JOIN reprice_changes c ON c.organization_id = r.organization_id AND c.run_id = r.id
    JOIN usage_logs u ON u.id = c.usage_id AND u.timestamp = c.timestamp AND u.organization_id = r.organization_id
    WHERE r.organization_id = :organization AND r.period_start < :end AND r.period_end > :start
      AND c.timestamp >= :start AND c.timestamp < :end
      AND ((r.applied_at > :closed AND r.undone_at IS NULL) OR (r.applied_at <= :closed AND r.undone_at > :closed))
    GROUP BY 1, 2, 3, 4, 5
"""


def read_repriced(
    session: Session, organization_id: str, month: date, closed_at: datetime
) -> tuple[dict[Place, Decimal], dict[Model, Decimal]]:
    """What re-pricing has added since then, in all by place, and of that to calls out of files."""
    window = window_of(month, end_of(month).date() - DAY)
    facts = {"organization": organization_id, "start": window.start, "end": window.end, "closed": closed_at}
    places: dict[Place, Decimal] = {}
    imported: dict[Model, Decimal] = {}
    for row in session.connection().execute(text(_REPRICED), facts).mappings():
        provider = Provider(row["provider"])
        book, account = ("reported", row["account_id"]) if row["reported"] else ("tracked", None)
        place = (book, provider, account, row["model"])
        places[place] = places.get(place, Decimal(0)) + row["amount"]
        if row["imported"]:
            model = (provider, row["model"])
            imported[model] = imported.get(model, Decimal(0)) + row["amount"]
    return places, imported


def imported_lines(imported: Mapping[Model, tuple[Decimal, Decimal]]) -> list[dict[str, Any]]:
    """The share of files as lines of a closed month, beside those of its books."""
    return [
        {
            "provider": provider.value,
            "model": model,
            "imported": {"quantity": f"{tokens.normalize():f}", "cost": f"{amount:f}"},
        }
        for (provider, model), (amount, tokens) in sorted(imported.items())
    ]


def frozen_imported(lines: list[Any]) -> dict[Model, tuple[Decimal, Decimal]]:
    """What `imported_lines` made into lines."""
    return {
        (Provider(line["provider"]), line["model"]): (
            Decimal(line["imported"]["cost"]),
            Decimal(line["imported"]["quantity"]),
        )
        for line in lines
        if "imported" in line
    }
