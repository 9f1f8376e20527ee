"""alerts: made by members, changed by their makers and administrators, in the guide's fields and ours."""

from typing import Any

import pytest
from sqlmodel import Session, select

from guardian.config import settings
from guardian.models import ActivityLog, Alert
from tests.api.conftest import Client
from tests.conftest import People

SPEND = {"name": "Spend", "type": "COST_THRESHOLD", "threshold": "250.5"}
HOOK = "https://203.0.113.9/hook"


@pytest.fixture(autouse=True)
def _allowed(monkeypatch: pytest.MonkeyPatch, environment: Any) -> None:
    monkeypatch.setenv("OUTBOUND_ALLOWLIST", "203.0.113.9")
    settings.cache_clear()


def test_an_alert_has_the_guides_fields_and_ours(bob: Client, people: People) -> None:
    made = bob.data("POST", "/alerts", 201, json=SPEND)
    expected = {
        "name": "Spend",
        "type": "COST_THRESHOLD",
        "threshold": "250.5",
        "comparisonType": "GREATER_THAN",
        "frequency": "IMMEDIATE",
        "isActive": True,
        "lastTriggered": None,
        "notifyEmail": True,
        "notifySlack": False,
        "notifyWebhook": False,
        "webhookUrl": None,
        "metadata": {},
        "userId": people.bob.user_id,
        "scope": {"type": "organization", "value": None},
        "groupBy": None,
        "window": "1d",
        "minRequests": 0,
        "state": "ok",
        "metric": "cost",
        "unit": "dollars",
        "groups": [],
        "groupCount": 0,
        "channelIds": [],
        "noData": "keep",
        "sentence": "Tell bob@example.com by e-mail when AI provider spend is above $250.50 in 24 hours.",
        "tells": ["bob@example.com by e-mail"],
        "webhookSecret": None,
    }
    assert {name: made[name] for name in expected} == expected
    shown = bob.data("GET", f"/alerts/{made['id']}")
    assert shown == {name: value for name, value in made.items() if name != "webhookSecret"}
    assert bob.data("GET", "/alerts") == [shown]


def test_a_change_clears_what_is_null_and_leaves_the_rest(alice: Client, session: Session) -> None:
    full = {
        **SPEND,
        "groupBy": "tag:feature",
        "window": "month",
        "renotifyMinutes": 60,
        "recoverThreshold": 200,
        "scope": {"type": "provider", "value": "OPENAI"},
        "metadata": {"runbook": "R1", "level": 2},
    }
    made = alice.data("POST", "/alerts", 201, json=full)
    path = f"/alerts/{made['id']}"
    changed = alice.data("PATCH", path, json={"groupBy": None, "renotifyMinutes": None, "threshold": 300})
    assert (changed["groupBy"], changed["renotifyMinutes"], changed["threshold"]) == (None, None, "300")
    for name in ("window", "recoverThreshold", "scope", "metadata", "createdAt"):
        assert changed[name] == made[name], name
    alice.data("DELETE", path)
    alice.failure("GET", path, 404)
    noted = session.exec(select(ActivityLog).order_by(ActivityLog.sequence)).all()  # pyright: ignore[reportArgumentType]
    assert [row.action for row in noted] == ["ALERT_CREATE", "ALERT_UPDATE", "ALERT_DELETE"]
    assert (noted[1].meta or {})["threshold"] == "300"


def test_the_secret_of_a_webhook_is_told_once(alice: Client, session: Session) -> None:
    made = alice.data("POST", "/alerts", 201, json={**SPEND, "notifyWebhook": True, "webhookUrl": HOOK})
    path, secret = f"/alerts/{made['id']}", made["webhookSecret"]
    assert secret.startswith("whsec_")
    assert secret not in alice.get("/api/v1" + path).text + alice.get("/api/v1/alerts").text
    assert alice.data("PATCH", path, json={"name": "x"})["webhookSecret"] is None
    renewed = alice.data("POST", path + "/secret")["webhookSecret"]
    assert renewed.startswith("whsec_")
    assert renewed != secret
    logged = str([row.meta for row in session.exec(select(ActivityLog)).all()])
    stored = str(session.get_one(Alert, made["id"]).webhook_secrets)
    assert all(each not in logged + stored for each in (secret, renewed))


def test_a_test_is_waiting_in_the_list_of_messages(alice: Client) -> None:
    made = alice.data("POST", "/alerts", 201, json=SPEND)
    path = f"/alerts/{made['id']}"
    sent = alice.data("POST", path + "/test", 202)
    assert [(each["channel"], each["status"], each["test"]) for each in sent] == [("EMAIL", "PENDING", True)]
    assert alice.data("GET", path + "/notifications?limit=5") == sent
    assert [each["test"] for each in alice.data("GET", path + "/history")] == [True]
    snoozed = alice.data("POST", path + "/snooze", json={"hours": 2})
    assert (snoozed["state"], snoozed["snoozedUntil"] is None) == ("snoozed", False)
    alice.failure("POST", path + "/acknowledge", 409, json={})
    alice.failure("POST", path + "/acknowledge", 404, json={"group": "elsewhere"})
    assert alice.data("POST", path + "/snooze", json={"hours": 0})["state"] == "ok"


def test_a_preview_stores_nothing(alice: Client, session: Session) -> None:
    body = {key: value for key, value in SPEND.items() if key != "name"}
    found = alice.data("POST", "/alerts/preview", json=body)
    assert found["rule"] == "Tell alice@example.com by e-mail when AI provider spend is above $250.50 in 24 hours."
    assert (found["count"], found["firings"]) == (0, [])
    assert alice.failure("POST", "/alerts/preview", 400, json={**body, "groupBy": "weather"})["details"]
    assert session.exec(select(Alert)).all() == []
    assert session.exec(select(ActivityLog)).all() == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"threshold": "0", "comparisonType": "GREATER_THAN_OR_EQUAL"}, "threshold"),
        ({"threshold": "lots"}, "threshold"),
        ({"type": "WEATHER"}, "type"),
        ({"metric": "requests"}, "metric"),
        ({"comparisonType": "EQUAL"}, "comparisonType"),
        ({"window": "2d"}, "window"),
        ({"scope": {"type": "planet"}}, "scope.type"),
        ({"renotifyMinutes": 4}, "renotifyMinutes"),
        ({"renotifyMinutes": "5"}, "renotifyMinutes"),
        ({"notifyWebhook": True}, "webhookUrl"),
        ({"webhookUrl": "http://127.0.0.1:6379/"}, "webhookUrl"),
    ],
)
def test_a_wrong_alert_is_refused(alice: Client, change: dict[str, Any], field: str) -> None:
    assert alice.failure("POST", "/alerts", 400, json={**SPEND, **change})["details"][0]["field"] == field


def test_channels_and_budgets_of_others_are_unknown(alice: Client, charlie: Client) -> None:
    budget = charlie.data("POST", "/budgets", 201, json={"name": "x", "limit": "1"})
    body = {"name": "x", "type": "BUDGET_EXCEEDED", "metadata": {"budgetId": budget["id"]}}
    assert charlie.data("POST", "/alerts", 201, json=body)["metadata"] == {"budgetId": budget["id"]}
    alice.failure("POST", "/alerts", 404, json=body)
    alice.failure("POST", "/alerts", 404, json={**SPEND, "channelIds": ["c" + "0" * 24]})
