"""/budgets: what may be spent and on what, with what is left of it; made in three clicks, with a look at the past."""

from dataclasses import replace
from typing import Any, ClassVar

import reflex as rx
from sqlmodel import Session

from guardian.errors import ValidationError
from guardian.live import USAGE_UPDATE
from guardian.periods import DAY, local_date, utcnow, zone
from guardian.services.actor import Actor
from guardian.services.guard import budgets
from guardian.services.guard.budgets import BudgetView
from guardian.ui.audited import Work
from guardian.ui.dialogs import Dialogs
from guardian.ui.live_hub import Query
from guardian.ui.pages.budgets import changes, rows
from guardian.ui.pages.budgets.draft import NEW, amount_text, draft_of, suggested, told
from guardian.ui.pages.budgets.drafting import Drafting
from guardian.ui.pages.budgets.rows import NO_BUDGET, BudgetRow
from guardian.ui.pages.budgets.view import budgets_view
from guardian.ui.session import Said
from guardian.ui.toasts import toast

ROUTE = "/budgets"


class BudgetsState(Drafting, Dialogs, rx.State):
    """The budgets as rows, and which one the dialog is about: form (of a new one or another), raise or delete."""

    _live_events: ClassVar[frozenset[str]] = frozenset({USAGE_UPDATE})

    budgets: list[BudgetRow] = []
    can_change: bool = False
    budget: BudgetRow = NO_BUDGET
    raise_amount: str = ""
    raise_until: str = ""
    raise_first: str = ""

    @classmethod
    def _read(cls, session: Session, actor: Actor, query: Query) -> list[BudgetView]:
        return budgets.list_budgets(session, actor)

    def _query(self) -> Query:
        return ()

    def _show(self, view: list[BudgetView]) -> None:
        self.can_change = "budgets:update" in self.viewer.permissions
        self.budgets = [self._row(each) for each in rows.in_order(view)]

    @rx.event
    async def open_new(self) -> None:
        """Show the form of a new budget: everything, every month, a limit that last month fits into."""
        (await self._actor()).require("budgets:update")
        self._open("form")
        await self._begin(NEW)

    @rx.event
    async def open_edit(self, budget_id: str) -> None:
        """Show the form of that budget."""
        found = await self._find(budget_id)
        self._open("form", self._row(found))
        await self._begin(draft_of(found))

    @rx.event
    async def open_raise(self, budget_id: str) -> None:
        """Ask how far that budget is raised, until when and why."""
        found = await self._find(budget_id)
        today = local_date(utcnow(), zone(found.time_zone))
        ends = local_date(found.resets_at, zone(found.time_zone)) - DAY
        self._open("raise", self._row(found))
        self.raise_amount = amount_text(suggested(found.effective_limit))
        self.raise_first, self.raise_until = f"{today}", f"{max(today, ends)}"

    @rx.event
    async def open_delete(self, budget_id: str) -> None:
        """Ask before deleting that budget."""
        self._open("delete", self._row(await self._find(budget_id)))

    @rx.event
    async def save(self, form: dict[str, Any]) -> Said:
        """Make the budget of the form, or change it."""
        await self._actor()
        try:
            draft = told(self._draft, form)
        except ValidationError as error:
            return self._refuse(error)
        # A field that is not shown tells nothing: a scope without a value has none.
        draft = replace(draft, of="") if draft.scope == "organization" else draft
        verb = "changed" if draft.id else "set"
        return await self._or_say(changes.saving(draft), f"is {verb}. It holds for the next call.")

    @rx.event
    async def lift(self, form: dict[str, Any]) -> Said:
        """Raise the budget of the open dialog for a time."""
        return await self._or_say(changes.raising(self.budget.id, form), "is raised. It ends by itself.")

    @rx.event
    async def end_raise(self, budget_id: str) -> Said:
        """Let the budget's own limit stand again."""
        found = await self._call(changes.ending_raise(budget_id))
        await self._refresh()
        return toast(f"{found.name} has its own limit again.")

    @rx.event
    async def switch(self, budget_id: str, on: bool) -> Said:
        """Pause that budget, or go on with it."""
        found = await self._call(changes.switching(budget_id, on=on))
        await self._refresh()
        return toast(f"{found.name} {'counts again' if on else 'is paused: it stops and tells nothing'}.")

    @rx.event
    async def delete(self) -> Said:
        """Delete the budget of the open dialog, once its name is typed."""
        await self._actor()
        self._confirm(self.budget.name, "delete this budget")
        return await self._or_say(changes.deleting(self.budget.id), "is deleted.")

    def _row(self, view: BudgetView) -> BudgetRow:
        return rows.budget_row(view, utcnow(), zone(view.time_zone))

    def _open(self, dialog: str, budget: BudgetRow = NO_BUDGET) -> None:
        super()._open(dialog)
        self.budget = budget

    async def _find(self, budget_id: str) -> BudgetView:
        """A budget that this person may change. Raises NotFoundError, AuthorizationError."""

        def find(session: Session, actor: Actor) -> BudgetView:
            actor.require("budgets:update")
            return budgets.get_budget(session, actor, budget_id)

        return await self._call(find)

    async def _or_say(self, work: Work[BudgetView], done: str) -> Said:
        return await self._or_refuse(work, lambda found: toast(f"{found.name} {done}"))


def page() -> rx.Component:
    return budgets_view(BudgetsState, ROUTE)
