"""admin/health, monitoring, providers, unpriced, mail: how the installation runs, and what needs a person."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from guardian.api.admin.asking import Paged, Searched
from guardian.api.admin.queues import QueueOut
from guardian.api.answers.envelope import Out
from guardian.api.steps import CallDep, route
from guardian.models.enums import DeliveryStatus, KeyStatus, Provider
from guardian.services.guard.installation import mails, monitoring, providers, unpriced
from guardian.services.people.views import Page

api = APIRouter(prefix="/api/v1/admin", tags=["admin"])


class CheckOut(Out):
    """A part of the system: `what` says how it is, and what to do where the word is not ok."""

    name: str
    word: Literal["ok", "warn", "bad"]
    what: str


class HealthOut(Out):
    """The worst word of all parts, and the parts."""

    word: Literal["ok", "warn", "bad"]
    checks: list[CheckOut]


class ProcessOut(Out):
    """One process as it last told of itself; latencies in milliseconds, of the last minute."""

    kind: str
    host: str
    pid: int
    started_at: datetime
    at: datetime
    requests: int
    errors: int
    per_second: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    memory_bytes: int
    cpu_percent: float
    journal_bytes: int | None
    journal_limit: int | None
    doing: str | None


class SyncOut(Out):
    """Pulls that wait and run now, and that ended in the last day."""

    queued: int
    running: int
    finished: int
    failed: int
    troubled_keys: int


class DatabaseOut(Out):
    """`largest` are tables with their bytes, `longest_seconds` the oldest transaction that runs."""

    version: str
    size_bytes: int
    connections: int
    active: int
    max_connections: int
    longest_seconds: float
    largest: list[tuple[str, int]]


class RedisOut(Out):
    version: str
    memory_bytes: int
    clients: int
    per_second: int


class MonitoringOut(Out):
    """`redis` is null, and `processes` and `queues` are empty, while Redis does not answer."""

    checks: list[CheckOut]
    processes: list[ProcessOut]
    queues: list[QueueOut]
    syncs: SyncOut
    database: DatabaseOut
    redis: RedisOut | None
    hit_ratio: float | None
    mails_waiting: int
    mails_failed: int


class ProviderLineOut(Out):
    """`troubled` keys need a person, of which `rejected` ones are no keys to their provider any more."""

    provider: Provider
    keys: int
    active: int
    troubled: int
    rejected: int
    last_pull: datetime | None


class KeyLineOut(Out):
    """`failures` are pulls in a row that got nowhere; `waits_until` is when the next is tried after one.

    `rests_until`: so long a gateway sends nothing by the key, because calls by it failed again and again.
    """

    id: str
    organization_id: str | None
    organization: str
    provider: Provider
    name: str
    is_active: bool
    status: KeyStatus
    status_message: str | None
    last_used: datetime | None
    last_pull: datetime | None
    failures: int
    error: str | None
    waits_until: datetime | None
    rests_until: datetime | None


class UnpricedModelOut(Out):
    provider: Provider
    model: str
    organizations: int
    rows: int
    tokens: int


class MailLineOut(Out):
    """`error` is the last server's word; the text of a mail is never told."""

    id: str
    kind: str
    to: str
    subject: str
    organization: str | None
    status: DeliveryStatus
    error: str | None
    attempts: int
    not_before: datetime | None
    created_at: datetime
    sent_at: datetime | None
    can_retry: bool


class KeysAsked(Paged):
    provider: Provider | None = None
    troubled: bool = Field(default=False, description="Only keys that need a person.")


class MailAsked(Searched):
    status: DeliveryStatus | None = None


@route(api, "GET", "/health", permission="admin:read")
def get_health(call: CallDep) -> HealthOut:
    """What of the system is not as it should be, and what to do."""
    with call.transaction() as session:
        found = monitoring.monitoring(session, call.actor).checks
    words = {check.word for check in found}
    word = "bad" if "bad" in words else "warn" if "warn" in words else "ok"
    return HealthOut(word=word, checks=[CheckOut.model_validate(check) for check in found])


@route(api, "GET", "/monitoring", permission="admin:read")
def get_monitoring(call: CallDep) -> MonitoringOut:
    """Every process, the queues, pulls, cache, database and Redis, as they are now."""
    with call.transaction() as session:
        return MonitoringOut.model_validate(monitoring.monitoring(session, call.actor))


@route(api, "GET", "/providers", permission="admin:read")
def list_providers(call: CallDep) -> list[ProviderLineOut]:
    """A line for each provider that there is a key of."""
    with call.transaction() as session:
        found = providers.list_providers(session, call.actor)
    return [ProviderLineOut.model_validate(each) for each in found]


@route(api, "GET", "/keys", permission="admin:read")
def list_keys(call: CallDep, asked: Annotated[KeysAsked, Query()]) -> Page[KeyLineOut]:
    """Every provider key of the installation, never its secret; the newest first."""
    with call.transaction() as session:
        page = providers.list_keys(
            session,
            call.actor,
            provider=asked.provider,
            troubled=asked.troubled,
            cursor=asked.cursor,
            limit=asked.limit,
        )
    return Page(items=tuple(KeyLineOut.model_validate(each) for each in page.items), next_cursor=page.next_cursor)


@route(api, "GET", "/unpriced", permission="admin:read")
def list_unpriced(call: CallDep) -> list[UnpricedModelOut]:
    """Models without a price, over all organizations, those with the most tokens first."""
    with call.transaction() as session:
        found = unpriced.unpriced_models(session, call.actor)
    return [UnpricedModelOut.model_validate(each) for each in found]


@route(api, "GET", "/mail", permission="admin:read")
def list_mail(call: CallDep, asked: Annotated[MailAsked, Query()]) -> Page[MailLineOut]:
    """The mail log, newest first."""
    with call.transaction() as session:
        page = mails.list_mail(
            session,
            call.actor,
            status=asked.status,
            search=asked.search or "",
            cursor=asked.cursor,
            limit=asked.limit,
        )
    return Page(items=tuple(MailLineOut.model_validate(each) for each in page.items), next_cursor=page.next_cursor)


@route(api, "POST", "/mail/{email_id}/retry", permission="admin:update", action="MAIL_RETRY", fails=(409,))
def retry_mail(call: CallDep, email_id: str) -> MailLineOut:
    """Have a mail sent now that waits or was given up; 409 where it was sent, or has no text left."""
    with call.transaction() as session:
        line = mails.retry_mail(session, call.actor, email_id)
        call.note("mail", email_id, kind=line.kind)
    return MailLineOut.model_validate(line)
