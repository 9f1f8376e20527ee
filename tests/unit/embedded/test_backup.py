"""Backup and restore: what comes back is what was there, and a bad file changes nothing."""

import stat
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlmodel import Session

from alembic import command
from guardian import db
from guardian.config import Settings, settings
from guardian.crypto import EncryptionService
from guardian.embedded.backup import backup, database, restore
from guardian.embedded.migrate import configuration, current_and_head, migrate
from guardian.embedded.postgres import PostgresServer
from guardian.embedded.runs import RunFolder
from guardian.errors import ConfigurationError, GuardianError
from guardian.models import ApiKey
from guardian.models.enums import Provider
from guardian.periods import utcnow
from guardian.services.people import audit
from tests.conftest import ENCRYPTION_KEY, People, Servers, forget_caches
from tests.unit.guard.ledger import add_calls


def emails(found: Settings) -> list[str]:
    assert found.database_url is not None
    with psycopg.connect(found.database_url.get_secret_value()) as connection:
        return [row[0] for row in connection.execute("SELECT email FROM users ORDER BY email")]


def run(found: Settings, statement: str) -> None:
    assert found.database_url is not None
    with psycopg.connect(found.database_url.get_secret_value(), autocommit=True) as connection:
        connection.execute(statement.encode())


def test_a_restored_database_is_the_one_that_was_backed_up(people: People, tmp_path: Path) -> None:
    found, target = settings(), tmp_path / "today.backup"
    before = emails(found)
    assert len(before) == 3
    size = backup(found, target)
    assert size == target.stat().st_size > 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    run(found, "DELETE FROM organizations; DELETE FROM users")
    # What was made since the backup must not stand in its way: a month's partition, a table, a changed one.
    run(
        found,
        "CREATE TABLE usage_logs_2099_01 PARTITION OF usage_logs FOR VALUES FROM ('2099-01-01') TO ('2099-02-01')",
    )
    run(found, "CREATE TABLE later (user_id text REFERENCES users (id)); ALTER TABLE users ADD COLUMN later text")
    restore(found, target)
    assert emails(found) == before
    again = tmp_path / "again.backup"
    backup(found, again)
    restore(found, again)
    assert emails(found) == before


@pytest.mark.parametrize("cut", [0, 100, -200])
def test_a_cut_backup_changes_nothing(people: People, tmp_path: Path, cut: int) -> None:
    found, target = settings(), tmp_path / "whole.backup"
    backup(found, target)
    broken = tmp_path / "cut.backup"
    broken.write_bytes(target.read_bytes()[:cut])
    with pytest.raises(GuardianError, match="cannot be read"):
        restore(found, broken)
    assert len(emails(found)) == 3


def test_a_backup_never_replaces_a_file_and_leaves_no_half_one(environment: Servers, tmp_path: Path) -> None:
    target = tmp_path / "mine.txt"
    target.write_text("mine")
    with pytest.raises(ConfigurationError, match="exists already"):
        backup(settings(), target)
    assert target.read_text() == "mine"
    unreachable = Settings(database_url="postgresql://nobody:guess@127.0.0.1:1/none")  # type: ignore[arg-type]
    with pytest.raises(GuardianError, match="pg_dump failed"):
        backup(unreachable, tmp_path / "new.backup")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        backup(settings(), tmp_path / "no" / "such" / "folder")
    assert list(tmp_path.iterdir()) == [target]


