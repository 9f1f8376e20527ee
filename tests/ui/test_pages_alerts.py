"""The alerts page: what the builder says while one builds, what is stored, and what people do about what fires."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, select

from guardian.config import settings
from guardian.errors import AuthorizationError, NotFoundError, ValidationError
from guardian.models import (
    ActivityLog,
    Alert,
    AlertGroup,
    AlertNotification,
    AlertTransition,
    NotificationTarget,
    TeamMember,
)
from guardian.models.enums import AlertState, AlertType, ComparisonType, NotificationChannel, TeamRole
from guardian.periods import floor_hour, utcnow
from guardian.services.guard import alerts
from guardian.services.guard.alerts import NewAlert
from guardian.services.ledger.sql.partitions import ensure_partitions
from guardian.ui.pages.alerts.draft import EMPTY, Draft, draft_of, fitted, told, wanted
from guardian.ui.pages.alerts.page import AlertsState
from guardian.ui.pages.alerts.words import FALL, RISE, families
from guardian.ui.toasts import alarm_toasts
from tests.conftest import Servers
from tests.fakes import seed
from tests.ui.conftest import StatePage
from tests.ui.pages import payload, work
from tests.unit.guard.ledger import add_calls

HOOK = "https://203.0.113.9/hook"


@pytest.fixture(autouse=True)
def _allowed(environment: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOUND_ALLOWLIST", "203.0.113.9")
    settings.cache_clear()


@pytest.fixture
def page(page_of: StatePage, company: seed.Company) -> AlertsState:
    state = page_of(AlertsState, company.token, "/alerts")
    work(state, "load")
    return state


def _alert(session: Session, company: seed.Company, **fields: Any) -> str:
    given: dict[str, Any] = {"name": "Spend", "type": AlertType.COST_THRESHOLD, "threshold": Decimal(50), **fields}
    found = alerts.create_alert(session, company.actor, NewAlert(**given)).alert.id
    session.commit()
    return found


def _fire(session: Session, alert_id: str, *keys: str) -> None:
    for key in keys:
        session.add(
            AlertGroup(
                alert_id=alert_id,
                group_key=key,
                state=AlertState.FIRING,
                transitions=1,
                value=Decimal("71.5"),
                fired_at=utcnow(),
            )
        )
    session.get_one(Alert, alert_id).state = AlertState.FIRING
    session.commit()


def _actions(session: Session) -> list[str]:
    session.expire_all()
    return [row.action for row in session.exec(select(ActivityLog).order_by(ActivityLog.sequence))]  # pyright: ignore[reportArgumentType]


def test_the_sentence_follows_every_choice(page: AlertsState) -> None:
    work(page, "open_new", "")
    assert (page.building, page.wrong) == (True, "Give the threshold.")
    work(page, "type_text", "threshold", "$1,250")
    assert page.sentence.endswith("when AI provider spend is above $1,250.00 in 24 hours.")
    work(page, "choose", "scope", "team")
    assert page.wrong == "Say which team the alert looks at."
    work(page, "type_text", "of", "web")
    work(page, "choose", "group", "model")
    work(page, "choose", "comparison", FALL)
    work(page, "type_text", "threshold", "20")
    assert "spend of team web in 24 hours falls by 20\u00a0% or more" in page.sentence
    assert page.sentence.endswith("for each model by itself.")
    # What budgets know nothing of gives way, and comes with what they know.
    work(page, "choose", "watched", "BUDGET_EXCEEDED.spent")
    assert (page.draft.scope, page.draft.group, page.windows, page.groups) == ("organization", "", [], [])
    assert "reaches one of the budget's thresholds" in page.sentence
    work(page, "switch_on", "mail", False)
    assert page.sentence.startswith("Show here, and tell nobody")
    with pytest.raises(ValidationError):
        work(page, "choose", "watched", "WEATHER.rain")


def test_what_is_built_is_replayed(page: AlertsState, session: Session, company: seed.Company) -> None:
    now = floor_hour(utcnow())
    ensure_partitions(session, now - timedelta(days=40), now)
    add_calls(session, company.actor, now - timedelta(days=4, minutes=20), "80")
    session.commit()
    work(page, "open_new", "day")
    assert page.draft.threshold == "50"
    work(page, "replay")
    assert page.preview.sentence.startswith("Would have fired once in the last 30 days")
    assert (page.preview.count, len(page.preview.firings), page.replaying) == (1, 1, False)
    assert [bar.height for bar in page.preview.days if bar.height] == [100]
    work(page, "choose", "window", "15m")
    work(page, "replay")
    assert (page.preview.possible, "15 minutes cannot" in page.preview.sentence) == (False, True)
    work(page, "close_builder")
    assert (page.building, page.preview.sentence, page.draft) == (False, "", EMPTY)


def test_an_alert_is_made_with_the_form_that_was_sent(page: AlertsState, session: Session) -> None:
    work(page, "open_new", "failing")
    said = work(page, "save", {"name": "Failing", "threshold": "12", "least": "30"})
    assert payload(said)["message"] == "Failing is watched."
    row = session.exec(select(Alert)).one()
    assert (row.type, row.threshold, row.min_requests, row.group_by, row.window) == (
        AlertType.ERROR_RATE,
        Decimal(12),
        30,
        "model",
        "1h",
    )
    assert [(each.name, each.state, each.may_change) for each in page.alerts] == [("Failing", "OK", True)]
    assert (page.building, _actions(session)) == (False, ["ALERT_CREATE"])


def test_a_refusal_keeps_what_was_typed(page: AlertsState, session: Session) -> None:
    work(page, "open_new", "day")
    assert work(page, "save", {"name": " ", "threshold": "12"}) is None
    assert page.refusal == "Give the alert a name of 1 to 100 characters."
    assert (page.building, page.draft.threshold) == (True, "12")
    assert work(page, "save", {"name": "x", "threshold": "lots"}) is None
    assert page.refusal == "Give a number, such as 50."
    assert (session.exec(select(Alert)).all(), _actions(session)) == ([], [])


def test_the_secret_of_a_webhook_goes_to_the_browser_once_and_is_in_no_var(page: AlertsState, session: Session) -> None:
    work(page, "open_new", "day")
    work(page, "switch_on", "webhook", True)
    assert page.wrong == "Give the address of the webhook."
    said = work(page, "save", {"name": "Hook", "threshold": "5", "url": HOOK})
    assert page.made == "Hook"
    secret = str(payload(said))
    assert "whsec_" in secret
    found = secret[secret.index("whsec_") :][:40]
    work(page, "close_builder")
    assert page.made == ""
    again = work(page, "rotate", page.alerts[0].id)
    assert "whsec_" in str(payload(again))
    assert found not in str(payload(again))
    for kept in (repr(page.dict()).encode(), page._serialize(), repr(_actions(session)).encode()):
        assert b"whsec_" not in kept
    assert _actions(session) == ["ALERT_CREATE", "ALERT_SECRET_ROTATE"]


def test_an_alert_is_edited_as_it_is(page: AlertsState, session: Session, company: seed.Company) -> None:
    target = NotificationTarget(
        organization_id=company.organization.id,
        kind=NotificationChannel.SLACK,
        name="#ops",
        encrypted_config="",
        iv="",
        tag="",
    )
    session.add(target)
    session.flush()
    id = _alert(
        session,
        company,
        group_by="tag:feature",
        comparison_type=ComparisonType.PERCENT_CHANGE,
        threshold=Decimal(-30),
        renotify_minutes=45,
        pending_minutes=90,
        channel_ids=[target.id],
    )
    before = alerts.get_alert(session, company.actor, id)
    work(page, "open_edit", id)
    assert (page.draft.comparison, page.draft.threshold, page.draft.tag) == (FALL, "30", "feature")
    assert [each.text for each in page.channels] == ["#ops (Slack)"]
    assert [each.value for each in page.waits][-1] == page.draft.pending == "90"
    assert [each.text for each in page.repeats][-1] == "every 45 minutes"
    work(page, "save", {"name": "Spend"})
    session.expire_all()
    after = alerts.get_alert(session, company.actor, id)
    for name in (
        "threshold",
        "comparison_type",
        "group_by",
        "renotify_minutes",
        "pending_minutes",
        "channel_ids",
        "window",
    ):
        assert getattr(after, name) == getattr(before, name), name
    work(page, "open_edit", id)
    work(page, "choose", "group", "")
    work(page, "switch_on", target.id, False)
    work(page, "save", {})
    session.expire_all()
    after = alerts.get_alert(session, company.actor, id)
    assert (after.group_by, after.channel_ids) == (None, ())


def test_what_has_no_field_stays_as_it_is(page: AlertsState, session: Session, company: seed.Company) -> None:
    id = _alert(session, company, type=AlertType.BUDGET_EXCEEDED, threshold=None, metadata={"runbook": "R1"})
    work(page, "open_edit", id)
    work(page, "save", {"name": "Budgets", "emails": f" {company.owner.email} "})
    session.expire_all()
    view = alerts.get_alert(session, company.actor, id)
    assert view.metadata == {"runbook": "R1", "emails": [company.owner.email]}
    work(page, "open_edit", id)
    assert page.draft.emails == company.owner.email
    work(page, "save", {"emails": "somebody@else.test"})
    assert page.refusal == "Nobody of your organization has the address somebody@else.test."


def test_what_fires_stands_first_and_is_acknowledged(
    page: AlertsState, session: Session, company: seed.Company
) -> None:
    _alert(session, company, name="A quiet one")
    id = _alert(session, company, name="Loud", group_by="model")
    _fire(session, id, "gpt-5", "gpt-4")
    work(page, "load")
    assert [(row.name, row.state) for row in page.alerts] == [("Loud", "Firing"), ("A quiet one", "OK")]
    assert (page.summary, page.firing) == ("1 of 2 fires", 1)
    assert [(group.name, group.value) for group in page.alerts[0].groups] == [("gpt-4", "$71.50"), ("gpt-5", "$71.50")]
    work(page, "acknowledge", id, "gpt-5")
    assert [(group.name, group.state) for group in page.alerts[0].groups] == [
        ("gpt-4", "Firing"),
        ("gpt-5", "Acknowledged"),
    ]
    work(page, "acknowledge", id, "*")
    assert (page.alerts[0].state, page.firing) == ("Acknowledged", 0)
    assert payload(work(page, "snooze", id, 24, "*"))["message"] == "Nobody is told for a day."
    assert next(row for row in page.alerts if row.id == id).note.startswith("snoozed until ")
    work(page, "snooze", id, 0, "*")
    work(page, "turn", id, False)
    assert next(row for row in page.alerts if row.id == id).state == "Off"
    assert _actions(session) == [
        "ALERT_ACKNOWLEDGE",
        "ALERT_ACKNOWLEDGE",
        "ALERT_SNOOZE",
        "ALERT_SNOOZE",
        "ALERT_UPDATE",
    ]


def test_the_history_shows_every_attempt(page_of: StatePage, session: Session, company: seed.Company) -> None:
    id = _alert(session, company)
    session.add(
        AlertTransition(
            alert_id=id,
            organization_id=company.organization.id,
            number=1,
            from_state=AlertState.OK,
            to_state=AlertState.FIRING,
            notice={"sentence": "AI provider spend was $71.50."},
        )
    )
    attempts = [
        {"at": "2026-11-23T10:00:00Z", "status": 500, "error": "The server failed.", "seconds": 0.25},
        {"at": "2026-11-23T10:00:05Z", "status": 200, "error": "", "seconds": 0.1},
    ]
    session.add(
        AlertNotification(
            alert_id=id,
            organization_id=company.organization.id,
            transition="#1",
            channel=NotificationChannel.EMAIL,
            target="a@b.test",
            attempts_made=attempts,
        )
    )
    session.commit()
    page = page_of(AlertsState, company.token, f"/alerts?alert={id}")
    work(page, "load")
    (change,) = page.history
    assert (change.state, change.title, change.sentence) == ("Firing", "was ok", "AI provider spend was $71.50.")
    (message,) = change.messages
    assert [each.result for each in message.attempts] == [
        "HTTP 500 after 0.2\u00a0s: The server failed.",
        "HTTP 200 after 0.1\u00a0s",
    ]
    said = payload(work(page, "test", id))["message"]
    assert said.startswith("1 test is on the way.")
    assert [each.state for each in page.history] == ["Test", "Firing"]
    gone = page_of(AlertsState, company.token, "/alerts?alert=nobody")
    work(gone, "load")
    assert (gone.asked, gone.opened.id, gone.history) == ("nobody", "", [])


def test_deleting_asks_for_the_name(page: AlertsState, session: Session, company: seed.Company) -> None:
    id = _alert(session, company)
    work(page, "open_delete", id)
    with pytest.raises(ValidationError):
        work(page, "delete")
    work(page, "type_name", "Spend")
    work(page, "delete")
    assert (page.alerts, page.doomed.id, _actions(session)) == ([], "", ["ALERT_DELETE"])


def test_another_organizations_alerts_are_unknown_to_every_handler(
    page_of: StatePage, session: Session, company: seed.Company
) -> None:
    id = _alert(session, company)
    _fire(session, id, "")
    stranger = page_of(AlertsState, seed.company(session, "Globex").token, f"/alerts?alert={id}")
    session.commit()
    work(stranger, "load")
    assert (stranger.alerts, stranger.opened.id, stranger.firing) == ([], "", 0)
    for handler, *more in (
        ("open_edit",),
        ("rotate",),
        ("acknowledge", "*"),
        ("snooze", 8, "*"),
        ("turn", False),
        ("test",),
        ("open_delete",),
    ):
        with pytest.raises(NotFoundError):
            work(stranger, handler, id, *more)
    stranger.draft = Draft(id=id, name="mine", threshold="1")
    assert work(stranger, "save", {}) is None
    assert stranger.refusal == "Alert not found"
    session.expire_all()
    assert session.exec(select(Alert)).one().name == "Spend"
    assert _actions(session) == []


def test_a_viewer_sees_and_changes_nothing(page_of: StatePage, session: Session) -> None:
    company = seed.company(session, "Acme")
    session.exec(select(TeamMember).where(TeamMember.user_id == company.owner.id)).one().role = TeamRole.VIEWER
    session.commit()
    page = page_of(AlertsState, company.token, "/alerts")
    work(page, "load")
    assert (page.loaded, page.can_create) == (True, False)
    with pytest.raises(AuthorizationError):
        work(page, "open_new", "")


def test_every_alert_that_can_be_chosen_comes_back_as_it_was_built(session: Session, company: seed.Company) -> None:
    for _family, options in families():
        for option in options:
            draft = fitted(Draft(name="x", watched=option.value, threshold="7", mail=False))
            made = alerts.create_alert(session, company.actor, wanted(draft, whole=True)).alert
            assert draft_of(made) == Draft(**{**vars_of(draft), "id": made.id}), option.text
    assert told(EMPTY, {"comparison": RISE}).comparison == RISE


def vars_of(draft: Draft) -> dict[str, Any]:
    return {name: getattr(draft, name) for name in Draft.__dataclass_fields__}


def test_alarms_are_few_toasts() -> None:
    def alarm(state: str, sentence: str = "It is so.") -> dict[str, str]:
        return {"alertId": "x", "name": "Spend", "state": state, "sentence": sentence}

    assert alarm_toasts([alarm("ok"), alarm("snoozed"), alarm("firing", "")]) == []
    found = [payload(each) for each in alarm_toasts([alarm("firing"), alarm("recovered"), alarm("no_data")])]
    assert [(each["tone"], each["message"], each["description"]) for each in found] == [
        ("warning", "Spend", "It is so."),
        ("success", "Spend", "It is so."),
        ("warning", "Spend", "It is so."),
    ]
    assert payload(alarm_toasts([alarm("firing")] * 7)[-1])["message"] == "4 more alerts"
