"""Reading the vault: what people see of its keys, and what a deleted one would take with it."""

from sqlalchemy import func
from sqlmodel import Session, and_, col, or_, select
from sqlmodel.sql.expression import Select

from guardian.errors import NotFoundError
from guardian.models import ApiKey, ProviderAccount, SyncRun, UsageRollup, User
from guardian.models.enums import UsageOrigin
from guardian.providers.registry import adapter_of
from guardian.services.actor import Actor
from guardian.services.people.provider_keys.rate_limits import rate_limits_of
from guardian.services.people.views import KeyLoss, KeyView, RateLimits


def list_keys(session: Session, actor: Actor) -> list[KeyView]:
    """The organization's keys, newest first."""
    actor.require("keys:read")
    return _read(session, _query(actor).order_by(col(ApiKey.id).desc()))


def get_key(session: Session, actor: Actor, key_id: str) -> KeyView:
    """One key of the organization. Raises NotFoundError."""
    actor.require("keys:read")
    found = _read(session, _query(actor).where(col(ApiKey.id) == key_id))
    if not found:
        raise NotFoundError("Key")
    return found[0]


def what_is_lost(session: Session, actor: Actor, key_id: str) -> KeyLoss:
    """What deleting the key would mean, for the question before it is done."""
    key = get_key(session, actor, key_id)
    # The rollups count the same rows as the ledger, and are some thousand times fewer. A report is its account's: the
    # key that pulled it is not the key that spent.
    pulled = and_(
        UsageRollup.origin == UsageOrigin.SYNC,
        UsageRollup.provider == key.provider,
        UsageRollup.account_id == key.account_id,
    )
    of_key = or_(UsageRollup.api_key_id == key_id, pulled) if key.kind == "admin" else UsageRollup.api_key_id == key_id
    rows, cost = session.exec(
        select(
            func.coalesce(func.sum(UsageRollup.rows), 0),
            func.coalesce(func.sum(UsageRollup.cost), 0),
        ).where(UsageRollup.organization_id == actor.organization_id, of_key)
    ).one()
    pulls = session.exec(select(func.count()).select_from(SyncRun).where(SyncRun.api_key_id == key_id)).one()
    same_account = session.exec(
        select(func.count())
        .select_from(ApiKey)
        .where(
            ApiKey.organization_id == actor.organization_id,
            ApiKey.provider == key.provider,
            ApiKey.account_id == key.account_id,
            ApiKey.id != key.id,
            col(ApiKey.is_active).is_(True),
            col(ApiKey.meta)["kind"].astext == "admin",
        )
    ).one()
    return KeyLoss(
        key=key,
        usage_rows=int(rows),
        cost=cost,
        pulls=pulls,
        last_of_account=key.kind == "admin" and same_account == 0,
    )


def changeable_row(session: Session, actor: Actor, key_id: str, permission: str) -> ApiKey:
    """The key's row, if the actor may do that with it: by their role, or because they stored it themselves.

    Raises NotFoundError for another organization's key, AuthorizationError.
    """
    row = session.get(ApiKey, key_id)
    if row is None or row.organization_id != actor.organization_id:
        raise NotFoundError("Key")
    own = row.user_id == actor.user_id and actor.can("keys:create")
    if not own:
        actor.require(permission)
    return row


def _query(actor: Actor) -> Select[ApiKey, User, ProviderAccount]:
    return (
        select(ApiKey, User, ProviderAccount)
        .join(User, col(User.id) == col(ApiKey.user_id))
        .join(
            ProviderAccount,
            and_(
                col(ProviderAccount.organization_id) == col(ApiKey.organization_id),
                col(ProviderAccount.provider) == col(ApiKey.provider),
                col(ProviderAccount.account_id) == col(ApiKey.account_id),
            ),
            isouter=True,
        )
        .where(ApiKey.organization_id == actor.organization_id)
    )


def _read(session: Session, query: Select[ApiKey, User, ProviderAccount]) -> list[KeyView]:
    rows = session.exec(query).all()
    limits = rate_limits_of([row.id for row, _, _ in rows])
    return [_view(row, owner, account, limits.get(row.id, ())) for row, owner, account in rows]


def _view(row: ApiKey, owner: User, account: ProviderAccount | None, limits: tuple[RateLimits, ...]) -> KeyView:
    facts = dict(row.meta or {})
    told = facts.get("kind")
    kind = told if isinstance(told, str) else None
    return KeyView(
        id=row.id,
        provider=row.provider,
        no_reporting=adapter_of(row.provider).why_no_reports(kind, facts),
        balance=account.balance if account else None,
        balance_currency=account.balance_currency if account else None,
        balance_at=account.balance_at if account else None,
        label=row.label,
        hint=row.hint,
        is_active=row.is_active,
        status=row.status,
        status_message=row.status_message,
        kind=kind,
        account_id=row.account_id,
        account_name=account.name if account else None,
        user_id=row.user_id,
        owner=owner.name or owner.email,
        created_at=row.created_at,
        last_used=row.last_used,
        last_validated=row.last_validated,
        metadata=facts,
        rate_limits=limits,
    )
