"""The explorer's filter: the part of its State that offers values, and puts what is typed into the address."""

from dataclasses import replace
from typing import Any

import reflex as rx

from guardian.errors import ValidationError
from guardian.periods import zone
from guardian.services.ledger.views import USAGE_FILTERS
from guardian.ui import ranges
from guardian.ui.pages.usage import choices
from guardian.ui.pages.usage import groups as rows
from guardian.ui.pages.usage.address import DEFAULT_GROUP, ROUTE, TAG, Address
from guardian.ui.pages.usage.groups import Option
from guardian.ui.pages.usage.read import values_of
from guardian.ui.pages.usage.state import Addressed
from guardian.ui.pages.usage.words import dimension
from guardian.ui.session import Said

_OPTIONS = 50  # shown at once; more are found by typing
_HINTS = {"session": "A session's id", "tag": "environment:production"}


class Filtering(Addressed, mixin=True):
    """Which dimension the open menu is about, and its values. What is chosen is in the address, and only there."""

    picking: str = DEFAULT_GROUP
    hint: str = ""
    options: list[Option] = []
    search: str = ""

    def _check_options(self, address: Address) -> None:
        """Let the open menu say what the address says."""
        self.options = [
            replace(
                each,
                href=address.toggled(self.picking, each.key).href,
                checked=each.key in address.all(self.picking),
            )
            for each in self.options
        ]

    @rx.event
    async def open_filter(self, name: str) -> None:
        """Show the values of that dimension that occur with the other filters; without a name, of the last one."""
        if name in USAGE_FILTERS and name != self.picking:
            self.picking, self.options = name, []
        self.search, self.hint = "", _HINTS.get(self.picking, f"Find in {dimension(self.picking).lower()}")
        await self._read_options()

    @rx.event
    async def search_values(self, text: str) -> None:
        """Narrow the values to those whose name or id holds the words."""
        self.search = text[:200]
        await self._read_options()

    @rx.event
    async def add_value(self, form: dict[str, Any]) -> Said:
        """Filter by what was typed: a session's id, a tag as key:value, else the first value that was found."""
        self.search = str(form.get("value", "")).strip()[:200]
        await self._read_options()
        found = choices.typed(self.picking, self.search, self.options)
        return rx.redirect(self._address().toggled(self.picking, found).href) if found is not None else None

    @rx.event
    async def choose_days(self, form: dict[str, Any]) -> Said:
        """Show the days of the custom range."""
        await self._actor()
        first, last = str(form.get("from", "")), str(form.get("to", ""))
        ranges.custom_href(first, last, ROUTE)  # refuses what makes no range
        return rx.redirect(self._address().but({"range": None, "from": first, "to": last}).href)

    @rx.event
    async def choose_zone(self, form: dict[str, Any]) -> Said:
        """Cut days and hours by another time zone. Raises ValidationError for an unknown one."""
        await self._actor()
        return rx.redirect(self._address().but({"tz": zone(str(form.get("zone", "")).strip()).key}).href)

    @rx.event
    async def group_by_tag(self, form: dict[str, Any]) -> Said:
        """Group by the values of one tag."""
        await self._actor()
        key = str(form.get("tag", "")).strip()
        if not key:
            raise ValidationError("Type the key of a tag, as in environment.")
        return rx.redirect(self._address().but({"groupBy": TAG + key, "sort": None}).href)

    async def _read_options(self) -> None:
        address, name = self._address(), self.picking
        if name == "tag":
            # Any key, any value: there is no list of them.
            await self._actor()
            self.options = rows.options((), name, address, "", _OPTIONS)
            return
        found = await self._call(lambda session, actor: values_of(session, actor, address, name))
        self.options = rows.options(found, name, address, self.search, _OPTIONS)
