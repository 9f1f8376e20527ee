"""billing: plans, the organization's own subscription, its invoices, and the door for Stripe's messages."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from guardian.api.answers.envelope import Out
from guardian.api.billing_shapes import (
    AddressOut,
    CancelBody,
    ChangeBody,
    ChangeOut,
    InvoiceLine,
    InvoiceOut,
    PlanBody,
    PlanOut,
    StandingOut,
)
from guardian.api.organization import OrganizationOut
from guardian.api.steps import CallDep, route
from guardian.config import settings
from guardian.errors import ConfigurationError, NotFoundError
from guardian.payments import Payments, opened
from guardian.periods import utcnow
from guardian.services.people.billing import assigning, buying, invoices, standing
from guardian.services.people.billing.messages import take_message
from guardian.services.people.views import Page

api = APIRouter(prefix="/api/v1", tags=["billing"])


@route(api, "GET", "/plans", permission="billing:read")
def list_plans(call: CallDep) -> list[PlanOut]:
    """All plans, from the smallest to the largest."""
    with call.transaction() as session:
        return [PlanOut.of(view) for view in standing.list_plans(session, call.actor)]


@route(api, "GET", "/subscription", permission="billing:read")
def get_subscription(call: CallDep) -> StandingOut:
    """The organization's plan, what of it is used, and how it is paid."""
    with call.transaction() as session:
        return StandingOut.of(standing.standing(session, call.actor, utcnow()))


@route(
    api,
    "POST",
    "/subscription/checkout",
    permission="billing:update",
    action="SUBSCRIPTION_CHECKOUT",
    fails=(402, 409),
)
def start_checkout(call: CallDep, body: PlanBody) -> AddressOut:
    """Take out a plan: gives the address at which it is paid. The plan holds once Stripe has said so."""
    with call.transaction() as session:
        url = buying.start_checkout(session, call.actor, body.plan)
        call.note("subscription", plan=body.plan)
    return AddressOut(url=url)


@route(api, "POST", "/subscription/portal", permission="billing:update", action="SUBSCRIPTION_PORTAL", fails=(402, 409))
def open_portal(call: CallDep) -> AddressOut:
    """Gives the address at which cards, addresses and tax numbers are changed."""
    with call.transaction() as session:
        url = buying.open_portal(session, call.actor)
        call.note("subscription")
    return AddressOut(url=url)


@route(
    api,
    "POST",
    "/subscription/change/preview",
    permission="billing:update",
    action="SUBSCRIPTION_PREVIEW",
    fails=(402, 409),
)
def preview_change(call: CallDep, body: PlanBody) -> ChangeOut:
    """What moving to another plan costs, line by line. Nothing is changed."""
    with call.transaction(audited=False) as session:
        found = buying.preview_change(session, call.actor, body.plan, utcnow())
    call.nothing_done()
    return ChangeOut.of(found)


@route(api, "POST", "/subscription/change", permission="billing:update", action="SUBSCRIPTION_CHANGE", fails=(402, 409))
def change_plan(call: CallDep, body: ChangeBody) -> StandingOut:
    """Move to another plan, and pay what its preview said, or nothing of both."""
    now = utcnow()
    with call.transaction() as session:
        buying.change_plan(session, call.actor, body.plan, body.at, now)
        call.note("subscription", plan=body.plan)
        return StandingOut.of(standing.standing(session, call.actor, now))


@route(api, "POST", "/subscription/cancel", permission="billing:update", action="SUBSCRIPTION_CANCEL", fails=(402, 409))
def end_subscription(call: CallDep, body: CancelBody) -> StandingOut:
    """Let the subscription end when what is paid for is over; or, with `ends` false, go on."""
    now = utcnow()
    with call.transaction() as session:
        buying.end_subscription(session, call.actor, now, ends=body.ends)
        call.note("subscription", ends=body.ends)
        return StandingOut.of(standing.standing(session, call.actor, now))


@route(api, "GET", "/invoices", permission="billing:read")
def list_invoices(
    call: CallDep, cursor: str | None = None, limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> Page[InvoiceLine]:
    """The organization's invoices, the latest first."""
    with call.transaction() as session:
        page = invoices.list_invoices(session, call.actor, cursor, limit)
    return Page(items=tuple(InvoiceLine.model_validate(each) for each in page.items), next_cursor=page.next_cursor)


@route(api, "GET", "/invoices/{invoice_id}", permission="billing:read")
def get_invoice(call: CallDep, invoice_id: str) -> InvoiceOut:
    """One invoice with its lines."""
    with call.transaction() as session:
        return InvoiceOut.model_validate(invoices.get_invoice(session, call.actor, invoice_id))


@route(api, "GET", "/invoices/{invoice_id}/pdf", permission="billing:read")
def get_invoice_pdf(call: CallDep, invoice_id: str) -> Response:
    """The same invoice as a PDF."""
    with call.transaction() as session:
        name, pdf = invoices.invoice_pdf(session, call.actor, invoice_id)
    return Response(pdf, 200, {"Content-Disposition": f'attachment; filename="{name}"'}, "application/pdf")


class TakenOut(Out):
    """Whether the message was new and about an organization of ours; every other one is taken all the same."""

    taken: bool


@route(api, "POST", "/billing/webhook", action="BILLING_MESSAGE", public=True, fails=(404,))
def take_stripe_message(call: CallDep) -> TakenOut:
    """For Stripe only: its messages, signed in the header `Stripe-Signature`. 404 where plans are not sold."""
    payments = Payments.of_installation()
    if payments is None:
        raise NotFoundError("Billing")
    secret = settings().stripe_webhook_secret
    if secret is None:
        raise ConfigurationError("STRIPE_WEBHOOK_SECRET is not set. Set it to the secret of the webhook in Stripe.")
    message = opened(call.body, call.request.headers.get("stripe-signature"), secret.get_secret_value())
    # What came of it is in the organization's own chain.
    call.nothing_done()
    with call.transaction(audited=False) as session:
        return TakenOut(taken=take_message(session, payments, message, utcnow()))


@route(
    api,
    "PUT",
    "/admin/organizations/{organization_id}/plan",
    permission="admin:update",
    action="PLAN_ASSIGN",
    fails=(409,),
)
def assign_plan(call: CallDep, organization_id: str, body: PlanBody) -> OrganizationOut:
    """Give an organization a plan by hand; 409 while it pays for one."""
    with call.transaction() as session:
        view = assigning.assign_plan(session, call.actor, organization_id, body.plan)
        call.note("organization", view.id, plan=body.plan)
        return OrganizationOut.model_validate(view)
