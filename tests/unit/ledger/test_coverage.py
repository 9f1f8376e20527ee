"""Windows of whole days, refused in words where they make no sense; coverage that never hides a gap."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from sqlmodel import Session

from guardian.errors import ValidationError
from guardian.models import ApiKey, ProviderAccount, SyncRun
from guardian.models.enums import Provider, SyncStatus, SyncTrigger
from guardian.periods import DAY, HOUR, Window
from guardian.services.ledger.sync.coverage import account_id_of, extend_coverage, know_account, window_for
from tests.conftest import People

NOW = datetime(2026, 11, 23, 12, 4, 31, tzinfo=UTC)
TODAY = datetime(2026, 11, 23, tzinfo=UTC)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def key(session: Session, people: People) -> ApiKey:
    row = ApiKey(
        provider=Provider.OPENAI,
        encrypted_key="",
        iv="",
        tag="",
        user_id=people.alice.user_id,
        organization_id=people.alice.organization_id,
        account_id="acct",
        meta={"kind": "admin"},
    )
    session.add(row)
    session.flush()
    return row


def covered(session: Session, key: ApiKey, start: datetime, end: datetime) -> None:
    account = know_account(session, key.organization_id or "", key.provider, "acct")
    account.covered_from, account.covered_to = start, end
    session.flush()


def test_a_backfill_is_ninety_days_whatever_is_covered(session: Session, key: ApiKey) -> None:
    covered(session, key, TODAY - DAY, TODAY)
    window = window_for(session, key, SyncTrigger.BACKFILL, None, None, NOW)
    assert window == Window(TODAY - 90 * DAY, NOW.replace(second=0))


def test_the_schedule_begins_like_a_backfill_and_then_trails(session: Session, key: ApiKey) -> None:
    assert window_for(session, key, SyncTrigger.SCHEDULE, None, None, NOW).start == TODAY - 90 * DAY
    covered(session, key, TODAY - 90 * DAY, TODAY - 5 * DAY + 3 * HOUR)
    assert window_for(session, key, SyncTrigger.SCHEDULE, None, None, NOW).start == TODAY - 8 * DAY
    assert window_for(session, key, SyncTrigger.DEMAND, None, None, NOW).start == TODAY - 8 * DAY


def test_what_a_failed_backfill_left_is_read_again(session: Session, key: ApiKey) -> None:
    wanted = Window(TODAY - 90 * DAY, TODAY)
    session.add(
        SyncRun(
            organization_id=key.organization_id or "",
            api_key_id=key.id,
            trigger=SyncTrigger.BACKFILL,
            window_start=wanted.start,
            window_end=wanted.end,
        )
    )
    covered(session, key, TODAY - 20 * DAY, TODAY)
    assert window_for(session, key, SyncTrigger.SCHEDULE, None, None, NOW).start == wanted.start
    covered(session, key, wanted.start, TODAY)
    assert window_for(session, key, SyncTrigger.SCHEDULE, None, None, NOW).start == TODAY - 3 * DAY


def test_what_a_pull_that_failed_left_is_read_again_by_the_next(session: Session, key: ApiKey) -> None:
    """Usage is read before costs, so that the account can be covered, and its bill incomplete."""
    covered(session, key, TODAY - 90 * DAY, TODAY)

    def ran(first: int, last: int, status: SyncStatus, trigger: SyncTrigger, error: str | None = None) -> None:
        run = SyncRun(
            organization_id=key.organization_id or "",
            api_key_id=key.id,
            trigger=trigger,
            status=status,
            window_start=TODAY - first * DAY,
            window_end=TODAY - last * DAY,
            error_code=error,
        )
        session.add(run)
        session.flush()

    def begins() -> datetime:
        return window_for(session, key, SyncTrigger.SCHEDULE, None, None, NOW).start

    schedule = SyncTrigger.SCHEDULE
    # What was asked for by hand is its asker's, and what cannot be read today cannot be read tomorrow.
    ran(80, 70, SyncStatus.FAILED, SyncTrigger.DEMAND, "PROVIDER_UNAVAILABLE")
    ran(60, 57, SyncStatus.FAILED, schedule, "PROVIDER_CONTRACT_BROKEN")
    assert begins() == TODAY - 3 * DAY
    ran(30, 27, SyncStatus.FAILED, schedule, "PROVIDER_UNAVAILABLE")
    ran(29, 26, SyncStatus.FAILED, schedule, "PROVIDER_FORBIDDEN")
    ran(28, 2, SyncStatus.FINISHED, schedule)
    assert begins() == TODAY - 30 * DAY
    ran(30, 1, SyncStatus.FINISHED, schedule)
    assert begins() == TODAY - 3 * DAY


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (date(2026, 11, 1), date(2026, 11, 2), Window(day("2026-11-01"), day("2026-11-03"))),
        (date(2026, 11, 1), date(2026, 11, 1), Window(day("2026-11-01"), day("2026-11-02"))),
        (date(2026, 11, 23), date(2026, 11, 23), Window(TODAY, NOW.replace(second=0))),
        (date(2026, 11, 22), None, Window(TODAY - DAY, NOW.replace(second=0))),
        (None, date(2026, 11, 20), Window(day("2026-11-18"), day("2026-11-21"))),
        # Instants are widened to whole days: a part of a day would overwrite all of it.
        (day("2026-11-01T05:00"), day("2026-11-02T00:00"), Window(day("2026-11-01"), day("2026-11-02"))),
        (day("2026-11-01T05:00"), day("2026-11-02T00:01"), Window(day("2026-11-01"), day("2026-11-03"))),
        (day("2026-11-02T00:00"), day("2026-11-02T00:00"), Window(day("2026-11-02"), day("2026-11-03"))),
        (
            datetime(2026, 11, 2, 0, 30, tzinfo=timezone(timedelta(hours=1))),
            date(2026, 11, 2),
            Window(day("2026-11-01"), day("2026-11-03")),
        ),
        (date(2025, 10, 19), None, Window(day("2025-10-19"), NOW.replace(second=0))),
        # Somewhere it is tomorrow already.
        (date(2026, 11, 23), date(2026, 11, 24), Window(TODAY, NOW.replace(second=0))),
    ],
)
def test_days_that_were_asked_for(
    session: Session, key: ApiKey, start: date | None, end: date | None, expected: Window
) -> None:
    assert window_for(session, key, SyncTrigger.DEMAND, start, end, NOW) == expected


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (date(2026, 11, 24), None, "first day is in the future"),
        (date(2026, 11, 1), date(2026, 11, 26), "last day is in the future"),
        (date(2026, 11, 3), date(2026, 11, 2), "before the first"),
        (date(2025, 10, 18), None, "At most 400 days"),
    ],
)
def test_days_that_make_no_sense(session: Session, key: ApiKey, start: date, end: date | None, words: str) -> None:
    with pytest.raises(ValidationError, match=words) as refused:
        window_for(session, key, SyncTrigger.DEMAND, start, end, NOW)
    assert refused.value.details[0]["field"] in ("startDate", "endDate")


def account(start: datetime | None = None, end: datetime | None = None) -> ProviderAccount:
    return ProviderAccount(
        organization_id="o", provider=Provider.OPENAI, account_id="a", covered_from=start, covered_to=end
    )


D = [TODAY + n * DAY for n in range(-10, 1)]


@pytest.mark.parametrize(
    ("known", "read", "expected"),
    [
        (None, [Window(D[5], D[7])], Window(D[5], D[7])),
        (None, [Window(D[7], D[9]), Window(D[5], D[7])], Window(D[5], D[9])),
        (None, [Window(D[1], D[2]), Window(D[5], D[7])], Window(D[5], D[7])),
        (Window(D[4], D[6]), [Window(D[5], D[8])], Window(D[4], D[8])),
        (Window(D[4], D[6]), [Window(D[6], D[8])], Window(D[4], D[8])),
        (Window(D[4], D[6]), [Window(D[7], D[8])], Window(D[4], D[6])),
        (Window(D[4], D[6]), [Window(D[1], D[2])], Window(D[4], D[6])),
        (Window(D[4], D[6]), [Window(D[7], D[8]), Window(D[6], D[7])], Window(D[4], D[8])),
        (None, [Window(D[5], D[6] + 4 * HOUR + timedelta(minutes=59))], Window(D[5], D[6] + 4 * HOUR)),
        (Window(D[4], D[6]), [Window(D[6], D[6] + timedelta(minutes=5))], Window(D[4], D[6])),
    ],
)
def test_coverage_grows_without_gaps(known: Window | None, read: list[Window], expected: Window) -> None:
    row = account(known.start, known.end) if known else account()
    extend_coverage(row, read)
    assert (row.covered_from, row.covered_to) == (expected.start, expected.end)


def test_a_first_hour_that_has_not_ended_covers_nothing() -> None:
    row = account()
    extend_coverage(row, [Window(TODAY, TODAY + timedelta(minutes=9))])
    assert (row.covered_from, row.covered_to) == (None, None)


def test_an_account_is_known_once(session: Session, key: ApiKey) -> None:
    one = know_account(session, key.organization_id or "", key.provider, account_id_of(key))
    two = know_account(session, key.organization_id or "", key.provider, account_id_of(key))
    assert one.id == two.id
    key.account_id = None
    assert account_id_of(key) == f"key:{key.id}"
