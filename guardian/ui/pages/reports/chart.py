"""The days of a report as bars, each with what the day in its place of the period before cost."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from guardian.amounts import NBSP
from guardian.services.guard.reports.words import dollars
from guardian.ui.colors import OTHER

_NOW = "#2f7fd0"
_MOST = 100
"""Days that are drawn one by one: two points each, of a figure's 200."""


def figure(content: Mapping[str, Any]) -> tuple[dict[str, Any], str, str]:
    """The figure, what it says in words, and what its dotted line is (empty: it has none).

    Of more than a hundred days, several make one bar.
    """
    days = content["days"]
    step = -(-len(days) // _MOST)
    groups = [days[at : at + step] for at in range(0, len(days), step)]
    labels = [_label(group[0]["day"], group[-1]["day"]) for group in groups]
    amounts = [_sum(group, "cost") for group in groups]
    series = [_bars(labels, amounts)]
    before = [_sum(group, "previous") for group in groups]
    note = ""
    if any(amount is not None for amount in before):
        series.append(_line(labels, before, content["previous"]["label"]))
        note = f"dotted: {content['previous']['label']}"
    said = "; ".join(_bar_in_words(*bar) for bar in zip(labels, amounts, before, strict=True))
    text = f"Spend by day: {dollars(content['spend']['total'])} in {len(groups)} bars. {said}."
    return {"data": series, "layout": {"autosize": True, "bargap": 0.25}}, text, note


def _bar_in_words(label: str, now: Decimal | None, before: Decimal | None) -> str:
    said = f"{label}: {'not known' if now is None else dollars(f'{now}')}"
    return said if before is None else f"{said}, before {dollars(f'{before}')}"


def _sum(days: list[Mapping[str, Any]], name: str) -> Decimal | None:
    found = [Decimal(day[name]) for day in days if day[name] is not None]
    return sum(found, Decimal(0)) if found else None


def _bars(labels: list[str], amounts: list[Decimal | None]) -> dict[str, Any]:
    return {
        "type": "bar",
        "name": "This period",
        **_points(labels, amounts),
        "marker": {"color": _NOW},
        # One or two bars would fill the whole card.
        "width": 0.3 if len(labels) < 4 else None,
    }


def _line(labels: list[str], amounts: list[Decimal | None], name: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        **_points(labels, amounts),
        "line": {"color": OTHER, "width": 2, "dash": "dot"},
        "marker": {"color": OTHER, "size": 5},
    }


def _points(labels: list[str], amounts: list[Decimal | None]) -> dict[str, Any]:
    return {
        "x": labels,
        # Heights in pixels need no more than a float; the amounts that people read are text.
        "y": [None if amount is None else float(amount) for amount in amounts],
        "customdata": ["" if amount is None else dollars(f"{amount}") for amount in amounts],
        "hovertemplate": "%{fullData.name}  %{customdata}<extra></extra>",
    }


def _label(first: str, last: str) -> str:
    day, end = date.fromisoformat(first), date.fromisoformat(last)
    begins = f"{day.day}{NBSP}{day:%b}"
    return begins if first == last else f"{begins}–{end.day}{NBSP}{end:%b}"
