"""The explorer's bars: a series for each of the most expensive groups, and one for all others."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from guardian.amounts import dollars
from guardian.services.ledger.views import Bucket, Group, SpendBucket
from guardian.ui import format
from guardian.ui.colors import OTHER, provider_color, series_colors
from guardian.ui.pages.usage.words import value
from guardian.ui.ranges import Range

_OTHERS = "\x00"  # the key of what is left beside the groups that have a series; no value has this character


def colors(bars: Sequence[SpendBucket], group_by: str) -> dict[str, str]:
    """The colour of each value that has a series ("" for none), for the table that is the chart's legend."""
    keys = [key for key in _order(bars, group_by) if key != _OTHERS]
    return {key: provider_color(key) for key in keys} if group_by == "provider" else series_colors(keys)


def figure(
    bars: Sequence[SpendBucket],
    group_by: str,
    names: Mapping[str, str],
    bucket: Bucket,
    span: Range,
    tz: ZoneInfo,
) -> tuple[dict[str, Any], str]:
    """The stacked bars, the biggest series at the bottom, and a sentence for who cannot see them.

    A bar without data is a gap, not a zero. `names` are what people call the values.
    """
    painted = colors(bars, group_by)
    labels = _labels(bars, bucket, tz)
    series = [_series(bars, labels, group_by, key, names, painted) for key in _order(bars, group_by)]
    whole = sum((bar.totals.cost for bar in bars), Decimal(0))
    told = ", ".join(f"{each['name']} {each['meta']}" for each in series)
    text = f"Spend, {span.label}: {dollars(whole)} in {len(bars)} bars, one for each {bucket}. {told}."
    return {"data": series, "layout": {"autosize": True}}, text


def _order(bars: Sequence[SpendBucket], group_by: str) -> list[str]:
    sums: dict[str, Decimal] = {}
    for bar in bars:
        for group in bar.groups:
            key = _key(group, group_by)
            sums[key] = sums.get(key, Decimal(0)) + group.totals.cost
    return sorted(sums, key=lambda key: (key == _OTHERS, -sums[key], key))


def _key(group: Group, group_by: str) -> str:
    return _OTHERS if group.others else group.values[group_by] or ""


def _series(
    bars: Sequence[SpendBucket],
    labels: Sequence[str],
    group_by: str,
    key: str,
    names: Mapping[str, str],
    painted: Mapping[str, str],
) -> dict[str, Any]:
    amounts = [_amount(bar, group_by, key) for bar in bars]
    return {
        "type": "bar",
        "name": "Other" if key == _OTHERS else format.cut(value(group_by, key, names.get(key)), 32),
        "meta": dollars(sum((amount for amount in amounts if amount), Decimal(0))),
        "x": labels,
        # Heights in pixels need no more than a float; the amounts that people read are text.
        "y": [None if amount is None else float(amount) for amount in amounts],
        "customdata": ["" if amount is None else dollars(amount) for amount in amounts],
        "hovertemplate": "%{fullData.name}  %{customdata}<extra></extra>",
        "marker": {"color": OTHER if key == _OTHERS else painted[key]},
        # One or two bars would fill the whole card.
        "width": 0.3 if len(labels) < 4 else None,
    }


def _amount(bar: SpendBucket, group_by: str, key: str) -> Decimal | None:
    if not bar.covered:
        return None
    return sum((g.totals.cost for g in bar.groups if _key(g, group_by) == key), Decimal(0))


def _labels(bars: Sequence[SpendBucket], bucket: Bucket, tz: ZoneInfo) -> list[str]:
    """What stands below the bars; no two are equal, since equal ones would be one bar."""
    several_days = bool(bars) and bars[-1].end - bars[0].start > timedelta(hours=25)
    found: list[str] = []
    for bar in bars:
        start = bar.start.astimezone(tz)
        day = f"{start.day} {start:%b}"
        label = {"hour": f"{day} {start:%H:%M}" if several_days else f"{start:%H:%M}", "month": f"{start:%b %Y}"}.get(
            bucket, day
        )
        # The hour that a clock shows twice in autumn.
        found.append(label if label not in found else f"{label} {start:%Z}")
    return found
