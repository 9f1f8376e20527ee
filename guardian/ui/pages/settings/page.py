"""/settings: the organization, its channels, one's own sessions and access tokens, and what was done lately."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import reflex as rx
from sqlmodel import Session

from guardian.config import settings
from guardian.errors import GuardianError, NotFoundError
from guardian.periods import utcnow, zone
from guardian.services.actor import Actor
from guardian.services.guard.notices import TargetView
from guardian.services.people import audit, organizations
from guardian.services.people.access import own_sessions, tokens
from guardian.services.people.organizations import OrganizationChange
from guardian.services.people.views import ActivityView, OrganizationView, SessionView, TokenView
from guardian.services.people.views import Page as Listed
from guardian.snippets import Snippet, snippets
from guardian.ui import format
from guardian.ui.audited import audited
from guardian.ui.live_hub import Query
from guardian.ui.pages.settings import rows
from guardian.ui.pages.settings.channels import Channels
from guardian.ui.pages.settings.dialogs import SECRET_FIELD
from guardian.ui.pages.settings.report_mails import ReportMails
from guardian.ui.pages.settings.rows import ActivityRow, SessionRow, TokenRow
from guardian.ui.pages.settings.security import Security
from guardian.ui.pages.settings.view import settings_view
from guardian.ui.session import Said
from guardian.ui.toasts import toast

ROUTE = "/settings"
_ACTIVITIES = 25


@dataclass(frozen=True)
class _View:
    organization: OrganizationView
    sessions: list[SessionView]
    tokens: list[TokenView]
    activity: Listed[ActivityView]
    channels: list[TargetView]


class SettingsState(ReportMails, Security, Channels, rx.State):
    """The settings as text. The secret of a new access token goes to the browser once and is never in a var."""

    name: str = ""
    time_zone: str = ""
    local_time: str = ""
    billing_email: str = ""
    may_change: bool = False
    refusal: str = ""

    sessions: list[SessionRow] = []
    tokens: list[TokenRow] = []

    dialog: str = ""
    token: TokenRow = rows.NO_TOKEN
    made: str = ""
    token_refusal: str = ""
    scope: str = "api"
    token_teams: list[str] = []

    setups: list[Snippet] = []

    activity: list[ActivityRow] = []
    older: str = ""
    newest: bool = True

    @classmethod
    def _read(cls, session: Session, actor: Actor, query: Query) -> _View:
        before = dict(query).get("before")
        return _View(
            organization=organizations.get_organization(session, actor),
            sessions=own_sessions.list_sessions(session, actor),
            tokens=tokens.list_tokens(session, actor),
            activity=audit.list_activity(session, actor, before, _ACTIVITIES)
            if actor.can("activity:read")
            else Listed(items=()),
            channels=cls._read_channels(session, actor) if actor.can("channels:read") else [],
        )

    def _query(self) -> Query:
        return tuple(item for item in super()._query() if item[0] == "before")

    def _show(self, view: _View) -> None:
        now, tz = utcnow(), zone(view.organization.time_zone)
        self.name, self.time_zone = view.organization.name, view.organization.time_zone
        self.local_time = f"It is {format.clock(now, now, tz)} there now. Days begin at midnight of this zone."
        self.billing_email = view.organization.billing_email or ""
        self.may_change = "organization:update" in self.viewer.permissions
        self.sessions = [rows.session_row(each, now, tz) for each in view.sessions]
        self.tokens = [rows.token_row(each, self.viewer.id, now, tz) for each in view.tokens]
        self.activity = [rows.activity_row(each, now, tz) for each in view.activity.items]
        self._show_channels(view.channels)
        here = settings()
        self.setups = list(snippets(here.gateway_url, here.base_url))
        cursor = view.activity.next_cursor
        self.older = f"{ROUTE}?before={cursor}#activity" if cursor else ""
        self.newest = not self._query()

    @rx.event
    async def save_organization(self, form: dict[str, Any]) -> Said:
        """Change name, time zone and billing address."""
        self.refusal = ""
        change = OrganizationChange(
            name=str(form.get("name", "")),
            time_zone=str(form.get("time_zone", "")).strip(),
            billing_email=str(form.get("billing_email", "")),
        )
        facts = {"name": change.name, "timeZone": change.time_zone, "billingEmail": change.billing_email}
        work = audited(
            "ORGANIZATION_UPDATE",
            "organization",
            partial(organizations.update_organization, change=change),
            lambda view: (view.id, facts),
        )
        found = await self._try(work)
        if isinstance(found, GuardianError):
            self.refusal = found.message
            return None
        await self._refresh()
        return toast("The organization is saved.")

    @rx.event
    async def revoke_session(self, session_id: str) -> Said:
        """Sign one of one's own browsers out."""
        work = partial(own_sessions.revoke_session, session_id=session_id)
        await self._call(audited("SESSION_REVOKE", "session", work, lambda _none: (session_id, {})))
        await self._refresh()
        return toast("That browser is signed out.")

    @rx.event
    async def revoke_others(self) -> Said:
        """Sign out everywhere but here."""
        count = await self._call(
            audited(
                "SESSION_REVOKE_OTHERS",
                "session",
                own_sessions.revoke_other_sessions,
                lambda many: (None, {"count": many}),
            )
        )
        await self._refresh()
        return toast("1 other browser is signed out." if count == 1 else f"{count} browsers are signed out.")

    @rx.event
    async def open_create(self) -> None:
        """Show the form for a new access token, of the scope api unless another is chosen."""
        await self._open_create("api")

    @rx.event
    async def open_create_for_gateway(self) -> None:
        """Show the form for a token that an application calls models with."""
        await self._open_create("gateway")

    async def _open_create(self, scope: str) -> None:
        (await self._actor()).require("tokens:create")
        self.token_teams = await self._call(tokens.teams_to_name)
        self.dialog, self.made, self.token_refusal, self.scope = "create", "", "", scope

    @rx.event
    async def create_token(self, form: dict[str, Any]) -> Said:
        """Make an access token; its secret goes to the browser with the answer, once."""
        self.token_refusal = ""
        make = partial(_make, form=form)
        found = await self._try(
            audited("TOKEN_CREATE", "token", make, lambda made: (made[1].id, {"name": made[1].name}))
        )
        if isinstance(found, GuardianError):
            self.token_refusal = found.message
            return None
        secret, view = found
        self.made = view.name
        await self._refresh()
        return rx.set_value(SECRET_FIELD, secret)

    @rx.event
    async def open_revoke(self, token_id: str) -> None:
        """Ask before revoking that access token."""
        found = await self._call(lambda session, actor: tokens.list_tokens(session, actor))
        now, tz = utcnow(), zone(self.viewer.zone or "UTC")
        view = next((each for each in found if each.id == token_id), None)
        if view is None:
            raise NotFoundError("Access token")
        self.dialog, self.token = "revoke", rows.token_row(view, self.viewer.id, now, tz)

    @rx.event
    async def revoke_token(self) -> Said:
        """End the access token of the open dialog for good."""
        work = partial(tokens.revoke_token, token_id=self.token.id)
        view = await self._call(
            audited("TOKEN_REVOKE", "token", work, lambda view: (view.id, {"name": view.name, "hint": view.hint}))
        )
        self._close()
        await self._refresh()
        return toast(f"{view.name} is revoked.")

    @rx.event
    async def close(self) -> None:
        """Close the dialog."""
        await self._actor()
        self._close()

    def _close(self) -> None:
        self.dialog, self.token, self.made, self.token_refusal = "", rows.NO_TOKEN, "", ""


def _make(session: Session, actor: Actor, *, form: dict[str, Any]) -> tuple[str, TokenView]:
    return tokens.create_token(
        session,
        actor,
        name=str(form.get("name", "")),
        scopes=[scope for scope in sorted(tokens.SCOPES) if form.get(f"scope-{scope}")],
        expires_at=rows.expiry(str(form.get("expires", "")), utcnow()),
        team=str(form.get("team", "")) or None,
        **rows.limits_of(form),
    )


def page() -> rx.Component:
    return settings_view(SettingsState, ROUTE)
