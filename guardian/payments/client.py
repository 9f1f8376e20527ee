"""Payments: what Stripe is asked, through its own library, which tries twice more under one idempotency key."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from guardian.config import settings
from guardian.errors import ConfigurationError, ConflictError, NotFoundError, PaymentRefused, UnavailableError
from guardian.models.enums import Plan
from guardian.payments import reading
from guardian.payments.minor_units import from_minor, to_minor
from guardian.payments.records import PaidInvoice, PaidSubscription, Preview, Price

if TYPE_CHECKING:
    from stripe import StripeClient

_CONNECT_SECONDS, _ANSWER_SECONDS = 5, 20
_RETRIES = 2
_MOST = 100  # of a list; Stripe gives no more at once
_PRODUCT = "AI Cost Guardian"
_AWAY = "Stripe does not answer at the moment. Nothing was changed; try again shortly."


class Payments:
    """One installation's account at Stripe. Each method raises UnavailableError when Stripe is away or overloaded,
    PaymentRefused with Stripe's words when it does not do it, NotFoundError, ConfigurationError for a wrong key.
    """

    def __init__(self, secret: str, base_url: str) -> None:
        self._secret, self._base_url = secret, base_url

    @classmethod
    def of_installation(cls) -> "Payments | None":
        """By STRIPE_SECRET_KEY; None where plans are not sold here."""
        found = settings()
        if found.stripe_secret_key is None:
            return None
        return cls(found.stripe_secret_key.get_secret_value(), found.stripe_base_url.rstrip("/"))

    def prices(self, wanted: Mapping[Plan, Decimal]) -> dict[Plan, Price]:
        """The plans' prices by their lookup keys; one that is not there is made, of `wanted` dollars a month.

        So whoever sells in yen, or at another price, makes a price under that key in Stripe: it is what holds.
        """
        with _asking():
            params: Any = {"lookup_keys": [reading.lookup_key(plan) for plan in wanted], "active": True, "limit": _MOST}
            listed = self._client.v1.prices.list(params)
            known = [reading.price(each.to_dict()) for each in listed.data]
            found = {each.plan: each for each in known if each is not None}
            for plan, amount in wanted.items():
                if plan not in found:
                    found[plan] = self._make_price(plan, amount)
        return {plan: found[plan] for plan in wanted}

    def _make_price(self, plan: Plan, amount: Decimal) -> Price:
        """Of two at once, both get the same one."""
        key, minor = reading.lookup_key(plan), to_minor(amount, "USD")
        params: Any = {
            "currency": "usd",
            "unit_amount": minor,
            "recurring": {"interval": "month"},
            "lookup_key": key,
            "metadata": {reading.PLAN: key},
            "product_data": {"name": f"{_PRODUCT} {plan.value.capitalize()}"},
        }
        made = self._client.v1.prices.create(params, {"idempotency_key": f"{key}-{minor}"})
        return Price(id=made.id, plan=plan, amount=amount, currency="USD")

    def make_customer(self, *, organization_id: str, name: str, email: str | None) -> str:
        """The id of a new customer."""
        params: Any = {"name": name, "metadata": {"organizationId": organization_id}}
        with _asking():
            return self._client.v1.customers.create(params | ({"email": email} if email else {})).id

    def checkout(self, *, customer: str, price: Price, organization_id: str, user_id: str, done: str, left: str) -> str:
        """The address at which the customer takes the plan out; addresses that were given out before end.

        Otherwise two of them, both paid, would be two subscriptions.
        """
        with _asking():
            opened: Any = {"customer": customer, "status": "open", "limit": _MOST}
            for each in self._client.v1.checkout.sessions.list(opened).data:
                self._client.v1.checkout.sessions.expire(each.id)
            params: Any = {
                "mode": "subscription",
                "customer": customer,
                "client_reference_id": organization_id,
                "line_items": [{"price": price.id, "quantity": 1}],
                "subscription_data": {"metadata": {"organizationId": organization_id, reading.USER: user_id}},
                "success_url": done,
                "cancel_url": left,
            }
            made = self._client.v1.checkout.sessions.create(params)
        if not made.url:
            raise UnavailableError("Stripe gave no address for the checkout. Try again shortly.")
        return made.url

    def portal(self, *, customer: str, back: str) -> str:
        """The address at which the customer changes how they pay."""
        params: Any = {"customer": customer, "return_url": back}
        with _asking():
            return self._client.v1.billing_portal.sessions.create(params).url

    def subscription(self, subscription_id: str) -> PaidSubscription:
        with _asking():
            return reading.subscription(self._client.v1.subscriptions.retrieve(subscription_id).to_dict())

    def subscriptions(self, customer: str) -> list[PaidSubscription]:
        """All of the customer's, also those that are over; the newest first."""
        params: Any = {"customer": customer, "status": "all", "limit": _MOST}
        with _asking():
            listed = self._client.v1.subscriptions.list(params).data
        found = [reading.subscription(each.to_dict()) for each in listed]
        return sorted(found, key=lambda each: each.created, reverse=True)

    def invoice(self, invoice_id: str) -> PaidInvoice:
        with _asking():
            return self._invoice(self._client.v1.invoices.retrieve(invoice_id).to_dict())

    def invoices(self, customer: str, since: datetime | None = None) -> list[PaidInvoice]:
        """The customer's, made since then or ever."""
        params: Any = {"customer": customer, "limit": _MOST}
        if since is not None:
            params["created"] = {"gte": int(since.timestamp())}
        with _asking():
            listed = self._client.v1.invoices.list(params)
            return [self._invoice(each.to_dict()) for each in listed.auto_paging_iter()]

    def _invoice(self, found: dict[str, Any]) -> PaidInvoice:
        """An invoice comes with its first ten lines only."""
        if found["lines"].get("has_more"):
            params: Any = {"limit": _MOST}
            lines = self._client.v1.invoices.line_items.list(found["id"], params).auto_paging_iter()
            found["lines"]["data"] = [each.to_dict() for each in lines]
        return reading.invoice(found)

    def preview(self, of: PaidSubscription, price: Price, at: datetime) -> Preview:
        """What changing to that price at that moment costs; nothing is changed."""
        params: Any = {
            "customer": of.customer,
            "subscription": of.id,
            "subscription_details": {
                "items": [{"id": of.item, "price": price.id}],
                "proration_behavior": "always_invoice",
                "proration_date": int(at.timestamp()),
            },
        }
        with _asking():
            found = self._client.v1.invoices.create_preview(params).to_dict()
        currency: str = found["currency"]
        due = found["amount_due"] if found["total"] >= 0 else found["total"]
        lines = tuple(reading.line(each) for each in found["lines"]["data"])
        return Preview(price=price, due_now=from_minor(due, currency), lines=lines, at=at)

    def change(self, of: PaidSubscription, price: Price, at: datetime) -> PaidSubscription:
        """Change to that price, reckoned at that moment, and take the difference now; all of it or nothing."""
        params: Any = {
            "items": [{"id": of.item, "price": price.id}],
            "proration_behavior": "always_invoice",
            "proration_date": int(at.timestamp()),
            "payment_behavior": "error_if_incomplete",
            **_going_on(of),
        }
        with _asking():
            changed = self._client.v1.subscriptions.update(of.id, params)
        return reading.subscription(changed.to_dict())

    def end_with_period(self, subscription_id: str, *, ends: bool) -> PaidSubscription:
        """Whether it ends when what is paid for is over, or goes on."""
        params: Any = {"cancel_at_period_end": True} if ends else _going_on(self.subscription(subscription_id))
        with _asking():
            return reading.subscription(self._client.v1.subscriptions.update(subscription_id, params).to_dict())

    @property
    def _client(self) -> "StripeClient":
        return _client_of(self._secret, self._base_url)


