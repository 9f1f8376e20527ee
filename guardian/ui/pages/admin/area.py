"""What the pages of the installation share: who may see them, their tabs, search, filters and paging by the address."""

from typing import Any, ClassVar
from urllib.parse import urlencode

import reflex as rx
from sqlmodel import Session

from guardian.services.actor import Actor
from guardian.services.people.views import Page as Listed
from guardian.ui.components.basics import button, button_link, icon, link
from guardian.ui.components.choosing import segments
from guardian.ui.components.frame import frame
from guardian.ui.components.states import skeleton_card
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


class Area(Page, mixin=True):
    """A page of the installation. `allowed` comes from the check on the server; without it, nothing is here."""

    _route: ClassVar[str] = HOME
    # The address's parameters that decide what is read, besides q and cursor.
    _names: ClassVar[tuple[str, ...]] = ()

    allowed: bool = False
    searched: str = ""
    first_href: str = ""
    next_href: str = ""

    @classmethod
    def _read(cls, session: Session, actor: Actor, query: Query) -> Any:
        """None for everybody who does not run the installation."""
        return cls._find(session, actor, dict(query)) if actor.can("admin:read") else None

    @classmethod
    def _find(cls, session: Session, actor: Actor, asked: dict[str, str]) -> Any:
        """What the page shows, as the address asks."""
        raise NotImplementedError

    def _put(self, found: Any, asked: dict[str, str]) -> None:
        """Put it into vars, as text; None takes all of it away."""

    def _query(self) -> Query:
        known = {"q", "cursor", *self._names}
        return tuple((name, value[:_MOST_TEXT]) for name, value in super()._query() if name in known and value)

    def _show(self, view: Any) -> None:
        self.allowed = view is not None
        asked = dict(self._query())
        self.searched = asked.get("q", "")
        self._put(view, asked)

    def _turn(self, page: Listed[Any], asked: dict[str, str]) -> None:
        """The ways to the next page and back to the first."""
        self.next_href = self._address({**asked, "cursor": page.next_cursor or ""}) if page.next_cursor else ""
        self.first_href = self._address({**asked, "cursor": ""}) if asked.get("cursor") else ""

    def _choices(self, asked: dict[str, str], name: str, offered: tuple[tuple[str, str], ...]) -> list[Choice]:
        """A link for each (label, value) of the parameter."""
        now = asked.get(name, "")
        others = {**asked, "cursor": ""}
        return [Choice(label, self._address({**others, name: value}), now == value) for label, value in offered]

    def _address(self, asked: dict[str, str]) -> str:
        query = urlencode({name: value for name, value in asked.items() if value})
        return f"{self._route}?{query}" if query else self._route

    @rx.event
    async def search(self, form: dict[str, Any]) -> rx.event.EventSpec:
        """Look for what was typed."""
        await self._actor()
        asked = {**dict(self._query()), "q": str(form.get("q", "")).strip()[:_MOST_TEXT], "cursor": ""}
        return rx.redirect(self._address(asked))


def area(state: Any, here: str, about: Any, *content: rx.Component) -> rx.Component:
    """A page of the installation under its tabs; what it says where there is no page, for everybody else."""
    page = frame(
        state,
        HOME,
        tabs_of_area(here),
        *content,
        skeleton=rx.fragment(skeleton_card(5, "36px"), skeleton_card(3, "28px")),
        about=about,
        actions=button(icon("refresh-cw", 14), "Look again", on_click=state.load),
    )
    return rx.cond(state.loaded & ~state.allowed, rx.el.main(missing(), class_name="door"), page)


def tabs_of_area(here: str) -> rx.Component:
    links = [
        link(name, to=href, custom_attrs={"aria-current": "page" if href == here else "false"}) for name, href in TABS
    ]
    return rx.el.div(rx.el.nav(*links, custom_attrs={"aria-label": "The installation"}), class_name="tabs")


def bar(state: Any, placeholder: str, choices: Any = None, label: str = "") -> rx.Component:
    """The search, and a choice beside it."""
    return rx.el.div(
        rx.el.form(
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
        ),
        rx.fragment() if choices is None else segments(choices, label),
        class_name="filter-bar",
        role="group",
        custom_attrs={"aria-label": "What is shown"},
    )


def pages(state: Any) -> rx.Component:
    """To the next page, and back to the first."""
    return rx.cond(
        (state.next_href != "") | (state.first_href != ""),
        rx.el.nav(
            rx.cond(state.first_href != "", button_link("Newest", to=state.first_href), rx.fragment()),
            rx.cond(state.next_href != "", button_link("Older", to=state.next_href), rx.fragment()),
            class_name="row more",
            custom_attrs={"aria-label": "Pages"},
        ),
        rx.fragment(),
    )
