"""What happens by itself, and when; times are UTC."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from guardian.jobs import alerts, billing, mail, monitoring, notices, repeats, reports, repricing, retention, usage
from guardian.queue import ALERT_QUEUE, EMAIL_QUEUE, REPORT_QUEUE, USAGE_QUEUE


@dataclass(frozen=True, slots=True)
class Recurring:
    """A job and when it runs: `cron` has five fields."""

    job_id: str
    cron: str
    func: Callable[..., Any]
    queue: str


RECURRING: tuple[Recurring, ...] = (
    Recurring("daily-sync", "0 0 * * *", usage.sync_all, USAGE_QUEUE),
    # It is midnight somewhere every quarter of an hour; what was pulled since is not pulled again.
    Recurring("daily-sync-zones", "*/15 * * * *", usage.sync_all, USAGE_QUEUE),
    Recurring("resume-syncs", "* * * * *", usage.resume_syncs, USAGE_QUEUE),
    Recurring("resume-repricing", "* * * * *", repricing.resume_repricing, USAGE_QUEUE),
    Recurring("make-days", "* * * * *", usage.make_days, USAGE_QUEUE),
    Recurring("make-partitions", "30 0 * * *", usage.make_partitions, USAGE_QUEUE),
    Recurring("measure-ledger", "*/5 * * * *", monitoring.measure_ledger, REPORT_QUEUE),
    Recurring("measure-gaps", "20 * * * *", monitoring.measure_gaps, REPORT_QUEUE),
    Recurring("forget-requests", "45 * * * *", repeats.forget_requests, USAGE_QUEUE),
    Recurring("forget-calls", "15 2 * * *", retention.forget_calls, REPORT_QUEUE),
    Recurring("resume-mails", "* * * * *", mail.resume_mails, EMAIL_QUEUE),
    Recurring("resume-notices", "* * * * *", notices.resume_notices, EMAIL_QUEUE),
    Recurring("hourly-check", "0 * * * *", alerts.hourly_check, ALERT_QUEUE),
    Recurring("check-waiting", "* * * * *", alerts.check_waiting, ALERT_QUEUE),
    Recurring("weekly-report", "0 0 * * MON", reports.weekly_report, REPORT_QUEUE),
    # Weeks and months end at midnight of each organization's zone; what is made is not made again.
    Recurring("weekly-report-zones", "*/15 * * * *", reports.weekly_report, REPORT_QUEUE),
    Recurring("read-subscriptions", "20 * * * *", billing.read_subscriptions, EMAIL_QUEUE),
    Recurring("resume-reports", "* * * * *", reports.resume_reports, REPORT_QUEUE),
)
