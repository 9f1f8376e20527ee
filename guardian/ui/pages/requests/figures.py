"""What the calls that are shown add up to; pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from statistics import median_low
from zoneinfo import ZoneInfo

from guardian.services.ledger.views import UsageView
from guardian.ui import format
from guardian.ui.pages.requests.rows import failed, milliseconds, number, time_of
from guardian.ui.rows import NO_MONEY, Money


@dataclass(frozen=True)
class Figures:
    """What the calls that are shown add up to, as text; empty where no call says it."""

    count: str = ""
    since: str = ""
    spend: Money = NO_MONEY
    failed: str = ""
    failed_share: str = ""
    latency: str = ""
    first_token: str = ""


NO_FIGURES = Figures()


def figures(views: Sequence[UsageView], now: datetime, tz: ZoneInfo) -> Figures:
    """Sums and middles of the calls that were found."""
    if not views:
        return NO_FIGURES
    costs = [view.cost for view in views if view.cost is not None]
    wrong = sum(failed(view) for view in views)
    answered = [view.response_time for view in views if view.response_time is not None and not failed(view)]
    first = [span for view in views if (span := number(view.metadata.get("timeToFirstToken"))) is not None]
    return Figures(
        count="1 call" if len(views) == 1 else f"{len(views)} calls",
        since=time_of(views[-1].timestamp, now, tz),
        spend=_spend(costs, len(views) - len(costs)),
        failed=format.number(wrong),
        failed_share=format.percent(Decimal(wrong), Decimal(len(views))) if wrong else "",
        latency=milliseconds(median_low(answered) if answered else None),
        first_token=milliseconds(median_low(first) if first else None),
    )


def _spend(costs: Sequence[Decimal], unpriced: int) -> Money:
    note = f"{format.number(unpriced)} of them have no known price and are not in it." if unpriced else ""
    return Money.of(sum(costs, Decimal(0)), note) if costs else Money.unknown("unpriced", note)
