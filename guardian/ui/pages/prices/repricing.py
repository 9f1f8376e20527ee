"""The price page's runs and rates: the part of its State that prices stored usage anew, and shows other currencies."""

import reflex as rx

from guardian.ui.pages.prices import changes
from guardian.ui.pages.prices.agreeing import Agreeing, Form, Said
from guardian.ui.pages.prices.rows import RateRow
from guardian.ui.pages.prices.runs import RunRow
from guardian.ui.toasts import toast


class Repricing(Agreeing, mixin=True):
    """The latest runs, of which one may be at work (`busy`), the currency of display, and its rates."""

    runs: list[RunRow] = []
    busy: bool = False
    currency: str = "USD"
    rates: list[RateRow] = []

    # Re-pricing

    @rx.event
    async def dry_run(self, form: Form) -> Said:
        """Work out what the prices of today would make of stored usage."""
        tz = await self._zone()
        await self._call(changes.asking(changes.wanted_run(form, tz)))
        await self._refresh()
        return toast("The difference is being worked out. Nothing is changed.")

    @rx.event
    async def apply(self, run_id: str) -> None:
        """Write what a dry run has shown."""
        await self._call(changes.applying(run_id))
        await self._refresh()

    @rx.event
    async def undo(self, run_id: str) -> None:
        """Put back what a run has written."""
        await self._call(changes.undoing(run_id))
        await self._refresh()

    # Currency

    @rx.event
    async def choose_currency(self, form: Form) -> Said:
        """Show amounts in another currency too."""
        code = await self._call(changes.choosing(str(form.get("currency") or "")))
        await self._refresh()
        return toast("Amounts are shown in dollars only." if code == "USD" else f"Totals are shown in {code} too.")

    @rx.event
    async def add_rates(self, form: Form) -> Said:
        """Keep a day's rate, or a pasted list."""
        await self._actor()
        done = await self._call(changes.adding_rates(form))
        await self._refresh()
        return toast(f"Rates: {done.added} added, {done.changed} corrected, {done.unchanged} known already.")
