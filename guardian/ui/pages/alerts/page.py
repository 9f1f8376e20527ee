"""/alerts: what is watched and what it is in now, the builder, and the history of each alert."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import reflex as rx
from sqlmodel import Session

from guardian.errors import NotFoundError
from guardian.live import ALERT_TRIGGERED
from guardian.periods import utcnow, zone
from guardian.services.actor import Actor
from guardian.services.guard import alerts
from guardian.services.guard.alerts import AlertView, TransitionView
from guardian.services.guard.alerts.history import MAX_PAGE as HISTORY_LIMIT
from guardian.services.people.organizations import get_organization
from guardian.ui.audited import Work
from guardian.ui.live_hub import Query
from guardian.ui.pages.alerts import changes, rows
from guardian.ui.pages.alerts.building import Building, Said
from guardian.ui.pages.alerts.rows import AlertRow, HistoryRow
from guardian.ui.pages.alerts.view import alerts_view
from guardian.ui.toasts import toast

ROUTE = "/alerts"
_HISTORY = 20


@dataclass(frozen=True)
class _View:
    alerts: Sequence[AlertView]
    opened: AlertView | None
    history: Sequence[TransitionView]
    more: bool
    zone: str
    asked: str
    shown: int


class AlertsState(Building, rx.State):
    """The alerts as rows; the address says which one's history is open beside them (?alert=id&show=40)."""

    _live_events: ClassVar[frozenset[str]] = frozenset({ALERT_TRIGGERED})

    alerts: list[AlertRow] = []
    summary: str = ""
    can_create: bool = False
    asked: str = ""
    opened: AlertRow = rows.NO_ALERT
    history: list[HistoryRow] = []
    more_href: str = ""
    doomed: AlertRow = rows.NO_ALERT

    @classmethod
    def _read(cls, session: Session, actor: Actor, query: Query) -> _View:
        found = alerts.list_alerts(session, actor)
        wanted = dict(query)
        opened = next((each for each in found if each.id == wanted.get("alert")), None)
        shown = _shown(wanted.get("show", ""))
        page = alerts.history(session, actor, opened.id, None, shown) if opened else None
        return _View(
            alerts=found,
            opened=opened,
            history=page.items if page else (),
            more=bool(page and page.next_cursor),
            zone=get_organization(session, actor).time_zone,
            asked=wanted.get("alert", ""),
            shown=shown,
        )

    def _show(self, view: _View) -> None:
        now, tz = utcnow(), zone(view.zone)
        self.can_create = "alerts:create" in self.viewer.permissions
        self.alerts = [rows.alert_row(each, now, tz) for each in view.alerts]
        firing = sum(row.fires for row in self.alerts)
        self.summary = (
            f"{firing} of {len(self.alerts)} {'fires' if firing == 1 else 'fire'}"
            if firing
            else "Nothing fires"
            if self.alerts
            else ""
        )
        self.asked = view.asked
        self.opened = rows.alert_row(view.opened, now, tz) if view.opened else rows.NO_ALERT
        self.history = rows.history_rows(view.history, view.opened.unit, now, tz) if view.opened else []
        show = view.shown + _HISTORY
        self.more_href = f"{ROUTE}?alert={self.asked}&show={show}" if view.more and show <= HISTORY_LIMIT else ""

    @rx.event
    async def acknowledge(self, alert_id: str, group: str) -> Said:
        """Say that one knows of what fires; `group` is a key, or * for all of it."""
        return await self._do(changes.acknowledging(alert_id, _group(group)), "Nobody is told again until it is over.")

    @rx.event
    async def snooze(self, alert_id: str, hours: int, group: str) -> Said:
        """Tell nobody for so many hours; 0 ends a snooze. `group` is a key, or * for all of it."""
        said = "The snooze is over." if hours == 0 else f"Nobody is told for {_span(hours)}."
        return await self._do(changes.snoozing(alert_id, hours, _group(group)), said)

    @rx.event
    async def turn(self, alert_id: str, on: bool) -> Said:
        """Watch an alert again, or no more."""
        return await self._do(changes.switching(alert_id, on), "It is watched again." if on else "It is switched off.")

    @rx.event
    async def test(self, alert_id: str) -> Said:
        """Send a message that is marked as a test to everybody whom the alert tells."""
        sent = await self._call(changes.testing(alert_id))
        await self._refresh()
        count = "1 test is" if len(sent) == 1 else f"{len(sent)} tests are"
        return toast(f"{count} on the way. What becomes of it stands in the alert's history.")

    @rx.event
    async def open_delete(self, alert_id: str) -> None:
        """Ask before deleting that alert."""
        view = await self._call(lambda session, actor: alerts.get_alert(session, actor, alert_id))
        self._open("delete", rows.alert_row(view, utcnow(), zone(self.viewer.zone or "UTC")))

    @rx.event
    async def delete(self) -> Said:
        """Delete the alert of the open dialog, once its name is typed."""
        await self._actor()
        doomed = self.doomed
        if not doomed.id:
            raise NotFoundError("Alert")
        self._confirm(doomed.name, "delete this alert")
        return await self._or_refuse(
            changes.deleting(doomed.id), lambda gone: [rx.redirect(ROUTE), toast(f"{gone.name} is deleted.")]
        )

    def _open(self, dialog: str, doomed: AlertRow = rows.NO_ALERT) -> None:
        super()._open(dialog)
        self.doomed = doomed

    async def _do(self, work: Work[Any], said: str) -> Said:
        await self._call(work)
        await self._refresh()
        return toast(said)


def _group(key: str) -> str | None:
    return None if key == "*" else key


def _span(hours: int) -> str:
    if hours % 24 == 0:
        return "a day" if hours == 24 else f"{hours // 24} days"
    return "an hour" if hours == 1 else f"{hours} hours"


def _shown(text: str) -> int:
    return min(int(text), HISTORY_LIMIT) if text.isdecimal() and len(text) < 5 and int(text) else _HISTORY


def page() -> rx.Component:
    return alerts_view(AlertsState, ROUTE)
