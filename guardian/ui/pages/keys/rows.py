"""From the vault's and the pulls' views to the text that the key manager shows: pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

from guardian import amounts
from guardian.models.enums import KeyStatus, SyncStatus
from guardian.providers.describing import KeyField, KeyKind, ProviderDescription
from guardian.providers.registry import describe
from guardian.services.ledger.views import SyncRunView
from guardian.services.people.views import KeyView
from guardian.ui import format
from guardian.ui.colors import provider_color, provider_name
from guardian.ui.pages.keys.limits import LimitLine, limit_lines, limits_note
from guardian.ui.rows import NO_MOMENT, NO_PULL, Moment, Pull


@dataclass(frozen=True)
class KeyRow:
    """A key of the vault as its card shows it.

    `note` is the provider's last word; `note_tone` is bad or warn where a person has to act. `pull` is the one that
    waits or runs while `pulling`, `pulled` says what the last one that is over did. `no_reporting` says what is not
    reported to this key. `settings` are those of its provider's fields that are no secret. `limits` are the provider's,
    of a key that `takes_calls`.
    """

    id: str = ""
    provider: str = ""
    color: str = ""
    name: str = ""
    label: str = ""
    hint: str = ""
    external_id: str = ""
    account: str = ""
    owner: str = ""
    may_change: bool = False
    active: bool = True
    kind: str = ""
    is_admin: bool = False
    provider_value: str = ""
    settings: dict[str, str] = field(default_factory=dict[str, str])
    address: str = ""
    no_reporting: str = ""
    balance: str = ""
    balance_at: Moment = NO_MOMENT
    state: str = ""
    tone: str = ""
    note: str = ""
    note_tone: str = ""
    validated: Moment = NO_MOMENT
    used: Moment = NO_MOMENT
    pulling: bool = False
    pull: Pull = NO_PULL
    pulled_at: Moment = NO_MOMENT
    pulled: str = ""
    takes_calls: bool = False
    limits: list[LimitLine] = field(default_factory=list[LimitLine])
    limits_note: str = ""


NO_KEY = KeyRow()


@dataclass(frozen=True)
class ProviderChoice:
    """A provider whose keys can be stored: its kinds of keys, the best first, and what else its form asks for.

    `no_reporting` says what it does not report and how that comes in instead.
    """

    value: str
    name: str
    color: str
    kinds: tuple[KeyKind, ...] = ()
    fields: tuple[KeyField, ...] = ()
    no_reporting: str = ""


_STATES: Mapping[KeyStatus, tuple[str, str]] = {
    KeyStatus.UNTESTED: ("Not tested yet", ""),
    KeyStatus.ACTIVE: ("Works", "good"),
    KeyStatus.REJECTED: ("Rejected", "bad"),
    KeyStatus.WRONG_KIND: ("Wrong kind of key", "bad"),
    KeyStatus.FORBIDDEN: ("Lacks a permission", "bad"),
    KeyStatus.EXHAUSTED: ("Quota used up", "warn"),
    KeyStatus.FAILING: ("Failing", "warn"),
}
_KINDS = {"admin": "Admin key", "inference": "Inference key"}


def provider_choices(described: Sequence[ProviderDescription]) -> list[ProviderChoice]:
    """What can be chosen in the form."""
    return [
        ProviderChoice(
            each.provider.value,
            each.name,
            provider_color(each.provider),
            each.key_kinds,
            each.fields,
            each.no_reporting,
        )
        for each in described
    ]


def _settings(key: KeyView) -> dict[str, str]:
    """What a form shows of the settings of a key: every field of its provider, several as lines; nothing secret."""
    found: dict[str, str] = {}
    for each in describe(key.provider).fields:
        told: object = key.metadata
        for part in each.name.split("."):
            told = cast("Mapping[str, object]", told).get(part) if isinstance(told, Mapping) else None
        if isinstance(told, Mapping):
            told = "\n".join(f"{name}: {value}" for name, value in cast("Mapping[str, object]", told).items())
        elif isinstance(told, list):
            told = "\n".join(str(line) for line in cast("list[object]", told))
        found[each.name] = told if isinstance(told, str) and not each.secret else ""
    return found


def _kind(key: KeyView) -> str:
    """What people call this kind of key: the provider's own word for an admin key that is none at others."""
    if key.kind != "admin":
        return _KINDS.get(key.kind or "", "Kind unknown")
    named = next((each.name for each in describe(key.provider).key_kinds if each.kind == "admin"), _KINDS["admin"])
    return named.partition(" (")[0]


