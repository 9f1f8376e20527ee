"""The only reader of the environment: every variable of the product, its default, and its NAME_FILE twin."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from guardian.errors import ConfigurationError


def _hex_key(value: SecretStr | None) -> SecretStr | None:
    if value is not None:
        text = value.get_secret_value()
        if len(text) != 64 or any(c not in "0123456789abcdefABCDEF" for c in text):
            raise ValueError("must be 32 bytes written as 64 hex characters (make one: openssl rand -hex 32)")
    return value


HexKey = Annotated[SecretStr | None, AfterValidator(_hex_key)]


class Settings(BaseSettings):
    """All settings, read once. A value may also come from the file that NAME_FILE names (Docker, Kubernetes)."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    database_url: SecretStr | None = None
    # Reads that may be some seconds old go there: the explorer, exports and summaries.
    database_replica_url: SecretStr | None = None
    # How many seconds a replica may lag behind before the primary is read instead.
    database_replica_lag_seconds: float = Field(default=10, gt=0)
    # "transaction" where DATABASE_URL leads to PgBouncer in that mode: no statement is prepared on a connection then.
    database_pooling: str = Field(default="session", pattern="^(session|transaction)$")
    redis_url: SecretStr | None = None
    encryption_key: HexKey = None
    encryption_key_previous: HexKey = None
    public_url: str | None = None

    guardian_data_dir: Path = Path(".guardian")
    guardian_host: str = "127.0.0.1"
    guardian_port: int = Field(default=8000, ge=1, le=65535)
    guardian_gateway_port: int = Field(default=8001, ge=1, le=65535)
    # Where workers and schedulers, which serve nothing else, answer /metrics: the first free port from this one on; 0:
    # nowhere. Web and gateway answer it on their own ports.
    guardian_metrics_port: int = Field(default=8002, ge=0, le=65535)
    # Who scrapes from another machine sends it as `Authorization: Bearer …`; from this one nobody needs it.
    metrics_token: SecretStr | None = None
    # Set by `guardian demo`: every page and mail says that nothing in it is real.
    guardian_demo: bool = False
    guardian_log_format: str = Field(default="auto", pattern="^(auto|json|console)$")
    guardian_log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR|CRITICAL)$")

    smtp_host: str | None = None
    smtp_port: int = 587
    smtp_secure: bool = False
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    email_from: str = "AI Cost Guardian <guardian@localhost>"

    sentry_dsn: SecretStr | None = None
    google_client_id: str | None = None
    google_client_secret: SecretStr | None = None
    github_client_id: str | None = None
    github_client_secret: SecretStr | None = None
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    # What the button of OIDC_ISSUER says after "Continue with".
    oidc_name: str = "single sign-on"
    google_issuer: str = "https://accounts.google.com"
    github_base_url: str = "https://github.com"
    github_api_url: str = "https://api.github.com"
    # How long a sign-in provider may stay silent while a person waits for it.
    sign_in_timeout_seconds: float = Field(default=5, gt=0)
    stripe_secret_key: SecretStr | None = None
    stripe_webhook_secret: SecretStr | None = None
    stripe_base_url: str = "https://api.stripe.com"
    outbound_allowlist: Annotated[tuple[str, ...], NoDecode] = ()
    # The name server (host, or host:port) that is asked whether a domain is an organization's; else the machine's own.
    dns_resolver: str | None = None

    openai_base_url: str = "https://api.openai.com/v1"
    anthropic_base_url: str = "https://api.anthropic.com"
    google_base_url: str = "https://generativelanguage.googleapis.com"
    google_bigquery_base_url: str = "https://bigquery.googleapis.com"
    google_monitoring_base_url: str = "https://monitoring.googleapis.com"
    google_oauth_token_url: str = "https://oauth2.googleapis.com/token"  # noqa: S105  # an address, no secret
    xai_base_url: str = "https://api.x.ai/v1"
    xai_management_base_url: str = "https://management-api.x.ai"
    perplexity_base_url: str = "https://api.perplexity.ai"

    # How long a provider may stay silent, and how often a temporary failure is tried again within one call.
    provider_timeout_seconds: float = Field(default=30, gt=0)
    provider_attempts: int = Field(default=4, ge=1, le=10)
    # A sync whose worker has not renewed its lease for this long may be taken over by another worker.
    sync_lease_seconds: int = Field(default=30, ge=2)
    # The largest file that may be sent for an import; the command line has no limit.
    guardian_import_max_bytes: int = Field(default=2 * 1024**3, ge=1)
    # How much of each process's journal may wait for the database: 1 GiB is some three million calls. Past it, calls
    # and events are refused rather than lost.
    guardian_journal_max_bytes: int = Field(default=1024**3, ge=1024**2)

    # What applications may send through the gateway, and how long a provider may think before it answers, and pause.
    guardian_gateway_max_body_bytes: int = Field(default=128 * 1024**2, ge=1024)
    guardian_gateway_first_byte_seconds: float = Field(default=600, gt=0)
    guardian_gateway_idle_seconds: float = Field(default=300, gt=0)
    # How long the rest of a stream is read whose caller has left: its last event says what it cost.
    guardian_gateway_drain_seconds: float = Field(default=30, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _split_allowlist(cls, values: dict[str, object]) -> dict[str, object]:
        hosts = values.get("outbound_allowlist")
        if isinstance(hosts, str):
            values["outbound_allowlist"] = tuple(h.strip() for h in hosts.split(",") if h.strip())
        return values

    @property
    def base_url(self) -> str:
        """Where people reach the web process, without a trailing slash."""
        return (self.public_url or f"http://{self.guardian_host}:{self.guardian_port}").rstrip("/")

    @property
    def gateway_url(self) -> str:
        """Where applications reach the gateway, without a trailing slash: the host of PUBLIC_URL, at its own port."""
        public = urlsplit(self.public_url or "")
        listening = "127.0.0.1" if self.guardian_host in ("0.0.0.0", "::", "") else self.guardian_host  # noqa: S104
        host = public.hostname or listening
        return f"{public.scheme or 'http'}://{f'[{host}]' if ':' in host else host}:{self.guardian_gateway_port}"

    def require_database_url(self) -> str:
        return self._require("database_url", "postgresql://user:password@host:5432/guardian", "postgres")

    def require_redis_url(self) -> str:
        return self._require("redis_url", "redis://host:6379/0", "redis", "unix")

    def require_encryption_key(self) -> str:
        return self._require("encryption_key", "64 hex characters: openssl rand -hex 32")

    def _require(self, name: str, example: str, *schemes: str) -> str:
        """`schemes` are the beginnings of which an address has to have one."""
        value: SecretStr | None = getattr(self, name)
        if value is None:
            raise ConfigurationError(
                f"{name.upper()} is not set. Set it ({example}), or start everything with `guardian up`."
            )
        if schemes and not value.get_secret_value().startswith(schemes):
            raise ConfigurationError(f"{name.upper()} must begin with {example.partition('//')[0]}// ({example}).")
        return value.get_secret_value()

    @classmethod
    def from_environment(cls) -> Self:
        """Read the environment and the NAME_FILE files.

        Raises ConfigurationError naming the variable when a value or file is wrong.
        """
        from_files: dict[str, str] = {}
        for name in cls.model_fields:
            path = os.environ.get(f"{name.upper()}_FILE")
            if path and not os.environ.get(name.upper()):
                try:
                    from_files[name] = Path(path).read_text(encoding="utf-8").strip()
                except (OSError, UnicodeDecodeError) as error:
                    why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
                    # `from None`: the decoding error carries the file's bytes, which may be a secret.
                    raise ConfigurationError(
                        f"{name.upper()}_FILE points to {path}, which cannot be read: {why}."
                    ) from None
        try:
            return cls(**from_files)  # pyright: ignore[reportArgumentType]  # pydantic parses the text
        except ValidationError as error:
            problems = "; ".join(f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_input=False))
            raise ConfigurationError(f"Wrong settings: {problems}.") from None


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once; `settings.cache_clear()` reads them anew."""
    return Settings.from_environment()
