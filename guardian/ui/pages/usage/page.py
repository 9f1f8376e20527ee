"""/usage, the explorer: spend by anything and filtered by anything, down to the single row and its bill."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any, ClassVar

import reflex as rx
from sqlmodel import Session

from guardian.errors import GuardianError
from guardian.live import USAGE_UPDATE
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.ledger import saved_views
from guardian.services.ledger.views import USAGE_FILTERS
from guardian.ui.headline import freshness, presets, total
from guardian.ui.live_hub import Query
from guardian.ui.pages.usage import bill, chart, choices, lines
from guardian.ui.pages.usage import groups as rows
from guardian.ui.pages.usage import read as reading
from guardian.ui.pages.usage.address import MOST, ROUTE, STEP, Address, Asked
from guardian.ui.pages.usage.bill import Panel
from guardian.ui.pages.usage.filter import Filtering
from guardian.ui.pages.usage.groups import Chip, GroupRow
from guardian.ui.pages.usage.lines import UsageRow
from guardian.ui.pages.usage.read import Explorer, Spending
from guardian.ui.pages.usage.saved import SavedViews
from guardian.ui.pages.usage.view import usage_view
from guardian.ui.pages.usage.words import spoken
from guardian.ui.rows import NO_MONEY, Choice, Delta, Money
from guardian.ui.session import Said, current_request_id


class UsageState(Filtering, SavedViews, rx.State):
    """The explorer as text. What is shown is decided by the address alone, so that any view can be shared."""

    _live_events: ClassVar[frozenset[str]] = frozenset({USAGE_UPDATE})
    _shown: Query = ()

    ranges: list[Choice] = presets("")
    custom: str = ""
    first: str = ""
    last: str = ""
    zone: str = ""
    zones: list[Choice] = []
    tabs: list[Choice] = []
    tab: str = "groups"
    grouped_by: str = ""
    groupings: list[Choice] = []
    bucket: str = ""
    buckets: list[Choice] = []
    chips: list[Chip] = []
    clear_href: str = ""
    freshness: str = ""
    freshness_title: str = ""
    nothing: str = ""
    wider_href: str = ""

    total: Money = NO_MONEY
    change: Delta = Delta()  # a State's vars are no dataclass fields
    calls: str = ""
    tokens: str = ""
    unpriced: str = ""
    figure: dict[str, Any] = {}
    figure_text: str = ""
    groups: list[GroupRow] = []
    compared: str = ""
    sorts: dict[str, str] = {}
    sorted_by: str = "cost"
    descending: bool = True
    more_href: str = ""

    lines: list[UsageRow] = []
    hidden: list[str] = []
    columns: list[Choice] = []
    older_href: str = ""
    newest_href: str = ""
    panel: Panel = Panel()
    close_href: str = ""

    # Reading

    @classmethod
    def _read(cls, session: Session, actor: Actor, query: Query) -> Explorer:
        return reading.read(session, actor, query)

    def _query(self) -> Query:
        return self._address().read_by

    @rx.event
    async def load(self) -> AsyncGenerator[Said]:
        """Read what the address asks for; one that only names a saved view leads to that view's own address."""
        address = self._address()
        shown = tuple(pair for pair in address.read_by if pair[0] != "row")
        # Opening a row leaves the rest of the page as it is.
        self.loading = not self.loaded or shown != self._shown
        yield
        if address.one("saved") and not address.read_by:
            async for event in self._recall(address.one("saved")):
                yield event
            return
        await self._refresh()
        self._shown = shown

    async def _recall(self, view_id: str) -> AsyncGenerator[Said]:
        view = await self._try(lambda session, actor: saved_views.get_view(session, actor, view_id))
        if isinstance(view, GuardianError):
            self.problem, self.problem_id, self.loading = view.message, current_request_id.get(), False
            return
        address = Address.read(view.query)
        if address.read_by:
            yield rx.redirect(address.but({"saved": view.id}).href, replace=True)
            return
        await self._refresh()

    # Showing

    def _show(self, view: Explorer) -> None:
        asked = replace(view.asked, address=self._address())
        address, tz = asked.address, asked.tz
        self.ranges, self.custom = choices.of_ranges(asked), asked.span.label if asked.span.preset == "custom" else ""
        self.first, self.last = asked.span.first.isoformat(), asked.span.last.isoformat()
        self.zone, self.zones = asked.zone, choices.of_zones(asked, view.organizations_zone)
        self.tab, self.tabs = asked.tab, choices.of_tabs(asked)
        self.grouped_by, self.groupings = spoken(asked.group_by), choices.of_groupings(asked)
        self.chips = rows.chips(asked, view.names)
        self.clear_href = address.but(dict.fromkeys(USAGE_FILTERS)).href
        self.freshness, self.freshness_title = freshness(view.freshness, utcnow(), tz)
        self.nothing, self.wider_href = view.nothing, address.but({"range": "90d", "bucket": None}).href
        if view.spending:
            self._show_spending(asked, view.spending)
        if view.page:
            self.lines = [lines.usage_row(row, address, tz) for row in view.page.items]
            self.older_href = address.but({"cursor": view.page.next_cursor}).href if view.page.next_cursor else ""
            self.newest_href = address.but({"cursor": None}).href if asked.cursor else ""
        self.hidden, self.columns = choices.hidden(address), choices.of_columns(address)
        self.panel = bill.panel(view.row, tz) if view.row else bill.missing(asked.row or "")
        self.close_href = address.but({"row": None}).href
        self._check_options(address)

    def _show_spending(self, asked: Asked, found: Spending) -> None:
        totals = found.summary.totals
        self.total, self.change = total(totals), choices.change(found)
        self.calls, self.tokens, self.unpriced = choices.volume(totals)
        self.bucket, self.buckets = choices.bucket(found.bucket), choices.of_buckets(asked, found)
        names = {
            group.values[asked.group_by] or "": group.names.get(asked.group_by, "") for group in found.summary.groups
        }
        self.figure, self.figure_text = chart.figure(
            found.bars, asked.group_by, names, found.bucket, asked.span, asked.tz
        )
        self.groups = rows.groups(asked, found, chart.colors(found.bars, asked.group_by))
        self.compared = found.compared.days if found.previous else ""
        self.sorts, self.sorted_by, self.descending = choices.sorts(asked), asked.sort, asked.descending
        others = any(group.others for group in found.summary.groups)
        more = min(MOST, asked.most + STEP)
        self.more_href = asked.address.but({"groups": str(more)}).href if others and more > asked.most else ""


def page() -> rx.Component:
    return usage_view(UsageState, ROUTE)
