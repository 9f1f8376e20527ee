"""/requests: the last calls as they happen, found by what people know of one; a click tells all about it."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import reflex as rx
from sqlmodel import Session

from guardian.config import settings
from guardian.errors import ValidationError
from guardian.live import USAGE_UPDATE
from guardian.periods import utcnow, zone
from guardian.services.actor import Actor
from guardian.services.ledger import queries
from guardian.services.ledger.queries.calls import MOST_CALLS
from guardian.services.ledger.queries.names import Names, read_names
from guardian.services.ledger.views import RecentCalls
from guardian.services.people.organizations import get_organization
from guardian.snippets import snippets
from guardian.ui.live_hub import Query
from guardian.ui.pages.requests import rows
from guardian.ui.pages.requests.address import FILTERS, ROUTE, STEP, Address, amount
from guardian.ui.pages.requests.figures import NO_FIGURES, Figures, figures
from guardian.ui.pages.requests.rows import CallRow, Chip
from guardian.ui.pages.requests.view import requests_view
from guardian.ui.rows import Choice, Option
from guardian.ui.session import Page, Said

_FIRST_CALL = "curl"


@dataclass(frozen=True)
class _View:
    found: RecentCalls
    names: Names
    zone: str


class RequestsState(Page, rx.State):
    """The last calls as text. Which ones is decided by the address; pausing holds the rows that are there."""

    _live_events: ClassVar[frozenset[str]] = frozenset({USAGE_UPDATE})
    _known: list[str] = []
    _shown: Query = ()

    calls: list[CallRow] = []
    figures: Figures = NO_FIGURES
    zone: str = ""
    paused: bool = False
    waiting: str = ""
    tabs: list[Choice] = []
    chips: list[Chip] = []
    clear_href: str = ROUTE
    more_href: str = ""
    nothing: str = ""
    searched: str = ""
    snippet: str = ""

    text: str = ""
    provider: str = ""
    model: str = ""
    caller: str = ""
    least: str = ""
    tag: str = ""
    models: list[str] = []
    callers: list[Option] = []

    @classmethod
    def _read(cls, session: Session, actor: Actor, query: Query) -> _View:
        address = Address.of(query)
        ids = {"user": address.all("user"), "accessToken": address.all("token")}
        return _View(
            found=queries.recent_calls(session, actor, address.filter),
            names=read_names(session, actor.organization_id, ids),
            zone=get_organization(session, actor).time_zone,
        )

    def _address(self) -> Address:
        return Address.read(self.router.url.query)

    def _query(self) -> Query:
        return self._address().pairs

    def _show(self, view: _View) -> None:
        address, ids = self._address(), [each.id for each in view.found.calls]
        same = self.loaded and self._shown == address.pairs
        if self.paused and same:
            known = set(self._known)
            count = sum(id not in known for id in ids)
            self.waiting = f"{count}+" if count == MOST_CALLS else str(count) if count else ""
            return
        self._show_calls(view, address, frozenset(self._known if same else ()))
        self._known, self._shown, self.waiting = ids, address.pairs, ""

    def _show_calls(self, view: _View, address: Address, known: frozenset[str]) -> None:
        now, tz, calls = utcnow(), zone(view.zone), view.found.calls
        self.zone = view.zone
        self.calls = [
            rows.call_row(each, now, tz, fresh=bool(known) and each.id not in known) for each in calls[: address.rows]
        ]
        self.figures = figures(calls, now, tz)
        self.tabs, self.chips = rows.tabs(address), rows.chips(address, view.names)
        self.clear_href = address.but(dict.fromkeys(FILTERS)).href
        more = min(MOST_CALLS, address.rows + STEP)
        self.more_href = Address.of([*address.pairs, ("rows", str(more))]).href if len(calls) > address.rows else ""
        self.nothing = "" if calls else "filtered" if address.is_filtered else "none"
        self.searched = f"Looked for among the last {view.found.searched:,} calls of the last {view.found.days} days."
        self.snippet = "" if calls else _first_call()
        self.text, self.model, self.tag = address.one("q"), address.one("model"), address.one("tag")
        self.provider, self.least = address.one("provider"), address.one("minCost")
        self.caller = _caller(address)

    @rx.event
    async def toggle_pause(self) -> None:
        """Hold the rows that are there, or go on with what has come in meanwhile."""
        await self._actor()
        self.paused = not self.paused
        if not self.paused:
            await self._refresh()

    @rx.event
    async def open_filters(self) -> None:
        """Offer what the last calls can be filtered by."""
        found = await self._call(queries.call_choices)
        self.models, self.callers = list(found.models), rows.callers(found, self.caller)

    @rx.event
    async def search(self, form: dict[str, Any]) -> Said:
        """Look for calls that mention the text."""
        await self._actor()
        return rx.redirect(self._address().but({"q": str(form.get("q", "")).strip()[:200]}).href)

    @rx.event
    async def apply_filters(self, form: dict[str, Any]) -> Said:
        """Show the calls that pass what the form says. Raises ValidationError for an amount or a tag that is none."""
        await self._actor()
        typed = {name: str(form.get(name, "")).strip() for name in ("provider", "model", "minCost", "tag")}
        if typed["minCost"] and amount(typed["minCost"]) is None:
            raise ValidationError("The minimum cost is no amount of dollars. Write it like 0.05.")
        if typed["tag"] and not re.match("[^:]+:", typed["tag"]):
            raise ValidationError("Write a tag as its key, a colon and its value: team:search.")
        typed["minCost"] = typed["minCost"].removeprefix("$")
        kind, _, id = str(form.get("caller", "")).partition(":")
        caller = {"user": id if kind == "user" else "", "token": id if kind == "token" else ""}
        return rx.redirect(self._address().but({**typed, **caller}).href)


def _caller(address: Address) -> str:
    for kind in ("token", "user"):
        if id := address.one(kind):
            return f"{kind}:{id}"
    return ""


def _first_call() -> str:
    found = settings()
    return next(each.text for each in snippets(found.gateway_url, found.base_url) if each.name == _FIRST_CALL)


def page() -> rx.Component:
    return requests_view(RequestsState, ROUTE)
