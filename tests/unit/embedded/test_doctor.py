"""`guardian doctor` and `guardian migrate`: each thing that can be wrong is found, and said with what to do."""

import os
from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlmodel import Session

from alembic import command
from guardian.config import settings
from guardian.crypto import EncryptionService
from guardian.embedded.doctor import examine, examine_audit
from guardian.embedded.migrate import configuration, migrate
from guardian.embedded.processes import free_port
from guardian.errors import GuardianError, UnavailableError
from guardian.models import ApiKey
from guardian.models.enums import Provider
from guardian.services.people import audit
from tests.conftest import ENCRYPTION_KEY, People, Servers, forget_caches
from tests.unit.journal.making import write

Set = Callable[..., None]


@pytest.fixture
def change(environment: Servers, monkeypatch: pytest.MonkeyPatch) -> Set:
    """Change variables of the environment, None for unset."""

    def run(**variables: str | None) -> None:
        for name, value in variables.items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)
        forget_caches()

    ours = {"PUBLIC_URL": f"http://127.0.0.1:{free_port()}", "GUARDIAN_GATEWAY_PORT": str(free_port())}
    run(**ours, SMTP_HOST=None, SENTRY_DSN=None)
    return run


def findings() -> dict[str, str]:
    return {found.about: f"{found.word} {found.text}" for found in examine(settings())}


def store(session: Session, people: People, key: str) -> None:
    sealed = EncryptionService(key).encrypt_api_key("sk-1234")
    session.add(
        ApiKey(
            provider=Provider.OPENAI,
            label=f"sealed with {key[:4]}",
            encrypted_key=sealed.encrypted_key,
            iv=sealed.iv,
            tag=sealed.tag,
            encryption_key_id=sealed.key_id,
            user_id=people.alice.user_id,
        )
    )
    session.commit()


def test_a_sound_installation(change: Set, session: Session, people: People) -> None:
    store(session, people, ENCRYPTION_KEY)
    found = findings()
    assert list(found) == [
        "variables",
        "database",
        "migrations",
        "encryption key",
        "audit log",
        "sums",
        "journals",
        "Redis",
        "email",
        "error tracking",
        "payments",
        "gateway",
        "monitoring",
    ]
    assert found["database"].startswith("ok PostgreSQL answers at 127.0.0.1:")
    assert found["migrations"].startswith("ok at the newest revision")
    assert found["encryption key"] == "ok opens everything that is stored sealed (1)"
    assert found["Redis"].startswith("ok 6.2")
    assert found["email"].startswith("FAIL SMTP_HOST is not set")
    assert found["error tracking"].startswith("note SENTRY_DSN is not set")
    assert found["gateway"].startswith("note")
    assert found["monitoring"].startswith("note")


def test_no_line_shows_a_secret(change: Set) -> None:
    change(SENTRY_DSN="https://publickey:secretpart@sentry.example.com/1")
    text = " ".join(findings().values())
    for secret in (ENCRYPTION_KEY, "secretpart", settings().require_database_url().split(":")[2].split("@")[0]):
        assert secret not in text
    assert "errors go to sentry.example.com" in text


def test_a_database_that_is_away(change: Set) -> None:
    change(DATABASE_URL=f"postgresql://nobody:guess@127.0.0.1:{free_port()}/none")
    found = findings()
    for about in ("database", "migrations", "encryption key", "audit log"):
        assert found[about].startswith("FAIL"), about
    assert "Check DATABASE_URL" in found["database"]
    assert "guess" not in " ".join(found.values())


def test_a_database_without_tables(change: Set, environment: Servers) -> None:
    name = f"test_{os.urandom(6).hex()}"
    environment.execute(f"CREATE DATABASE {name}")
    try:
        change(DATABASE_URL=environment.database_url(name))
        found = findings()
        assert found["migrations"].startswith("FAIL the database is at nothing")
        assert "guardian migrate" in found["encryption key"]
        said: list[str] = []
        migrate(said.append)
        assert said[0].startswith("a new database: ")
        assert not [line for line in said if line.startswith("upgrade ")]
        assert findings()["migrations"].startswith("ok")
        again: list[str] = []
        migrate(again.append)
        assert again == [line for line in said if line.startswith("database at revision")]
        command.downgrade(configuration(), "-1")
        told: list[str] = []
        migrate(told.append)
        assert [line.split(" ")[0] for line in told] == ["upgrade", "database"]
    finally:
        forget_caches()
        environment.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_partitions_are_made_from_last_month_to_three_months_ahead(change: Set, session: Session) -> None:
    said: list[str] = []
    migrate(said.append)
    names = session.connection().execute(
        text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'usage_logs'::regclass")
    )
    assert len(names.all()) >= 5
    assert not [line for line in said if line.startswith("upgrade")]


