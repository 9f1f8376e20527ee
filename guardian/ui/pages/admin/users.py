"""/admin/users: every person, their role in the installation, their sessions, and looking through their eyes."""

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import reflex as rx
from sqlmodel import Session

from guardian.models.enums import UserRole
from guardian.services.actor import Actor
from guardian.services.guard.installation import users
from guardian.services.guard.installation.users import UserLine
from guardian.services.people import impersonation
from guardian.services.people.impersonation import Impersonation
from guardian.services.people.reasons import MAX_REASON, MIN_REASON
from guardian.services.people.views import Page as Listed
from guardian.ui import format
from guardian.ui.audited import audited
from guardian.ui.components.basics import badge, moment
from guardian.ui.components.cards import card
from guardian.ui.components.menu import menu, menu_item
from guardian.ui.components.states import notice
from guardian.ui.components.table import Column, cell, data_table
from guardian.ui.pages.admin.area import Listing, listing, under
from guardian.ui.pages.admin.looking import LookRow, look_dialog, running_look
from guardian.ui.rows import Moment
from guardian.ui.toasts import toast

ROUTE = "/admin/users"
_ROLES = (("User", "USER"), ("Admin", "ADMIN"), ("Runs it", "SUPER_ADMIN"))
_WHO = Column("Person", narrow="first")
_WHERE = Column("Organizations", narrow="second")
_ROLE = Column("Role", narrow="always")
_STATE = Column("Sign-in", narrow="amount")
_SEEN = Column("Last seen", narrow="aside")
_DO = Column("To do", narrow="always")


@dataclass(frozen=True)
class UserRow:
    """A person; `own` marks the one who looks, `powerful` those through whose eyes nobody looks."""

    id: str
    menu: str
    email: str
    name: str
    role: str
    organizations: str
    verified: bool
    second_factor: bool
    sessions: str
    seen: Moment
    own: bool
    powerful: bool


class UsersState(Listing, rx.State):
    """People as text; `through` is whose eyes the dialog is about."""

    _route: ClassVar[str] = ROUTE
    _names: ClassVar[tuple[str, ...]] = ("q", "role", "cursor")

    rows: list[UserRow] = []
    looks: list[LookRow] = []
    through: str = ""
    through_id: str = ""
    refused: bool = False

    @classmethod
    def _find(cls, session: Session, actor: Actor, asked: dict[str, str]) -> Any:
        role = asked.get("role", "")
        found = users.list_users(
            session,
            actor,
            search=asked.get("q", ""),
            role=UserRole(role) if role in UserRole.__members__ else None,
            cursor=asked.get("cursor"),
        )
        return found, impersonation.running(session, actor)

    def _put(self, found: tuple[Listed[UserLine], list[Impersonation]], asked: dict[str, str]) -> None:
        page, looks = found
        self._list(page, asked, "role", _ROLES)
        self.refused = "error" in self.router.url.query_parameters
        now, tz = self._clock()
        self.rows = [_row(each, self.viewer.id, Moment.of(each.last_seen, now, tz)) for each in page.items]
        self.looks = [
            LookRow(
                each.id,
                f"{each.impersonator} looks through the eyes of {each.email} at {each.organization}",
                each.reason,
                Moment.of(each.created_at, now, tz),
            )
            for each in looks
        ]

    @rx.event
    async def set_role(self, user_id: str, role: str) -> rx.event.EventSpec | None:
        """Give a person another role in the installation."""
        if role not in UserRole.__members__:
            await self._actor()
            return None

        def work(session: Session, actor: Actor) -> UserLine:
            return users.set_role(session, actor, user_id, UserRole(role))

        await self._do(
            audited("USER_ROLE", "user", work, lambda line: (line.id, {"email": line.email, "role": line.role.value}))
        )
        return toast("The role is changed.")

    @rx.event
    async def sign_out(self, user_id: str) -> rx.event.EventSpec:
        """Sign a person out everywhere."""

        def work(session: Session, actor: Actor) -> int:
            return users.sign_out_user(session, actor, user_id)

        ended = await self._do(audited("USER_SIGN_OUT", "user", work, lambda count: (user_id, {"count": count})))
        return toast(f"{ended} {'session' if ended == 1 else 'sessions'} ended.")

    @rx.event
    async def confirm_again(self, user_id: str) -> rx.event.EventSpec:
        """Mail a person the link that confirms their address."""

        def work(session: Session, actor: Actor) -> UserLine:
            return users.resend_confirmation(session, actor, user_id)

        await self._do(audited("USER_CONFIRMATION", "user", work, lambda line: (line.id, {"email": line.email})))
        return toast("The link is on its way.")

    @rx.event
    async def stop_look(self, session_id: str) -> rx.event.EventSpec:
        """End an impersonation that runs."""

        def work(session: Session, actor: Actor) -> Impersonation:
            return impersonation.end_one(session, actor, session_id)

        await self._do(audited("IMPERSONATION_STOP", "user", work, _about_look))
        return toast("It is ended.")

    @rx.event
    async def ask(self, user_id: str, email: str) -> None:
        """Ask why one wants to look through that person's eyes."""
        (await self._actor()).require("admin:update")
        self.through_id, self.through = user_id, email

    @rx.event
    async def close(self) -> None:
        """Close the dialog."""
        await self._actor()
        self.through_id, self.through = "", ""


