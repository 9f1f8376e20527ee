"""Rules of alerts: what is refused with which field, what a change leaves, and who is told."""

import base64
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, select

from guardian.config import settings
from guardian.errors import AuthorizationError, ConflictError, NotFoundError, ValidationError
from guardian.models import Alert, AlertGroup, AlertTransition, Budget, NotificationTarget, Organization
from guardian.models.enums import (
    AlertState,
    AlertType,
    ComparisonType,
    NotificationChannel,
    TeamRole,
)
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.guard import alerts
from guardian.services.guard.alerts import NewAlert, rules
from guardian.services.guard.alerts.secrets import secrets_of
from guardian.services.guard.budget_rule import ensure_budget_rule
from guardian.services.guard.budgets import Scope
from tests.conftest import People, make_actor

HOOK = "https://203.0.113.9/hook"  # documentation's own network is no public one, so tests allow it


def wanted(**fields: Any) -> NewAlert:
    given: dict[str, Any] = {"name": "Web", "type": AlertType.COST_THRESHOLD, "threshold": Decimal(50), **fields}
    return NewAlert(**given)


def add_target(session: Session, actor: Actor, name: str = "#ops", **fields: Any) -> NotificationTarget:
    row = NotificationTarget(
        organization_id=actor.organization_id,
        **{"kind": NotificationChannel.SLACK, "name": name, "encrypted_config": "", "iv": "", "tag": "", **fields},
    )
    session.add(row)
    session.flush()
    return row


@pytest.fixture(autouse=True)
def _allowed(monkeypatch: pytest.MonkeyPatch, environment: Any) -> None:
    monkeypatch.setenv("OUTBOUND_ALLOWLIST", "203.0.113.9")
    settings.cache_clear()


def test_a_rule_has_the_defaults_of_its_type(session: Session, people: People) -> None:
    made = alerts.create_alert(session, people.bob, wanted(name=" Web  app "))
    assert (made.alert.name, made.alert.metric, made.alert.window, made.alert.unit) == (
        "Web app",
        "cost",
        "1d",
        "dollars",
    )
    assert (made.alert.state, made.alert.scope, made.secret) == (AlertState.OK, Scope("organization"), None)
    assert made.alert.tells == ("bob@example.com by e-mail",)
    budget = alerts.create_alert(session, people.bob, NewAlert(name="B", type=AlertType.BUDGET_EXCEEDED)).alert
    assert (budget.threshold, budget.comparison_type, budget.metric) == (
        Decimal(100),
        ComparisonType.GREATER_THAN_OR_EQUAL,
        "spent",
    )