def test_a_database_of_a_newer_version_is_left_alone(change: Set, session: Session) -> None:
    session.connection().execute(text("UPDATE alembic_version SET version_num = 'fromthefuture'"))
    session.commit()
    with pytest.raises(GuardianError, match="Install the version that made it"):
        migrate(print)
    assert findings()["migrations"].startswith("FAIL")


def test_a_migration_without_a_database_says_so(change: Set) -> None:
    change(DATABASE_URL=f"postgresql://nobody:guess@127.0.0.1:{free_port()}/none")
    with pytest.raises(UnavailableError, match="Check DATABASE_URL"):
        migrate(print)


def test_stored_keys_that_the_ring_does_not_open(change: Set, session: Session, people: People) -> None:
    store(session, people, ENCRYPTION_KEY)
    store(session, people, "b" * 64)
    found = findings()["encryption key"]
    assert found.startswith("FAIL 1 of 2 stored secrets cannot be opened (OPENAI sealed with bbbb)")
    change(ENCRYPTION_KEY_PREVIOUS="b" * 64)
    assert findings()["encryption key"] == (
        "ok opens everything that is stored sealed (2); 1 still carry the previous key: guardian keys rotate"
    )


def test_no_encryption_key_at_all(change: Set) -> None:
    change(ENCRYPTION_KEY=None)
    assert "ENCRYPTION_KEY is not set" in findings()["encryption key"]


def test_an_audit_log_that_was_changed(change: Set, session: Session, people: People) -> None:
    row = audit.record(session, people.alice, "key.create")
    session.commit()
    assert findings()["audit log"] == "ok whole; chains: 1"
    session.connection().execute(text("UPDATE activity_logs SET action = 'key.delete'"))
    session.commit()
    assert f"row 1 ({row.id}) is not as it was written" in findings()["audit log"]
    assert findings()["audit log"].startswith("FAIL")


def test_the_audit_log_alone_is_a_line_for_each_chain(change: Set, session: Session, people: People) -> None:
    audit.record(session, people.alice, "key.create")
    row = audit.record(session, people.charlie, "key.create")
    audit.record(session, None, "AUTH_LOGIN_REFUSED")
    session.commit()
    lines = sorted(str(finding) for finding in examine_audit())
    assert [line.split(":")[1] for line in lines] == [" whole; rows"] * 3
    session.connection().execute(text("UPDATE activity_logs SET action = 'x' WHERE id = :id"), {"id": row.id})
    session.commit()
    [failed] = [finding for finding in examine_audit() if finding.word == "FAIL"]
    assert f"row 1 ({row.id})" in failed.text


def test_journals_that_fill_or_have_what_nobody_can_store(change: Set) -> None:
    folder = settings().guardian_data_dir / "journal" / "gateway" / "0001"
    write(folder, [b"x" * 992])
    assert findings()["journals"] == "ok 1,000 bytes of calls wait for the database"
    change(GUARDIAN_JOURNAL_MAX_BYTES=str(1024**2))
    write(folder, [b"x" * 900_000])
    assert "0001 is almost full" in findings()["journals"]
    (folder / "set-aside.jsonl").write_text("{}")
    assert findings()["journals"].startswith("FAIL")
    assert "set-aside.jsonl has what could not be read or stored" in findings()["journals"]
    assert findings()["journals"].endswith("`guardian ship --resend`")


def test_redis_that_is_away_or_forgets(change: Set, environment: Servers) -> None:
    from guardian.queue import connection

    connection().config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert findings()["Redis"].startswith("FAIL maxmemory-policy is allkeys-lru")
    finally:
        connection().config_set("maxmemory-policy", "noeviction")
    change(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    found = findings()["Redis"]
    assert found.startswith("FAIL does not answer")
    assert ".." not in found.replace("127.0.0.1", "")


def test_email_that_cannot_be_sent(change: Set) -> None:
    change(SMTP_HOST="127.0.0.1", SMTP_PORT=str(free_port()))
    assert findings()["email"].startswith("FAIL 127.0.0.1:")


def test_a_dsn_that_is_none(change: Set) -> None:
    change(SENTRY_DSN="sentry")
    assert findings()["error tracking"].startswith("FAIL SENTRY_DSN is no DSN")


def test_who_sells_plans_hears_what_was_paid(change: Set) -> None:
    assert findings()["payments"].startswith("ok plans are not sold here")
    change(STRIPE_SECRET_KEY="sk_test_1")
    assert findings()["payments"].startswith("FAIL STRIPE_WEBHOOK_SECRET is not set")
    change(STRIPE_SECRET_KEY="sk_test_1", STRIPE_WEBHOOK_SECRET="whsec_1")
    assert findings()["payments"] == "ok plans are sold through https://api.stripe.com"
