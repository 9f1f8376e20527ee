"""What each page of spend says first: the ranges to choose from, how much it is, and as of when; pure functions."""

from datetime import datetime
from zoneinfo import ZoneInfo

from guardian import amounts
from guardian.services.ledger.views import Freshness, Totals
from guardian.ui import format
from guardian.ui.ranges import PRESETS
from guardian.ui.rows import Choice, Money


def presets(current: str) -> list[Choice]:
    """The presets as links; `current` is the name of one of them, or no name."""
    return [Choice(label, f"?range={name}", name == current) for name, label in PRESETS]


def total(totals: Totals) -> Money:
    """The amount of some totals, marked where a part of it is unpriced or estimated."""
    notes: list[str] = []
    if totals.unpriced_rows:
        notes.append(f"{format.tokens(totals.unpriced_tokens)} tokens have no known price and are not in it.")
    if totals.estimated_cost:
        notes.append(f"{amounts.dollars(totals.estimated_cost)} of it is an estimate.")
    if totals.unpriced_rows and not totals.cost:
        return Money.unknown("unpriced", notes[0])
    return Money.of(totals.cost, " ".join(notes))


def freshness(fresh: Freshness, now: datetime, tz: ZoneInfo) -> tuple[str, str]:
    """As of 12:04, next pull 00:00; and the whole times for the hover."""
    next_pull = f"next pull {format.clock(fresh.next_pull, now, tz)}"
    title = f"Next pull {format.absolute(fresh.next_pull, tz)}"
    if fresh.as_of is None:
        return f"Nothing pulled yet, {next_pull}", title
    return (
        f"As of {format.clock(fresh.as_of, now, tz)}, {next_pull}",
        f"As of {format.absolute(fresh.as_of, tz)}. {title}",
    )