ABOVE, AT_LEAST = ComparisonType.GREATER_THAN, ComparisonType.GREATER_THAN_OR_EQUAL
BELOW, CHANGE = ComparisonType.LESS_THAN, ComparisonType.PERCENT_CHANGE


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"type": None}, "type"),
        ({"threshold": None}, "threshold"),
        ({"threshold": Decimal("NaN")}, "threshold"),
        ({"threshold": Decimal(100_000_000)}, "threshold"),
        ({"threshold": Decimal("0.001")}, "threshold"),
        ({"threshold": Decimal(-1)}, "threshold"),
        ({"threshold": Decimal(0), "comparison_type": AT_LEAST}, "threshold"),
        ({"threshold": Decimal(0), "comparison_type": BELOW}, "threshold"),
        ({"threshold": Decimal(0), "comparison_type": CHANGE}, "threshold"),
        ({"threshold": Decimal(-101), "comparison_type": CHANGE}, "threshold"),
        ({"metric": "unpriced", "threshold": Decimal("1.5")}, "threshold"),
        ({"metric": "requests"}, "metric"),
        ({"metric": "drift", "comparison_type": CHANGE}, "comparisonType"),
        ({"type": AlertType.USAGE_SPIKE, "comparison_type": CHANGE}, "comparisonType"),
        ({"type": AlertType.USAGE_SPIKE, "threshold": Decimal(0)}, "threshold"),
        ({"type": AlertType.USAGE_SPIKE, "comparison_type": BELOW}, "threshold"),
        ({"type": AlertType.USAGE_SPIKE, "window": "15m"}, "window"),
        ({"type": AlertType.USAGE_SPIKE, "group_by": "token"}, "groupBy"),
        ({"type": AlertType.RATE_LIMIT, "threshold": Decimal(101)}, "threshold"),
        ({"type": AlertType.RATE_LIMIT, "threshold": Decimal(100)}, "threshold"),
        ({"type": AlertType.RATE_LIMIT, "window": "1h"}, "window"),
        ({"type": AlertType.RATE_LIMIT, "group_by": "model"}, "groupBy"),
        ({"type": AlertType.ERROR_RATE, "comparison_type": BELOW, "threshold": Decimal(101)}, "threshold"),
        ({"type": AlertType.ERROR_RATE, "metric": "sync_failures", "min_requests": 5}, "minRequests"),
        ({"type": AlertType.BUDGET_EXCEEDED, "comparison_type": CHANGE}, "comparisonType"),
        ({"type": AlertType.BUDGET_EXCEEDED, "scope": Scope("team", "web")}, "scope"),
        ({"type": AlertType.BUDGET_EXCEEDED, "group_by": "model"}, "groupBy"),
        ({"type": AlertType.BUDGET_EXCEEDED, "recover_threshold": Decimal(90)}, "recoverThreshold"),
        ({"window": "2d"}, "window"),
        ({"group_by": "weather"}, "groupBy"),
        ({"group_by": "tag:"}, "groupBy"),
        ({"scope": Scope("team")}, "scope"),
        ({"scope": Scope("organization", "x")}, "scope"),
        ({"scope": Scope("provider", "ACME")}, "scope"),
        ({"scope": Scope("user", "nobody")}, "scope"),
        ({"scope": Scope("tag", "feature")}, "scope"),
        ({"min_requests": -1}, "minRequests"),
        ({"recover_threshold": Decimal(51)}, "recoverThreshold"),
        ({"recover_threshold": Decimal(-1)}, "recoverThreshold"),
        ({"recover_threshold": Decimal(49), "comparison_type": BELOW}, "recoverThreshold"),
        ({"recover_threshold": Decimal(1), "comparison_type": CHANGE}, "recoverThreshold"),
        ({"pending_minutes": 10_081}, "pendingMinutes"),
        ({"renotify_minutes": 4}, "renotifyMinutes"),
        ({"renotify_minutes": 43_201}, "renotifyMinutes"),
        ({"notify_webhook": True}, "webhookUrl"),
        ({"webhook_url": "ftp://example.com"}, "webhookUrl"),
        ({"webhook_url": "https://"}, "webhookUrl"),
        ({"webhook_url": "https://me:secret@example.com/"}, "webhookUrl"),
        ({"webhook_url": "https://example.com:99999/"}, "webhookUrl"),
        ({"webhook_url": "http://10.0.0.1/"}, "webhookUrl"),
        ({"webhook_url": "http://[::ffff:169.254.169.254]/"}, "webhookUrl"),
        ({"webhook_url": "http://localhost:6379/"}, "webhookUrl"),
        ({"channel_ids": [str(n) for n in range(21)]}, "channelIds"),
        ({"metadata": {"budgetId": "x"}}, "metadata"),
        ({"metadata": {"deep": {"a": 1}}}, "metadata"),
        ({"metadata": {"emails": "bob@example.com"}}, "metadata"),
        ({"metadata": {"emails": ["bob@example.com", "bob@example.com "]}}, "metadata"),
        ({"metadata": {"emails": ["charlie@example.com"]}}, "metadata"),
    ],
)
def test_what_means_nothing_is_refused(session: Session, people: People, fields: Any, field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        alerts.create_alert(session, people.alice, wanted(**fields))
    assert [problem["field"] for problem in caught.value.details] == [field]
    assert caught.value.message.endswith(".")
    assert session.exec(select(Alert)).all() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"threshold": Decimal(0)},
        {"threshold": Decimal(0), "comparison_type": ComparisonType.LESS_THAN_OR_EQUAL},
        {"comparison_type": CHANGE, "threshold": Decimal(-100)},
        {"type": AlertType.USAGE_SPIKE, "comparison_type": BELOW, "threshold": Decimal(-50), "window": "1h"},
        {"type": AlertType.USAGE_SPIKE, "metric": "new_models", "threshold": Decimal(0)},
        {"type": AlertType.RATE_LIMIT, "threshold": Decimal(100), "comparison_type": AT_LEAST},
        {"group_by": "tag:feature", "window": "month", "recover_threshold": Decimal(50), "renotify_minutes": 5},
        {"scope": Scope("provider", "openai")},
    ],
)
def test_what_means_something_is_stored(session: Session, people: People, fields: Any) -> None:
    made = alerts.create_alert(session, people.alice, wanted(**fields)).alert
    assert {name: getattr(made, name) for name in fields if name != "scope"} == {
        name: value for name, value in fields.items() if name != "scope"
    }


