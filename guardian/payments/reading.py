"""From Stripe's objects to our words. Source: API 2026-10-28; a period is an item's, a price's key names its plan."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from guardian.errors import UnavailableError
from guardian.models.enums import InvoiceStatus, Plan, SubscriptionStatus
from guardian.payments.minor_units import from_minor
from guardian.payments.records import PaidInvoice, PaidLine, PaidSubscription, Price

Found = Mapping[str, Any]
P = ParamSpec("P")
R = TypeVar("R")

PLAN = "guardian_plan"  # in a price's metadata: a price that another one has replaced has no key any more
USER = "userId"  # in a subscription's metadata: who took it out
# `unpaid` is past due that Stripe no longer collects; `paused` a trial that ended without a way to pay.
STATUSES: Mapping[str, SubscriptionStatus] = {
    "trialing": SubscriptionStatus.TRIALING,
    "active": SubscriptionStatus.ACTIVE,
    "past_due": SubscriptionStatus.PAST_DUE,
    "unpaid": SubscriptionStatus.PAST_DUE,
    "canceled": SubscriptionStatus.CANCELED,
    "incomplete_expired": SubscriptionStatus.CANCELED,
    "incomplete": SubscriptionStatus.INCOMPLETE,
    "paused": SubscriptionStatus.INCOMPLETE,
}


def lookup_key(plan: Plan) -> str:
    """By which a plan's price is found in Stripe."""
    return f"guardian_{plan.lower()}_monthly"


_PLANS: Mapping[str, Plan] = {lookup_key(plan): plan for plan in Plan}


def _understood(read: Callable[P, R]) -> Callable[P, R]:
    """An answer that lacks a field, or has one of another kind, is no answer."""

    @wraps(read)
    def reading(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return read(*args, **kwargs)
        except (KeyError, TypeError, ValueError, IndexError, ArithmeticError) as error:
            raise UnavailableError(f"Stripe answers what cannot be read ({read.__name__}). Try again later.") from error

    return reading


@_understood
def price(found: Found) -> Price | None:
    """A price of one of our plans, or None."""
    plan = _PLANS.get(found.get("lookup_key") or "") or _PLANS.get(_told(found, PLAN) or "")
    if plan is None:
        return None
    currency: str = found["currency"]
    return Price(
        id=found["id"], plan=plan, amount=from_minor(int(found["unit_amount"]), currency), currency=currency.upper()
    )


@_understood
def subscription(found: Found) -> PaidSubscription:
    item: Found = found["items"]["data"][0]
    priced = price(item["price"])
    currency: str = found["currency"]
    return PaidSubscription(
        id=found["id"],
        customer=_id(found["customer"]),
        item=item["id"],
        plan=priced.plan if priced else None,
        status=STATUSES[found["status"]],
        amount=from_minor(int(item["price"]["unit_amount"] or 0) * int(item.get("quantity") or 1), currency),
        currency=currency.upper(),
        period_start=_time(item.get("current_period_start")),
        period_end=_time(item.get("current_period_end")),
        # The portal of Stripe sets the moment instead of the flag.
        cancel_at_period_end=bool(found.get("cancel_at_period_end") or found.get("cancel_at")),
        cancel_by_date=bool(found.get("cancel_at") and not found.get("cancel_at_period_end")),
        created=_moment(found["created"]),
        user_id=_told(found, USER),
    )


@_understood
def invoice(found: Found) -> PaidInvoice:
    currency: str = found["currency"]
    moved: Found = found.get("status_transitions") or {}
    lines = tuple(line(each) for each in found["lines"]["data"])
    spans = [(each.period_start, each.period_end) for each in lines if not each.proration] or [
        (each.period_start, each.period_end) for each in lines
    ]
    taxes = [
        (from_minor(each["amount"], currency), each.get("tax_behavior") == "inclusive")
        for each in found.get("total_taxes") or ()
    ]
    added = sum((amount for amount, included in taxes if not included), Decimal(0))
    subtotal, total = from_minor(found["subtotal"], currency), from_minor(found["total"], currency)
    start, end = (min(at for at, _ in spans), max(at for _, at in spans)) if spans else (None, None)
    return PaidInvoice(
        id=found["id"],
        customer=_id(found["customer"]),
        number=found.get("number"),
        status=InvoiceStatus((found.get("status") or "draft").upper()),
        email=found.get("customer_email"),
        name=found.get("customer_name"),
        address=_address(found.get("customer_address") or {}),
        currency=currency.upper(),
        subtotal=subtotal,
        # Not by the list of discounts: those of single lines are in the subtotal already.
        discount=subtotal + added - total,
        # Of the two kinds at once, only what is added is told: what is included is in the subtotal.
        tax=added or sum((amount for amount, _ in taxes), Decimal(0)),
        tax_included=bool(taxes) and not added,
        credit=from_minor(_credit(found), currency),
        total=total,
        amount_paid=from_minor(found["amount_paid"], currency),
        amount_due=from_minor(found["amount_due"], currency),
        period_start=start or _moment(found["period_start"]),
        period_end=end or _moment(found["period_end"]),
        created=_time(moved.get("finalized_at")) or _moment(found["created"]),
        due_at=_time(found.get("due_date")),
        paid_at=_time(moved.get("paid_at")),
        attempted=bool(found.get("attempted")) or found.get("collection_method") == "send_invoice",
        page=found.get("hosted_invoice_url"),
        lines=lines,
    )


def _credit(found: Found) -> int:
    """A balance below zero is what the customer has; it is known how it ends once the invoice is made."""
    start, end = found.get("starting_balance") or 0, found.get("ending_balance")
    return 0 if end is None else max(0, min(end, 0) - min(start, 0))


@_understood
def line(found: Found) -> PaidLine:
    parent: Found = found.get("parent") or {}
    details: Found = parent.get("subscription_item_details") or parent.get("invoice_item_details") or {}
    quantity = found.get("quantity")
    return PaidLine(
        description=found.get("description") or "",
        quantity=int(quantity) if quantity is not None else None,
        amount=from_minor(found["amount"], found["currency"]),
        period_start=_moment(found["period"]["start"]),
        period_end=_moment(found["period"]["end"]),
        proration=bool(details.get("proration")),
    )


def _told(found: Found, name: str) -> str | None:
    """Of an object's metadata."""
    metadata: Found = found.get("metadata") or {}
    return metadata.get(name)


def _address(found: Found) -> tuple[str, ...]:
    town = " ".join(found[part] for part in ("postal_code", "city") if found.get(part))
    lines = (found.get("line1"), found.get("line2"), town, found.get("state"), found.get("country"))
    return tuple(each for each in lines if each)


def _id(found: Any) -> str:
    """Of an object that may stand there whole instead of its id."""
    return found if isinstance(found, str) else found["id"]


def _time(value: Any) -> datetime | None:
    return None if value is None else _moment(value)


def _moment(value: Any) -> datetime:
    return datetime.fromtimestamp(int(value), UTC)
