"""From views of plans, subscriptions and invoices to the text that the page shows: pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from guardian.models.enums import InvoiceStatus, Plan, SubscriptionStatus
from guardian.periods import local_date
from guardian.services.people.billing.buying import Change
from guardian.services.people.billing.invoice_views import InvoiceView
from guardian.services.people.billing.plans import Limits, plan_name
from guardian.services.people.billing.standing import PlanView, Standing, SubscriptionView
from guardian.services.people.billing.wording import STANDINGS, charged, monthly
from guardian.ui.rows import Moment

ROUTE = "/billing"
_ORDER = tuple(Plan)
_NAMES: Mapping[str, str] = {
    "requests_per_month": "Requests through the gateway",
    "keys": "Provider keys",
    "alerts": "Alerts",
    "members": "Members",
}
_TONES: Mapping[InvoiceStatus, str] = {
    InvoiceStatus.PAID: "good",
    InvoiceStatus.OPEN: "warn",
    InvoiceStatus.UNCOLLECTIBLE: "bad",
    InvoiceStatus.VOID: "",
    InvoiceStatus.DRAFT: "",
}
_NEAR = Decimal("0.8")
NO_MOMENT = Moment()


@dataclass(frozen=True)
class UsedRow:
    """One limit: `percent` of the bar as text for CSS, "" where there is no limit; `tone` near or full at its end."""

    name: str = ""
    used: str = ""
    note: str = ""
    percent: str = ""
    tone: str = ""


@dataclass(frozen=True)
class PlanRow:
    """A plan as it is offered; `verb` is what its button says, "" where there is nothing to press."""

    plan: str = ""
    name: str = ""
    price: str = ""
    lines: tuple[str, ...] = ()
    current: bool = False
    verb: str = ""
    larger: bool = False


@dataclass(frozen=True)
class InvoiceRow:
    """An invoice in the list; `pay` is where it can be paid, "" unless it is open."""

    id: str = ""
    number: str = ""
    when: Moment = NO_MOMENT
    period: str = ""
    amount: str = ""
    status: str = ""
    tone: str = ""
    pdf: str = ""
    pay: str = ""


@dataclass(frozen=True)
class SumLine:
    """One line of what a change costs."""

    name: str = ""
    amount: str = ""


@dataclass(frozen=True)
class ChangeRow:
    """A change that was asked for. `at` is what applies exactly this one."""

    plan: str = ""
    name: str = ""
    lines: tuple[SumLine, ...] = ()
    due: str = ""
    due_name: str = ""
    after: str = ""
    too_many: tuple[str, ...] = ()
    at: str = ""


def used_rows(view: Standing) -> list[UsedRow]:
    return [_used(view, name) for name in _NAMES]


def _used(view: Standing, name: str) -> UsedRow:
    used: int = view.used[name]
    limit: int | None = getattr(view.limits, name)
    if limit is None:
        return UsedRow(
            _NAMES[name], f"{used:,}", "no limit" if name != "requests_per_month" else "this month, no limit"
        )
    share = Decimal(used) / limit if limit else Decimal(1)
    tone = "full" if used >= limit else "near" if share >= _NEAR else ""
    note = f"of {limit:,}"
    if name == "requests_per_month":
        note += " this month"
    elif used > limit:
        note += ": what is there stays, nothing can be added"
    elif used == limit:
        note += ": nothing can be added"
    return UsedRow(_NAMES[name], f"{used:,}", note, f"{min(share, Decimal(1)) * 100:.1f}", tone)


def kept(view: Standing) -> str:
    """How long calls are kept, and when requests count anew."""
    days, limit = view.limits.retention_days, view.limits.requests_per_month
    anew = "" if limit is None else f"Requests count anew on {_day(view.requests_reset_at)} (UTC). "
    if days is None:
        return f"{anew}Calls are kept for as long as you like."
    return f"{anew}Calls are kept for {days} days; sums of days and closed months stay for good."


def price_of(view: Standing, plans: Sequence[PlanView], plan: Plan) -> str:
    """What the organization pays now; "" where it pays nothing here."""
    paid = view.subscription
    if paid is not None and paid.amount is not None and paid.currency:
        return monthly(paid.amount, paid.currency)
    if not view.sold_here:
        return ""
    listed = next(each for each in plans if each.plan is plan)
    return "free of charge" if listed.price == 0 else "by agreement"


def next_step(paid: SubscriptionView | None, zone: ZoneInfo) -> str:
    """What happens with the subscription next."""
    if paid is None or paid.current_period_end is None:
        return ""
    day = _day(paid.current_period_end, zone)
    if paid.cancel_at_period_end:
        return f"Ends on {day}. After that the plan Free holds."
    if paid.past_due_since is not None:
        return f"The payment for the time until {day} is owed."
    return f"Trial until {day}." if paid.status is SubscriptionStatus.TRIALING else f"Renews on {day}."


def plan_rows(view: Standing, plans: Sequence[PlanView], *, may_buy: bool) -> list[PlanRow]:
    """What can be chosen here, from the smallest to the largest."""
    return [_plan(view, each, may_buy) for each in plans]


def _plan(view: Standing, offered: PlanView, may_buy: bool) -> PlanRow:
    current = offered.plan is view.plan
    larger = _ORDER.index(offered.plan) > _ORDER.index(view.plan)
    price = "By agreement" if offered.price is None else "$0" if not offered.price else None
    verb = ""
    if may_buy and offered.for_sale and not current:
        verb = f"Move to {plan_name(offered.plan)}" if view.subscription else f"Choose {plan_name(offered.plan)}"
    return PlanRow(
        plan=offered.plan.value,
        name=plan_name(offered.plan),
        price=price or monthly(offered.price or Decimal(0), offered.currency),
        lines=_lines(offered.limits),
        current=current,
        verb=verb,
        larger=larger,
    )


def _lines(limits: Limits) -> tuple[str, ...]:
    def many(limit: int | None, name: str) -> str:
        return f"Unlimited {name}" if limit is None else f"{limit:,} {name}"

    days = limits.retention_days
    return (
        many(limits.requests_per_month, "requests a month"),
        many(limits.members, "members"),
        many(limits.keys, "provider keys"),
        many(limits.alerts, "alerts"),
        "Calls kept without end" if days is None else f"Calls kept for {days} days",
    )


def invoice_row(view: InvoiceView, now: datetime, zone: ZoneInfo) -> InvoiceRow:
    return InvoiceRow(
        id=view.id,
        number=view.number,
        when=Moment.of(view.created_at, now, zone),
        period=f"{_day(view.period_start, zone)} – {_day(view.period_end, zone)}",
        amount=charged(view.amount, view.currency),
        status=STANDINGS[view.status],
        tone=_TONES[view.status],
        pdf=f"/api/v1/invoices/{view.id}/pdf",
        pay=(view.page or "") if view.status is InvoiceStatus.OPEN else "",
    )


def change_row(change: Change) -> ChangeRow:
    credit = change.due_now < 0
    return ChangeRow(
        plan=change.plan.value,
        name=plan_name(change.plan),
        lines=tuple(SumLine(each.description, charged(each.amount, change.currency)) for each in change.lines),
        due=charged(abs(change.due_now), change.currency),
        due_name="Credit for the next invoices" if credit else "To pay now",
        after=monthly(change.price, change.currency),
        too_many=change.too_many,
        at=change.at.isoformat(),
    )


def _day(moment: datetime, zone: ZoneInfo | None = None) -> str:
    day = local_date(moment, zone) if zone else moment.date()
    return f"{day.day} {day:%B %Y}"
