"""The settings' part about signing in: ways in, the second factor, one's browsers, and the organization's rule."""

from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlencode

import reflex as rx
from sqlmodel import Session

from guardian.errors import GuardianError
from guardian.periods import utcnow, zone
from guardian.services.actor import Actor
from guardian.services.people import sign_in_rules
from guardian.services.people.access import (
    identities,
    oauth_links,
    password_resets,
    problems,
    second_factors,
    verification,
)
from guardian.services.people.access.identities import WaysIn
from guardian.services.people.access.second_factors import SecondFactorView
from guardian.services.people.sign_in_rules import SignInRule
from guardian.ui.audited import Work, audited
from guardian.ui.pages.settings import security_rows
from guardian.ui.pages.settings.security_rows import NO_WAY, WayRow
from guardian.ui.session import Page, Said
from guardian.ui.toasts import toast

SECRET_FIELD = "factor-secret"  # noqa: S105  # the name of an element
CODES_FIELD = "factor-codes"

T = TypeVar("T")


@dataclass(frozen=True)
class Own:
    """What this section shows to the person alone."""

    ways: WaysIn
    factor: SecondFactorView
    rule: SignInRule


class Security(Page, mixin=True):
    """Secret and recovery codes go to the browser once, into the fields themselves, and are never in a var.

    `factor_step` is where turning it on has come to: "", begin, scan, codes; or renew, off for what a proof is asked.
    """

    ways: list[WayRow] = []
    has_password: bool = True
    email_verified: bool = True
    factor_on: bool = False
    factor_text: str = ""
    rule_domain: str = ""
    rule_provider: str = ""
    rule_choices: list[list[str]] = []
    may_change_rule: bool = False

    factor_step: str = ""
    way_dialog: str = ""
    way: WayRow = NO_WAY
    way_address: str = ""
    security_problem: str = ""
    security_refusal: str = ""
    rule_refusal: str = ""

    @classmethod
    def _read_own(cls, session: Session, actor: Actor) -> Own:
        return Own(
            ways=identities.ways_in(session, actor),
            factor=second_factors.get(session, actor),
            rule=sign_in_rules.get_rule(session, actor),
        )

    def _show_own(self, own: Own) -> None:
        now, tz = utcnow(), zone(self.viewer.zone or "UTC")
        self.ways = [security_rows.way_row(each, now, tz) for each in own.ways.identities]
        self.has_password, self.email_verified = own.ways.password, own.ways.email_verified
        self.factor_on = own.factor.since is not None
        self.factor_text = security_rows.factor_text(own.factor, tz)
        self.rule_domain, self.rule_provider = own.rule.domain or "", own.rule.provider or ""
        self.rule_choices = [[name, f"Only with {label}"] for name, label in own.rule.providers]
        self.may_change_rule = "organization:update" in self.viewer.permissions
        query = dict(self.router.url.query_parameters)
        if "linked" in query or "error" in query:
            # The tab that comes back from a provider is the one that left, with its dialog still open.
            self.way_dialog, self.way_address = "", ""
        # An address says what became of a link; only words of ours are shown for it.
        code = query.get("error", "")
        self.security_problem = problems.sentence(code) if code in problems.CODES else ""

    @rx.event
    async def confirm_address(self) -> Said:
        """Mail the link that confirms one's address once more."""
        asked = await self._call(
            audited("AUTH_VERIFY_MAIL", "user", verification.ask_again, lambda _asked: (self.viewer.id, {}))
        )
        return toast("A link is on its way to you." if asked else "Your address is confirmed already.")

    @rx.event
    async def mail_password_link(self) -> Said:
        """Mail a link to choose a new password, or the first one."""
        await self._call(audited("AUTH_PASSWORD_FORGOT", "user", _mail_link, lambda _none: (self.viewer.id, {})))
        return toast("A link to choose a password is on its way to you.")

    @rx.event
    async def open_way(self, provider: str) -> None:
        """Ask before linking a provider, or before taking one away."""
        ways = await self._call(identities.ways_in)
        now, tz = utcnow(), zone(self.viewer.zone or "UTC")
        rows = [security_rows.way_row(each, now, tz) for each in ways.identities]
        self.way = next((row for row in rows if row.provider == provider), NO_WAY)
        self.security_refusal, self.way_address = "", ""
        self.way_dialog = "unlink" if self.way.linked else "link"
        if self.way_dialog == "link":
            work = partial(oauth_links.ticket, provider=provider)
            token = await self._call(
                audited("ACCOUNT_LINK_BEGIN", "account", work, lambda _token: (None, {"provider": provider}))
            )
            self.way_address = f"/api/v1/auth/oauth/{self.way.provider}/login?{urlencode({'link': token})}"

    @rx.event
    async def unlink_way(self) -> Said:
        """Take the way in of the open dialog away."""
        name, label = self.way.provider, self.way.label
        work = partial(identities.unlink, provider=name)
        done = await self._try_security(
            audited("ACCOUNT_UNLINK", "account", work, lambda _none: (None, {"provider": name}))
        )
        if isinstance(done, GuardianError):
            return None
        await self.close_security()
        await self._refresh()
        return toast(f"{label} signs you in no more.")

    @rx.event
    async def open_factor(self, step: str) -> None:
        """Show the dialog of the second factor: begin, renew or off."""
        await self._actor()
        self.security_refusal = ""
        self.factor_step = step if step in ("begin", "renew", "off") else ""

    @rx.event
    async def begin_factor(self) -> Said:
        """Make a secret; it goes to the browser with the answer, as a picture and as text."""
        found = await self._try_security(
            audited("SECOND_FACTOR_BEGIN", "user", second_factors.begin, lambda _made: (self.viewer.id, {}))
        )
        if isinstance(found, GuardianError):
            return None
        self.factor_step = "scan"
        return rx.set_value(SECRET_FIELD, security_rows.in_fours(found[0]))

    @rx.event
    async def confirm_factor(self, form: dict[str, Any]) -> Said:
        """Turn it on with a code of the app; the recovery codes go to the browser with the answer, once."""
        work = partial(second_factors.confirm, code=str(form.get("code", "")))
        return await self._show_codes("SECOND_FACTOR_ENABLE", work)

    @rx.event
    async def renew_codes(self, form: dict[str, Any]) -> Said:
        """New recovery codes for a code or the password."""
        work = partial(second_factors.renew_codes, proof=str(form.get("proof", "")))
        return await self._show_codes("SECOND_FACTOR_CODES", work)

    @rx.event
    async def turn_factor_off(self, form: dict[str, Any]) -> Said:
        """Turn it off for a code or the password."""
        work = partial(second_factors.disable, proof=str(form.get("proof", "")))
        done = await self._try_security(
            audited("SECOND_FACTOR_DISABLE", "user", work, lambda _none: (self.viewer.id, {}))
        )
        if isinstance(done, GuardianError):
            return None
        await self.close_security()
        await self._refresh()
        return toast("Your sign-in asks for no code any more.")

    @rx.event
    async def save_rule(self, form: dict[str, Any]) -> Said:
        """Ask the members of the organization's domain for one way to sign in, or for none."""
        self.rule_refusal = ""
        wanted = str(form.get("provider", "")) or None
        work = partial(sign_in_rules.set_rule, provider=wanted)
        found = await self._try(
            audited("ORGANIZATION_SIGN_IN", "organization", work, lambda view: (None, {"after": view.provider}))
        )
        if isinstance(found, GuardianError):
            self.rule_refusal = found.message
            return None
        await self._refresh()
        return toast("From their next sign-in on, this holds for your members.")

    @rx.event
    async def close_security(self) -> None:
        """Close the dialog."""
        await self._actor()
        self.factor_step, self.way_dialog, self.security_refusal, self.way_address = "", "", "", ""

    async def _show_codes(self, action: str, work: Work[list[str]]) -> Said:
        codes = await self._try_security(audited(action, "user", work, lambda _codes: (self.viewer.id, {})))
        if isinstance(codes, GuardianError):
            return None
        await self._refresh()
        self.factor_step = "codes"
        return rx.set_value(CODES_FIELD, "\n".join(codes))

    async def _try_security(self, work: Work[T]) -> T | GuardianError:
        """`_try`, with a refusal said in the dialog."""
        found = await self._try(work)
        self.security_refusal = found.message if isinstance(found, GuardianError) else ""
        return found


def _mail_link(session: Session, actor: Actor) -> None:
    password_resets.request_password_reset(session, actor.email)
