"""What the fake of Stripe knows: customers, prices, subscriptions and invoices, in the shapes of API 2026-10-28."""

import copy
import itertools
import time
from typing import Any

Found = dict[str, Any]
MONTH = 30 * 86_400  # seconds; every month of this Stripe has 30 days


class Declined(Exception):
    """The customer's card refuses."""


class Missing(Exception):
    """There is no such object; its id is the argument."""


class StripeBooks:
    """Change anything at any time. `declines` lets payments fail; what happens is in `events`, the oldest first."""

    def __init__(self) -> None:
        self.objects: dict[str, Found] = {}
        self.events: list[Found] = []
        self.declines = False
        self.currency = "usd"
        self.clock = 0  # seconds ahead of the real time
        self._numbers = itertools.count(1)
        self._order = itertools.count(1)

    @property
    def now(self) -> int:
        return int(time.time()) + self.clock

    def all(self, kind: str) -> list[Found]:
        """The newest first, as Stripe lists them."""
        found = [each for each in self.objects.values() if each["object"] == kind]
        return sorted(found, key=lambda each: each["_order"], reverse=True)

    def get(self, id: str) -> Found:
        if id not in self.objects:
            raise Missing(id)
        return self.objects[id]

    def keep(self, prefix: str, kind: str, **facts: Any) -> Found:
        order = next(self._order)
        made = {"id": f"{prefix}_{order:08}", "object": kind, "created": self.now, "_order": order, **facts}
        self.objects[made["id"]] = made
        return made

    def tell(self, type: str, about: Found) -> Found:
        """An event with the object as it is now."""
        event = {
            "id": f"evt_{next(self._order):08}",
            "object": "event",
            "type": type,
            "created": self.now,
            "data": {"object": copy.deepcopy(about)},
        }
        self.events.append(event)
        return event

    # What customers do

    def price(self, lookup_key: str, amount: int, currency: str = "usd") -> Found:
        facts = {"lookup_key": lookup_key, "unit_amount": amount, "currency": currency, "active": True}
        return self.keep("price", "price", metadata={}, recurring={"interval": "month"}, **facts)

    def subscribe(self, customer: str, price_id: str, metadata: Found | None = None) -> Found:
        """A new subscription, and its first invoice, paid unless the card refuses."""
        price, start = self.get(price_id), self.now
        item = {
            "id": f"si_{next(self._order):08}",
            "object": "subscription_item",
            "price": price,
            "quantity": 1,
            "current_period_start": start,
            "current_period_end": start + MONTH,
        }
        made = self.keep(
            "sub",
            "subscription",
            customer=customer,
            status="incomplete" if self.declines else "active",
            currency=price["currency"],
            cancel_at_period_end=False,
            cancel_at=None,
            metadata=metadata or {},
            items={"object": "list", "data": [item]},
        )
        self.tell("customer.subscription.created", made)
        self._bill(made, [self._line(price, price["unit_amount"], start, start + MONTH)])
        return made

    def renew(self, subscription_id: str) -> Found:
        """The next period begins, and is paid, or is past due; gives its invoice."""
        found = self.get(subscription_id)
        item = found["items"]["data"][0]
        start = item["current_period_end"]
        item["current_period_start"], item["current_period_end"] = start, start + MONTH
        if found["cancel_at_period_end"]:
            return self.end(subscription_id)
        self.tell("customer.subscription.updated", found)
        invoice = self._bill(found, [self._line(item["price"], item["price"]["unit_amount"], start, start + MONTH)])
        if self.declines:
            found["status"] = "past_due"
            self.tell("customer.subscription.updated", found)
        return invoice

    def pay(self, invoice_id: str) -> None:
        """An open invoice is paid after all."""
        invoice = self.get(invoice_id)
        self._settle(invoice)
        found = self.get(invoice["_subscription"])
        found["status"] = "active"
        self.tell("customer.subscription.updated", found)

    def end(self, subscription_id: str) -> Found:
        found = self.get(subscription_id)
        found["status"] = "canceled"
        self.tell("customer.subscription.deleted", found)
        return found

    def prorated(self, subscription_id: str, price_id: str, at: int) -> list[Found]:
        """The lines of a change: what was paid for and not used, and the rest of the period at the new price."""
        item, price = self.get(subscription_id)["items"]["data"][0], self.get(price_id)
        end = item["current_period_end"]
        left = max(0, end - at)
        lines = [(item["price"], -1, "Unused time on"), (price, 1, "Remaining time on")]
        return [
            self._line(of, round(sign * of["unit_amount"] * left / MONTH), at, end, words=words)
            for of, sign, words in lines
        ]

    def change(self, subscription_id: str, price_id: str, at: int) -> Found:
        """To another price, at once. Raises Declined, and then nothing has changed."""
        found = self.get(subscription_id)
        lines = self.prorated(subscription_id, price_id, at)
        if self.declines and sum(each["amount"] for each in lines) > 0:
            raise Declined
        found["items"]["data"][0]["price"] = self.get(price_id)
        self.tell("customer.subscription.updated", found)
        self._bill(found, lines)
        return found

    # Invoices

    def draft(self, customer: str, subscription_id: str, lines: list[Found], **facts: Any) -> Found:
        total = sum(each["amount"] for each in lines)
        return {
            "object": "invoice",
            "customer": customer,
            "customer_email": self.get(customer).get("email"),
            "customer_name": self.get(customer).get("name"),
            "customer_address": None,
            "currency": lines[0]["currency"],
            "subtotal": total,
            "total": total,
            "total_taxes": [],
            "amount_due": max(0, total),
            "amount_paid": 0,
            "period_start": self.now,
            "period_end": self.now,
            "due_date": None,
            "status": "draft",
            "attempted": False,
            "number": None,
            "status_transitions": {"finalized_at": None, "paid_at": None},
            "hosted_invoice_url": None,
            "lines": {"object": "list", "data": lines, "has_more": False},
            "_subscription": subscription_id,
            **facts,
        }

    def _bill(self, subscription: Found, lines: list[Found]) -> Found:
        made = self.keep("in", "invoice", **self.draft(subscription["customer"], subscription["id"], lines))
        self.tell("invoice.created", made)
        made["number"], made["status"] = f"ACME-{next(self._numbers):04}", "open"
        made["status_transitions"]["finalized_at"] = self.now
        made["hosted_invoice_url"] = f"https://invoice.stripe.test/{made['id']}"
        self.tell("invoice.finalized", made)
        if self.declines and made["amount_due"]:
            made["attempted"] = True
            self.tell("invoice.payment_failed", made)
        else:
            self._settle(made)
        return made

    def _settle(self, invoice: Found) -> None:
        invoice["attempted"] = True
        invoice["status"], invoice["amount_paid"] = "paid", invoice["amount_due"]
        invoice["status_transitions"]["paid_at"] = self.now
        self.tell("invoice.paid", invoice)

    def _line(self, price: Found, amount: int, start: int, end: int, words: str = "") -> Found:
        name = price["lookup_key"].split("_")[1].capitalize()
        return {
            "id": f"il_{next(self._order):08}",
            "object": "line_item",
            "amount": amount,
            "currency": price["currency"],
            "description": f"{words} {name}" if words else f"1 × AI Cost Guardian {name} (monthly)",
            "quantity": 1,
            "period": {"start": start, "end": end},
            "parent": {
                "type": "subscription_item_details",
                "subscription_item_details": {"proration": bool(words)},
                "invoice_item_details": None,
            },
        }
