"""/dashboard: how much was spent, on what, and how that compares; it moves by itself when a pull lands."""

from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import reflex as rx
from sqlmodel import Session

from guardian.errors import ValidationError
from guardian.live import JOB_UPDATE, TEAM_UPDATE, USAGE_UPDATE
from guardian.periods import local_date, utcnow, zone
from guardian.services.actor import Actor
from guardian.services.ledger import currencies, queries
from guardian.services.ledger.currencies import Display
from guardian.services.ledger.views import Dashboard
from guardian.services.people import onboarding
from guardian.services.people.onboarding import Step, Wishes
from guardian.services.people.organizations import get_organization
from guardian.ui import headline, ranges
from guardian.ui.live_hub import Query
from guardian.ui.pages.dashboard import lines as table
from guardian.ui.pages.dashboard import onboarding as setup
from guardian.ui.pages.dashboard import rows
from guardian.ui.pages.dashboard.onboarding import SetupStep
from guardian.ui.pages.dashboard.view import dashboard_view
from guardian.ui.ranges import Range
from guardian.ui.rows import Choice, Delta, Line, Money, Pull, Ranked
from guardian.ui.session import Page

ROUTE = "/dashboard"
_RANGE_PARAMETERS = frozenset({"range", "from", "to"})


class DashboardState(Page, rx.State):
    """Everything on the dashboard as text; the figures stay in the ledger."""

    _live_events: ClassVar[frozenset[str]] = frozenset({USAGE_UPDATE, JOB_UPDATE, TEAM_UPDATE})

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

    # The first steps: what is done is the organization's, what was skipped and put away is this person's.
    setup_shown: bool = False
    setup_away: bool = False
    setup_progress: str = ""
    setup_steps: list[SetupStep] = []
    _done: frozenset[Step] = frozenset()
    _wishes: Wishes = Wishes()

    @classmethod
    def _read(cls, session: Session, actor: Actor, query: Query) -> tuple[Range, Dashboard, Display, frozenset[Step]]:
        tz = zone(get_organization(session, actor).time_zone)
        asked = ranges.from_query(dict(query), utcnow(), tz)
        shown = currencies.display(session, actor, min(asked.last, local_date(utcnow(), tz)))
        done = onboarding.done_steps(session, actor)
        return asked, queries.dashboard(session, actor, asked.first, asked.last), shown, done

    @classmethod
    def _read_own(cls, session: Session, actor: Actor) -> Wishes:
        return onboarding.wishes(session, actor)

    def _query(self) -> Query:
        return tuple(item for item in super()._query() if item[0] in _RANGE_PARAMETERS)

    def _show(self, view: tuple[Range, Dashboard, Display, frozenset[Step]]) -> None:
        asked, found, shown, self._done = view
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
        self.lines = table.sort_lines(table.lines(found.lines, asked), self.sorted_by, self.descending)
        self._show_setup()

    def _show_own(self, own: Wishes) -> None:
        self._wishes = own
        self._show_setup()

    def _show_setup(self) -> None:
        found = onboarding.view(self._done, self._wishes, self.viewer.permissions)
        self.setup_shown = not found.complete and not found.dismissed
        self.setup_away = not found.complete and found.dismissed
        self.setup_progress, self.setup_steps = setup.progress(found), setup.setup_steps(found)

    @rx.event
    async def skip_step(self, step: str) -> None:
        """Leave a step out; REST takes it back."""
        await self._call(lambda session, actor: onboarding.skip(session, actor, step))
        await self._refresh()

    @rx.event
    async def put_setup_away(self) -> None:
        """Take the card of the first steps off this person's dashboard."""
        await self._call(lambda session, actor: onboarding.update_onboarding(session, actor, dismissed=True))
        await self._refresh()

    @rx.event
    async def fetch_setup(self) -> None:
        """Go on with the first steps."""
        await self._call(
            lambda session, actor: onboarding.update_onboarding(session, actor, dismissed=False, skipped=[])
        )
        await self._refresh()

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