def test_where_nothing_is_there_is_nothing_to_back_up(
    environment: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A forgotten GUARDIAN_DATA_DIR must not end in an empty file that passes for a backup."""
    run(settings(), "DROP TABLE alembic_version")
    with pytest.raises(ConfigurationError, match="no tables of this product"):
        backup(settings(), tmp_path / "empty.backup")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    nowhere = tmp_path / "forgotten"
    with pytest.raises(ConfigurationError, match=r"no database in .*forgotten.*GUARDIAN_DATA_DIR"):
        backup(Settings(guardian_data_dir=nowhere), tmp_path / "empty.backup")
    assert list(tmp_path.iterdir()) == []


def test_the_embedded_database_is_started_for_it_and_stopped_again(
    open_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    found = Settings(guardian_data_dir=open_dir / "data")
    with database(found) as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (word text); CREATE TABLE alembic_version (version_num text)")
    assert PostgresServer(open_dir / "data").pid is None
    backup(found, open_dir / "embedded.backup")
    with database(found) as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE kept")
    restore(found, open_dir / "embedded.backup")
    with database(found) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_a_running_product_is_backed_up_but_not_restored_under(
    open_dir: Path, environment: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = settings().require_database_url()
    monkeypatch.delenv("DATABASE_URL", raising=False)
    found = Settings(guardian_data_dir=open_dir)
    run_folder = RunFolder(open_dir)
    run_folder.acquire()
    run_folder.publish({"DATABASE_URL": url})
    try:
        backup(found, open_dir / "live.backup")
        with pytest.raises(ConfigurationError, match="already runs"):
            restore(found, open_dir / "live.backup")
    finally:
        run_folder.release()


def test_what_is_no_file_is_not_restored(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is no file"):
        restore(Settings(), tmp_path / "missing")


def test_a_backup_of_a_newer_version_changes_nothing(people: People, tmp_path: Path) -> None:
    found, target = settings(), tmp_path / "newer.backup"
    run(found, "UPDATE alembic_version SET version_num = 'f00000000000'")
    backup(found, target)
    with pytest.raises(ConfigurationError, match="newer version"):
        restore(found, target)
    assert len(emails(found)) == 3


def test_a_backup_of_an_older_version_is_brought_up_to_date(people: People, tmp_path: Path) -> None:
    found, target = settings(), tmp_path / "older.backup"
    before = emails(found)
    command.downgrade(configuration(), "-1")
    backup(found, target)
    migrate(lambda _words: None)
    run(found, "DELETE FROM organizations; DELETE FROM users")
    assert list(restore(found, target)) == []
    migrate(lambda _words: None)
    assert emails(found) == before
    current, head = current_and_head()
    assert current == head


def test_usage_comes_back_whole_and_a_missing_key_is_warned_of(
    session: Session, people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, target = settings(), tmp_path / "real.backup"
    sealed = EncryptionService(ENCRYPTION_KEY).encrypt_api_key("sk-1234")
    session.add(
        ApiKey(
            provider=Provider.OPENAI,
            encrypted_key=sealed.encrypted_key,
            iv=sealed.iv,
            tag=sealed.tag,
            encryption_key_id=sealed.key_id,
            user_id=people.alice.user_id,
        )
    )
    add_calls(session, people.alice, utcnow(), *(["0.0000002"] * 300))
    session.commit()
    sums = "SELECT (SELECT sum(cost) FROM usage_rollups), count(*), sum(cost), max(id) FROM usage_logs"
    before = session.connection().execute(text(sums)).one()
    session.close()
    backup(found, target)
    run(found, "TRUNCATE usage_logs, usage_rollups; DELETE FROM api_keys")
    assert list(restore(found, target)) == []
    db.forget_engine()
    with db.session() as again:
        assert again.connection().execute(text(sums)).one() == before
    monkeypatch.setenv("ENCRYPTION_KEY", "a" * 64)
    forget_caches()
    (warning,) = restore(settings(), target)
    assert warning.startswith(f"Sealed with encryption key {sealed.key_id}, which is not configured here: ")
    assert "stored secrets (1)" in warning


def test_the_key_of_an_audit_log_is_missed_where_no_secret_is_stored(
    session: Session, people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, target = settings(), tmp_path / "log.backup"
    audit.record(session, people.alice, "budget.create")
    session.commit()
    session.close()
    backup(found, target)
    assert list(restore(found, target)) == []
    monkeypatch.setenv("ENCRYPTION_KEY", "a" * 64)
    forget_caches()
    (warning,) = restore(settings(), target)
    assert "ends of the audit log (1). Set it as ENCRYPTION_KEY" in warning
