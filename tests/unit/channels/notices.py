"""A notice to send in tests."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from guardian.channels.notice import Cause, Notice
from guardian.models.enums import AlertState

_FACTS: dict[str, Any] = {
    "alert_id": "calert",
    "transition": "web#1",
    "name": "Team web",
    "type": "COST_THRESHOLD",
    "metric": "cost",
    "state": AlertState.FIRING,
    "group": "web",
    "value": Decimal("312.4000000000"),
    "threshold": Decimal(250),
    "sentence": "AI provider spend of team web was $312.40 in the last 24 hours, above $250.00.",
    "causes": (
        Cause(label="more calls", amount=Decimal(50), share=Decimal(80)),
        Cause(label="price of gpt-5", amount=Decimal("12.4")),
    ),
    "organization_id": "corg",
    "organization": "Acme",
    "window_start": datetime(2026, 5, 3, 9, 30, tzinfo=UTC),
    "window_end": datetime(2026, 5, 4, 9, 30, tzinfo=UTC),
    "occurred_at": datetime(2026, 5, 4, 9, 30, tzinfo=UTC),
    "url": "https://guardian.acme.test/alerts?alert=calert",
}


def notice(**changes: Any) -> Notice:
    return Notice(**(_FACTS | changes))
