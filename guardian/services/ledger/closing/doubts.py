"""Why the figures of a month that has ended may still change."""

from datetime import UTC, date, datetime, time

from sqlalchemy import func, or_
from sqlmodel import Session, col, select

from guardian.models import ApiKey, ProviderAccount, SyncRun
from guardian.models.enums import SyncStatus
from guardian.periods import Window
from guardian.providers.registry import adapter_of
from guardian.services.ledger.closing.views import end_of, long_day
from guardian.services.ledger.reconciliation.sentences import provider_name
from guardian.services.ledger.sync.coverage import TRAILING, left_out

_UNFINISHED = (SyncStatus.QUEUED, SyncStatus.RUNNING)


def read_doubts(session: Session, organization_id: str, month: date, now: datetime) -> tuple[str, ...]:
    """Why the figures of an ended month may still change, in sentences."""
    window = Window(datetime.combine(month, time.min, UTC), end_of(month))
    found: list[str] = []
    pulls = session.exec(
        select(func.count())
        .select_from(SyncRun)
        .where(
            SyncRun.organization_id == organization_id,
            col(SyncRun.status).in_(_UNFINISHED),
            col(SyncRun.window_start) < window.end,
            col(SyncRun.window_end) > window.start,
        )
    ).one()
    if pulls:
        found.append(f"{pulls} pull{'s' if pulls > 1 else ''} of it {'are' if pulls > 1 else 'is'} not finished.")
    failed = session.exec(
        select(func.count())
        .select_from(SyncRun)
        .join(ApiKey, col(ApiKey.id) == col(SyncRun.api_key_id))
        .where(
            SyncRun.organization_id == organization_id,
            col(ApiKey.is_active),
            col(SyncRun.window_start) < window.end,
            col(SyncRun.window_end) > window.start,
            left_out(),
        )
    ).one()
    if failed:
        found.append(
            f"{failed} pull{'s' if failed > 1 else ''} of it failed, and none since has read what it left out."
        )
    behind = session.exec(
        select(ProviderAccount)
        # An account that no key can pull any more will not be read further.
        .join(ApiKey, (col(ApiKey.account_id) == col(ProviderAccount.account_id)) & col(ApiKey.is_active))
        .where(
            ProviderAccount.organization_id == organization_id,
            ApiKey.organization_id == organization_id,
            ApiKey.provider == ProviderAccount.provider,
            col(ApiKey.meta)["kind"].astext == "admin",
            or_(col(ProviderAccount.covered_to).is_(None), col(ProviderAccount.covered_to) < window.end),
        )
        .distinct()
        .order_by(col(ProviderAccount.provider), col(ProviderAccount.account_id))
    ).all()
    for account in behind:
        name = f"{provider_name(account.provider)} account {account.name or account.account_id}"
        if account.covered_to is None:
            if adapter_of(account.provider).reports:  # xAI has bills only, and they cover nothing
                found.append(f"{name} has not been read yet.")
            continue
        to = account.covered_to.astimezone(UTC)
        found.append(f"{name} is read up to {long_day(to.date())}, {to:%H:%M} UTC only.")
    if now < window.end + TRAILING:
        settled = (window.end + TRAILING).date()
        found.append(
            f"Providers restate their last {TRAILING.days} days: the figures are final from {long_day(settled)} on."
        )
    return tuple(found)
