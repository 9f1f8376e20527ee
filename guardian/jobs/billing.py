"""Jobs about money: invoices are mailed, and what Stripe could not tell is asked for."""

import structlog

from guardian import db, queue
from guardian.errors import GuardianError
from guardian.jobs.patience import patiently
from guardian.payments import Payments
from guardian.periods import utcnow
from guardian.services.people.billing import invoices, watching
from guardian.services.people.billing.keeping import MAIL_INVOICE

log = structlog.get_logger(__name__)


def mail_invoice(invoice_id: str) -> None:
    """Mail an invoice with its PDF, unless that is done."""
    patiently(lambda session: invoices.mail_invoice(session, invoice_id, utcnow()))


def read_subscriptions() -> None:
    """Every hour: ask Stripe what its messages may not have told; graces end, lost mails go out."""
    payments = Payments.of_installation()
    if payments is None:
        return
    now = utcnow()
    for organization_id in patiently(lambda session: watching.organizations_to_read(session, now)):
        try:
            with db.session() as session:
                watching.read_again(session, payments, organization_id, now)
        except GuardianError as error:  # the next hour asks again; the others should not wait for it
            log.warning("billing.not_read", organization=organization_id, error=error.message)
    for invoice_id in patiently(lambda session: watching.invoices_to_mail(session, now)):
        queue.enqueue_if_possible(queue.EMAIL_QUEUE, MAIL_INVOICE, invoice_id, job_id=f"mail-invoice-{invoice_id}")
    patiently(lambda session: watching.forget_old_events(session, now))
