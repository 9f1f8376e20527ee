"""/dashboard: how much was spent, on what, and how that compares; it moves by itself when a pull lands."""

from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import reflex as rx
from sqlmodel import Session

from guardian.errors import ValidationError
from guardian.live import JOB_UPDATE, USAGE_UPDATE
from guardian.periods import local_date, utcnow, zone
from guardian.services.actor import Actor
from guardian.services.ledger import currencies, queries
from guardian.services.ledger.currencies import Display
from guardian.services.ledger.views import Dashboard
from guardian.services.people.organizations import get_organization
from guardian.ui import headline, ranges
from guardian.ui.live_hub import Query
from guardian.ui.pages.dashboard import lines as table
from guardian.ui.pages.dashboard import rows
from guardian.ui.pages.dashboard.view import dashboard_view
from guardian.ui.ranges import Range
from guardian.ui.rows import Choice, Delta, Line, Money, Pull, Ranked
from guardian.ui.session import Page

ROUTE = "/dashboard"
_RANGE_PARAMETERS = frozenset({"range", "from", "to"})


class DashboardState(Page, rx.State):
    """Everything on the dashboard as text; the figures stay in the ledger."""

    _live_events: ClassVar[frozenset[str]] = frozenset({USAGE_UPDATE, JOB_UPDATE})

    choices: list[Choice] = headline.presets("")
    custom: str = ""
    first: str = ""
    last: str = ""
    range_label: str = ""

    has_keys: bool = True
    freshness: str = ""
    freshness_title: str = ""
    total: Money = Money()
    converted: str = ""
    today: Money = Money()
    month: Money = Money()
    month_change: Delta = Delta()
    billed: Money = Money()
    billed_note: str = ""
    volume: str = ""
    unpriced: str = ""
    pulls: list[Pull] = []
    failures: list[Pull] = []

    figure: dict[str, Any] = {}
    figure_text: str = ""
    by_provider: list[Ranked] = []
    by_model: list[Ranked] = []
    by_project: list[Ranked] = []
    by_key: list[Ranked] = []

    lines: list[Line] = []
    sorted_by: str = "cost"
    descending: bool = True

    @classmethod
    def _read(cls, session: Session, actor: Actor, query: Query) -> tuple[Range, Dashboard, Display]:
        tz = zone(get_organization(session, actor).time_zone)
        asked = ranges.from_query(dict(query), utcnow(), tz)
        shown = currencies.display(session, actor, min(asked.last, local_date(utcnow(), tz)))
        return asked, queries.dashboard(session, actor, asked.first, asked.last), shown

    def _query(self) -> Query:
        return tuple(item for item in super()._query() if item[0] in _RANGE_PARAMETERS)

    def _show(self, view: tuple[Range, Dashboard, Display]) -> None:
        asked, found, shown = view
        tz, now = ZoneInfo(found.time_zone), utcnow()
        self.choices, self.range_label = headline.presets(asked.preset), asked.label[:1].lower() + asked.label[1:]
        self.custom = asked.label if asked.preset == ranges.CUSTOM else ""
        self.first, self.last = asked.first.isoformat(), asked.last.isoformat()
        self.has_keys = found.has_keys
        self.freshness, self.freshness_title = headline.freshness(found.freshness, now, tz)
        self.total, self.today, self.month = (
            headline.total(found.totals),
            Money.of(found.today),
            Money.of(found.month.current),
        )
        self.converted = rows.converted(found.totals.cost, shown)
        self.month_change = rows.month_change(found.month, now, tz)
        self.billed, self.billed_note = rows.billed(found)
        self.volume, self.unpriced = rows.volume(found.totals), rows.unpriced(found.totals)
        self.pulls = [rows.pull(run, now) for run in found.freshness.running]
        self.failures = [rows.pull(run, now) for run in found.freshness.failing]
        self.figure, self.figure_text = rows.figure(found.per_day, asked, tz)
        self.by_provider = rows.ranked(found.by_provider, "provider", found.totals, asked)
        self.by_model = rows.ranked(found.by_model, "model", found.totals, asked)
        self.by_project = rows.ranked(found.by_project, "project", found.totals, asked)
        self.by_key = rows.ranked(found.by_key, "providerKey", found.totals, asked)
        lines = [table.line(each, asked) for each in found.lines]
        self.lines = table.sort_lines(lines, self.sorted_by, self.descending)

    @rx.event
    async def sort(self, column: str) -> None:
        """Sort the table by a column; the same column again turns the order around."""
        await self._actor()
        if column not in table.SORTS:
            raise ValidationError("The table has no such column.")
        self.descending = not self.descending if column == self.sorted_by else column in table.NUMERIC_SORTS
        self.sorted_by = column
        self.lines = table.sort_lines(self.lines, column, self.descending)

    @rx.event
    async def choose_days(self, form: dict[str, Any]) -> rx.event.EventSpec:
        """Show the days of the custom range: they go into the URL, which loads the page anew."""
        await self._actor()
        return rx.redirect(ranges.custom_href(str(form.get("from", "")), str(form.get("to", "")), ROUTE))


def page() -> rx.Component:
    return dashboard_view(DashboardState, ROUTE)
