"""From the ledger's view of the dashboard to the text that it shows: pure functions."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from guardian.amounts import NBSP, dollars
from guardian.services.ledger.currencies import Display
from guardian.services.ledger.views import (
    Comparison,
    Dashboard,
    Group,
    SpendBucket,
    SyncRunView,
    Totals,
)
from guardian.services.people.currency_codes import DOLLAR
from guardian.ui import format
from guardian.ui.colors import OTHER, provider_color, provider_name
from guardian.ui.headline import total
from guardian.ui.pages.dashboard.links import into
from guardian.ui.ranges import Range
from guardian.ui.rows import Delta, Money, Pull, Ranked

RANKED = 8  # rows of a breakdown; what follows is one row "other"
SERIES = 7


def converted(amount: Decimal, shown: Display) -> str:
    """The amount in the organization's own currency, with the rate's day and source; empty for dollars."""
    rate = shown.rate
    if rate is None:
        return "" if shown.currency == DOLLAR else f"No rate of {shown.currency} is known yet: enter one under Prices."
    return format.approximately(amount, shown.day, rate.currency, rate.per_dollar, rate.day, rate.source)


def month_change(month: Comparison, now: datetime, tz: ZoneInfo) -> Delta:
    """This month so far against the same days of the month before, which is named."""
    today = now.astimezone(tz).date()
    before = today.replace(day=1) - timedelta(days=1)
    days = f"1–{min(today.day, before.day)}" if today.day > 1 else "1"
    named = f"{days} {before:%B}"
    if month.previous is None or month.change is None:
        return Delta("", f"no data for {named}")
    direction = "same" if not month.change else ("up" if month.change > 0 else "down")
    return Delta(format.change(month.change, month.percent), f"against {dollars(month.previous)} on {named}", direction)


def billed(found: Dashboard) -> tuple[Money, str]:
    """What the providers' cost reports say of the same days, and how far ours is from it."""
    if found.billed is None:
        return Money.unknown("–"), "no cost report for these days yet"
    drift = found.totals.cost - found.billed
    if not drift:
        return Money.of(found.billed), "the same as ours"
    share = format.percent(abs(drift), found.billed)
    return Money.of(found.billed), f"ours is {dollars(abs(drift))} {'more' if drift > 0 else 'less'}" + (
        f" ({share})" if share else ""
    )


def volume(totals: Totals) -> str:
    """Calls and tokens in one line."""
    words = f"{format.tokens(totals.tokens)} tokens"
    return f"{format.tokens(totals.requests)} calls, {words}" if totals.requests else words


def unpriced(totals: Totals) -> str:
    """What the figures leave out; empty when nothing."""
    if not totals.unpriced_rows:
        return ""
    rows = "1 row" if totals.unpriced_rows == 1 else f"{format.number(totals.unpriced_rows)} rows"
    size = format.tokens(totals.unpriced_tokens)
    return f"{size} tokens in {rows} have no known price yet. They are not in these figures."


def pull(run: SyncRunView, now: datetime) -> Pull:
    """A pull that runs or failed."""
    label = f"{provider_name(run.provider)}, {run.key_label}"
    if run.error:
        return Pull(run.api_key_id, label, 0, run.error)
    left = format.remaining(run.progress, now - run.started_at) if run.started_at else ""
    percent = int(run.progress * 100)
    note = f"{format.number(run.rows_read)} rows, {percent}{NBSP}%" + (f", {left}" if left else "")
    return Pull(run.api_key_id, label, percent, note if run.started_at else "waiting")


def ranked(groups: Sequence[Group], dimension: str, totals: Totals, span: Range) -> list[Ranked]:
    """The most expensive groups by name, and the rest as one row, so that the rows add up to the total."""
    shown = list(groups)[:RANKED]
    longest = max((group.totals.cost for group in shown), default=Decimal(0))
    rows = [_ranked_row(group, dimension, totals, longest, span) for group in shown]
    rest = totals.cost - sum((group.totals.cost for group in shown), Decimal(0))
    if len(groups) > RANKED and rest > 0:
        share = format.percent(rest, totals.cost)
        rows.append(Ranked("other", "Other", "", OTHER, Money.of(rest), share, _width(rest, longest)))
    return rows


def _ranked_row(group: Group, dimension: str, totals: Totals, longest: Decimal, span: Range) -> Ranked:
    provider, value = group.values.get("provider"), group.values.get(dimension)
    name = provider_name(value) if dimension == "provider" else group.names.get(dimension) or value
    return Ranked(
        key=f"{provider} {value}",
        name=name or f"No {_WORDS.get(dimension, dimension)}",
        detail="" if dimension == "provider" or provider is None else provider_name(provider),
        color=provider_color(provider or (value if dimension == "provider" else None)),
        money=total(group.totals),
        share=format.percent(group.totals.cost, totals.cost) if group.totals.cost else "",
        width=_width(group.totals.cost, longest),
        href=into(span, group.values),
    )


_WORDS = {"project": "project", "providerKey": "key named"}


def _width(part: Decimal, longest: Decimal) -> float:
    return round(float(part / longest * 100), 1) if longest > 0 else 0.0


def figure(buckets: Sequence[SpendBucket], asked: Range, tz: ZoneInfo) -> tuple[dict[str, Any], str]:
    """Bars stacked by provider, the biggest at the bottom; a bucket without data is a gap, not a zero."""
    sums: dict[str, Decimal] = {}
    for bucket in buckets:
        for group in bucket.groups:
            provider = group.values.get("provider") or ""
            sums[provider] = sums.get(provider, Decimal(0)) + group.totals.cost
    order = sorted(sums, key=lambda provider: -sums[provider])[:SERIES]
    labels = [_bucket_label(bucket, tz) for bucket in buckets]
    series = [_series(buckets, labels, provider) for provider in order]
    whole = sum(sums.values(), Decimal(0))
    text = f"Spend, {asked.label}: {dollars(whole)} in {len(buckets)} bars by provider."
    return {"data": series, "layout": {"autosize": True}}, text


def _series(buckets: Sequence[SpendBucket], labels: list[str], provider: str) -> dict[str, Any]:
    amounts = [_amount(bucket, provider) for bucket in buckets]
    return {
        "type": "bar",
        "name": provider_name(provider),
        "x": labels,
        # Heights in pixels need no more than a float; the amounts that people read are text.
        "y": [None if amount is None else float(amount) for amount in amounts],
        "customdata": ["" if amount is None else dollars(amount) for amount in amounts],
        "hovertemplate": "%{fullData.name}  %{customdata}<extra></extra>",
        "marker": {"color": provider_color(provider)},
        # One or two bars would fill the whole card.
        "width": 0.3 if len(labels) < 4 else None,
    }


def _amount(bucket: SpendBucket, provider: str) -> Decimal | None:
    if not bucket.covered:
        return None
    return sum((g.totals.cost for g in bucket.groups if g.values.get("provider") == provider), Decimal(0))


def _bucket_label(bucket: SpendBucket, tz: ZoneInfo) -> str:
    start = bucket.start.astimezone(tz)
    if bucket.end - bucket.start > timedelta(days=20):
        return f"{start:%b %Y}"
    if bucket.end - bucket.start < timedelta(hours=2):
        return f"{start:%H:%M}"
    return f"{start.day} {start:%b}"