def _going_on(of: PaidSubscription) -> dict[str, Any]:
    """Takes back its end by the name under which it was set: Stripe refuses both names together."""
    return {"cancel_at": ""} if of.cancel_by_date else {"cancel_at_period_end": False}


@lru_cache(maxsize=4)
def _client_of(secret: str, base_url: str) -> "StripeClient":
    # Here, since it takes 0.15 s and 29 MB, which an installation without Stripe is spared.
    import stripe

    return stripe.StripeClient(
        secret,
        base_addresses={"api": base_url},
        max_network_retries=_RETRIES,
        http_client=stripe.RequestsClient(timeout=(_CONNECT_SECONDS, _ANSWER_SECONDS)),
    )


@contextmanager
def _asking() -> Generator[None]:
    """Stripe's errors as ours."""
    import stripe

    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise UnavailableError(_AWAY) from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise ConfigurationError("Stripe refuses STRIPE_SECRET_KEY. Set one that it accepts.") from error
    except stripe.IdempotencyError as error:
        raise ConflictError("This was asked for already, in another way. Look at the plan, and ask again.") from error
    except stripe.StripeError as error:
        status = error.http_status
        if status is None or status >= 500:
            raise UnavailableError(_AWAY) from error
        if error.code == "resource_missing":
            raise NotFoundError("This") from error
        raise PaymentRefused(error.user_message or "Stripe does not do this.") from error
