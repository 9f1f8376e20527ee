"""An invoice as a PDF: its words, for the template beside this file."""

from datetime import datetime
from pathlib import Path
from typing import Any

from guardian.models.enums import InvoiceStatus
from guardian.services.people.billing.invoice_views import InvoiceLine, InvoiceView
from guardian.services.people.billing.wording import STANDINGS, charged
from guardian.services.people.paper import set_pdf

_TEMPLATE = Path(__file__).with_name("invoice.typ")


def render(view: InvoiceView, organization: str) -> bytes:
    """The PDF; A4, some 30 kB, in 30 ms. `organization` is whose it is where the invoice names nobody."""
    return set_pdf(_TEMPLATE, facts(view, organization), view.created_at)


def facts(view: InvoiceView, organization: str) -> dict[str, Any]:
    """What the template sets, all of it text."""
    paid = f" on {_day(view.paid_at)}" if view.paid_at else ""
    sums = [("Subtotal", charged(view.subtotal, view.currency))]
    if view.discount:
        sums.append(("Discount", charged(-view.discount, view.currency)))
    if view.tax:
        sums.append(("Tax, included" if view.tax_included else "Tax", charged(view.tax, view.currency)))
    return {
        "title": f"Invoice {view.number}",
        "standing": STANDINGS[view.status] + paid,
        "owed": view.status in (InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE),
        "customer": [view.name or organization, *view.address, *([view.billing_email] if view.billing_email else [])],
        "dates": [
            ("Number", view.number),
            ("Date", _day(view.created_at)),
            ("Period", f"{_day(view.period_start)} – {_day(view.period_end)}"),
            *([("Due", _day(view.due_at))] if view.due_at else []),
        ],
        "lines": [_line(each, view.currency) for each in view.lines],
        "sums": sums,
        "total": ("Total", charged(view.amount, view.currency)),
        "notes": _notes(view),
        "foot": f"Invoice {view.number}, {_day(view.created_at)}. Amounts in {view.currency}.",
    }


def _line(line: InvoiceLine, currency: str) -> dict[str, str]:
    return {
        "what": line.description,
        "when": f"{_day(line.period_start)} – {_day(line.period_end)}",
        "quantity": "" if line.quantity is None else str(line.quantity),
        "amount": charged(line.amount, currency),
    }


def _notes(view: InvoiceView) -> list[str]:
    if view.amount < 0:
        return [f"{charged(-view.amount, view.currency)} are kept as a credit, and taken off the next invoices."]
    notes: list[str] = []
    if view.credit:
        notes.append(f"{charged(view.credit, view.currency)} of it were taken off the credit of earlier invoices.")
    if view.status is InvoiceStatus.OPEN and view.amount_due:
        notes.append(f"{charged(view.amount_due - view.amount_paid, view.currency)} are still to be paid.")
    return notes


def _day(moment: datetime) -> str:
    return f"{moment:%d} {moment:%B} {moment:%Y}".lstrip("0")
