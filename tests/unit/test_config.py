"""Settings: where a value comes from, and that a wrong one is named without being shown."""

import os
from pathlib import Path

import pydantic
import pytest

from guardian.config import Settings, settings
from guardian.errors import ConfigurationError

KEY = "0123456789abcdef" * 4
# What the installation may set from outside; operators rely on these names.
VARIABLES = """
DATABASE_URL REDIS_URL ENCRYPTION_KEY ENCRYPTION_KEY_PREVIOUS PUBLIC_URL GUARDIAN_DATA_DIR GUARDIAN_HOST GUARDIAN_PORT
GUARDIAN_GATEWAY_PORT SMTP_HOST SMTP_PORT SMTP_SECURE SMTP_USER SMTP_PASSWORD EMAIL_FROM SENTRY_DSN GOOGLE_CLIENT_ID
GOOGLE_CLIENT_SECRET GITHUB_CLIENT_ID GITHUB_CLIENT_SECRET OIDC_ISSUER OIDC_CLIENT_ID OIDC_CLIENT_SECRET
STRIPE_SECRET_KEY STRIPE_WEBHOOK_SECRET OUTBOUND_ALLOWLIST OPENAI_BASE_URL ANTHROPIC_BASE_URL GOOGLE_BASE_URL
GOOGLE_BIGQUERY_BASE_URL GOOGLE_MONITORING_BASE_URL GOOGLE_OAUTH_TOKEN_URL XAI_BASE_URL XAI_MANAGEMENT_BASE_URL
PERPLEXITY_BASE_URL
"""


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {name.upper() for name in Settings.model_fields}
    for name in os.environ:
        if name.upper().removesuffix("_FILE") in names:
            monkeypatch.delenv(name)


def test_every_promised_variable_is_read() -> None:
    assert {name.lower() for name in VARIABLES.split()} <= Settings.model_fields.keys()


def test_an_empty_environment_is_enough_to_start() -> None:
    found = Settings.from_environment()
    assert (found.guardian_host, found.guardian_port, found.guardian_gateway_port) == ("127.0.0.1", 8000, 8001)
    assert found.guardian_data_dir == Path(".guardian")
    assert found.openai_base_url == "https://api.openai.com/v1"
    assert found.anthropic_base_url == "https://api.anthropic.com"
    assert found.google_base_url == "https://generativelanguage.googleapis.com"
    assert found.google_bigquery_base_url == "https://bigquery.googleapis.com"
    assert found.google_monitoring_base_url == "https://monitoring.googleapis.com"
    assert found.google_oauth_token_url == "https://oauth2.googleapis.com/token"
    assert found.xai_base_url == "https://api.x.ai/v1"
    assert found.xai_management_base_url == "https://management-api.x.ai"
    assert found.perplexity_base_url == "https://api.perplexity.ai"
    assert (found.database_url, found.redis_url, found.encryption_key) == (None, None, None)
    assert found.outbound_allowlist == ()


def test_values_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@db/g")
    monkeypatch.setenv("GUARDIAN_PORT", "9000")
    monkeypatch.setenv("SMTP_SECURE", "true")
    monkeypatch.setenv("ENCRYPTION_KEY", KEY)
    found = Settings.from_environment()
    assert found.require_database_url() == "postgresql://u:p@db/g"
    assert found.require_encryption_key() == KEY
    assert (found.guardian_port, found.smtp_secure) == (9000, True)


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARDIAN_PORT", "")
    monkeypatch.setenv("ENCRYPTION_KEY", "")
    monkeypatch.setenv("DATABASE_URL_FILE", "")
    found = Settings.from_environment()
    assert (found.guardian_port, found.encryption_key, found.database_url) == (8000, None, None)


@pytest.mark.parametrize("name", VARIABLES.split())
def test_every_variable_may_come_from_a_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = {"GUARDIAN_PORT": "9000", "GUARDIAN_GATEWAY_PORT": "9001", "SMTP_PORT": "26", "SMTP_SECURE": "true"}
    text = KEY if name.startswith("ENCRYPTION_KEY") else example.get(name, "from-a-file")
    file = tmp_path / "secret"
    file.write_text(f"{text}\n")
    monkeypatch.setenv(f"{name}_FILE", str(file))
    value = getattr(Settings.from_environment(), name.lower())
    if isinstance(value, pydantic.SecretStr):
        value = value.get_secret_value()
    assert (",".join(value) if isinstance(value, tuple) else str(value).lower()) == text


