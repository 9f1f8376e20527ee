"""A report that was made by itself, sent to who wants it: with the figures of the page, and the PDF.

All mails of a report and the mark that it was told are one transaction: a job that runs twice, or is killed on the way,
tells nobody twice and forgets nobody.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from guardian.channels.notice import Cause, Notice
from guardian.config import settings
from guardian.models import Report, User
from guardian.models.enums import AlertState, ReportStatus
from guardian.periods import rfc3339
from guardian.services.guard.notices import tell_of_report
from guardian.services.guard.reports.pdf import render
from guardian.services.guard.reports.spans import RECURRING
from guardian.services.guard.reports.views import CHANNELS, MAILS
from guardian.services.guard.reports.words import facts
from guardian.services.people.access.report_mails import readers, unsubscribe_link
from guardian.services.people.mail import Attachment, Table, letter, queue_mail

TOLD = "told"  # in a report's parameters: when its mails were queued
DUE = "due"  # it is told though somebody has asked for it: it was due, too
_MOST_MOVERS = 5
_MOST_BUDGETS = 5
_MOST_ANOMALIES = 3


def tell(session: Session, report_id: str, now: datetime) -> int:
    """Queue the mails of a report that is ready and was due; gives how many. None where that was done.

    That of the whole organization is told to its channels that take reports, too.
    """
    row = session.get(Report, report_id, with_for_update=True)
    if row is None or row.status is not ReportStatus.READY or row.content is None:
        return 0
    told = row.parameters or {}
    if (row.user_id is not None and DUE not in told) or row.kind not in RECURRING or TOLD in told:
        return 0
    found = readers(session, row.organization_id, row.kind, row.scope or None)
    if found:
        pdf = Attachment(f"usage-report-{_period(row)}.pdf", "application/pdf", render(row.content))
        for user in found:
            _mail(session, row, row.content, user, pdf)
    channels = 0 if row.scope else tell_of_report(session, row.organization_id, row.id, _notice(row, row.content, now))
    row.parameters = {**told, TOLD: rfc3339(now), MAILS: len(found), CHANNELS: channels}
    session.flush()
    return len(found)


def _notice(row: Report, content: Mapping[str, Any], now: datetime) -> Notice:
    """What a chat is told: the answer, its causes, and what else stands out."""
    said, spend = facts(content), content["spend"]
    items = [f"{name}: {value}" + (f" ({note})" if note else "") for name, value, note in said["tiles"][1:]]
    items += [f"Budget {each['name']}: {each['percent']} spent" for each in said["budgets"][:_MOST_BUDGETS]]
    items += said["anomalies"][:_MOST_ANOMALIES]
    return Notice(
        kind="report",
        alert_id="",
        transition=f"report#{row.id}",
        name=row.title,
        type="REPORT",
        metric=row.kind,
        state=AlertState.OK,
        severity="info",
        value=Decimal(spend["total"]),
        sentence=content["headline"],
        causes=tuple(
            Cause(
                label=each["label"],
                amount=Decimal(each["amount"]),
                share=None if each["share"] is None else Decimal(each["share"]),
            )
            for each in content["causes"]
        ),
        items=tuple(items),
        organization_id=row.organization_id,
        organization=content["organization"],
        window_start=row.period_start,
        window_end=row.period_end,
        occurred_at=now,
        url=f"{settings().base_url}/reports?report={row.id}",
        time_zone=content["timeZone"],
    )


def _period(row: Report) -> str:
    """2026-11 of a month, 2026-11-16-to-2026-11-22 of a week."""
    first, last = ((row.parameters or {})[name] for name in ("first", "last"))
    return first[:7] if row.kind == "monthly" else f"{first}-to-{last}"


def _mail(session: Session, row: Report, content: Mapping[str, Any], user: User, pdf: Attachment) -> None:
    of = f", team {row.scope}" if row.scope else ""
    stop = unsubscribe_link(user)
    text, html = _letter(row, content, stop)
    queue_mail(
        session,
        to=user.email,
        subject=f"Your AI Usage Report - {content['period']['label']}{of}",
        text=text,
        html=html,
        organization_id=row.organization_id,
        kind="report",
        attachments=[pdf],
        unsubscribe=stop,
    )


def _letter(row: Report, content: Mapping[str, Any], stop: str) -> tuple[str, str]:
    said = facts(content)
    return letter(
        row.title,
        [said["headline"], *said["notes"]],
        action=("Open the report", f"{settings().base_url}/reports?report={row.id}"),
        facts=[(name, f"{value} ({note})" if note else value) for name, value, note in said["tiles"]],
        tables=[
            Table("Why it changed", ("Cause", "Amount", "Of the change"), said["causes"]),
            Table(
                "What moved most",
                ("", "Now", "Change"),
                [(f"{each['of']} {each['name']}", each["after"], each["change"]) for each in said["movers"]][
                    :_MOST_MOVERS
                ],
            ),
            Table(
                "Budgets when the period ended",
                ("Budget", "Spent", "Limit"),
                [(each["name"], f"{each['spent']} ({each['percent']})", each["limit"]) for each in said["budgets"]],
            ),
            Table("Unusual hours", (), [(each,) for each in said["anomalies"]]),
            Table("What was not spent (no part of spend)", (), [(sentence,) for sentence, _ in said["savings"]]),
        ],
        foot=(f"{said['tracked']} " if said["tracked"] and said["movers"] else "")
        + f"The whole report is attached. You get it as a member of {content['organization']}; which ones come is your "
        "choice, under Settings.",
        unsubscribe=stop,
    )