def test_things_of_another_organization_do_not_exist(session: Session, people: People) -> None:
    theirs = add_target(session, people.charlie)
    budget = Budget(organization_id=people.charlie.organization_id, name="x", limit=Decimal(1))
    session.add(budget)
    session.flush()
    with pytest.raises(NotFoundError, match="Channel"):
        alerts.create_alert(session, people.alice, wanted(channel_ids=[theirs.id]))
    with pytest.raises(NotFoundError, match="Budget"):
        alerts.create_alert(
            session, people.alice, wanted(type=AlertType.BUDGET_EXCEEDED, metadata={"budgetId": budget.id})
        )
    with pytest.raises(ValidationError):
        alerts.create_alert(session, people.alice, wanted(scope=Scope("user", people.charlie.user_id)))
    mine = alerts.create_alert(session, people.alice, wanted()).alert.id
    for act in (
        lambda: alerts.get_alert(session, people.charlie, mine),
        lambda: alerts.update_alert(session, people.charlie, mine, NewAlert(name="x")),
        lambda: alerts.delete_alert(session, people.charlie, mine),
        lambda: alerts.rotate_secret(session, people.charlie, mine),
        lambda: alerts.test_alert(session, people.charlie, mine),
        lambda: alerts.acknowledge(session, people.charlie, mine),
        lambda: alerts.snooze(session, people.charlie, mine, hours=1),
        lambda: alerts.history(session, people.charlie, mine),
        lambda: alerts.list_notifications(session, people.charlie, mine),
    ):
        with pytest.raises(NotFoundError):
            act()
    assert alerts.list_alerts(session, people.charlie) == []


def test_members_change_their_own_and_administrators_all(session: Session, people: People) -> None:
    acme = session.get_one(Organization, people.alice.organization_id)
    viewer = make_actor(session, acme, "vera", TeamRole.VIEWER)
    hers = alerts.create_alert(session, people.alice, wanted()).alert
    his = alerts.create_alert(session, people.bob, wanted()).alert
    assert (hers.may_change, alerts.get_alert(session, people.bob, hers.id).may_change) == (True, False)
    alerts.update_alert(session, people.bob, his.id, NewAlert(name="mine"))
    alerts.update_alert(session, people.alice, his.id, NewAlert(name="theirs"))
    with pytest.raises(AuthorizationError):
        alerts.update_alert(session, people.bob, hers.id, NewAlert(name="x"))
    with pytest.raises(AuthorizationError):
        alerts.create_alert(session, viewer, wanted())
    with pytest.raises(AuthorizationError):
        alerts.snooze(session, viewer, hers.id, hours=1)
    assert len(alerts.list_alerts(session, viewer)) == 2
    assert alerts.delete_alert(session, people.bob, his.id).name == "theirs"


def test_a_change_leaves_what_it_does_not_name(session: Session, people: People) -> None:
    made = alerts.create_alert(
        session,
        people.alice,
        wanted(
            group_by="model", window="7d", renotify_minutes=60, scope=Scope("team", "web"), metadata={"runbook": "R1"}
        ),
    ).alert
    changed = alerts.update_alert(session, people.alice, made.id, NewAlert(threshold=Decimal(60))).alert
    for name in ("group_by", "window", "renotify_minutes", "scope", "metadata", "name", "comparison_type"):
        assert getattr(changed, name) == getattr(made, name), name
    cleared = NewAlert(cleared=frozenset({"group_by", "renotify_minutes"}))
    changed = alerts.update_alert(session, people.alice, made.id, cleared).alert
    assert (changed.group_by, changed.renotify_minutes, changed.threshold) == (None, None, Decimal(60))
    # Another type begins with its own metric, and with a window that it knows.
    changed = alerts.update_alert(
        session, people.alice, made.id, NewAlert(type=AlertType.RATE_LIMIT, scope=Scope("organization"))
    ).alert
    assert (changed.metric, changed.unit) == ("used", "percent")