def test_the_variable_itself_wins_over_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    file.write_text("redis://from-file")
    monkeypatch.setenv("REDIS_URL_FILE", str(file))
    monkeypatch.setenv("REDIS_URL", "redis://from-environment")
    assert Settings.from_environment().require_redis_url() == "redis://from-environment"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL_FILE", str(tmp_path / "missing"))
    with pytest.raises(ConfigurationError, match=r"REDIS_URL_FILE points to .*missing, .*: No such file or directory"):
        Settings.from_environment()
    monkeypatch.setenv("REDIS_URL_FILE", str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"REDIS_URL_FILE points to .*: Is a directory"):
        Settings.from_environment()


def test_a_file_that_is_no_text_is_named_and_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"\xff\xfesecret")
    monkeypatch.setenv("ENCRYPTION_KEY_FILE", str(file))
    with pytest.raises(ConfigurationError, match=r"ENCRYPTION_KEY_FILE .* it is not text in UTF-8") as caught:
        Settings.from_environment()
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("ENCRYPTION_KEY", "hunter2", "64 hex characters"),
        ("ENCRYPTION_KEY", "zz" * 32, "64 hex characters"),
        ("ENCRYPTION_KEY_PREVIOUS", "hunter2", "64 hex characters"),
        ("GUARDIAN_PORT", "hunter2", "valid integer"),
        ("GUARDIAN_PORT", "0", "greater than or equal to 1"),
        ("GUARDIAN_GATEWAY_PORT", "70000", "less than or equal to 65535"),
        ("SMTP_SECURE", "hunter2", "valid boolean"),
        ("GUARDIAN_LOG_FORMAT", "hunter2", "match pattern"),
        ("GUARDIAN_LOG_LEVEL", "hunter2", "match pattern"),
        ("PROVIDER_ATTEMPTS", "0", "greater than or equal to 1"),
        ("PROVIDER_TIMEOUT_SECONDS", "0", "greater than 0"),
        ("SYNC_LEASE_SECONDS", "1", "greater than or equal to 2"),
    ],
)
def test_a_wrong_value_is_named_and_not_shown(
    name: str, value: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_environment()
    assert f"{name}: " in caught.value.message
    assert hint in caught.value.message
    assert "hunter2" not in caught.value.message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_all_wrong_values_are_named_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARDIAN_PORT", "x")
    monkeypatch.setenv("SMTP_PORT", "y")
    file = tmp_path / "key"
    file.write_text("z")
    monkeypatch.setenv("ENCRYPTION_KEY_FILE", str(file))
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_environment()
    assert all(name in caught.value.message for name in ("GUARDIAN_PORT", "SMTP_PORT", "ENCRYPTION_KEY"))


def test_secrets_are_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "SMTP_PASSWORD", "SENTRY_DSN", "STRIPE_SECRET_KEY", "OIDC_CLIENT_SECRET"):
        monkeypatch.setenv(name, "hunter2")
    monkeypatch.setenv("ENCRYPTION_KEY", KEY)
    found = Settings.from_environment()
    for text in (repr(found), str(found), found.model_dump_json()):
        assert "hunter2" not in text
        assert KEY not in text


@pytest.mark.parametrize(("name", "begins"), [("database_url", "postgresql://"), ("redis_url", "redis://")])
def test_an_address_of_another_kind_of_server_is_refused_and_not_shown(
    name: str, begins: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name.upper(), "mysql://user:hunter2@db/x")
    with pytest.raises(ConfigurationError, match=f"{name.upper()} must begin with {begins}") as caught:
        getattr(Settings.from_environment(), f"require_{name}")()
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("name", ["database_url", "redis_url", "encryption_key"])
def test_a_missing_need_says_what_to_set(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name.upper()} is not set. Set it .* or start everything with"):
        getattr(Settings.from_environment(), f"require_{name}")()


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("localhost", ("localhost",)),
        (" 10.0.0.5:8080 , llm.internal ,", ("10.0.0.5:8080", "llm.internal")),
        (" , ", ()),
    ],
)
def test_the_allowlist_is_a_comma_separated_list(
    text: str, hosts: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTBOUND_ALLOWLIST", text)
    assert Settings.from_environment().outbound_allowlist == hosts


def test_the_base_url_is_the_public_one_or_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARDIAN_PORT", "9000")
    assert Settings.from_environment().base_url == "http://127.0.0.1:9000"
    monkeypatch.setenv("PUBLIC_URL", "https://costs.example.com/")
    assert Settings.from_environment().base_url == "https://costs.example.com"


def test_settings_are_read_once_and_cannot_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    settings.cache_clear()
    try:
        first = settings()
        monkeypatch.setenv("GUARDIAN_PORT", "9000")
        assert settings() is first
        with pytest.raises(pydantic.ValidationError, match="frozen"):
            first.guardian_port = 1
        settings.cache_clear()
        assert settings().guardian_port == 9000
    finally:
        settings.cache_clear()
