"""From the people wing's views to the text that the settings show: pure functions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from guardian.errors import ValidationError
from guardian.models.enums import Provider
from guardian.services.people.views import ActivityView, SessionView, TokenView
from guardian.ui import format
from guardian.ui.colors import provider_name
from guardian.ui.pages.settings.security_rows import method, place
from guardian.ui.pages.settings.sentences import SENTENCES
from guardian.ui.rows import NO_MOMENT, Moment


@dataclass(frozen=True)
class SessionRow:
    """A signed-in browser; `current` is the one that shows this."""

    id: str
    device: str
    address: str
    current: bool
    since: Moment
    used: Moment
    method: str


@dataclass(frozen=True)
class TokenRow:
    """An access token without its secret; `mine` is False for a colleague's."""

    id: str = ""
    name: str = ""
    hint: str = ""
    scopes: str = ""
    mine: bool = True
    created: Moment = NO_MOMENT
    used: Moment = NO_MOMENT
    expires: str = ""


NO_TOKEN = TokenRow()


@dataclass(frozen=True)
class ActivityRow:
    """One audited action as a sentence, with the raw name and the request id for who looks closer."""

    id: str
    who: str
    what: str
    detail: str
    address: str
    when: Moment
    raw: str


_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
# Edge and Opera also say Chrome, Chrome also says Safari: the most particular first.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chrome", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari", "Safari"),
)
# What an audit row knows that people want to read, in this order.
_FACTS = ("label", "name", "email", "file", "modelPattern", "provider", "hint", "month", "currency")

EXPIRIES: tuple[tuple[str, str], ...] = (
    ("90", "In 90 days"),
    ("30", "In 30 days"),
    ("365", "In a year"),
    ("", "Never"),
)


def device(user_agent: str | None) -> str:
    """A browser's own words about itself in a person's: "Chrome on Linux"."""
    text = user_agent or ""
    browser = next((name for mark, name in _BROWSERS if mark in text), "")
    system = next((name for mark, name in _SYSTEMS if mark in text), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or (text.split("/")[0][:40] if text else "Unknown browser")


def session_row(view: SessionView, now: datetime, tz: ZoneInfo) -> SessionRow:
    return SessionRow(
        id=view.id,
        device=device(view.user_agent),
        address=place(view.ip_address),
        current=view.current,
        since=Moment.of(view.created_at, now, tz),
        used=Moment.of(view.last_used_at, now, tz),
        method=method(view.method),
    )


def limits_of(form: Mapping[str, Any]) -> dict[str, Any]:
    """What the form of a token says that it may call, as create_token takes it. Raises ValidationError."""
    return {
        "allowed_providers": [each.value for each in Provider if form.get(f"provider-{each}")],
        "allowed_models": [name for part in str(form.get("models", "")).split(",") if (name := part.strip())],
        "requests_per_minute": _per_minute(form.get("requests")),
        "tokens_per_minute": _per_minute(form.get("tokens")),
    }


def _per_minute(given: object) -> int | None:
    text = str(given or "").strip()
    if text and not (text.isascii() and text.isdigit() and len(text) < 12):
        raise ValidationError("Give a limit a minute as a whole number, or leave it empty.")
    return int(text) if text else None


def token_row(view: TokenView, viewer_id: str, now: datetime, tz: ZoneInfo) -> TokenRow:
    return TokenRow(
        id=view.id,
        name=view.name,
        hint=f"gdn_…{view.hint}",
        scopes=", ".join(view.scopes),
        mine=view.user_id == viewer_id,
        created=Moment.of(view.created_at, now, tz),
        used=Moment.of(view.last_used_at, now, tz, never="never"),
        expires=_ends(view.expires_at, now, tz),
    )


def activity_row(view: ActivityView, now: datetime, tz: ZoneInfo) -> ActivityRow:
    # A month and a currency are named by their ids.
    named = {view.resource_type or "": view.resource_id} if view.resource_type in ("month", "currency") else {}
    known = {**view.metadata, **named, "provider": _provider(view.metadata.get("provider"))}
    facts = [str(known[name]) for name in _FACTS if known.get(name)]
    return ActivityRow(
        id=view.id,
        who=view.actor or "",
        what=SENTENCES.get(view.action.upper().replace(".", "_")) or _words(view.action),
        detail=", ".join(facts[:2]),
        address=view.ip_address or "",
        when=Moment.of(view.created_at, now, tz),
        raw=f"{view.action} {view.request_id or ''}".strip(),
    )


def expiry(days: str, now: datetime) -> datetime | None:
    """When a token made now ends: `days` is one of EXPIRIES. Raises ValidationError for anything else."""
    if days not in dict(EXPIRIES):
        raise ValidationError("Choose when the token ends.")
    return now + timedelta(days=int(days)) if days else None


def _ends(moment: datetime | None, now: datetime, tz: ZoneInfo) -> str:
    if moment is None:
        return "never expires"
    return f"{'expired' if moment <= now else 'expires'} {format.absolute(moment, tz)}"


def _provider(code: Any) -> str:
    return provider_name(code) if isinstance(code, str) else ""


def _words(action: str) -> str:
    return re.sub(r"[._]+", " ", action).strip().lower()
