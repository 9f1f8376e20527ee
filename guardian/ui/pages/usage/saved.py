"""The explorer's saved views: the part of its State that keeps what the page shows under a name."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import reflex as rx
from sqlmodel import Session

from guardian.services.actor import Actor
from guardian.services.ledger import saved_views
from guardian.services.ledger.saved_views import ViewOfPage
from guardian.ui.audited import Work, audited
from guardian.ui.dialogs import Dialogs
from guardian.ui.pages.usage.address import Address
from guardian.ui.pages.usage.state import Addressed
from guardian.ui.session import Said

PAGE = "usage"
Change = Work[ViewOfPage]


@dataclass(frozen=True)
class ViewRow:
    """A saved view in the list; `href` is its own address, which may be given to others where it is shared."""

    id: str
    name: str
    href: str
    shared: bool
    owner: str
    mine: bool
    may_change: bool
    current: bool


NO_VIEW = ViewRow("", "", "", False, "", False, False, False)


class SavedViews(Addressed, Dialogs, mixin=True):
    """The views that the person may open, the one that is open, and which one the dialog is about."""

    views: list[ViewRow] = []
    view: ViewRow = NO_VIEW
    changed: bool = False
    may_share: bool = False
    chosen: ViewRow = NO_VIEW

    @classmethod
    def _read_own(cls, session: Session, actor: Actor) -> tuple[ViewOfPage, ...]:
        return saved_views.list_views(session, actor, PAGE)

    def _show_own(self, own: tuple[ViewOfPage, ...]) -> None:
        address = self._address()
        self.views = [view_row(view, address) for view in own]
        self.view = next((row for row in self.views if row.current), NO_VIEW)
        self.changed = any(
            Address.read(view.query).lasting != address.lasting for view in own if view.id == self.view.id
        )
        self.may_share = "views:share" in self.viewer.permissions

    @rx.event
    async def open_save(self) -> None:
        """Ask for the name of a new view."""
        await self._actor()
        self._open("save")

    @rx.event
    async def open_rename(self, view_id: str) -> None:
        """Ask for another name of that view."""
        self._open("rename", await self._find(view_id))

    @rx.event
    async def open_delete(self, view_id: str) -> None:
        """Ask before deleting that view."""
        self._open("delete", await self._find(view_id))

    @rx.event
    async def save_view(self, form: dict[str, Any]) -> Said:
        """Keep what the page shows under a name; its address then names the view."""
        address, shared = self._address(), bool(form.get("shared"))
        return await self._or_refuse(
            _creating(str(form.get("name", "")), address.lasting, shared=shared),
            lambda view: rx.redirect(address.but({"saved": view.id}).href, replace=True),
        )

    @rx.event
    async def rename_view(self, form: dict[str, Any]) -> None:
        """Give the view of the open dialog another name."""
        await self._or_refuse(_changing(self.chosen.id, name=str(form.get("name", ""))), lambda _view: None)

    @rx.event
    async def share_view(self, view_id: str, shared: bool) -> None:
        """Show that view to the whole organization, or no longer."""
        await self._call(_changing(view_id, shared=shared))
        await self._refresh()

    @rx.event
    async def keep_in_view(self, view_id: str) -> None:
        """Let that view show what the page shows now."""
        await self._call(_changing(view_id, query=self._address().lasting))
        await self._refresh()

    @rx.event
    async def delete_view(self) -> Said:
        """Delete the view of the open dialog."""
        return await self._or_refuse(_deleting(self.chosen.id), self._without)

    def _open(self, dialog: str, chosen: ViewRow = NO_VIEW) -> None:
        super()._open(dialog)
        self.chosen = chosen

    async def _find(self, view_id: str) -> ViewRow:
        view = await self._call(lambda session, actor: saved_views.get_view(session, actor, view_id))
        return view_row(view, self._address())

    def _without(self, gone: ViewOfPage) -> Said:
        """The address that no longer names the view that is gone."""
        address = self._address()
        if gone.id != address.one("saved"):
            return None
        return rx.redirect(address.but({"saved": None}).href, replace=True)


def view_row(view: ViewOfPage, address: Address) -> ViewRow:
    return ViewRow(
        id=view.id,
        name=view.name,
        href=Address.of([("saved", view.id)]).href,
        shared=view.shared,
        owner="" if view.mine else view.owner,
        mine=view.mine,
        may_change=view.may_change,
        current=view.id == address.one("saved"),
    )


def _creating(name: str, query: str, *, shared: bool) -> Change:
    return _audited("VIEW_CREATE", partial(saved_views.create_view, page=PAGE, name=name, query=query, shared=shared))


def _changing(view_id: str, **changes: Any) -> Change:
    return _audited("VIEW_UPDATE", partial(saved_views.update_view, view_id=view_id, **changes))


def _deleting(view_id: str) -> Change:
    return _audited("VIEW_DELETE", partial(saved_views.delete_view, view_id=view_id))


def _audited(action: str, work: Callable[[Session, Actor], ViewOfPage]) -> Change:
    return audited(action, "view", work, lambda view: (view.id, {"name": view.name, "shared": view.shared}))
