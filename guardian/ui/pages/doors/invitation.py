"""/invitation?token=…: what a mailed invitation says, and joining by it, as somebody new or as who is signed in."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import reflex as rx

from guardian import db
from guardian.errors import AuthenticationError
from guardian.services.people.access.sessions import actor_for_session
from guardian.services.people.invitations import Invited, look_up
from guardian.ui.components.basics import button, button_link, link
from guardian.ui.components.forms import plain_form
from guardian.ui.components.states import loading_note, notice, skeleton
from guardian.ui.cookie import session_token
from guardian.ui.pages.doors.door import HOME, SIGN_IN, Door, carried, door, door_form
from guardian.ui.pages.doors.fields import new_password, own_name

ROUTE = "/invitation"
_WHY = {
    "expired": "This invitation has expired. Ask for it to be sent again.",
    "revoked": "This invitation was taken back. Ask to be invited again.",
    "used": "This invitation was used already.",
    "unknown": "This is no link of an invitation, or a newer one was sent since. Use the newest mail.",
}
_ROLES = {
    "OWNER": "an owner, who may do everything",
    "ADMIN": "an administrator",
    "MEMBER": "a member",
    "BILLING": "the one for the bills",
    "VIEWER": "a viewer",
}


@dataclass(frozen=True)
class _Seen:
    invited: Invited
    signed_in: str


class InvitationState(Door, rx.State):
    """`shows` is what the page offers: join (signed in as the invited person), other (as somebody else), account (to
    sign in first), new (to sign up), or over. The token itself is in no var.
    """

    _for_strangers: ClassVar[bool] = False

    shows: str = ""
    organization: str = ""
    about: str = ""
    why: str = ""
    signed_in: str = ""
    name_again: str = ""

    @rx.event
    async def enter(self) -> None:
        """Read what the link says, and who is signed in."""
        query = dict(self.router.url.query_parameters)
        self._read_address(query)
        token, cookie = query.get("token", ""), session_token(self.router.headers.cookie)
        self._show(await rx.run_in_thread(partial(_look, token, cookie)))

    def _read_address(self, query: dict[str, str]) -> None:
        super()._read_address(query)
        self.name_again = query.get("name", "")

    def _show(self, seen: _Seen) -> None:
        found = seen.invited
        self.signed_in, self.organization, self.email = seen.signed_in, found.organization, found.email
        self.why = _WHY.get(found.state, "")
        if found.state != "open":
            self.shows = "over"
            # What the form was told says it already.
            self.why = "" if self.problem and found.state != "used" else self.why
            return
        team = f", in the team {found.team}" if found.team else ""
        inviter = f"{found.inviter} invites you. " if found.inviter else ""
        self.about = f"{inviter}You would be {_ROLES[found.role or 'VIEWER']}{team}."
        if seen.signed_in:
            self.shows = "join" if seen.signed_in == found.email else "other"
        else:
            self.shows = "account" if found.has_account else "new"


def _look(token: str, cookie: str | None) -> _Seen:
    with db.session() as session:
        found = look_up(session, token)
        try:
            email = actor_for_session(session, cookie).email if cookie else ""
        except AuthenticationError:
            email = ""
    return _Seen(found, email)


def page() -> rx.Component:
    state = InvitationState
    return door(
        rx.cond(state.organization != "", f"Join {state.organization}", "Invitation"),
        state.about,
        state.problem,
        rx.match(
            state.shows,
            ("join", door_form("/auth/invitation/accept", carried("token"), verb="Join")),
            ("other", _other()),
            ("account", _account()),
            ("new", _new()),
            ("over", _over()),
            rx.el.div(loading_note(), skeleton("36px"), skeleton("36px"), class_name="form"),
        ),
    )


def _other() -> rx.Component:
    state = InvitationState
    return rx.el.div(
        notice(
            rx.el.p("The invitation is for ", rx.el.strong(state.email), ", and you are signed in as "),
            rx.el.p(rx.el.strong(state.signed_in), ". Sign out, then open the link of the mail again."),
            tone="warn",
            icon_name="triangle-alert",
        ),
        plain_form("/auth/logout", button("Sign out", type="submit", kind="primary wide")),
        link("Stay signed in, and go to the dashboard", to=HOME),
        class_name="form",
    )


def _account() -> rx.Component:
    state = InvitationState
    return rx.el.div(
        rx.el.p("There is an account for ", rx.el.strong(state.email), ". Sign in with it to join."),
        door_form("/auth/invitation/sign-in", carried("token"), verb="Sign in and join"),
        class_name="form",
    )


def _new() -> rx.Component:
    state = InvitationState
    return door_form(
        "/auth/invitation",
        rx.el.p("Your account will be for ", rx.el.strong(state.email), "."),
        own_name(state.name_again),
        new_password(),
        carried("token"),
        verb="Create the account and join",
    )


def _over() -> rx.Component:
    state = InvitationState
    return rx.el.div(
        rx.cond(state.why != "", notice(state.why, tone="warn", icon_name="triangle-alert")),
        rx.cond(
            state.signed_in != "",
            button_link("Go to the dashboard", to=HOME, kind="primary wide"),
            button_link("Sign in", to=SIGN_IN, kind="primary wide"),
        ),
        class_name="form",
    )