def test_a_rule_that_comes_to_mean_something_else_starts_anew(session: Session, people: People) -> None:
    made = alerts.create_alert(session, people.alice, wanted()).alert
    session.add(AlertGroup(alert_id=made.id, state=AlertState.FIRING, transitions=3, fired_at=utcnow()))
    session.get_one(Alert, made.id).state = AlertState.FIRING
    session.flush()
    assert alerts.update_alert(session, people.alice, made.id, NewAlert(name="y")).alert.state is AlertState.FIRING
    assert alerts.update_alert(session, people.alice, made.id, NewAlert(window="7d")).alert.state is AlertState.OK
    group = session.exec(select(AlertGroup)).one()
    # The numbers go on: a transition that was once told is never told again.
    assert (group.state, group.transitions, group.fired_at) == (AlertState.OK, 4, None)
    noted = session.exec(select(AlertTransition)).one()
    assert (noted.number, noted.from_state, noted.to_state, noted.user_id) == (
        4,
        AlertState.FIRING,
        AlertState.OK,
        people.alice.user_id,
    )


def test_there_are_so_many_rules_and_no_more(session: Session, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_ALERTS", 2)
    for _ in range(2):
        alerts.create_alert(session, people.alice, wanted())
    with pytest.raises(ConflictError, match="2 alerts"):
        alerts.create_alert(session, people.bob, wanted())
    alerts.create_alert(session, people.charlie, wanted())


def test_the_secret_of_a_webhook_is_told_once_and_rotates(session: Session, people: People) -> None:
    made = alerts.create_alert(session, people.alice, wanted(notify_webhook=True, webhook_url=HOOK))
    first = made.secret or ""
    assert first.startswith("whsec_")
    assert 24 <= len(base64.b64decode(first.removeprefix("whsec_"), validate=True)) <= 64
    row, now = session.get_one(Alert, made.alert.id), utcnow()
    assert first not in str(row.webhook_secrets)
    assert secrets_of(row, now) == [first]
    assert alerts.update_alert(session, people.alice, row.id, NewAlert(name="x")).secret is None
    second = alerts.rotate_secret(session, people.alice, row.id).secret
    assert secrets_of(row, now) == [second, first]
    assert secrets_of(row, now + timedelta(hours=25)) == [second]
    # A third one leaves the two newest.
    third = alerts.rotate_secret(session, people.alice, row.id).secret
    assert secrets_of(row, now) == [third, second]
    assert alerts.update_alert(session, people.alice, row.id, NewAlert(notify_webhook=False)).secret is None
    assert row.webhook_secrets == []
    with pytest.raises(ConflictError):
        alerts.rotate_secret(session, people.alice, row.id)
    again = alerts.update_alert(session, people.alice, row.id, NewAlert(notify_webhook=True)).secret
    assert again is not None
    assert again not in (first, second, third)


def test_who_is_told(session: Session, people: People) -> None:
    ops = add_target(session, people.alice, "#ops")
    web = add_target(session, people.alice, "#web")
    pager = add_target(session, people.alice, "Pager", kind=NotificationChannel.PAGERDUTY)
    add_target(session, people.alice, "#old", is_active=False)
    add_target(session, people.charlie, "#theirs")

    def told(**fields: Any) -> list[str]:
        return list(alerts.create_alert(session, people.alice, wanted(**fields)).alert.tells)

    mail = "alice@example.com by e-mail"
    assert told(notify_slack=True) == [mail, "#ops by Slack", "#web by Slack"]
    assert told(notify_slack=True, channel_ids=[web.id, pager.id, web.id]) == [
        mail,
        "#web by Slack",
        "Pager by PagerDuty",
    ]
    assert told(notify_email=False, channel_ids=[ops.id]) == ["#ops by Slack"]
    assert told(notify_webhook=True, webhook_url=HOOK, notify_email=False) == ["203.0.113.9 by webhook"]
    assert told(notify_email=False) == []
    assert told(metadata={"emails": ["Bob@example.com"]}) == [mail, "bob@example.com by e-mail"]


def test_the_rule_of_budgets_is_made_once(session: Session, people: People) -> None:
    for _ in range(2):
        ensure_budget_rule(session, people.alice)
    made = alerts.list_alerts(session, people.alice)
    assert [(each.name, each.type, each.metric) for each in made] == [("Budgets", AlertType.BUDGET_EXCEEDED, "spent")]
    alerts.delete_alert(session, people.alice, made[0].id)
    ensure_budget_rule(session, people.alice)
    assert alerts.list_alerts(session, people.alice) == []
    # Who has built one needs no other.
    alerts.create_alert(session, people.charlie, NewAlert(name="B", type=AlertType.BUDGET_EXCEEDED))
    ensure_budget_rule(session, people.charlie)
    assert len(alerts.list_alerts(session, people.charlie)) == 1
