"""/reports: reports that were made by themselves or asked for, and one of them as its PDF has it, at ?report=<id>."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import reflex as rx
from sqlmodel import Session

from guardian.errors import NotFoundError
from guardian.live import REPORT_UPDATE
from guardian.periods import DAY, local_date, utcnow, zone
from guardian.services.actor import Actor
from guardian.services.guard import budgets, reports
from guardian.services.guard.reports import ReportView
from guardian.services.ledger.queries.names import read_names
from guardian.services.people.organizations import get_organization
from guardian.ui.audited import Work
from guardian.ui.dialogs import Dialogs
from guardian.ui.live_hub import Query
from guardian.ui.pages.reports import changes, chart, rows
from guardian.ui.pages.reports.rows import NO_PAPER, ROUTE, Paper, ReportRow
from guardian.ui.pages.reports.view import reports_view
from guardian.ui.rows import Option
from guardian.ui.session import Said

_PARAMETERS = frozenset({"report", "before"})
_LISTED = 20


@dataclass(frozen=True)
class _View:
    """What the address asked for: the list, or one report, None where there is none of that id."""

    query: Query
    listed: Sequence[ReportView]
    more: str
    opened: ReportView | None
    names: Mapping[tuple[str, str], str]
    zone: str


class ReportsState(Dialogs, rx.State):
    """The reports as lines, or one of them as text; and the dialog that asks for one."""

    _live_events: ClassVar[frozenset[str]] = frozenset({REPORT_UPDATE})

    reports: list[ReportRow] = []
    older: str = ""
    newest: bool = True
    asked: str = ""
    paper: Paper = NO_PAPER
    figure: dict[str, Any] = {}
    figure_text: str = ""
    figure_note: str = ""
    can_create: bool = False

    spans: list[Option] = []
    teams: list[Option] = []
    span: str = ""
    first: str = ""
    last: str = ""

    @classmethod
    def _read(cls, session: Session, actor: Actor, query: Query) -> _View:
        wanted, tz = dict(query), get_organization(session, actor).time_zone
        if "report" in wanted:
            try:
                opened = reports.get_report(session, actor, wanted["report"])
            except NotFoundError:
                opened = None
            return _View(query, (), "", opened, {}, tz)
        found = reports.list_reports(session, actor, wanted.get("before"), _LISTED)
        names = read_names(session, actor.organization_id, {"user": [each.by for each in found.items]})
        return _View(query, found.items, found.next_cursor or "", None, names, tz)

    def _query(self) -> Query:
        return tuple(item for item in super()._query() if item[0] in _PARAMETERS)

    def _show(self, view: _View) -> None:
        if view.query != self._query():
            return  # a live message that was read for the address before this one
        now, tz, query = utcnow(), zone(view.zone), dict(view.query)
        self.can_create = "reports:create" in self.viewer.permissions
        self.asked, self.newest = query.get("report", ""), "before" not in query
        self.reports = [rows.report_row(each, view.names, now, tz) for each in view.listed]
        self.older = f"{ROUTE}?before={view.more}" if view.more else ""
        self.paper = rows.paper(view.opened) if view.opened else NO_PAPER
        content = view.opened.content if view.opened else None
        self.figure, self.figure_text, self.figure_note = chart.figure(content) if content else ({}, "", "")

    @rx.event
    async def open_new(self) -> None:
        """Ask what the report is about: last week, unless another span is chosen."""

        def read(session: Session, actor: Actor) -> tuple[str, list[budgets.Target]]:
            actor.require("reports:create")
            return get_organization(session, actor).time_zone, budgets.targets_of(session, actor, "team")

        name, teams = await self._call(read)
        now, tz = utcnow(), zone(name)
        today = local_date(now, tz)
        self.spans, self.teams = changes.spans(now, tz), rows.teams_of(teams)
        self.first, self.last = f"{today - 7 * DAY}", f"{today}"
        self.span = self.spans[0].value
        self._open("new")

    @rx.event
    async def choose_span(self, span: str) -> None:
        """Other days ask for the first and the last one."""
        await self._actor()
        self.span = span[:20]

    @rx.event
    async def make(self, form: dict[str, Any]) -> Said:
        """Have the report of the form made, and show it: it says so while it is being made."""
        return await self._or_refuse(changes.asking(form), _shown, leaves=True)

    @rx.event
    async def make_again(self, report_id: str) -> Said:
        """Have a report that failed made once more."""
        work: Work[ReportView] = changes.asking_again(report_id)
        view = await self._call(work)
        await self._refresh()
        return _shown(view)


def _shown(view: ReportView) -> rx.event.EventSpec:
    return rx.redirect(f"{ROUTE}?report={view.id}")


def page() -> rx.Component:
    return reports_view(ReportsState, ROUTE)
