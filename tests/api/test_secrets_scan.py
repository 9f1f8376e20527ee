"""After a day's work no secret is in the logs, in a dump of the database, in Redis, in the built pages or an answer."""

import io
import logging
import os
import subprocess
from collections.abc import Iterator

import pytest
import structlog

from guardian import db, logs, queue
from guardian.config import settings
from guardian.embedded.postgres import programs
from guardian.services.people.access import password_resets
from guardian.ui import build
from tests.api.conftest import Client, MakeClient
from tests.conftest import ENCRYPTION_KEY
from tests.fakes import openai_api
from tests.fakes.provider_server import FakeProvider
from tests.tools.secrets import Found, find

PASSWORD = "hunter2 is not a password-7731"
NEW_PASSWORD = "hunter3 is not one either-9912"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the process logs, everything, written as in production."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = list(root.handlers), root.level
    monkeypatch.setenv("GUARDIAN_LOG_FORMAT", "json")
    monkeypatch.setenv("GUARDIAN_LOG_LEVEL", "DEBUG")
    settings.cache_clear()
    logs.configure(settings(), "test")
    written = io.StringIO()
    (ours,) = root.handlers
    assert isinstance(ours, logging.StreamHandler)
    ours.setStream(written)
    yield written
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**before)
    structlog.contextvars.unbind_contextvars("process")


def _dump() -> bytes:
    url = db.engine().url.set(drivername="postgresql").render_as_string(hide_password=False)
    command = [str(programs() / "pg_dump"), "--data-only", "--inserts", f"--dbname={url}"]
    return subprocess.run(command, capture_output=True, check=True, env={"PATH": os.defpath}).stdout


def _redis() -> bytes:
    redis, found = queue.connection(), list[bytes]()
    for key in redis.scan_iter():
        kind = redis.type(key)
        found.append(key)
        if kind == b"string":
            found.append(redis.get(key) or b"")
        elif kind == b"hash":
            found += [part for pair in redis.hgetall(key).items() for part in pair]
        elif kind == b"list":
            found += redis.lrange(key, 0, -1)
        else:
            found += redis.zrange(key, 0, -1) if kind == b"zset" else list(redis.smembers(key))
    return b"\n".join(found)


def _scan(place: str, data: bytes, planted: list[str]) -> list[Found]:
    return find(place, data, planted)


def test_no_secret_is_left_anywhere(
    client: Client, new_client: MakeClient, fake: FakeProvider, lines: io.StringIO
) -> None:
    client.data("POST", "/auth/register", 201, json={"email": "ada@acme.test", "password": PASSWORD})
    token = client.data("POST", "/tokens", 201, json={"name": "ci", "scopes": ["api", "gateway", "ingest"]})["secret"]
    client.answers.pop()  # the one answer that shows it
    script = new_client(headers={"authorization": f"Bearer {token}"})
    script.data("POST", "/keys", 201, json={"provider": "OPENAI", "key": openai_api.ADMIN_KEY})
    alert = {
        "name": "Spend",
        "type": "COST_THRESHOLD",
        "threshold": "10",
        "comparisonType": "GREATER_THAN",
        "frequency": "DAILY",
        "notifyWebhook": True,
        "webhookUrl": "http://127.0.0.1:9/hook",
    }
    made = client.post("/api/v1/alerts", json=alert)
    secret = made.json().get("data", {}).get("webhookSecret") or made.json().get("data", {}).get("secret")
    client.answers.pop()
    client.failure("POST", "/auth/login", 401, json={"email": "ada@acme.test", "password": NEW_PASSWORD})
    with db.session() as session:
        password_resets.request_password_reset(session, "ada@acme.test")
    for path in ("/keys", "/tokens", "/alerts", "/activity", "/organization", "/auth/session"):
        client.get("/api/v1" + path)
        script.get("/api/v1" + path)
    planted = [PASSWORD, NEW_PASSWORD, token, openai_api.ADMIN_KEY, ENCRYPTION_KEY, client.cookies["guardian_session"]]
    planted += [secret] if secret else []
    answers = b"\n".join(answer.content for one in (client, script) for answer in one.answers)
    pages = b"\n".join(
        path.read_bytes() for path in build.PAGES.rglob("*") if path.suffix in (".html", ".js", ".css", ".json")
    )
    places = {"logs": lines.getvalue().encode(), "answers": answers, "database": _dump(), "redis": _redis()}
    assert all(len(data) > 500 for data in places.values())
    for place, data in places.items():
        assert _scan(place, data, planted) == [], place
        for one in planted:  # the scanner sees there what it is to see
            assert _scan(place, data + one.encode(), [one])
    assert [each for each in (_scan("pages", pages, planted)) if "…" in each.what and "plain" in each.what] == []
