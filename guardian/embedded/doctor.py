"""`guardian doctor`: everything that has to be right before one goes on, a line each, with what to do about it."""

import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, cast

from redis.exceptions import RedisError
from sentry_sdk.utils import BadDsn, Dsn
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import select

from guardian import db
from guardian.config import Settings
from guardian.crypto import EncryptionService
from guardian.embedded.living import running
from guardian.embedded.migrate import current_and_head
from guardian.errors import GuardianError
from guardian.journal import aside
from guardian.journal.places import journal_folders
from guardian.journal.positions import waiting_bytes
from guardian.models import Organization
from guardian.queue import connection
from guardian.services.guard.resealing import reseal_all
from guardian.services.ledger import daily
from guardian.services.people import audit
from guardian.services.people.resealing import Unopened

_SMTP_SECONDS = 5.0
_HTTP_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. `word` is "ok", "FAIL" (the command then ends with status 1) or "note"."""

    word: Literal["ok", "FAIL", "note"]
    about: str
    text: str

    def __str__(self) -> str:
        return f"{self.word:<4}  {self.about}: {self.text}"


def examine(settings: Settings) -> Iterator[Finding]:
    """Every check in order. A check that cannot even be made (no address configured) fails with what to set."""
    yield Finding("ok", "variables", "every variable is valid")
    checks: tuple[tuple[str, Callable[[Settings], Finding]], ...] = (
        ("database", _database),
        ("migrations", _migrations),
        ("encryption key", _encryption_key),
        ("audit log", _audit_log),
        ("sums", _sums),
        ("journals", _journals),
        ("Redis", _redis),
        ("email", _email),
        ("error tracking", _error_tracking),
        ("payments", _payments),
        ("gateway", _gateway),
        ("monitoring", _monitoring),
    )
    for about, check in checks:
        try:
            yield check(settings)
        except GuardianError as error:
            yield Finding("FAIL", about, error.message)
        except SQLAlchemyError as error:
            yield Finding("FAIL", about, f"{str(error).splitlines()[0]} (run `guardian migrate`)")


def _database(settings: Settings) -> Finding:
    settings.require_database_url()
    current_and_head()
    url = db.engine().url
    return Finding("ok", "database", f"PostgreSQL answers at {url.host}:{url.port or 5432}/{url.database}")


def _migrations(_settings: Settings) -> Finding:
    current, head = current_and_head()
    if current != head:
        return Finding(
            "FAIL", "migrations", f"the database is at {current or 'nothing'}, newest is {head}: guardian migrate"
        )
    return Finding("ok", "migrations", f"at the newest revision, {head}")


def _encryption_key(settings: Settings) -> Finding:
    previous = settings.encryption_key_previous
    service = EncryptionService(settings.require_encryption_key(), previous.get_secret_value() if previous else None)
    unopened: list[Unopened] = []
    opened, older = 0, 0
    for batch in reseal_all(service, dry_run=True):
        unopened += batch.unopened
        opened += batch.current + batch.resealed
        older += batch.resealed
    if unopened:
        names = ", ".join(one.name for one in unopened[:5])
        return Finding(
            "FAIL",
            "encryption key",
            f"{len(unopened)} of {opened + len(unopened)} stored secrets cannot be opened ({names}): "
            "set the key that sealed them as ENCRYPTION_KEY_PREVIOUS, or store them again",
        )
    rest = f"; {older} still carry the previous key: guardian keys rotate" if older else ""
    return Finding("ok", "encryption key", f"opens everything that is stored sealed ({opened}){rest}")


def _audit_log(_settings: Settings) -> Finding:
    broken: list[str] = []
    with db.session() as session:
        chains = audit.chains(session)
        for chain in chains:
            found = audit.verify(session, chain)
            if found is not None:
                broken.append(f"{chain or 'no organization'}: {found.what}")
    if broken:
        return Finding(
            "FAIL", "audit log", f"changed after it was written: {'; '.join(broken[:5])}. Compare with a backup"
        )
    return Finding("ok", "audit log", f"whole; chains: {len(chains)}")


def examine_audit() -> Iterator[Finding]:
    """A line for each chain of the audit log, with the first row of it that is not as it was written."""
    with db.session() as session:
        chains = audit.chains(session)
        names = dict(session.exec(select(Organization.id, Organization.name)).all())
    for chain in chains:
        about = f"audit log of {names.get(chain, chain) if chain else 'no organization'}"
        with db.session() as session:
            rows = audit.length(session, chain)
            found = audit.verify(session, chain)
        if found is None:
            yield Finding("ok", about, f"whole; rows: {rows:,}")
        else:
            yield Finding("FAIL", about, f"{found.what} [{found.kind}]. Compare with a backup")
    if not chains:
        yield Finding("ok", "audit log", "nothing was done yet")


def _sums(_settings: Settings) -> Finding:
    """Of each organization the latest days only: all of a large one would take minutes."""
    wrong: list[str] = []
    with db.session() as session:
        organizations = list(session.exec(select(Organization.id)))
    for organization_id in organizations:
        with db.session() as session:
            wrong += [f"{text} ({organization_id})" for text in daily.disagreements(session, organization_id)]
    if wrong:
        return Finding("FAIL", "sums", f"{'; '.join(wrong[:5])}. Delete the rows of usage_days; a job makes them anew")
    return Finding("ok", "sums", f"the latest days are those of their rollups; organizations: {len(organizations)}")


def _journals(settings: Settings) -> Finding:
    """Calls that were acknowledged and are not in the ledger yet, or cannot get there without somebody's help."""
    parents = sorted((settings.guardian_data_dir / "journal").glob("*"))  # one for each kind of process
    folders = [folder for parent in parents for folder in journal_folders(parent)]
    kept = [path for folder in folders for name in ("*.damaged", aside.NAME + "*") for path in folder.glob(name)]
    if kept:
        way = "send it again with `guardian ship --resend`" if kept[0].name.startswith(aside.NAME) else "move it"
        return Finding("FAIL", "journals", f"{kept[0]} has what could not be read or stored: look into it, and {way}")
    waiting = [(folder, waiting_bytes(folder)) for folder in folders]
    full = [folder for folder, size in waiting if size > settings.guardian_journal_max_bytes * 0.8]
    if full:
        return Finding("FAIL", "journals", f"{full[0]} is almost full: see why its log says that shipping waits")
    return Finding("ok", "journals", f"{sum(size for _, size in waiting):,} bytes of calls wait for the database")


