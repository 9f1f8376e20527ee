"""What the pages of the installation share: who may see them, their tabs, and lists that the address searches."""

from abc import abstractmethod
from datetime import datetime
from typing import Any, ClassVar, TypeVar, cast
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import reflex as rx
from sqlmodel import Session

from guardian.periods import utcnow, zone
from guardian.services.actor import Actor
from guardian.services.people.reasons import MAX_REASON, MIN_REASON
from guardian.services.people.views import Page as Listed
from guardian.ui.audited import Work
from guardian.ui.components.basics import button, icon, link
from guardian.ui.components.cards import card
from guardian.ui.components.choosing import segments
from guardian.ui.components.frame import frame
from guardian.ui.components.states import skeleton_card
from guardian.ui.components.table import pages
from guardian.ui.live_hub import Query
from guardian.ui.pages.doors.missing import missing
from guardian.ui.rows import Choice
from guardian.ui.session import Page

HOME = "/admin"
TABS = (
    ("Queues and mailbox", HOME),
    ("Organizations", "/admin/organizations"),
    ("People", "/admin/users"),
    ("Providers", "/admin/providers"),
    ("Mail log", "/admin/mail"),
    ("Monitoring", "/admin/monitoring"),
)
_MOST_TEXT = 200
T = TypeVar("T")


class Area(Page, mixin=True):
    """A page of the installation. `allowed` comes from the check on the server; without it, nothing is here."""

    _route: ClassVar[str]
    # The address's parameters that decide what is read.
    _names: ClassVar[tuple[str, ...]] = ()

    allowed: bool = False

    @classmethod
    @abstractmethod
    def _find(cls, session: Session, actor: Actor, asked: dict[str, str]) -> Any:
        """What the page shows, as the address asks; asked for by nobody but who runs the installation."""

    @abstractmethod
    def _put(self, found: Any, asked: dict[str, str]) -> None:
        """Put it into vars, as text."""

    @classmethod
    def _read(cls, session: Session, actor: Actor, query: Query) -> Any:
        """None for everybody who does not run the installation."""
        return cls._find(session, actor, dict(query)) if actor.can("admin:read") else None

    def _query(self) -> Query:
        return tuple((name, value[:_MOST_TEXT]) for name, value in super()._query() if name in self._names and value)

    def _show(self, view: Any) -> None:
        if view is None:
            self._forget()
            return
        self.allowed = True
        self._put(view, dict(self._query()))

    def _forget(self) -> None:
        """Who runs the installation no longer has nothing of it left in the vars."""
        fields = cast("dict[str, Any]", self.get_fields())
        for name in fields.keys() - Page.get_fields().keys():
            setattr(self, name, fields[name].default_value())

    def _clock(self) -> tuple[datetime, ZoneInfo]:
        """Now, and the zone that times are told in."""
        return utcnow(), zone(self.viewer.zone or "UTC")

    async def _do(self, work: Work[T]) -> T:
        """Do it, show the page as it is after that, and give what it returned."""
        done = await self._call(work)
        await self._refresh()
        return done


class Listing(Area, mixin=True):
    """A page of which a list is the most: searched, narrowed down by one choice and turned page by page."""

    searched: str = ""
    choices: list[Choice] = []
    first_href: str = ""
    next_href: str = ""

    def _list(
        self, page: Listed[Any], asked: dict[str, str], narrowed_by: str, offered: tuple[tuple[str, str], ...]
    ) -> None:
        """What stands around the rows; `offered` are (label, value) of the parameter that it is `narrowed_by`."""
        self.searched = asked.get("q", "")
        first = {**asked, "cursor": ""}
        now = asked.get(narrowed_by, "")
        self.choices = [
            Choice(label, self._address({**first, narrowed_by: value}), now == value)
            for label, value in (("All", ""), *offered)
        ]
        self.next_href = self._address({**asked, "cursor": page.next_cursor}) if page.next_cursor else ""
        self.first_href = self._address(first) if asked.get("cursor") else ""

    def _address(self, asked: dict[str, str]) -> str:
        query = urlencode({name: value for name, value in asked.items() if value})
        return f"{self._route}?{query}" if query else self._route

    @rx.event
    async def search(self, form: dict[str, Any]) -> rx.event.EventSpec:
        """Look for what was typed."""
        await self._actor()
        asked = {**dict(self._query()), "q": str(form.get("q", "")).strip()[:_MOST_TEXT], "cursor": ""}
        return rx.redirect(self._address(asked))


def area(state: Any, about: Any, *content: rx.Component) -> rx.Component:
    """A page of the installation under its tabs; what it says where there is no page, for everybody else."""
    page = frame(
        state,
        HOME,
        _tabs(state._route),
        *content,
        skeleton=rx.fragment(skeleton_card(5, "36px"), skeleton_card(3, "28px")),
        about=about,
        actions=button(icon("refresh-cw", 14), "Look again", on_click=state.load),
    )
    return rx.cond(state.loaded & ~state.allowed, missing(), page)


def listing(
    state: Any,
    about: Any,
    title: str,
    table: rx.Component,
    *others: rx.Component,
    placeholder: str,
    narrowed_by: str,
    nothing: str,
    above: rx.Component | None = None,
) -> rx.Component:
    """The page of a Listing that has `rows`: search and choice, and the list or that there is `nothing`."""
    return area(
        state,
        about,
        above or rx.fragment(),
        rx.el.div(
            _search(state, placeholder),
            segments(state.choices, narrowed_by),
            class_name="filter-bar",
            role="group",
            custom_attrs={"aria-label": "What is shown"},
        ),
        listed(title, state.rows, table, nothing, pages(state)),
        *others,
    )


def listed(
    title: str, rows: Any, table: rx.Component, nothing: str, *below: rx.Component, aside: rx.Component | None = None
) -> rx.Component:
    """A card with a table, or with `nothing` where it has no rows."""
    return card(
        title, rx.cond(rows.length() > 0, table, rx.el.p(nothing, class_name="muted none")), *below, aside=aside
    )


def under(text: Any) -> rx.Component:
    """What stands under a name in a row, on a narrow screen too."""
    return rx.cond(text != "", rx.el.div(text, class_name="muted small kept"), rx.fragment())


def unit(count: Any, one: str, many: str = "") -> rx.Component:
    """What is counted, on a narrow screen, where the column has no header."""
    return rx.el.span(rx.cond(count == "1", f" {one}", f" {many or one + 's'}"), class_name="narrow-only")


def why_field() -> rx.Component:
    """The reason that a dialog asks for first."""
    return rx.el.div(
        rx.el.label("Why", html_for="reason"),
        rx.el.textarea(
            name="reason",
            id="reason",
            required=True,
            min_length=MIN_REASON,
            max_length=MAX_REASON,
            class_name="input",
            custom_attrs={"autoFocus": True},
        ),
        class_name="field",
    )


def _tabs(here: str) -> rx.Component:
    links = [
        link(name, to=href, custom_attrs={"aria-current": "page" if href == here else "false"}) for name, href in TABS
    ]
    return rx.el.div(rx.el.nav(*links, custom_attrs={"aria-label": "The installation"}), class_name="tabs")


def _search(state: Any, placeholder: str) -> rx.Component:
    return rx.el.form(
        rx.el.input(
            type="search",
            name="q",
            default_value=state.searched,
            key=state.searched,
            placeholder=placeholder,
            class_name="input",
            custom_attrs={"aria-label": placeholder, "data-filter": "true"},
        ),
        button("Search", type="submit"),
        on_submit=state.search,
        role="search",
        class_name="row",
    )
