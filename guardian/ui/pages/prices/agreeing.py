"""The price page's dialogs: the part of its State that agrees on prices, ends them, and prices what has none."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import reflex as rx

from guardian.errors import GuardianError, ValidationError
from guardian.periods import zone
from guardian.services.ledger import pricebook
from guardian.services.people.organizations import get_organization
from guardian.ui.audited import Work
from guardian.ui.dialogs import Dialogs
from guardian.ui.pages.prices import changes, rows
from guardian.ui.pages.prices.rows import AgreedRow, UnpricedRow
from guardian.ui.session import Said
from guardian.ui.toasts import toast

Form: TypeAlias = dict[str, Any]


class Agreeing(Dialogs, mixin=True):
    """The queue, the agreed prices, and which of them the dialog is about.

    A price is shown with an example call before it is agreed on: the same form, sent twice, is what agrees.
    """

    unpriced: list[UnpricedRow] = []
    agreed: list[AgreedRow] = []

    price: AgreedRow = rows.NO_AGREED
    waiting: UnpricedRow = rows.NO_UNPRICED
    example: str = ""
    doubt: str = ""
    # The form whose example is on the screen.
    _shown: Form = {}

    # Dialogs

    @rx.event
    async def open_agree(self) -> None:
        """Show the form for a new agreed price."""
        (await self._actor()).require("prices:update")
        self._open("agree")

    @rx.event
    async def open_change(self, price_id: str) -> None:
        """Show the form for the price that is to follow that one."""
        self._open("change", price=await self._find(price_id))

    @rx.event
    async def open_end(self, price_id: str) -> None:
        """Ask when that price is to end."""
        self._open("end", price=await self._find(price_id))

    @rx.event
    async def open_fill(self, key: str) -> None:
        """Show the form for the price of a model that has none."""
        (await self._actor()).require("prices:update")
        self._open("fill", waiting=self._waiting(key))

    # Agreed prices

    @rx.event
    async def agree(self, form: Form) -> Said:
        """Show what the form's price would mean; sent again unchanged, agree on it."""
        return await self._sent(form, partial(changes.agreeing, confirm=True), "The price is agreed.")

    @rx.event
    async def change(self, form: Form) -> Said:
        """Show what the price that follows would mean; sent again unchanged, let it follow."""
        old = self.price
        work = partial(changes.replacing, old.id, confirm=True)
        form = {**form, "provider": old.provider, "pattern": old.pattern}
        return await self._sent(form, work, "The new price follows; the old one stays with its dates.")

    @rx.event
    async def end(self, form: Form) -> Said:
        """Let the price of the open dialog end with a day, or now."""
        tz = await self._zone()
        try:
            at = changes.end_of(form, "last", tz)
        except ValidationError as error:
            return self._refuse(error)
        return await self._or_refuse(changes.ending(self.price.id, at), lambda _price: toast("The price ends."))

    @rx.event
    async def delete(self, price_id: str) -> Said:
        """Take a price away that has priced nothing; one that has ends now."""
        left = await self._call(changes.deleting(price_id))
        await self._refresh()
        return toast("The price is deleted." if left is None else "It has priced usage, so it stays and ends now.")

    # The queue

    @rx.event
    async def fill_like(self, key: str) -> Said:
        """Give a model the prices of its nearest one, and its stored usage with it."""
        await self._actor()
        row = self._waiting(key)
        work = changes.filling(changes.chosen_provider(row.provider), row.model, like=row.best)
        await self._call(work)
        await self._refresh()
        return toast(f"{row.model} has the prices of {row.best}. Its stored usage is being priced.")

    @rx.event
    async def fill(self, form: Form) -> Said:
        """Show what the form's price would mean; sent again unchanged, agree on it and back-fill."""
        row = self.waiting

        def work(wanted: pricebook.NewPrice) -> Work[Any]:
            return changes.filling(wanted.provider, row.model, prices=wanted.prices)

        form = {**form, "provider": row.provider, "pattern": row.model}
        return await self._sent(form, work, f"{row.model} has a price. Its stored usage is being priced.")

    def _open(self, dialog: str, *, price: AgreedRow = rows.NO_AGREED, waiting: UnpricedRow = rows.NO_UNPRICED) -> None:
        super()._open(dialog)
        self.price, self.waiting = price, waiting
        self._forget()

    def _refuse(self, error: GuardianError) -> None:
        super()._refuse(error)
        self._forget()

    def _forget(self) -> None:
        """What was shown counts for nothing any more: the next form is shown first."""
        self.example, self.doubt, self._shown = "", "", {}

    async def _sent(self, form: Form, work: Callable[[pricebook.NewPrice], Work[Any]], said: str) -> Said:
        """Show what the form's price would mean, or, for the form whose example is on the screen, do the work."""
        tz = await self._zone()
        try:
            wanted = changes.wanted_price(form, tz)
        except ValidationError as error:
            return self._refuse(error)
        if self._shown != form:
            return await self._preview(form, wanted)
        return await self._or_refuse(work(wanted), lambda _price: toast(said))

    async def _preview(self, form: Form, wanted: pricebook.NewPrice) -> None:
        """The example call on the screen, and with its factor the doubt about a price far off the list."""
        found = await self._try(lambda session, actor: pricebook.preview(session, actor, wanted))
        if isinstance(found, GuardianError):
            return self._refuse(found)
        self.refusal, self._shown = "", form
        self.example, self.doubt = rows.preview_words(found)
        return None

    async def _find(self, price_id: str) -> AgreedRow:
        actor = await self._actor()
        actor.require("prices:update")
        found = await self._call(lambda session, who: pricebook.get_override(session, who, price_id))
        return rows.agreed_row(found, zone(self.viewer.zone or "UTC"))

    def _waiting(self, key: str) -> UnpricedRow:
        row = next((row for row in self.unpriced if row.key == key), None)
        if row is None:
            raise ValidationError("This usage has a price by now.")
        return row

    async def _zone(self) -> ZoneInfo:
        """The zone in which a form's days begin: that of the organization. Raises NotSignedIn."""
        name = await self._call(lambda session, actor: get_organization(session, actor).time_zone)
        return zone(name)
