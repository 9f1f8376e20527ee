"""Reports by mail: the choice on the settings page, and the page of the link that stops them."""

import pytest
from sqlmodel import Session, select

from guardian.models import ActivityLog, User
from guardian.periods import utcnow
from guardian.services.guard.notices import list_targets
from guardian.services.people.access.report_mails import my_wishes
from guardian.ui.pages.doors.unsubscribe import UnsubscribeState
from guardian.ui.pages.settings.page import SettingsState
from tests.fakes import seed
from tests.ui.conftest import StatePage
from tests.ui.pages import payload, work


def test_who_chose_nothing_gets_both_and_chooses(page_of: StatePage, session: Session) -> None:
    company = seed.company(session, "Acme")
    company.owner.email_verified = utcnow()
    session.add(company.owner)
    session.commit()
    page = page_of(SettingsState, company.token, "/settings")
    work(page, "load")
    assert (page.weekly_mail, page.monthly_mail) == (True, True)
    said = work(page, "save_report_mails", {"report-monthly": "on"})
    assert payload(said)["message"] == "You get monthly reports by mail."
    assert (page.weekly_mail, page.monthly_mail) == (False, True)
    session.expire_all()
    assert my_wishes(session, company.actor) == ("monthly",)
    assert payload(work(page, "save_report_mails", {}))["message"] == "You get no reports by mail."
    both = work(page, "save_report_mails", {"report-weekly": "on", "report-monthly": "on", "report-daily": "on"})
    assert payload(both)["message"] == "You get weekly and monthly reports by mail."
    session.expire_all()
    assert {row.action for row in session.exec(select(ActivityLog))} == {"REPORT_MAILS_UPDATE"}
    assert session.get_one(User, company.owner.id).settings == {"reportMails": ["weekly", "monthly"]}


def test_who_has_not_confirmed_the_address_is_not_told_that_mails_come(page_of: StatePage, session: Session) -> None:
    company = seed.company(session, "Acme")
    company.owner.email_verified = None
    session.add(company.owner)
    session.commit()
    page = page_of(SettingsState, company.token, "/settings")
    work(page, "load")
    said = payload(work(page, "save_report_mails", {"report-weekly": "on"}))["message"]
    assert said == "You have chosen weekly reports. They come by mail once you have confirmed your address."


@pytest.mark.parametrize(
    ("query", "usable", "done"),
    [("token=x", True, False), ("", False, False), ("token=x&error=token", False, False), ("done=1", False, True)],
)
def test_the_page_of_the_link(page_of: StatePage, query: str, usable: bool, done: bool) -> None:
    page = page_of(UnsubscribeState, None, f"/unsubscribe?{query}")
    work(page, "enter")
    assert (page.usable, page.done) == (usable, done)
    assert ("no longer valid" in page.problem) is ("error" in query)


def test_a_chat_is_told_of_reports_once_that_is_ticked(page_of: StatePage, session: Session) -> None:
    company = seed.company(session, "Acme")
    session.commit()
    page = page_of(SettingsState, company.token, "/settings")
    work(page, "load")
    slack = {"kind": "SLACK", "name": "#ai-costs", "url": "https://hooks.slack.com/services/T0/B0/abcdefgh1234"}
    work(page, "add_channel", {**slack, "reports": "on"})
    [channel] = page.channels
    assert channel.reports
    work(page, "open_channel", channel.id, "edit")
    work(page, "save_channel", {"name": "#ai-costs"})
    [channel] = page.channels
    assert not channel.reports
    work(page, "switch_channel", channel.id, False)
    session.expire_all()
    assert [view.reports for view in list_targets(session, company.actor)] == [False]
    mail = {"kind": "EMAIL", "name": "FinOps", "address": "finops@acme.example", "reports": "on"}
    work(page, "add_channel", mail)
    assert "chats and webhooks" in page.channel_refusal
