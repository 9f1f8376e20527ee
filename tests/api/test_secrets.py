"""No secret comes back: not in an answer, not in a log line, not in the audit log or anywhere else in the clear."""

import io
import logging
from collections.abc import Iterator

import psycopg
import pytest
import structlog

from guardian import logs
from guardian.api.steps import COOKIE
from guardian.config import settings
from tests.api.conftest import Client, MakeClient, execute
from tests.fakes import openai_api
from tests.fakes.provider_server import FakeProvider

PASSWORD = "hunter2-hunter2-hunter2"
WRONG_PASSWORD = "wrong-hunter3-hunter3"
WRONG_KEY = "sk-admin-wrong-9876543210"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the process logs, written as in production."""
    before, root = structlog.get_config(), logging.getLogger()
    pytests = list(root.handlers)
    monkeypatch.setenv("GUARDIAN_LOG_FORMAT", "json")
    settings.cache_clear()
    logs.configure(settings(), "test")
    [ours] = root.handlers
    assert isinstance(ours, logging.StreamHandler)
    written = io.StringIO()
    ours.setStream(written)
    root.handlers = [*pytests, ours]
    yield written
    root.removeHandler(ours)
    structlog.configure(**before)
    structlog.contextvars.unbind_contextvars("process")


def test_secrets_stay_where_they_were_put(
    client: Client, new_client: MakeClient, fake: FakeProvider, lines: io.StringIO
) -> None:
    client.data("POST", "/auth/register", 201, json={"email": "ada@acme.test", "password": PASSWORD})
    client.failure("POST", "/auth/login", 401, json={"email": "ada@acme.test", "password": WRONG_PASSWORD})
    client.post("/auth/login", data={"email": "ada@acme.test", "password": WRONG_PASSWORD})
    cookie = client.cookies[COOKIE]
    made = client.data("POST", "/tokens", 201, json={"name": "ci", "scopes": ["api"]})
    token = made["secret"]
    client.answers.pop()  # the one answer that shows it
    script = new_client(headers={"authorization": f"Bearer {token}"})
    key = script.data("POST", "/keys", 201, json={"provider": "OPENAI", "key": openai_api.ADMIN_KEY})
    script.failure("POST", "/keys", 400, json={"provider": "OPENAI", "key": WRONG_KEY})
    script.failure("POST", "/keys", 400, json={"provider": "OPENAI", "key": [WRONG_KEY]})
    script.failure("POST", "/keys", 400, json={"provider": "OPENAI", "secret": WRONG_KEY})
    script.failure("GET", f"/keys/{WRONG_KEY}", 404)
    fake.fail("*", status=401, body={"error": {"message": f"Incorrect API key: {openai_api.ADMIN_KEY}"}})
    for path in ("", f"/{key['id']}"):
        script.data("GET", f"/keys{path}")
    script.data("POST", f"/keys/{key['id']}/test")
    script.data("PATCH", f"/keys/{key['id']}", json={"label": "renamed"})
    script.data("GET", "/activity")
    # A fault that nobody foresaw, while the key and the person's own words are on the stack.
    fake.heal()
    fake.openai.keys[WRONG_KEY] = fake.openai.keys[openai_api.ADMIN_KEY]
    execute("ALTER TABLE api_keys RENAME COLUMN hint TO elsewhere")
    script.failure("POST", "/keys", 500, json={"provider": "OPENAI", "key": WRONG_KEY})

    # A statement that fails while it carries a hash.
    execute("ALTER TABLE users ADD CONSTRAINT broken CHECK (email <> 'eve@acme.test')")
    client.failure("POST", "/auth/register", 500, json={"email": "eve@acme.test", "password": PASSWORD})

    secrets = (PASSWORD, WRONG_PASSWORD, cookie, token, openai_api.ADMIN_KEY, WRONG_KEY)
    logged = lines.getvalue()
    assert '"event": "http.request"' in logged
    assert "UndefinedColumn" in logged
    assert "CheckViolation" in logged
    assert "$argon2id$" not in logged
    stored = _everything_stored()
    assert key["id"] in stored
    for secret in secrets:
        assert secret not in logged
        assert secret not in stored
        for answer in (*client.answers, *script.answers):
            assert secret not in answer.text
            own = "set-cookie" if secret == cookie else None
            assert not any(secret in value for name, value in answer.headers.items() if name != own)


def _everything_stored() -> str:
    """All rows of all tables as text."""
    with psycopg.connect(settings().require_database_url()) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchall()
        return "\n".join(str(connection.execute(f'SELECT * FROM "{name}"'.encode()).fetchall()) for (name,) in tables)
