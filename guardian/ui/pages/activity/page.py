"""/activity: what was done, by whom, from where, and what it changed; found by person, action, time and words."""

from datetime import date
from typing import Any, TypeAlias
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import reflex as rx
from sqlmodel import Session

from guardian.periods import DAY, local_date, local_midnight, utcnow, zone
from guardian.services.actor import Actor
from guardian.services.people import audit, organizations
from guardian.services.people.views import ActivityView
from guardian.services.people.views import Page as Listed
from guardian.ui.live_hub import Query
from guardian.ui.pages.activity import rows
from guardian.ui.pages.activity.rows import ActivityRow, Detail
from guardian.ui.pages.activity.view import activity_view
from guardian.ui.rows import Choice
from guardian.ui.session import Page

ROUTE = "/activity"
_NAMES = ("person", "action", "resourceType", "resourceId", "days", "q", "cursor", "row")
_SPANS = (("Today", "1"), ("7 days", "7"), ("30 days", "30"), ("All", ""))
_MOST_TEXT = 200
_View: TypeAlias = tuple[Listed[ActivityView], list[str]]


class ActivityState(Page, rx.State):
    """One page of the log as text; `detail` is the row that is open."""

    lines: list[ActivityRow] = []
    detail: Detail = rows.NO_DETAIL
    spans: list[Choice] = []
    actions: list[Choice] = []
    action: str = ""
    chips: list[Choice] = []
    searched: str = ""
    next_href: str = ""
    first_href: str = ""
    close_href: str = ROUTE
    export_href: str = ""
    filtered: bool = False

    @classmethod
    def _read(cls, session: Session, actor: Actor, query: Query) -> _View:
        asked = dict(query)
        tz = zone(organizations.get_organization(session, actor).time_zone)
        first = _first_day(asked, tz)
        start = local_midnight(first, tz) if first else None
        wanted = audit.Filter(
            person=asked.get("person"),
            action=asked.get("action"),
            resource_type=asked.get("resourceType"),
            resource_id=asked.get("resourceId"),
            start=start,
            search=asked.get("q"),
        )
        return audit.list_activity(session, actor, asked.get("cursor"), wanted=wanted), audit.actions_of(session, actor)

    def _query(self) -> Query:
        known = (item for item in super()._query() if item[0] in _NAMES and item[1])
        return tuple((name, value.replace("\x00", "")[:_MOST_TEXT]) for name, value in known)

    def _show(self, view: _View) -> None:
        page, actions = view
        asked = dict(self._query())
        now, tz = utcnow(), zone(self.viewer.zone or "UTC")
        self.lines = [rows.activity_row(each, self._with(asked, row=each.id), now, tz) for each in page.items]
        opened = next((each for each in page.items if each.id == asked.get("row")), None)
        self.detail = rows.detail(opened, tz) if opened else rows.NO_DETAIL
        self.close_href = self._with(asked, row="")
        self.searched, self.action = asked.get("q", ""), rows.words(asked["action"]) if "action" in asked else "All"
        first = {**asked, "cursor": "", "row": ""}
        days = asked.get("days", "")
        self.spans = [Choice(label, self._with(first, days=value), days == value) for label, value in _SPANS]
        self.actions = [Choice("All", self._with(first, action=""), "action" not in asked)] + [
            Choice(rows.words(each), self._with(first, action=each), asked.get("action") == each) for each in actions
        ]
        self.chips = [
            Choice(f"{label}: {asked[name]}", self._with(first, **{name: ""}), True)
            for name, label in (("person", "Person"), ("resourceType", "Kind"), ("resourceId", "Thing"))
            if name in asked
        ]
        self.next_href = self._with(first, cursor=page.next_cursor) if page.next_cursor else ""
        self.first_href = self._with(first) if "cursor" in asked else ""
        self.export_href = self._export(asked, tz)
        self.filtered = any(name in asked for name in _NAMES[:6])

    def _export(self, asked: dict[str, str], tz: ZoneInfo) -> str:
        names = {"person": "person", "action": "action", "resourceType": "resourceType", "resourceId": "resourceId"}
        query = {to: asked[name] for name, to in {**names, "q": "search"}.items() if name in asked}
        first = _first_day(asked, tz)
        if first is not None:
            query["from"] = first.isoformat()
        return f"/api/v1/activity/export.csv?{urlencode(query)}".removesuffix("?")

    def _with(self, asked: dict[str, str], **changes: str) -> str:
        query = urlencode({name: value for name, value in {**asked, **changes}.items() if value})
        return f"{ROUTE}?{query}" if query else ROUTE

    @rx.event
    async def search(self, form: dict[str, Any]) -> rx.event.EventSpec:
        """Look for what was typed."""
        (await self._actor()).require("activity:read")
        typed = str(form.get("q", "")).strip()[:_MOST_TEXT]
        return rx.redirect(self._with({**dict(self._query()), "cursor": "", "row": ""}, q=typed))


def _first_day(asked: dict[str, str], tz: ZoneInfo) -> date | None:
    days = asked.get("days", "")
    return local_date(utcnow(), tz) - DAY * (int(days) - 1) if days in ("1", "7", "30") else None


def page() -> rx.Component:
    return activity_view(ActivityState, ROUTE)
