"""Jobs that make reports: those that are due, each by itself, and what was lost on the way."""

import time
from functools import partial

import structlog
from rq.timeouts import BaseTimeoutException

from guardian import db
from guardian.errors import ApiError, UnavailableError
from guardian.jobs.patience import patiently
from guardian.periods import utcnow
from guardian.services.guard import reports

_PAGE = 200  # organizations
# Of the 600 that a recurring job has. What is left is due in the next hour, too.
_SECONDS = 500.0
_OURS = "An error of ours stopped this report. Ask for it again; if it stays, look for {} in the worker's log."

log = structlog.get_logger(__name__)


def weekly_report() -> None:
    """Have those weekly and monthly reports made whose period is over in their organization's zone."""
    until, after, waiting = time.monotonic() + _SECONDS, "", 0
    while page := patiently(partial(reports.organizations, after=after, limit=_PAGE)):
        for after in page:
            if time.monotonic() > until:
                log.warning("reports.not_all", after=after)
                return
            waiting += _queue(after)
    if waiting:
        log.info("reports.due", reports=waiting)


def _queue(organization_id: str) -> int:
    """How many were due. An organization whose data does not let itself be read does not stop the others."""
    try:
        with db.session() as session:
            return reports.queue_due(session, organization_id, utcnow())
    except BaseTimeoutException:
        raise
    except Exception:  # whatever it is: the reports of all other organizations are at stake
        log.exception("reports.not_looked_at", organization=organization_id)
        return 0


def make_report(report_id: str) -> None:
    """Fill a report that waits, and send it where it is one of a week or month that nobody had to ask for.

    One that fails says why, and can be asked for again. Each step is done once, however often the job runs.
    """
    if patiently(partial(reports.take_up, report_id=report_id)):
        _fill(report_id)
    told = patiently(partial(reports.tell, report_id=report_id, now=utcnow()))
    if told:
        log.info("report.told", report=report_id, mails=told)


def _fill(report_id: str) -> None:
    try:
        made = patiently(partial(reports.fill, report_id=report_id, now=utcnow()))
        log.info("report.made", report=report_id, found=made is not None)
    except (UnavailableError, BaseTimeoutException):
        raise  # nothing is written, and resume_reports brings it back
    except ApiError as error:
        log.warning("report.failed", report=report_id, error=error.message)
        patiently(partial(reports.fail, report_id=report_id, message=error.message))
    except Exception:  # whatever it is: a report that never ends would be brought back, and fail, again
        patiently(partial(reports.fail, report_id=report_id, message=_OURS.format(report_id)))
        raise


def resume_reports() -> None:
    """Call workers for reports that were lost with the queue, or with their worker."""
    with db.session() as session:
        resumed = reports.resume_reports(session, utcnow())
    if resumed:
        log.info("reports.resumed", reports=resumed)
