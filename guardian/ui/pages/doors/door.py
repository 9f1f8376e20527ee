"""What the signed-out pages share: one card in the middle of the screen, and the words for what a form was told."""

from datetime import timedelta
from typing import Any, ClassVar

import reflex as rx

from guardian import db
from guardian.errors import AuthenticationError
from guardian.services.people.access import problems
from guardian.services.people.access.sessions import actor_for_session
from guardian.ui import format
from guardian.ui.components.basics import button, icon, link
from guardian.ui.components.forms import plain_form
from guardian.ui.components.states import notice
from guardian.ui.cookie import session_token

HOME = "/dashboard"
SIGN_IN = "/"
SIGN_UP = "/register"
FORGOT = "/forgot-password"
RESET = "/reset-password"
VERIFY = "/verify-email"
UNSUBSCRIBE = "/unsubscribe"
CODE = "/sign-in-code"


class Door(rx.State, mixin=True):
    """What the address says to a form: what went wrong, and what may be filled in again. Nobody is signed in here.

    The forms are plain ones: they post to /auth/…, whose answer is a redirect back to here or on to the dashboard.
    """

    # Whether somebody who is signed in already has no business here.
    _for_strangers: ClassVar[bool] = True

    problem: str = ""
    email: str = ""

    @rx.event
    async def enter(self) -> rx.event.EventSpec | None:
        """Read the address; from a page for strangers, who is signed in already goes on to the dashboard."""
        token = session_token(self.router.headers.cookie)
        if self._for_strangers and token is not None and await rx.run_in_thread(lambda: _is_signed_in(token)):
            return rx.redirect(HOME, replace=True)
        self._read_address(dict(self.router.url.query_parameters))
        return None

    def _read_address(self, query: dict[str, str]) -> None:
        self.problem, self.email = _problem(query), query.get("email", "")


def door(title: Any, about: Any, problem: Any, *content: Any, foot: rx.Component | None = None) -> rx.Component:
    """A page of one card: product, title, what went wrong, the form, and where else one may go."""
    return rx.el.main(
        rx.el.div(
            brand(),
            rx.el.section(
                rx.el.header(rx.el.h1(title), rx.el.p(about, class_name="muted"), class_name="stack"),
                rx.cond(problem != "", rx.el.div(notice(problem, tone="bad", icon_name="circle-alert"), role="alert")),
                *content,
                class_name="card",
            ),
            rx.el.div(foot or rx.fragment(), class_name="door-foot muted"),
            class_name="door-column",
        ),
        class_name="door",
    )


def brand() -> rx.Component:
    """The product, which leads home: to the dashboard, or to signing in."""
    return link(icon("shield-check", 24), "AI Cost Guardian", to="/", class_name="door-brand")


def door_form(action: str, *fields: rx.Component, verb: str) -> rx.Component:
    """The form of a door, with its one button."""
    return plain_form(action, *fields, button(verb, type="submit", kind="primary wide"), class_name="form")


def carried(name: str) -> rx.Component:
    """A parameter of the address that the form carries along; assets/guardian.js puts it in."""
    return rx.el.input(type="hidden", name=name, custom_attrs={"data-query": name})


def _problem(query: dict[str, str]) -> str:
    code = query.get("error")
    if not code:
        return ""
    wait = query.get("retryAfter", "")
    if code == "too-often" and wait.isdecimal():
        return f"Too many tries. Try again in {format.duration(timedelta(seconds=int(wait[:6])))}."
    return problems.sentence(code)


def _is_signed_in(token: str) -> bool:
    with db.session() as session:
        try:
            actor_for_session(session, token)
        except AuthenticationError:
            return False
    return True
