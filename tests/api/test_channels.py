"""channels: made with settings that nobody sees again, tried at once, given new secrets, closed and opened."""

import json
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select
from standardwebhooks import Webhook

from guardian import db
from guardian.config import settings
from guardian.models import ActivityLog, EmailLog, NotificationTarget
from guardian.models.enums import DeliveryStatus
from guardian.periods import utcnow
from guardian.services.guard.notices.sealing import usable_config
from tests.api.conftest import Client
from tests.conftest import Servers
from tests.fakes.sink import Answer, Sink
from tests.fakes.smtp_server import FakeSmtp


@pytest.fixture
def sink(environment: Servers, monkeypatch: pytest.MonkeyPatch) -> Generator[Sink]:
    monkeypatch.setenv("OUTBOUND_ALLOWLIST", "127.0.0.1")
    settings.cache_clear()
    with Sink() as opened:
        yield opened


def made(client: Client, kind: str, config: dict[str, Any], name: str = "ops") -> Any:
    return client.data("POST", "/channels", 201, json={"kind": kind, "name": name, "config": config})


def test_a_channel_is_made_changed_and_deleted(alice: Client, sink: Sink, session: Session) -> None:
    channel = made(alice, "SLACK", {"url": sink.url()}, "  Ops  team ")
    assert (channel["name"], channel["kind"], channel["isActive"], channel["secret"]) == (
        "Ops team",
        "SLACK",
        True,
        None,
    )
    assert channel["hint"] == f"127.0.0.1:{sink.port} …part"
    path = f"/channels/{channel['id']}"
    assert alice.data("GET", path)["name"] == "Ops team"
    off = alice.data("PATCH", path, json={"isActive": False, "name": "Ops"})
    assert (off["isActive"], off["name"], off["hint"]) == (False, "Ops", channel["hint"])
    moved = alice.data("PATCH", path, json={"config": {"url": sink.url("/hook/another-place")}})
    assert moved["hint"].endswith("…lace")
    alice.data("DELETE", path)
    alice.failure("GET", path, 404)
    rows = session.exec(select(ActivityLog.action).order_by(col(ActivityLog.sequence))).all()
    assert list(rows) == ["CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_UPDATE", "CHANNEL_DELETE"]


def test_settings_are_sealed_and_never_shown(alice: Client, sink: Sink, session: Session) -> None:
    channel = made(alice, "WEBHOOK", {"url": sink.url()})
    secret = channel["secret"]
    alice.data("GET", "/channels")
    alice.data("PATCH", f"/channels/{channel['id']}", json={"name": "x"})
    row = session.get_one(NotificationTarget, channel["id"])
    logged = session.exec(select(ActivityLog)).all()
    stored = json.dumps([row.model_dump(mode="json"), *[each.model_dump(mode="json") for each in logged]])
    said = "".join(answer.text for answer in alice.answers)
    assert "secret-part" not in stored + said
    assert secret not in stored
    assert said.count(secret) == 1


def test_both_secrets_of_a_webhook_are_good_for_a_day(alice: Client, sink: Sink) -> None:
    channel = made(alice, "WEBHOOK", {"url": sink.url()})
    path = f"/channels/{channel['id']}"
    renewed = alice.data("POST", f"{path}/secret")
    assert renewed["secret"] != channel["secret"]
    assert renewed["previousSecretUntil"] is not None
    assert alice.data("POST", f"{path}/test")["success"]
    again = alice.data("POST", f"{path}/secret")
    assert alice.data("POST", f"{path}/test")["success"]
    first, second = sink.posted
    for secret in (channel["secret"], renewed["secret"]):
        assert Webhook(secret).verify(first.body.decode(), dict(first.headers))["type"] == "test"
    for secret in (renewed["secret"], again["secret"]):
        Webhook(secret).verify(second.body.decode(), dict(second.headers))
    assert len(second.headers["webhook-signature"].split()) == 2
    # A day later the one before is worth nothing.
    alice.data("PATCH", path, json={"config": {"url": sink.url("/other")}})
    with db.session() as own:
        row = own.get_one(NotificationTarget, channel["id"])
        assert len(usable_config(row, utcnow())["secrets"]) == 2
        assert usable_config(row, utcnow() + timedelta(hours=25))["secrets"] == [again["secret"]]


def test_only_webhooks_have_a_secret(alice: Client, sink: Sink) -> None:
    channel = made(alice, "SLACK", {"url": sink.url()})
    assert "no secret" in alice.failure("POST", f"/channels/{channel['id']}/secret", 409)["error"]


