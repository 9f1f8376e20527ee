"""/billing: the plan with what is used of it, what can be bought, and the invoices; money changes hands at Stripe."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import reflex as rx
from sqlmodel import Session

from guardian.errors import ValidationError
from guardian.live import BILLING_UPDATE
from guardian.models.enums import Plan
from guardian.periods import utcnow, zone
from guardian.services.actor import Actor
from guardian.services.people.billing import buying, invoices, standing
from guardian.services.people.billing.invoice_views import InvoiceView
from guardian.services.people.billing.plans import plan_name
from guardian.services.people.billing.standing import PlanView, Standing
from guardian.services.people.organizations import get_organization
from guardian.ui.audited import About, Work, audited
from guardian.ui.dialogs import Dialogs
from guardian.ui.live_hub import Query
from guardian.ui.pages.billing import rows
from guardian.ui.pages.billing.rows import ROUTE, ChangeRow, InvoiceRow, PlanRow, UsedRow
from guardian.ui.pages.billing.view import billing_view
from guardian.ui.session import Said
from guardian.ui.toasts import toast

_PARAMETERS = frozenset({"before", "checkout"})
_LISTED = 12
_ON_THE_WAY = "Stripe has your order. The plan shows here by itself, mostly within seconds; you need not wait."


@dataclass(frozen=True)
class _View:
    query: Query
    standing: Standing
    plans: Sequence[PlanView]
    invoices: Sequence[InvoiceView]
    more: str
    zone: str


class BillingState(Dialogs, rx.State):
    """The plan as bars, what can be bought as cards, the invoices as lines; and the dialogs that change the plan."""

    _live_events: ClassVar[frozenset[str]] = frozenset({BILLING_UPDATE})

    plan: str = ""
    price: str = ""
    next_step: str = ""
    kept: str = ""
    used: list[UsedRow] = []
    sold: bool = False
    plans: list[PlanRow] = []
    has_portal: bool = False
    can_end: bool = False
    can_go_on: bool = False
    on_the_way: str = ""
    invoices: list[InvoiceRow] = []
    older: str = ""
    newest: bool = True

    change: ChangeRow = ChangeRow()

    @classmethod
    def _read(cls, session: Session, actor: Actor, query: Query) -> _View:
        found = standing.standing(session, actor, utcnow())
        page = invoices.list_invoices(session, actor, dict(query).get("before"), _LISTED)
        plans = standing.list_plans(session, actor)
        tz = get_organization(session, actor).time_zone
        return _View(query, found, plans, page.items, page.next_cursor or "", tz)

    def _query(self) -> Query:
        return tuple(item for item in super()._query() if item[0] in _PARAMETERS)

    def _show(self, view: _View) -> None:
        if view.query != self._query():
            return  # a live message that was read for the address before this one
        now, tz, query, found = utcnow(), zone(view.zone), dict(view.query), view.standing
        may_buy = found.sold_here and "billing:update" in self.viewer.permissions
        paid = found.subscription
        self.plan, self.sold = plan_name(found.plan), found.sold_here
        self.price = rows.price_of(found, view.plans, found.plan)
        self.next_step, self.kept = rows.next_step(paid, tz), rows.kept(found)
        self.used = rows.used_rows(found)
        self.plans = rows.plan_rows(found, view.plans, may_buy=may_buy) if found.sold_here else []
        self.has_portal = may_buy and found.has_customer
        self.can_end = may_buy and paid is not None and not paid.cancel_at_period_end
        self.can_go_on = may_buy and paid is not None and paid.cancel_at_period_end
        self.on_the_way = _ON_THE_WAY if query.get("checkout") == "done" and paid is None else ""
        self.invoices = [rows.invoice_row(each, now, tz) for each in view.invoices]
        self.older, self.newest = f"{ROUTE}?before={view.more}" if view.more else "", "before" not in query

    @rx.event
    async def choose(self, plan: str) -> Said:
        """Take a plan out at Stripe, or show what moving to it costs."""
        await self._actor()
        wanted, now = _plan(plan), utcnow()

        def asked(session: Session, actor: Actor) -> str | ChangeRow:
            if standing.standing(session, actor, now).subscription is None:
                start = audited("SUBSCRIPTION_CHECKOUT", "subscription", _checkout(wanted), _about(wanted))
                return start(session, actor)
            return rows.change_row(buying.preview_change(session, actor, wanted, now))

        found = await self._call(asked)
        if isinstance(found, str):
            return rx.redirect(found)
        self._open("change")
        self.change = found
        return None

    @rx.event
    async def apply(self) -> Said:
        """Move to the plan of the dialog, as it was shown."""
        await self._actor()
        wanted, now = _plan(self.change.plan), utcnow()
        at = datetime.fromisoformat(self.change.at)

        def change(session: Session, actor: Actor) -> None:
            buying.change_plan(session, actor, wanted, at, now)

        work = audited("SUBSCRIPTION_CHANGE", "subscription", change, _about(wanted))
        return await self._or_refuse(work, lambda _none: toast(f"The plan is {plan_name(wanted)} now."))

    @rx.event
    async def pay(self) -> Said:
        """To the page of Stripe where cards and addresses are changed."""
        url = await self._call(
            audited("SUBSCRIPTION_PORTAL", "subscription", buying.open_portal, lambda _url: (None, {}))
        )
        return rx.redirect(url)

    @rx.event
    async def ask_end(self) -> None:
        """Ask before the subscription is ended."""
        await self._call(lambda _session, actor: actor.require("billing:update"))
        self._open("end")

    @rx.event
    async def end(self) -> None:
        """Let the subscription end with its period."""
        (await self._actor()).require("billing:update")
        await self._or_refuse(_ending(ends=True), lambda _none: None)

    @rx.event
    async def go_on(self) -> None:
        """Let the subscription go on after all."""
        await self._call(_ending(ends=False))
        await self._refresh()


def _plan(name: Any) -> Plan:
    try:
        return Plan(name)
    except ValueError:
        raise ValidationError("There is no such plan.") from None


def _checkout(wanted: Plan) -> Work[str]:
    def start(session: Session, actor: Actor) -> str:
        return buying.start_checkout(session, actor, wanted)

    return start


def _ending(*, ends: bool) -> Work[None]:
    def change(session: Session, actor: Actor) -> None:
        buying.end_subscription(session, actor, utcnow(), ends=ends)

    return audited("SUBSCRIPTION_CANCEL", "subscription", change, lambda _none: (None, {"ends": ends}))


def _about(wanted: Plan) -> About[Any]:
    def about(_result: object) -> tuple[None, dict[str, Any]]:
        return None, {"plan": wanted.value}

    return about


def page() -> rx.Component:
    return billing_view(BillingState, ROUTE)
