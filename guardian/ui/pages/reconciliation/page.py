"""/reconciliation: is the bill right, and if not, why: three books, their differences, and months that are closed."""

import re
from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import reflex as rx
from sqlmodel import Session

from guardian import amounts
from guardian.errors import ValidationError
from guardian.live import USAGE_UPDATE
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.ledger import closing
from guardian.services.ledger.closing.views import MonthView
from guardian.services.ledger.reconciliation import reconcile
from guardian.services.ledger.reconciliation.views import Reconciliation, ReconciliationQuery
from guardian.ui import headline, ranges
from guardian.ui.audited import audited
from guardian.ui.dialogs import Dialogs
from guardian.ui.live_hub import Query
from guardian.ui.pages.reconciliation import rows, words
from guardian.ui.pages.reconciliation.address import KNOWN, NAMES, ROUTE, Address
from guardian.ui.pages.reconciliation.rows import BookRow, Chosen, FindingRow, MonthRow
from guardian.ui.pages.reconciliation.view import reconciliation_view
from guardian.ui.ranges import Range
from guardian.ui.rows import Choice, Money
from guardian.ui.session import Said
from guardian.ui.toasts import toast

_UTC = ZoneInfo("UTC")
_MOST_POINTS = 183  # half a year of days
_ACCENT, _BILL = "#2f7fd0", "#d0631c"
_MONTH = re.compile(r"[12]\d{3}-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class _View:
    asked: Range
    address: Address
    found: Reconciliation
    months: tuple[MonthView, ...]


class ReconciliationState(Dialogs, rx.State):
    """The page as text; the figures stay in the ledger. Days are UTC, as bills are."""

    _live_events: ClassVar[frozenset[str]] = frozenset({USAGE_UPDATE})

    choices: list[Choice] = []
    custom: str = ""
    first: str = ""
    last: str = ""
    about: str = ""

    has_books: bool = True
    has_bill: bool = True
    has_tracked: bool = True
    answer: str = ""
    answer_note: str = ""
    unpriced: str = ""
    tracked: Money = Money()
    reported: Money = Money()
    billed: Money = Money()
    spend: str = ""
    coverage: str = ""
    coverage_note: str = ""
    drift: str = ""
    drift_note: str = ""

    coverage_figure: dict[str, Any] = {}
    coverage_text: str = ""
    coverage_missing: str = ""
    drift_figure: dict[str, Any] = {}
    drift_text: str = ""
    drift_missing: str = ""

    findings: list[FindingRow] = []
    more_findings: str = ""

    tabs: list[Choice] = []
    chosen: list[Chosen] = []
    dimension: str = ""
    lines: list[BookRow] = []
    more_lines: str = ""

    months: list[MonthRow] = []
    month: MonthRow = rows.NO_MONTH

    @classmethod
    def _read(cls, session: Session, actor: Actor, query: Query) -> _View:
        address = Address.of(query)
        asked = ranges.from_query(dict(query), utcnow(), _UTC)
        wanted = ReconciliationQuery(
            first=asked.first,
            last=asked.last,
            group_by=(address.by,),
            lines=address.filters,
            step=-(-((asked.last - asked.first).days + 1) // _MOST_POINTS),
        )
        return _View(asked, address, reconcile(session, actor, wanted), closing.list_months(session, actor))

    def _query(self) -> Query:
        return tuple(item for item in super()._query() if item[0] in KNOWN)

    def _show(self, view: _View) -> None:
        asked, address, found = view.asked, view.address, view.found
        self.choices = [
            Choice(choice.label, address.range_href(choice.href), choice.current)
            for choice in headline.presets(asked.preset)
        ]
        self.custom = asked.label if asked.preset == ranges.CUSTOM else ""
        self.first, self.last = asked.first.isoformat(), asked.last.isoformat()
        read = f", read until {found.as_of.astimezone(UTC):%-d %b %H:%M}" if found.as_of else ""
        self.about = f"Days are UTC here, because bills are{read}"
        self._show_figures(found)
        self.findings = [rows.finding(each) for each in found.findings[: rows.MOST_FINDINGS]]
        rest = found.findings[rows.MOST_FINDINGS :]
        left = amounts.dollars(sum((each.size for each in rest), Decimal(0)))
        self.more_findings = f"{len(rest)} smaller ones, {left} in all, are left out here." if rest else ""
        self._show_lines(found, address)
        may_change = "books:close" in self.viewer.permissions
        self.months = [rows.month(each, may_change=may_change) for each in view.months]

    def _show_figures(self, found: Reconciliation) -> None:
        figures = found.figures
        books = (figures.tracked, figures.reported, figures.billed)
        self.has_books = any(book is not None for book in books)
        self.has_tracked, self.has_bill = figures.tracked is not None, figures.billed is not None
        self.answer, self.answer_note = words.answer(found)
        self.unpriced = words.unpriced(found.unpriced_tokens)
        self.tracked, self.reported, self.billed = (rows.money(book) for book in books)
        self.spend = f"Spend is {amounts.dollars(found.spend)}"
        self.coverage, self.coverage_note = words.coverage(figures, found.tracked_reported)
        self.drift, self.drift_note = words.drift(figures)
        self.coverage_figure, self.coverage_text = words.over_time(found.days, "coverage", "Coverage", _ACCENT)
        self.drift_figure, self.drift_text = words.over_time(found.days, "drift", "Drift", _BILL)
        self.coverage_missing, self.drift_missing = (words.missing(found.days, name) for name in ("coverage", "drift"))

    def _show_lines(self, found: Reconciliation, address: Address) -> None:
        self.tabs, self.dimension = rows.tabs(address), NAMES[address.by]
        self.chosen = rows.chosen(address, found.key_names)
        shown = found.lines[: rows.MOST_ROWS]
        self.lines = [rows.line(each, address, found.first, found.last) for each in shown]
        left = found.line_count - len(shown)
        self.more_lines = f"{left:,} more. Choose fewer days, or open one of these." if left else ""

    @rx.event
    async def choose_days(self, form: dict[str, Any]) -> rx.event.EventSpec:
        """Show the days of the custom range: they go into the URL, which loads the page anew."""
        await self._actor()
        return rx.redirect(ranges.custom_href(str(form.get("from", "")), str(form.get("to", "")), ROUTE))

    # Months

    @rx.event
    async def open_close(self, month: str) -> None:
        """Ask before closing that month, with what may still change in it."""
        await self._ask("close", month)

    @rx.event
    async def open_reopen(self, month: str) -> None:
        """Ask before reopening that month."""
        await self._ask("reopen", month)

    @rx.event
    async def close_month(self, form: dict[str, Any]) -> Said:
        """Close the month of the dialog, whose doubts were shown there."""
        await self._actor()
        month, note = self.month, str(form.get("note", ""))
        work = partial(closing.close_month, month=_day_of(month.month), confirm=bool(month.doubts), note=note)
        facts = {"confirmed": bool(month.doubts)}
        said = await self._or_refuse(
            audited("MONTH_CLOSE", "month", work, lambda _view: (month.month, facts)),
            lambda _view: toast(f"{month.name} is closed."),
        )
        if self.refusal:
            # Something may have begun since the dialog was opened: its doubts are shown before anything is confirmed.
            self.month = await self._find(month.month)
        return said

    @rx.event
    async def reopen(self) -> Said:
        """Reopen the month of the dialog, whose name was typed."""
        (await self._actor()).require("books:close")
        month = self.month
        self._confirm(month.name, "reopen this month")
        work = partial(closing.reopen_month, month=_day_of(month.month))
        return await self._or_refuse(
            audited("MONTH_REOPEN", "month", work, lambda _view: (month.month, {})),
            lambda _view: toast(f"{month.name} is open again."),
        )

    async def _ask(self, dialog: str, month: str) -> None:
        (await self._actor()).require("books:close")
        found = await self._find(month)
        self._open(dialog)
        self.month = found

    async def _find(self, month: str) -> MonthRow:
        view = await self._call(lambda session, actor: closing.get_month(session, actor, _day_of(month)))
        return rows.month(view, may_change=True)


def _day_of(month: str) -> date:
    if _MONTH.fullmatch(month) is None:
        raise ValidationError("There is no such month.")
    return date.fromisoformat(f"{month}-01")


def page() -> rx.Component:
    return reconciliation_view(ReconciliationState, ROUTE)
