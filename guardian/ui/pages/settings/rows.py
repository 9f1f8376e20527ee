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
SENTENCES: Mapping[str, str] = {
    "AUTH_REGISTER": "signed up",
    "AUTH_LOGIN": "signed in",
    "AUTH_LOGIN_REFUSED": "a sign-in was refused",
    "AUTH_LOGOUT": "signed out",
    "AUTH_PASSWORD_FORGOT": "a password reset was asked for",
    "AUTH_PASSWORD_RESET": "chose a new password",
    "ACCOUNT_LINK_BEGIN": "went to link a sign-in provider",
    "ACCOUNT_LINK": "linked a sign-in provider",
    "ACCOUNT_UNLINK": "unlinked a sign-in provider",
    "SECOND_FACTOR_BEGIN": "began to set up a second factor",
    "SECOND_FACTOR_ENABLE": "turned on a second factor",
    "SECOND_FACTOR_DISABLE": "turned off a second factor",
    "SECOND_FACTOR_CODES": "made new recovery codes",
    "SECOND_FACTOR_REMOVE": "a second factor was taken away",
    "ORGANIZATION_SIGN_IN": "changed how members sign in",
    "SESSION_REVOKE_ALL": "signed out everywhere",
    "ORGANIZATION_UPDATE": "changed the organization",
    "ORGANIZATION_CREATE": "made another organization",
    "ORGANIZATION_SWITCH": "switched to another organization",
    "ORGANIZATION_JOIN": "joined by the address's domain",
    "ORGANIZATION_LEAVE": "left the organization",
    "ORGANIZATION_TRANSFER": "handed the organization over",
    "ORGANIZATION_DELETE": "deleted the organization",
    "MEMBER_UPDATE": "changed a member",
    "MEMBER_REMOVE": "removed a member",
    "INVITATION_CREATE": "invited somebody",
    "INVITATION_RESEND": "sent an invitation again",
    "INVITATION_REVOKE": "took an invitation back",
    "INVITATION_ACCEPT": "accepted an invitation",
    "TEAM_CREATE": "made a team",
    "TEAM_UPDATE": "changed a team",
    "TEAM_DELETE": "deleted a team",
    "DOMAIN_CLAIM": "claimed a domain",
    "DOMAIN_VERIFY": "verified a domain",
    "DOMAIN_UPDATE": "changed who joins by the domain",
    "DOMAIN_DELETE": "gave the domain up",
    "SESSION_REVOKE": "signed a browser out",
    "SESSION_REVOKE_OTHERS": "signed out everywhere else",
    "TOKEN_CREATE": "made an access token",
    "TOKEN_REVOKE": "revoked an access token",
    "BUDGET_CREATE": "set a budget",
    "BUDGET_UPDATE": "changed a budget",
    "BUDGET_DELETE": "deleted a budget",
    "BUDGET_RAISE": "raised a budget for a time",
    "BUDGET_RAISE_END": "ended the raise of a budget",
    "BUDGET_PREVIEW": "tried a budget out",
    "ALERT_CREATE": "made an alert",
    "ALERT_UPDATE": "changed an alert",
    "ALERT_DELETE": "deleted an alert",
    "ALERT_PREVIEW": "tried an alert out",
    "ALERT_TEST": "sent a test of an alert",
    "ALERT_ACKNOWLEDGE": "acknowledged an alert",
    "ALERT_SNOOZE": "snoozed an alert",
    "ALERT_SECRET_ROTATE": "made a new secret for an alert",
    "AUTH_VERIFY": "confirmed an e-mail address",
    "AUTH_VERIFY_MAIL": "asked for a mail that confirms an address",
    "JOB_RETRY": "had a failed job run again",
    "JOB_DROP": "dropped a failed job",
    "REPORT_CREATE": "asked for a report",
    "REPORT_MAILS_UPDATE": "chose which reports come by mail",
    "REPORT_MAILS_STOP": "stopped reports by mail",
    "CHANNEL_CREATE": "added a channel",
    "CHANNEL_UPDATE": "changed a channel",
    "CHANNEL_DELETE": "deleted a channel",
    "CHANNEL_TEST": "tested a channel",
    "CHANNEL_ROTATE": "made a new secret for a channel",
    "VIEW_CREATE": "saved a view",
    "VIEW_UPDATE": "changed a saved view",
    "VIEW_DELETE": "deleted a saved view",
    "KEY_CREATE": "stored a key",
    "KEY_UPDATE": "changed a key",
    "KEY_DELETE": "deleted a key",
    "KEY_TEST": "tested a key",
    "KEY_SYNC": "asked for a pull",
    "USER_CREATE": "a person was added",
    "PRICE_CREATE": "agreed on a price",
    "PRICE_UPDATE": "changed an agreed price",
    "PRICE_DELETE": "took back an agreed price",
    "PRICE_BACKFILL": "priced usage that had no price",
    "REPRICE_REQUEST": "asked to price stored usage anew",
    "REPRICE_APPLY": "priced stored usage anew",
    "REPRICE_UNDO": "put earlier prices of stored usage back",
    "RATES_ADD": "entered exchange rates",
    "MONTH_CLOSE": "closed a month",
    "MONTH_REOPEN": "reopened a month",
    "IMPORT_CREATE": "imported a file",
    "IMPORT_STOP": "stopped an import",
    "SUBSCRIPTION_CHECKOUT": "went to pay for a plan",
    "SUBSCRIPTION_PORTAL": "opened the page of cards and addresses",
    "SUBSCRIPTION_CHANGE": "changed the subscription",
    "SUBSCRIPTION_CANCEL": "ended the subscription, or let it go on",
    "PLAN_CHANGE": "another plan holds",
    "PLAN_ASSIGN": "assigned a plan",
    "BILLING_MESSAGE": "Stripe told of a change",
}
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