def _balance(key: KeyView) -> str:
    if key.balance is None:
        return ""
    if key.balance_currency in (None, "USD"):
        return amounts.dollars(key.balance)
    return f"{key.balance:,.2f}{amounts.NBSP}{key.balance_currency}"


def key_row(
    key: KeyView, runs: Sequence[SyncRunView], now: datetime, tz: ZoneInfo, *, may_change: bool = False
) -> KeyRow:
    """A key with its pulls, newest first; `may_change` says whether the viewer may rename, replace or delete it."""
    state, tone = _STATES[key.status] if key.is_active else ("Deactivated", "")
    unfinished = next((run for run in runs if run.status in (SyncStatus.QUEUED, SyncStatus.RUNNING)), None)
    last = next((run for run in runs if run.status in (SyncStatus.FINISHED, SyncStatus.FAILED)), None)
    note, note_tone = _note(key)
    return KeyRow(
        id=key.id,
        provider=provider_name(key.provider),
        color=provider_color(key.provider),
        name=key.label or f"{provider_name(key.provider)} key",
        label=key.label or "",
        hint=f"••••{key.hint}" if key.hint else "",
        external_id=key.external_key_id or "",
        account=_account(key),
        owner=key.owner,
        may_change=may_change,
        active=key.is_active,
        kind=_kind(key),
        is_admin=key.kind == "admin",
        provider_value=key.provider.value,
        settings=_settings(key),
        address=str(key.metadata.get("baseUrl", "")),
        no_reporting=key.no_reporting,
        balance=_balance(key),
        balance_at=Moment.of(key.balance_at, now, tz),
        state=state,
        tone=tone,
        note=note,
        note_tone=note_tone,
        validated=Moment.of(key.last_validated, now, tz),
        used=Moment.of(key.last_used, now, tz),
        pulling=unfinished is not None,
        pull=_progress(unfinished, now, tz) if unfinished else NO_PULL,
        pulled_at=Moment.of(last.finished_at if last else None, now, tz, never="Not yet"),
        pulled=result(last, known=note) if last else "",
        takes_calls=key.kind != "admin",
        limits=limit_lines(key.rate_limits, now, tz),
        limits_note=limits_note(key.rate_limits),
    )


def result(run: SyncRunView, *, known: str = "") -> str:
    """What a pull that is over did: "read 1,204 rows, added 37, changed 2". A `known` error is not repeated."""
    if run.status is SyncStatus.FAILED:
        return f"stopped: {run.error}" if run.error and run.error != known else "stopped"
    parts = [f"read {rows_of(run.rows_read)}"]
    for count, word in ((run.rows_added, "added"), (run.rows_changed, "changed"), (run.rows_removed, "removed")):
        if count:
            parts.append(f"{word} {format.number(count)}")
    return ", ".join(parts) if len(parts) > 1 else f"{parts[0]}, nothing new"


def rows_of(count: int) -> str:
    """A count of rows in words."""
    return "1 row" if count == 1 else f"{format.number(count)} rows"


def _note(key: KeyView) -> tuple[str, str]:
    """The provider's last word where there is something to know or to do; a key that works needs none."""
    if not key.is_active:
        return "It is not used and nothing is pulled with it until you activate it.", ""
    if key.status is KeyStatus.ACTIVE:
        kinds = describe(key.provider).key_kinds
        # What is not reported to it names the kind of key that is: so would the provider's word.
        is_named = any(each.kind == "admin" and each.name in key.no_reporting for each in kinds)
        return ("" if key.kind == "admin" or is_named else key.status_message or "", "")
    return key.status_message or "", _STATES[key.status][1]


def _account(key: KeyView) -> str:
    if key.account_name:
        return key.account_name
    # An account that its provider does not name goes by its key or oldest project; that says nothing to anybody.
    if key.account_id is None or key.account_id.startswith(("key:", "project:")):
        return ""
    return format.short_id(key.account_id)


def _progress(run: SyncRunView, now: datetime, tz: ZoneInfo) -> Pull:
    days = (run.window_end - run.window_start).days
    label = f"Pulling {days} days" if days > 1 else "Pulling the last day"
    return Pull(run.id, label, int(run.progress * 100), _progress_note(run, now, tz))


def _progress_note(run: SyncRunView, now: datetime, tz: ZoneInfo) -> str:
    if run.not_before is not None and run.not_before > now:
        again = f"next try at {format.clock(run.not_before, now, tz)}"
        return f"{run.error} ({again})" if run.error else again
    if run.started_at is None:
        return "waiting for a worker"
    left = format.remaining(run.progress, now - run.started_at)
    note = f"{rows_of(run.rows_read)} read, {int(run.progress * 100)}{amounts.NBSP}%"
    return f"{note}, {left}" if left else note
