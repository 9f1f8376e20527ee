"""What commands learn from the data directory of a running `guardian up`: only what they lack, and while it is true."""

from pathlib import Path

import pytest

from guardian.config import Settings
from guardian.embedded.discover import settings_with_embedded
from guardian.embedded.keyfile import stored_or_new_key
from guardian.embedded.runs import RunFolder

RUNNING = {
    "DATABASE_URL": "postgresql://embedded",
    "REDIS_URL": "redis://embedded",
    "SMTP_HOST": "127.0.0.1",
    "SMTP_PORT": "2525",
    "SMTP_SECURE": "false",
}


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*RUNNING, "ENCRYPTION_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    run = RunFolder(tmp_path)
    run.acquire()
    run.publish(RUNNING)
    run.release()
    return tmp_path


def test_everything_is_found_where_nothing_is_configured(data_dir: Path) -> None:
    key = stored_or_new_key(data_dir)
    assert settings_with_embedded(Settings(guardian_data_dir=data_dir)) == RUNNING | {"ENCRYPTION_KEY": key}


def test_what_is_configured_stands(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored_or_new_key(data_dir)
    monkeypatch.setenv("DATABASE_URL", "postgresql://mine")
    monkeypatch.setenv("SMTP_HOST", "mail.example.com")
    monkeypatch.setenv("ENCRYPTION_KEY", "0" * 64)
    assert settings_with_embedded(Settings(guardian_data_dir=data_dir)) == {"REDIS_URL": "redis://embedded"}


def test_without_a_running_product_only_the_key_is_found(tmp_path: Path) -> None:
    assert settings_with_embedded(Settings(guardian_data_dir=tmp_path)) == {}
    key = stored_or_new_key(tmp_path)
    assert settings_with_embedded(Settings(guardian_data_dir=tmp_path)) == {"ENCRYPTION_KEY": key}


def test_a_data_directory_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    assert settings_with_embedded(Settings(guardian_data_dir=tmp_path / "none")) == {}
    assert list(tmp_path.iterdir()) == []
