"""What the key manager and the settings say, word for word."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from guardian.models.enums import KeyStatus, Provider, SyncStatus, SyncTrigger
from guardian.services.ledger.views import SyncRunView
from guardian.services.people.views import KeyLoss, KeyView, RateLimit, RateLimits, TokenView
from guardian.ui.pages.keys import rows as keys_rows
from guardian.ui.pages.keys import words as keys_words
from guardian.ui.pages.settings import rows as settings_rows

NOW = datetime(2025, 11, 5, 12, 4, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
NBSP = "\u00a0"

KEY = KeyView(
    id="k1",
    provider=Provider.OPENAI,
    label="Production",
    hint="cdef",
    is_active=True,
    status=KeyStatus.ACTIVE,
    status_message=None,
    kind="admin",
    account_id="org-1",
    account_name=None,
    user_id="u1",
    owner="Mia",
    created_at=NOW,
    last_used=None,
    last_validated=NOW - timedelta(minutes=3),
    no_reporting="",
    balance=None,
    balance_currency=None,
    balance_at=None,
    metadata={},
)
RUN = SyncRunView(
    id="r1",
    api_key_id="k1",
    key_label="Production",
    provider="OPENAI",
    trigger=SyncTrigger.BACKFILL,
    status=SyncStatus.RUNNING,
    progress=0.4,
    window_start=NOW - timedelta(days=90),
    window_end=NOW,
    rows_read=1_204,
    rows_added=37,
    rows_changed=2,
    rows_removed=0,
    error=None,
    error_code=None,
    created_at=NOW,
    started_at=NOW - timedelta(seconds=80),
    finished_at=None,
    not_before=None,
)
DONE = replace(RUN, status=SyncStatus.FINISHED, progress=1.0, finished_at=NOW - timedelta(hours=2))


def test_a_key_that_works() -> None:
    row = keys_rows.key_row(KEY, [DONE], NOW, BERLIN)
    assert (row.name, row.hint, row.kind, row.state, row.tone, row.note) == (
        "Production",
        "••••cdef",
        "Admin key",
        "Works",
        "good",
        "",
    )
    assert (row.validated.text, row.validated.title) == (f"3{NBSP}min ago", "5 Nov 2025, 13:01")
    assert (row.used.text, row.used.iso) == ("Never", "")
    assert (row.pulled_at.text, row.pulled) == (f"2{NBSP}h ago", "read 1,204 rows, added 37, changed 2")
    assert not row.pulling


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rows_added": 0, "rows_changed": 0}, "read 1,204 rows, nothing new"),
        ({"rows_read": 1, "rows_added": 1, "rows_changed": 0, "rows_removed": 3}, "read 1 row, added 1, removed 3"),
        ({"status": SyncStatus.FAILED, "error": "Too bad."}, "stopped: Too bad."),
        ({"status": SyncStatus.FAILED, "error": "Known."}, "stopped"),
        ({"status": SyncStatus.FAILED}, "stopped"),
    ],
)
def test_what_a_pull_did(change: dict[str, Any], said: str) -> None:
    assert keys_rows.result(replace(DONE, **change), known="Known.") == said


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({}, f"1,204 rows read, 40{NBSP}%, about 2{NBSP}min left"),
        ({"started_at": None, "status": SyncStatus.QUEUED}, "waiting for a worker"),
        ({"progress": 0.0, "rows_read": 0}, f"0 rows read, 0{NBSP}%"),
        ({"not_before": NOW + timedelta(minutes=5), "error": "OpenAI is busy."}, "OpenAI is busy. (next try at 13:09)"),
        ({"not_before": NOW + timedelta(minutes=5)}, "next try at 13:09"),
    ],
)
def test_how_far_a_pull_is(change: dict[str, Any], note: str) -> None:
    row = keys_rows.key_row(KEY, [replace(RUN, **change), DONE], NOW, BERLIN)
    assert (row.pulling, row.pull.label, row.pull.note) == (True, "Pulling 90 days", note)
    assert row.pulled_at.iso == "2025-11-05T10:04:00Z"


@pytest.mark.parametrize(
    ("change", "state", "tone"),
    [
        ({"status": KeyStatus.REJECTED, "status_message": "Replace it."}, "Rejected", "bad"),
        ({"status": KeyStatus.EXHAUSTED, "status_message": "Add credit."}, "Quota used up", "warn"),
        ({"status": KeyStatus.FAILING, "status_message": "Later."}, "Failing", "warn"),
        ({"is_active": False}, "Deactivated", ""),
    ],
)
def test_a_state_is_words_with_what_to_do(change: dict[str, Any], state: str, tone: str) -> None:
    row = keys_rows.key_row(replace(KEY, **change), [], NOW, BERLIN)
    assert (row.state, row.note_tone) == (state, tone)
    assert row.note == change.get(
        "status_message", "It is not used and nothing is pulled with it until you activate it."
    )


def test_every_state_of_a_key_has_words() -> None:
    for status in KeyStatus:
        assert keys_rows.key_row(replace(KEY, status=status), [], NOW, BERLIN).state


def test_a_key_without_a_label_or_an_account() -> None:
    row = keys_rows.key_row(replace(KEY, label=None, account_id="key:k1", kind=None), [], NOW, BERLIN)
    assert (row.name, row.label, row.account, row.kind) == ("OpenAI key", "", "", "Kind unknown")
    named = keys_rows.key_row(replace(KEY, account_name="Acme Inc"), [], NOW, BERLIN)
    assert named.account == "Acme Inc"


def test_rate_limits_are_what_the_provider_last_said() -> None:
    spoken = RateLimits(
        model="gpt-5",
        observed_at=NOW - timedelta(minutes=3),
        limits=(
            RateLimit(name="requests", limit=5_000, remaining=0, resets_at=NOW + timedelta(minutes=2)),
            RateLimit(name="input-tokens", limit=160_000, remaining=1_500, resets_at=NOW - timedelta(seconds=1)),
            RateLimit(name="req-minute", remaining=59),
        ),
    )
    refused = RateLimits(model="gpt-5-mini", observed_at=NOW, refused=True, retry_at=NOW + timedelta(minutes=1))
    key = replace(KEY, kind="inference", rate_limits=(spoken, refused))
    row = keys_rows.key_row(key, [], NOW, BERLIN)
    assert row.takes_calls
    assert [(line.model, line.told, line.tone, line.seen.text) for line in row.limits] == [
        (
            "gpt-5",
            "0 of 5,000 requests left until 13:06; 1,500 of 160,000 input tokens left, reset since; 59 req minute left",
            "warn",
            f"3{NBSP}min ago",
        ),
        ("gpt-5-mini", "refused as too often until 13:05", "warn", "just now"),
    ]
    later = keys_rows.key_row(key, [], NOW + timedelta(minutes=3), BERLIN)
    assert [line.tone for line in later.limits] == ["", ""]
    assert later.limits[1].told == "refused as too often"
    many = keys_rows.key_row(replace(key, rate_limits=(spoken,) * 7), [], NOW, BERLIN)
    assert (len(many.limits), many.limits_note) == (5, "and 2 models called before")


def test_rate_limits_that_nobody_told_are_not_known() -> None:
    row = keys_rows.key_row(replace(KEY, kind="inference"), [], NOW, BERLIN)
    assert (row.takes_calls, row.limits, row.limits_note[:13]) == (True, [], "Not known yet")
    assert not keys_rows.key_row(KEY, [], NOW, BERLIN).takes_calls


def test_what_a_deleted_key_takes_with_it() -> None:
    lost = KeyLoss(
        key=replace(KEY, account_name="Acme Inc"), usage_rows=1_500, cost=Decimal("12.5"), pulls=3, last_of_account=True
    )
    assert keys_words.loss(lost) == [
        "The key itself goes. To connect this account again, you need it or a new one of OpenAI.",
        "Its 3 pulls are forgotten: what each one read, added and changed.",
        "It is the last active admin key of the account Acme Inc: its figures stop being updated.",
        "What was recorded stays: 1,500 rows worth $12.50.",
    ]


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15",
            "Safari on Mac",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) CriOS/142.0 Mobile Safari/604.1", "Chrome on iPhone"),
        ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("curl/8.5.0", "curl"),
        (None, "Unknown browser"),
    ],
)
def test_a_browser_in_words(user_agent: str | None, words: str) -> None:
    assert settings_rows.device(user_agent) == words


def test_when_a_token_ends() -> None:
    token = TokenView(
        id="t1",
        name="CI",
        hint="wxyz",
        scopes=("api", "ingest"),
        user_id="u2",
        budget_id=None,
        created_at=NOW,
        expires_at=NOW - timedelta(days=2),
        last_used_at=None,
    )
    row = settings_rows.token_row(token, "u1", NOW, BERLIN)
    assert (row.expires, row.scopes, row.mine) == ("expired 3 Nov 2025, 13:04", "api, ingest", False)
    assert row.used.text == "never"
    later = settings_rows.token_row(replace(token, expires_at=NOW + timedelta(days=30)), "u2", NOW, BERLIN)
    assert (later.expires, later.mine) == ("expires 5 Dec 2025, 13:04", True)
