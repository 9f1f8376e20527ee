"""Reports told to channels: those that take them, the organization's own only, once, and again until one is taken."""

import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from guardian import db
from guardian.errors import ValidationError
from guardian.jobs.notices import deliver_notice
from guardian.jobs.reports import make_report
from guardian.models import AlertNotification, Organization, Report
from guardian.models.enums import DeliveryStatus
from guardian.periods import DAY, utcnow, week_start
from guardian.services.guard import reports
from guardian.services.guard.notices import NewTarget, get_target, update_target
from guardian.services.guard.reports.words import dollars
from tests.conftest import People, Servers, forget_caches
from tests.fakes.sink import Answer, Sink
from tests.jobs.notices import EMAIL, PAGERDUTY, SLACK, WEBHOOK, made_target, make_due, stored
from tests.unit.guard.ledger import add_calls

THIS_WEEK = datetime.combine(week_start(utcnow().date()), datetime.min.time(), UTC)


@pytest.fixture
def sink(environment: Servers, monkeypatch: pytest.MonkeyPatch) -> Generator[Sink]:
    monkeypatch.setenv("OUTBOUND_ALLOWLIST", "127.0.0.1")
    monkeypatch.setenv("PUBLIC_URL", "https://guardian.acme.test")
    forget_caches()
    with Sink() as opened:
        yield opened


@pytest.fixture
def due(session: Session, people: People) -> dict[str, str]:
    """The ids of last week's reports, by scope."""
    organization_id = people.alice.organization_id
    session.get_one(Organization, organization_id).settings = {"timeZone": "UTC"}
    add_calls(session, people.alice, THIS_WEEK - 10 * DAY, "100", tags={"team": "web"})
    add_calls(session, people.alice, THIS_WEEK - 3 * DAY, "1234.567", tags={"team": "web"})
    session.commit()
    with db.session() as opened:
        reports.queue_due(opened, organization_id, THIS_WEEK + timedelta(minutes=5))
    return {row.scope: row.id for row in session.exec(select(Report).where(Report.kind == "weekly"))}


def reporting(people: People, target_id: str, *, on: bool = True) -> str:
    with db.session() as session:
        update_target(session, people.alice, target_id, NewTarget(reports=on))
    return target_id


def waiting(report_id: str) -> list[AlertNotification]:
    with db.session() as session:
        query = select(AlertNotification).where(AlertNotification.report_id == report_id)
        return list(session.exec(query.order_by(col(AlertNotification.id))))


def test_slack_is_told_once(sink: Sink, due: dict[str, str], people: People, session: Session) -> None:
    target = reporting(people, made_target(people.alice, SLACK, sink))
    made_target(people.alice, WEBHOOK, sink)  # which takes no reports
    for _ in range(2):
        make_report(due[""])
    make_report(due["web"])
    [row] = waiting(due[""])
    assert (row.target, row.alert_id) == (target, None)
    assert waiting(due["web"]) == []
    for _ in range(2):
        deliver_notice(row.id)
    [posted] = sink.posted
    view = reports.get_report(session, people.alice, due[""])
    assert view.content is not None
    texts = json.dumps(posted.json, ensure_ascii=False)
    assert posted.json["blocks"][0]["text"]["text"] == view.title
    assert dollars(view.content["spend"]["total"]) in texts
    assert view.content["headline"] in texts
    assert f"https://guardian.acme.test/reports?report={due['']}" in texts
    assert stored(row.id).status is DeliveryStatus.SENT
    assert get_target(session, people.alice, target).last_success_at is not None


def test_a_chat_that_is_away_is_tried_again(sink: Sink, due: dict[str, str], people: People) -> None:
    reporting(people, made_target(people.alice, SLACK, sink))
    make_report(due[""])
    [row] = waiting(due[""])
    sink.next.append(Answer(status=503))
    deliver_notice(row.id)
    assert stored(row.id).status is DeliveryStatus.PENDING
    make_due()
    deliver_notice(row.id)
    assert (stored(row.id).status, len(sink.posted)) == (DeliveryStatus.SENT, 2)


def test_a_webhook_gets_it_as_json(sink: Sink, due: dict[str, str], people: People) -> None:
    reporting(people, made_target(people.alice, WEBHOOK, sink))
    make_report(due[""])
    [row] = waiting(due[""])
    deliver_notice(row.id)
    body = sink.posted[0].json
    told = body.get("data", body)
    assert (told["kind"], told["value"]) == ("report", "1234.567")


def test_one_that_was_switched_off_is_told_nothing(sink: Sink, due: dict[str, str], people: People) -> None:
    reporting(people, made_target(people.alice, SLACK, sink))
    reporting(people, made_target(people.alice, WEBHOOK, sink), on=False)
    with db.session() as session:
        for each in session.exec(select(Report)):
            assert each.user_id is None
    target = reporting(people, made_target(people.alice, SLACK, sink, "second"))
    with db.session() as session:
        update_target(session, people.alice, target, NewTarget(is_active=False))
    make_report(due[""])
    assert len(waiting(due[""])) == 1


def test_mail_and_pagers_take_none(sink: Sink, people: People, session: Session) -> None:
    for kind in (EMAIL, PAGERDUTY):
        target = made_target(people.alice, kind, sink if kind is PAGERDUTY else None)
        with pytest.raises(ValidationError, match="chats and webhooks"):
            update_target(session, people.alice, target, NewTarget(reports=True))
        session.rollback()
