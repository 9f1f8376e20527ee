"""Which span a pull reads, and which span of an account the reported book covers without a gap."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import cast

from sqlalchemy import ColumnElement, and_, exists, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from guardian.errors import GuardianError, ProviderContractBroken, ProviderRequestRejected, ValidationError
from guardian.models import ApiKey, ProviderAccount, SyncRun
from guardian.models.enums import Provider, SyncStatus, SyncTrigger
from guardian.periods import DAY, Window, floor_day, floor_hour, united

BACKFILL = 90 * DAY
TRAILING = 3 * DAY  # how far back providers still restate (contracts: openai d.6)
LONGEST = 400 * DAY
# Failures that neither time nor the key's owner mends.
_LASTING = (ProviderContractBroken.code, ProviderRequestRejected.code, GuardianError.code)


def account_id_of(key: ApiKey) -> str:
    """The billing account that the key's reports are about; a key whose provider names none stands for its own."""
    return key.account_id or f"key:{key.id}"


def know_account(session: Session, organization_id: str, provider: Provider, account_id: str) -> ProviderAccount:
    """The account's row, made if it is new, and locked until the transaction ends."""
    mine = ProviderAccount(organization_id=organization_id, provider=provider, account_id=account_id)
    natural_key = ["organization_id", "provider", "account_id"]
    session.exec(insert(ProviderAccount).values(mine.model_dump()).on_conflict_do_nothing(index_elements=natural_key))
    return session.exec(
        select(ProviderAccount)
        .where(
            ProviderAccount.organization_id == organization_id,
            ProviderAccount.provider == provider,
            ProviderAccount.account_id == account_id,
        )
        .with_for_update()
    ).one()


def window_for(
    session: Session,
    key: ApiKey,
    trigger: SyncTrigger,
    start: date | None,
    end: date | None,
    now: datetime,
) -> Window:
    """The whole UTC days to pull, the last one up to `now`: half a bucket restated would overwrite a whole one.

    A back-fill reads 90 days. Otherwise: the days given (a plain date as `end` is included), or else everything since
    three days before the covered end, or since the start of a pull that failed and was not made up for. Raises
    ValidationError.
    """
    now = now.replace(second=0, microsecond=0)
    if start is not None or end is not None:
        return _given(start, end, now)
    first = now - BACKFILL
    if trigger is not SyncTrigger.BACKFILL:
        first = _where_to_go_on(session, key) or first
    return Window(floor_day(first), now)


def _given(start: date | None, end: date | None, now: datetime) -> Window:
    last = now if end is None else min(_moment(end, inclusive=True), now)
    first = floor_day(last - TRAILING if start is None else _moment(start))
    if first >= now:
        raise _wrong("startDate", "The first day is in the future. Choose a day that has begun.")
    if end is not None and _moment(end) > now + DAY:
        raise _wrong("endDate", "The last day is in the future. Choose today or an earlier day.")
    if start is not None and end is not None and _moment(end) < _moment(start):
        raise _wrong("endDate", "The last day is before the first. Swap them.")
    if floor_day(last) - first > LONGEST:
        raise _wrong("startDate", f"At most {LONGEST.days} days can be pulled at once. Choose a shorter span.")
    return Window(first, min(max(_whole_day(last), first + DAY), now))


def _whole_day(moment: datetime) -> datetime:
    day = floor_day(moment)
    return day if day == moment else day + DAY


def _moment(day: date, *, inclusive: bool = False) -> datetime:
    if isinstance(day, datetime):
        return day.astimezone(UTC)
    return datetime.combine(day, time.min, UTC) + (DAY if inclusive else timedelta(0))


def _wrong(field: str, message: str) -> ValidationError:
    return ValidationError(message, details=[{"field": field, "message": message}])


def _where_to_go_on(session: Session, key: ApiKey) -> datetime | None:
    """From where the account is to be read again; None when nothing of it is covered yet."""
    account_id = account_id_of(key)
    account = session.exec(
        select(ProviderAccount).where(
            ProviderAccount.organization_id == key.organization_id,
            ProviderAccount.provider == key.provider,
            ProviderAccount.account_id == account_id,
        )
    ).one_or_none()
    if account is None or account.covered_from is None or account.covered_to is None:
        return None
    mine = (
        SyncRun.organization_id == key.organization_id,
        ApiKey.provider == key.provider,
        ApiKey.account_id == account_id,
    )
    runs = select(func.min(SyncRun.window_start)).join(ApiKey, col(ApiKey.id) == col(SyncRun.api_key_id)).where(*mine)
    # A back-fill that failed half-way left a gap behind its newest days.
    wanted = cast("datetime | None", session.exec(runs.where(SyncRun.trigger == SyncTrigger.BACKFILL)).one())
    if wanted is not None and wanted < account.covered_from:
        return wanted
    # What the next pull could not read either does not count: its newer days would never be read.
    passing = runs.where(left_out(), col(SyncRun.error_code).not_in(_LASTING))
    left = cast("datetime | None", session.exec(passing).one())
    since = account.covered_to - TRAILING
    return since if left is None else min(since, left)


def left_out() -> ColumnElement[bool]:
    """Pulls (SyncRun) that failed, and whose whole window no other pull of the account has read; not those by hand.

    Usage is read first and makes the covered span longer, so that this alone tells of costs that were never read.
    """
    whole, its, other = aliased(SyncRun), aliased(ApiKey), aliased(ApiKey)
    made_up = exists().where(
        col(whole.organization_id) == SyncRun.organization_id,
        col(whole.status) == SyncStatus.FINISHED,
        col(whole.window_start) <= SyncRun.window_start,
        col(whole.window_end) >= SyncRun.window_end,
        col(its.id) == SyncRun.api_key_id,
        col(other.id) == whole.api_key_id,
        col(other.provider) == its.provider,
        col(other.account_id) == its.account_id,
    )
    return and_(col(SyncRun.status) == SyncStatus.FAILED, col(SyncRun.trigger) != SyncTrigger.DEMAND, ~made_up)


def extend_coverage(account: ProviderAccount, read: Iterable[Window]) -> None:
    """Take up what was read completely, as far as it touches what is covered already: coverage has no gaps.

    An hour that had not ended yet is not covered.
    """
    spans = [Window(window.start, floor_hour(window.end)) for window in read]
    if account.covered_from is not None and account.covered_to is not None:
        known = Window(account.covered_from, account.covered_to)
        whole = next(w for w in united([known, *spans]) if w.start <= known.start and known.end <= w.end)
    elif spans := [span for span in spans if span.start < span.end]:
        whole = united(spans)[-1]
    else:
        return
    account.covered_from, account.covered_to = whole.start, whole.end
