"""The organization switch of the sidebar: one's organizations, read when it opens; making one, joining one."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import reflex as rx
from sqlmodel import Session

from guardian.models import User
from guardian.services.actor import Actor
from guardian.services.people import domains, places
from guardian.services.people.domains import Joinable
from guardian.services.people.places import PlaceView
from guardian.ui.audited import Work, audited
from guardian.ui.live_hub import hub
from guardian.ui.session import Page

_HOME = "/dashboard"


@dataclass(frozen=True)
class PlaceRow:
    """An organization of one's own."""

    id: str
    name: str
    role: str
    current: bool


class PlacesState(Page, rx.State):
    """What the switch shows once it is open. The page below is told by `_go` that another organization is worked in."""

    places: list[PlaceRow] = []
    joinable: str = ""
    making: bool = False

    @rx.event
    async def open(self) -> None:
        """Read one's organizations."""
        found, joinable = await self._call(_read)
        self.places = [PlaceRow(each.id, each.name, each.role.value.capitalize(), each.current) for each in found]
        self.joinable = joinable.name if joinable else ""

    @rx.event
    async def switch(self, organization_id: str) -> Any:
        """Work in that organization of one's own."""
        work = partial(places.switch_organization, organization_id=organization_id)
        return await self._go(audited("ORGANIZATION_SWITCH", "organization", work, lambda view: (view.id, {})))

    @rx.event
    async def open_new(self) -> None:
        """Ask what another organization is called."""
        await self._actor()
        self.making = True

    @rx.event
    async def close_new(self) -> None:
        """Make none."""
        await self._actor()
        self.making = False

    @rx.event
    async def create(self, form: dict[str, Any]) -> Any:
        """Make another organization, and work in it."""
        work = partial(places.create_organization, name=str(form.get("name", "")))
        return await self._go(
            audited("ORGANIZATION_CREATE", "organization", work, lambda view: (view.id, {"name": view.name}))
        )

    @rx.event
    async def join(self) -> Any:
        """Join the organization of one's address's domain."""
        return await self._go(
            audited("ORGANIZATION_JOIN", "organization", domains.join_by_domain, lambda view: (view.id, {}))
        )

    async def _go(self, work: Work[Any]) -> rx.event.EventSpec:
        await self._call(work)
        self.making = False
        below = hub.page_of(self.router.session.client_token)
        if below is not None:
            # The dashboard may be the page that is open already: then nothing else would have it read anew.
            page = await self.get_state(below)
            await page._refresh()
        return rx.redirect(_HOME)


def _read(session: Session, actor: Actor) -> tuple[list[PlaceView], Joinable | None]:
    return places.list_places(session, actor), domains.joinable(session, session.get_one(User, actor.user_id))