def _redis(settings: Settings) -> Finding:
    settings.require_redis_url()
    try:
        client = connection()
        client.ping()
        version = cast("dict[str, str]", client.info("server"))["redis_version"]
        policy = cast("dict[str, str]", client.info("memory"))["maxmemory_policy"]
    except RedisError as error:
        return Finding("FAIL", "Redis", f"does not answer: {str(error).rstrip('.')}. Check REDIS_URL")
    if policy != "noeviction":
        return Finding(
            "FAIL", "Redis", f"maxmemory-policy is {policy}, so a full server would drop queued jobs: set noeviction"
        )
    return Finding("ok", "Redis", f"{version} answers, maxmemory-policy noeviction")


def _email(settings: Settings) -> Finding:
    if settings.smtp_host is None:
        return Finding("FAIL", "email", "SMTP_HOST is not set, so no alert and no invitation reaches anybody")
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    context = ssl.create_default_context()
    try:
        if settings.smtp_secure:
            client = smtplib.SMTP_SSL(settings.smtp_host, settings.smtp_port, timeout=_SMTP_SECONDS, context=context)
        else:
            client = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=_SMTP_SECONDS)
        with client:
            client.ehlo()
            if settings.smtp_user and settings.smtp_password:
                if not settings.smtp_secure and client.has_extn("starttls"):
                    client.starttls(context=context)
                    client.ehlo()
                client.login(settings.smtp_user, settings.smtp_password.get_secret_value())
    except (OSError, smtplib.SMTPException) as error:
        return Finding("FAIL", "email", f"{where} does not work: {error}. Check SMTP_HOST, SMTP_PORT and SMTP_SECURE")
    return Finding("ok", "email", f"SMTP answers at {where}")


def _error_tracking(settings: Settings) -> Finding:
    if settings.sentry_dsn is None:
        return Finding("note", "error tracking", "SENTRY_DSN is not set: errors are only in the logs")
    try:
        dsn = Dsn(settings.sentry_dsn.get_secret_value())
    except BadDsn as error:
        return Finding("FAIL", "error tracking", f"SENTRY_DSN is no DSN: {error}")
    return Finding("ok", "error tracking", f"errors go to {dsn.host}")


def _payments(settings: Settings) -> Finding:
    if settings.stripe_secret_key is None:
        return Finding("ok", "payments", "plans are not sold here: whoever runs the installation assigns them")
    if settings.stripe_webhook_secret is None:
        missing = "STRIPE_WEBHOOK_SECRET is not set: nobody learns what was paid. Set the secret of the webhook to"
        return Finding("FAIL", "payments", f"{missing} {settings.base_url}/api/v1/billing/webhook")
    return Finding("ok", "payments", f"plans are sold through {settings.stripe_base_url}")


def _gateway(settings: Settings) -> Finding:
    url = f"{settings.gateway_url}/health/ready"
    return _answering("gateway", url, "no application can call while it is down")


def _monitoring(settings: Settings) -> Finding:
    token = settings.metrics_token
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token is not None else None
    found = _answering("monitoring", f"{settings.base_url}/metrics", "nothing to scrape while web is down", headers)
    return replace(found, text=f"{found.text}; {running()}")


def _answering(subject: str, url: str, otherwise: str, headers: dict[str, str] | None = None) -> Finding:
    """Whether one of our own processes answers; `otherwise` is what follows when it does not."""
    try:
        request = urllib.request.Request(url, headers=headers or {})  # noqa: S310 - our own address
        with urllib.request.urlopen(request, timeout=_HTTP_SECONDS) as response:  # noqa: S310
            status = response.status
    except (urllib.error.URLError, OSError, ValueError) as error:
        return Finding("note", subject, f"{url} does not answer ({error}): {otherwise}")
    return Finding("ok", subject, f"{url} answers {status}")
