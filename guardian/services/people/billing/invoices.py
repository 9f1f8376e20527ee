"""Invoices read: those of an organization, one of them, its PDF, and the mail that brings it."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, select

from guardian.config import settings
from guardian.errors import NotFoundError, ValidationError
from guardian.models import Invoice, Organization
from guardian.models.enums import InvoiceStatus
from guardian.services.actor import Actor
from guardian.services.people import mail
from guardian.services.people.billing.invoice_pdf import render
from guardian.services.people.billing.invoice_views import InvoiceLine, InvoiceView
from guardian.services.people.billing.letters import KIND, receiver
from guardian.services.people.billing.wording import charged
from guardian.services.people.views import Page

_MOST = 100
_ID = re.compile("[a-z0-9]{1,40}")


def list_invoices(session: Session, actor: Actor, cursor: str | None = None, limit: int = 20) -> Page[InvoiceView]:
    """The organization's, the latest first. Raises AuthorizationError, ValidationError for a cursor not of ours."""
    actor.require("billing:read")
    limit = max(1, min(limit, _MOST))
    query = select(Invoice).where(Invoice.organization_id == actor.organization_id)
    if cursor is not None:
        last = session.get(Invoice, cursor) if _ID.fullmatch(cursor) else None
        if last is None or last.organization_id != actor.organization_id:
            message = "This cursor is not one that a list gave."
            raise ValidationError(message, details=[{"field": "cursor", "message": "unknown cursor"}])
        # Not by the id, which tells when it came to us and not when it was made.
        earlier = (col(Invoice.created_at) == last.created_at) & (col(Invoice.id) < last.id)
        query = query.where((col(Invoice.created_at) < last.created_at) | earlier)
    order = (col(Invoice.created_at).desc(), col(Invoice.id).desc())
    rows = session.exec(query.order_by(*order).limit(limit + 1)).all()
    following = rows[limit - 1].id if len(rows) > limit else None
    return Page(items=tuple(_view(row) for row in rows[:limit]), next_cursor=following)


def get_invoice(session: Session, actor: Actor, invoice_id: str) -> InvoiceView:
    """One invoice. Raises AuthorizationError, and NotFoundError for one of another organization."""
    actor.require("billing:read")
    row = session.get(Invoice, invoice_id)
    if row is None or row.organization_id != actor.organization_id:
        raise NotFoundError("Invoice")
    return _view(row)


def invoice_pdf(session: Session, actor: Actor, invoice_id: str) -> tuple[str, bytes]:
    """A file name and the PDF. Raises what get_invoice raises."""
    view = get_invoice(session, actor, invoice_id)
    return file_name(view), render(view, session.get_one(Organization, actor.organization_id).name)


def file_name(view: InvoiceView) -> str:
    """ "invoice-ACME-0001.pdf": ASCII, and no path, whatever the number looks like."""
    return f"invoice-{re.sub('[^A-Za-z0-9_-]+', '-', view.number)}.pdf"


def mail_invoice(session: Session, invoice_id: str, now: datetime) -> bool:
    """Queue the invoice's mail with its PDF, once; False where that is done, or nobody is there to get it."""
    row = session.get(Invoice, invoice_id, with_for_update=True)
    if row is None or row.mailed_at is not None:
        return False
    organization = session.get_one(Organization, row.organization_id)
    to = receiver(session, organization, row.billing_email)
    row.mailed_at = now
    session.add(row)
    if to is None:
        return False
    view = _view(row)
    owed = view.status is InvoiceStatus.OPEN
    total = charged(view.amount, view.currency)
    text, html = mail.letter(
        f"Invoice #{view.number}",
        [
            f"The invoice of {organization.name} over {total} is attached. "
            + ("It is not paid yet." if owed else "It is paid; there is nothing to do.")
        ],
        facts=[
            ("Total", total),
            *([("Taken off your credit", charged(view.credit, view.currency))] if view.credit else []),
            ("Period", f"{view.period_start:%d %B %Y} to {view.period_end:%d %B %Y}"),
            *([("Due", f"{view.due_at:%d %B %Y}")] if owed and view.due_at else []),
        ],
        action=("Pay the invoice", view.page)
        if owed and view.page
        else ("See all invoices", f"{settings().base_url}/billing"),
        tone="warning" if owed else "plain",
        foot=f"You get this mail because invoices of {organization.name} are sent to this address.",
    )
    mail.queue_mail(
        session,
        to=to,
        subject=f"Invoice #{view.number}",
        text=text,
        html=html,
        organization_id=organization.id,
        kind=KIND,
        attachments=[mail.Attachment(file_name(view), "application/pdf", render(view, organization.name))],
    )
    return True


def _view(row: Invoice) -> InvoiceView:
    told: Mapping[str, Any] = row.meta or {}
    return InvoiceView(
        id=row.id,
        number=row.number,
        status=row.status,
        currency=row.currency,
        amount=row.amount,
        subtotal=Decimal(told.get("subtotal", row.amount)),
        discount=Decimal(told.get("discount", 0)),
        tax=Decimal(told.get("tax", 0)),
        tax_included=bool(told.get("taxIncluded")),
        credit=Decimal(told.get("credit", 0)),
        amount_paid=Decimal(told.get("amountPaid", 0)),
        amount_due=Decimal(told.get("amountDue", row.amount)),
        period_start=row.period_start,
        period_end=row.period_end,
        created_at=row.created_at,
        due_at=row.due_at,
        paid_at=row.paid_at,
        billing_email=row.billing_email,
        name=told.get("name"),
        address=tuple(told.get("address") or ()),
        page=told.get("page"),
        lines=tuple(_line(each) for each in row.lines or ()),
    )


def _line(told: Mapping[str, Any]) -> InvoiceLine:
    return InvoiceLine(
        description=told["description"],
        quantity=told["quantity"],
        amount=Decimal(told["amount"]),
        period_start=datetime.fromisoformat(told["periodStart"]),
        period_end=datetime.fromisoformat(told["periodEnd"]),
        proration=told["proration"],
    )
