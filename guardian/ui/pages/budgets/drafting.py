"""The form of a budget: the part of the State that follows what is typed, and shows how the past runs against it."""

from dataclasses import replace
from decimal import Decimal

import reflex as rx

from guardian import amounts
from guardian.errors import GuardianError
from guardian.services.guard.budgets import Scope
from guardian.ui.pages.budgets import changes, rows, words
from guardian.ui.pages.budgets.draft import NEW, Draft, amount_text, suggested, told
from guardian.ui.pages.budgets.rows import NO_LOOK, Look
from guardian.ui.rows import Option
from guardian.ui.session import Page

PICKED = ("user", "provider", "key", "token")
"""Scopes whose values are chosen; those of the others are typed, with what is known to choose from."""


class Drafting(Page, mixin=True):
    """`shown` is what the fields began with: another value makes a field anew, so that typing never changes it. What is
    typed is in `_draft`.
    """

    shown: Draft = NEW
    targets: list[Option] = []
    picked: bool = False
    hint: str = ""
    before: str = ""
    look: Look = NO_LOOK
    _draft: Draft = NEW
    _own_amount: bool = False

    @rx.event
    async def choose_scope(self, scope: str) -> None:
        """Limit something else; the amount follows what that cost last month, unless somebody has typed one."""
        await self._tell(scope=scope, of="")
        await self._offer()
        self.shown = replace(self._draft, amount=self.shown.amount)
        await self._suggest()
        await self._look()

    @rx.event
    async def choose_of(self, of: str) -> None:
        """Which team, person, provider, key, model, tag or token."""
        await self._tell(of=of)
        await self._suggest()
        await self._look()

    @rx.event
    async def choose_period(self, period: str) -> None:
        """How long one limit is for."""
        await self._tell(period=period)
        self.shown = replace(self.shown, period=self._draft.period, days=self._draft.days)
        await self._look()

    @rx.event
    async def type_days(self, days: str) -> None:
        """How many days a rolling budget looks back."""
        await self._tell(days=days)
        await self._look()

    @rx.event
    async def type_amount(self, amount: str) -> None:
        """The limit."""
        self._own_amount = True
        await self._tell(amount=amount)
        await self._look()

    @rx.event
    async def type_thresholds(self, thresholds: str) -> None:
        """Where people are told."""
        await self._tell(thresholds=thresholds)
        await self._look()

    async def _begin(self, draft: Draft) -> None:
        """Fill the form in; that of a new budget with an amount that last month fits into."""
        self._draft = self.shown = draft
        self._own_amount = bool(draft.id)
        await self._offer()
        await self._suggest()
        await self._look()

    async def _tell(self, **fields: str) -> None:
        await self._actor()
        self._draft = told(self._draft, fields)

    async def _offer(self) -> None:
        """What there is of the kind of scope; where one has to be chosen, the first is."""
        found = await self._call(changes.targets(self._draft))
        self.targets = [Option(each.value, each.name) for each in found]
        self.picked, self.hint = self._draft.scope in PICKED, words.HINTS.get(self._draft.scope, "")
        if self._draft.scope != "organization" and not self._draft.of and found:
            self._draft = replace(self._draft, of=found[0].value)
            self.shown = replace(self.shown, of=found[0].value)

    async def _suggest(self) -> None:
        """Last month's spend of the scope, and a limit from it where nobody has typed one."""
        spent = await self._last_month(self._draft.wanted_scope)
        self.before = "" if spent is None else f"Last month: {amounts.dollars(spent)}."
        if not self._own_amount:
            amount = amount_text(suggested(spent or Decimal(0)))
            self._draft, self.shown = replace(self._draft, amount=amount), replace(self.shown, amount=amount)

    async def _last_month(self, scope: Scope) -> Decimal | None:
        found = await self._try(changes.last_month(scope))
        # Refused is a scope that is not told whole yet.
        return None if isinstance(found, GuardianError) else found

    async def _look(self) -> None:
        """How the past would have run; nothing while the form is not one that could be sent."""
        draft = self._draft
        found = await self._try(changes.looking(draft))
        if isinstance(found, GuardianError):
            self.look = NO_LOOK
            return
        self.look = rows.look(found, words.ran(found, draft.span, draft.rolling_days))