@pytest.mark.parametrize("kind", ["SLACK", "DISCORD", "TEAMS", "WEBHOOK", "PAGERDUTY"])
def test_a_test_tells_at_once_what_came_of_it(alice: Client, sink: Sink, kind: str) -> None:
    config = {"url": sink.url()} if kind != "PAGERDUTY" else {"url": sink.url(""), "routingKey": "R" * 32}
    channel = made(alice, kind, config)
    path = f"/channels/{channel['id']}"
    sink.answer = Answer(500, b"broken")
    told = alice.data("POST", f"{path}/test")
    assert (told["success"], told["status"]) == (False, 500)
    assert "broken" in told["message"]
    assert told["channel"]["lastError"] == told["message"]
    assert told["channel"]["lastSuccessAt"] is None
    sink.answer = Answer(202)
    told = alice.data("POST", f"{path}/test")
    assert (told["success"], told["status"], told["channel"]["lastError"]) == (True, 202, None)
    assert told["channel"]["lastSuccessAt"] is not None
    sink.answer = Answer(410)
    told = alice.data("POST", f"{path}/test")
    assert told["channel"]["isActive"] is False
    assert "closed for good" in told["channel"]["disabledReason"]
    opened = alice.data("PATCH", path, json={"isActive": True})
    assert (opened["isActive"], opened["disabledReason"]) == (True, None)


def test_a_test_of_a_mail_address_goes_out_and_is_logged(
    alice: Client, sink: Sink, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = made(alice, "EMAIL", {"address": "FinOps@Example.com"})
    assert channel["hint"] == "finops@example.com"
    with FakeSmtp() as smtp:
        monkeypatch.setenv("SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("SMTP_PORT", str(smtp.port))
        settings.cache_clear()
        assert alice.data("POST", f"/channels/{channel['id']}/test")["success"]
        smtp.answers["RCPT"] = "550 No such user"
        told = alice.data("POST", f"/channels/{channel['id']}/test")
    assert (told["success"], "No such user" in told["message"]) == (False, True)
    [mail] = smtp.mails
    assert (mail["To"], mail["Subject"].startswith("Test: ops")) == ("finops@example.com", True)
    rows = session.exec(select(EmailLog.status).order_by(col(EmailLog.id))).all()
    assert list(rows) == [DeliveryStatus.SENT, DeliveryStatus.FAILED]


def test_tests_cannot_flood_anybody(alice: Client, sink: Sink) -> None:
    channel = made(alice, "SLACK", {"url": sink.url()})
    path = f"/api/v1/channels/{channel['id']}/test"
    found = [alice.post(path).status_code for _ in range(22)]
    assert found.count(200) == len(sink.posted) == 20
    assert found[-1] == 429


@pytest.mark.parametrize(
    ("kind", "config", "field"),
    [
        ("SLACK", {}, "config.url"),
        ("SLACK", {"url": "hooks.slack.com/x"}, "config.url"),
        ("SLACK", {"url": "ftp://hooks.slack.com/x"}, "config.url"),
        ("SLACK", {"url": "http://hooks.slack.com/x"}, "config.url"),
        ("SLACK", {"url": "https://user:pw@hooks.slack.com/x"}, "config.url"),
        ("SLACK", {"url": "https://hooks.slack.com:99999/x"}, "config.url"),
        ("SLACK", {"url": "https://hooks.slack.com/x#y"}, "config.url"),
        ("SLACK", {"url": "https://hooks.slack.com/a b"}, "config.url"),
        ("SLACK", {"url": "https://[::1/x"}, "config.url"),
        ("WEBHOOK", {"url": "https://10.0.0.1/x"}, "config.url"),
        ("WEBHOOK", {"url": "https://169.254.169.254/latest"}, "config.url"),
        ("SLACK", {"url": "https://x.test/x", "address": "a@b.test"}, "config.address"),
        ("EMAIL", {"address": "nobody"}, "config.address"),
        ("EMAIL", {"url": "https://x.test"}, "config.url"),
        ("PAGERDUTY", {"routingKey": "short"}, "config.routingKey"),
        ("PAGERDUTY", {"routingKey": "R" * 32, "url": "https://10.0.0.1"}, "config.url"),
    ],
)
def test_wrong_settings_are_refused(alice: Client, kind: str, config: dict[str, str], field: str) -> None:
    body = {"kind": kind, "name": "x", "config": config}
    assert alice.failure("POST", "/channels", 400, json=body)["details"][0]["field"] == field


def test_names_are_told_apart(alice: Client, charlie: Client, sink: Sink) -> None:
    one = made(alice, "SLACK", {"url": sink.url()}, "ops")
    assert "ops" in alice.failure("POST", "/channels", 409, json={**_BODY, "config": {"url": sink.url()}})["error"]
    made(charlie, "SLACK", {"url": sink.url()}, "ops")
    made(alice, "SLACK", {"url": sink.url()}, "other")
    alice.failure("PATCH", f"/channels/{one['id']}", 409, json={"name": "other"})
    alice.data("PATCH", f"/channels/{one['id']}", json={"name": "ops"})


_BODY: dict[str, Any] = {"kind": "SLACK", "name": "ops"}