def _about_look(look: Impersonation) -> tuple[str, dict[str, Any]]:
    return look.user_id, {"email": look.email, "impersonator": look.impersonator}


def _row(line: UserLine, own: str, seen: Moment) -> UserRow:
    return UserRow(
        id=line.id,
        menu=f"menu-{line.id}",
        email=line.email,
        name=line.name or line.email,
        role=line.role.value,
        organizations=", ".join(line.organizations) or "none",
        verified=line.verified,
        second_factor=line.second_factor,
        sessions=f"{format.number(line.sessions)} signed in",
        seen=seen,
        own=line.id == own,
        powerful=line.role is UserRole.SUPER_ADMIN,
    )


def page() -> rx.Component:
    state: Any = UsersState
    table = data_table(
        "users",
        [_WHO, _WHERE, _ROLE, _STATE, _SEEN, _DO],
        rx.foreach(state.rows, partial(_line, state)),
        caption="People of this installation",
    )
    looks = card("Impersonations that run", rx.foreach(state.looks, partial(running_look, state)))
    refused = notice(
        rx.el.p(f"That was not begun: say why in {MIN_REASON} to {MAX_REASON} characters."),
        tone="bad",
        icon_name="circle-alert",
    )
    return listing(
        state,
        "Everybody who can sign in here",
        "People",
        table,
        look_dialog(state),
        placeholder="Address, name or organization",
        narrowed_by="Role",
        nothing="Nobody is found by this.",
        above=rx.fragment(
            rx.cond(state.refused, refused, rx.fragment()), rx.cond(state.looks.length() > 0, looks, rx.fragment())
        ),
    )


def _line(state: Any, row: UserRow) -> rx.Component:
    return rx.el.tr(
        cell(_WHO, row.name, under(row.email)),
        cell(_WHERE, row.organizations),
        cell(
            _ROLE,
            rx.el.select(
                *(rx.el.option(label, value=value) for label, value in _ROLES),
                value=row.role,
                on_change=state.set_role(row.id),
                disabled=row.own,
                class_name="input",
                custom_attrs={"aria-label": f"Role of {row.email}"},
            ),
        ),
        cell(
            _STATE,
            rx.cond(row.verified, badge("confirmed", "good"), badge("not confirmed", "warn")),
            rx.cond(row.second_factor, badge("second factor"), rx.fragment()),
            rx.el.div(row.sessions, class_name="muted small"),
        ),
        cell(_SEEN, moment(row.seen)),
        cell(
            _DO,
            menu(
                row.menu,
                f"More about {row.email}",
                menu_item("log-out", "Sign out everywhere", row.menu, on_click=state.sign_out(row.id)),
                rx.cond(
                    row.verified,
                    rx.fragment(),
                    menu_item("mail", "Mail the confirmation again", row.menu, on_click=state.confirm_again(row.id)),
                ),
                rx.cond(
                    row.powerful,
                    rx.fragment(),
                    menu_item("eye", "Look through their eyes", row.menu, on_click=state.ask(row.id, row.email)),
                ),
            ),
        ),
        key=row.id,
    )
