"""What the reports page shows, as text: a line for each report, and one report with all that its PDF says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from guardian.models.enums import ReportStatus
from guardian.periods import local_date
from guardian.services.guard.budgets import Target
from guardian.services.guard.reports import ReportView
from guardian.services.guard.reports.words import facts
from guardian.ui.rows import NO_MONEY, Moment, Money, Option

ROUTE = "/reports"
_STATES: Mapping[ReportStatus, tuple[str, str]] = {
    ReportStatus.QUEUED: ("Being made", "accent"),
    ReportStatus.READY: ("Ready", "good"),
    ReportStatus.FAILED: ("Failed", "bad"),
}
_KINDS = {"weekly": "Weekly", "monthly": "Monthly", "custom": "Chosen days"}
_BUDGETS = {"ok": "good", "near": "warn", "over": "bad"}
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class ReportRow:
    """One report of the list; `change` is empty until it is ready."""

    id: str
    href: str
    title: str
    kind: str
    status: str
    tone: str
    total: Money
    change: str
    made: Moment
    by: str
    error: str


@dataclass(frozen=True)
class Tile:
    """A figure with its name and what is to be said of it; `exact` is the whole amount, empty of what is none."""

    name: str
    value: str
    note: str
    exact: str


@dataclass(frozen=True)
class Line:
    """A row of a table: words, a figure, and perhaps its share of all."""

    key: str
    name: str
    figure: str
    share: str = ""


@dataclass(frozen=True)
class Mover:
    """Somebody or something that moved spend; `why` names the causes."""

    key: str
    of: str
    name: str
    before: str
    after: str
    change: str
    why: str


@dataclass(frozen=True)
class BudgetLine:
    """How a budget stood when the period ended; `width` is what was spent, in percent of the limit, at most 100."""

    key: str
    name: str
    state: str
    tone: str
    spent: str
    limit: str
    percent: str
    forecast: str
    width: float


@dataclass(frozen=True)
class Paper:
    """One report. Without `ready` it has a title only, and an `error` where it failed."""

    id: str = ""
    title: str = ""
    ready: bool = False
    failed: bool = False
    error: str = ""
    about: str = ""
    headline: str = ""
    pdf: str = ""
    tiles: tuple[Tile, ...] = ()
    notes: tuple[str, ...] = ()
    chart: bool = False
    causes: tuple[Line, ...] = ()
    change: str = ""
    movers: tuple[Mover, ...] = ()
    models: tuple[Line, ...] = ()
    teams: tuple[Line, ...] = ()
    tracked: str = ""
    forecast: str = ""
    budgets: tuple[BudgetLine, ...] = ()
    anomalies: tuple[str, ...] = ()
    books: tuple[Line, ...] = ()
    findings: tuple[Line, ...] = ()
    savings: tuple[Line, ...] = ()


NO_PAPER = Paper()
WHOLE = Option("", "The whole organization")


def report_row(view: ReportView, names: Mapping[tuple[str, str], str], now: datetime, tz: ZoneInfo) -> ReportRow:
    status, tone = _STATES[view.status]
    shown = facts(view.content) if view.content is not None else None
    return ReportRow(
        id=view.id,
        href=f"{ROUTE}?report={view.id}",
        title=view.title,
        kind=_KINDS.get(view.kind, view.kind),
        status=status,
        tone=tone,
        total=Money.of(Decimal(view.content["spend"]["total"])) if view.content is not None else NO_MONEY,
        change=shown["change"] if shown else "",
        made=Moment.of(view.created_at, now, tz),
        by="Made by itself" if view.by is None else names.get(("user", view.by), "Somebody who has left"),
        error=view.error or "",
    )


def paper(view: ReportView) -> Paper:
    """The report as it is shown: the texts are those of its PDF."""
    if view.content is None:
        return Paper(id=view.id, title=view.title, failed=view.status is ReportStatus.FAILED, error=view.error or "")
    content, said = view.content, facts(view.content)
    return Paper(
        id=view.id,
        title=view.title,
        ready=True,
        about=f"{said['scope'][:1].upper()}{said['scope'][1:]}. {said['made']}.{_told(view)}",
        headline=said["headline"],
        pdf=f"/api/v1/reports/{view.id}/pdf",
        tiles=_tiles(content, said["tiles"]),
        notes=tuple(said["notes"]),
        chart=len(content["days"]) > 1 and bool(said["bars"]),
        causes=_lines(said["causes"]),
        change=said["change"],
        movers=tuple(Mover(key=f"{place}", **each) for place, each in enumerate(said["movers"])),
        models=_lines(said["models"]),
        teams=_lines(said["teams"]),
        tracked=said["tracked"],
        forecast=said["forecast"] or "",
        budgets=tuple(_budget(each, line) for each, line in zip(content["budgets"], said["budgets"], strict=True)),
        anomalies=tuple(said["anomalies"]),
        books=_lines(said["reconciliation"]),
        findings=tuple(Line(f"{place}", text, size) for place, (size, text) in enumerate(said["findings"])),
        savings=_lines(said["savings"]),
    )


def _told(view: ReportView) -> str:
    """Who got one of a week or month; nothing where that is not decided yet."""
    if view.kind == "custom" or (view.told is None and view.by is None):
        return ""
    if view.told is None:
        return " It was asked for, and mailed to nobody so far."
    mails, channels = view.told
    if not mails and not channels:
        return " It was mailed to nobody: no member with a confirmed address wants it, and no channel takes reports."
    people = f"{mails:,} {'person' if mails == 1 else 'people'}" if mails else "nobody"
    more = f", and told to {channels:,} {'channel' if channels == 1 else 'channels'}" if channels else ""
    return f" It was mailed to {people}{more}."


def days_of(view: ReportView, tz: ZoneInfo) -> tuple[str, str]:
    """The first and the last local day of a report, as date fields have them."""
    first, last = local_date(view.period_start, tz), local_date(view.period_end - _INSTANT, tz)
    return first.isoformat(), last.isoformat()


def teams_of(found: Sequence[Target]) -> list[Option]:
    return [WHOLE, *(Option(each.value, f"Team {each.name}") for each in found)]


def _tiles(content: Mapping[str, Any], tiles: Sequence[Sequence[str]]) -> tuple[Tile, ...]:
    spend, told = content["spend"], content["forecast"]
    exact: tuple[str | None, ...] = (spend["total"], spend["change"], None, told["total"] if told else None)
    return tuple(Tile(*tile, exact=amount or "") for tile, amount in zip(tiles, exact, strict=False))


def _lines(rows: Sequence[Sequence[str]]) -> tuple[Line, ...]:
    return tuple(Line(f"{place}", *row) for place, row in enumerate(rows))


def _budget(each: Mapping[str, Any], said: Mapping[str, str]) -> BudgetLine:
    return BudgetLine(
        key=each["id"],
        name=said["name"],
        state=said["state"][:1].upper() + said["state"][1:],
        tone=_BUDGETS.get(each["state"], ""),
        spent=said["spent"],
        limit=said["limit"],
        percent=said["percent"],
        forecast=said["forecast"],
        # Pixels need no more than a float.
        width=round(float(said["filled"]) * 100, 2),
    )
