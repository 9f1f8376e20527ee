"""/admin/users: every person, their role in the installation, their sessions, and looking through their eyes."""

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, TypeVar

import reflex as rx
from sqlmodel import Session

from guardian.models.enums import UserRole
from guardian.periods import utcnow, zone
from guardian.services.actor import Actor
from guardian.services.guard.installation import users
from guardian.services.guard.installation.users import UserLine
from guardian.services.people import impersonation
from guardian.services.people.impersonation import MAX_REASON, MIN_REASON, Impersonation
from guardian.services.people.views import Page as Listed
from guardian.ui import format
from guardian.ui.audited import Work, audited
from guardian.ui.components.basics import badge, moment
from guardian.ui.components.cards import card
from guardian.ui.components.menu import menu, menu_item
from guardian.ui.components.states import notice
from guardian.ui.components.table import Column, cell, data_table
from guardian.ui.pages.admin.area import Area, area, bar, pages
from guardian.ui.pages.admin.looking import LookRow, look_dialog, running_look
from guardian.ui.rows import Choice, Moment
from guardian.ui.toasts import toast

ROUTE = "/admin/users"
_ROLES = (("User", "USER"), ("Admin", "ADMIN"), ("Runs it", "SUPER_ADMIN"))
_WHO = Column("Person", narrow="first")
_WHERE = Column("Organizations", narrow="second")
_ROLE = Column("Role", narrow="always")
_STATE = Column("Sign-in", narrow="amount")
_SEEN = Column("Last seen", narrow="aside")
_DO = Column("To do", narrow="always")
T = TypeVar("T")


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


class UsersState(Area, rx.State):
    """People as text; `through` is whose eyes the dialog is about."""

    _route: ClassVar[str] = ROUTE
    _names: ClassVar[tuple[str, ...]] = ("role",)

    rows: list[UserRow] = []
    roles: list[Choice] = []
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

    def _put(self, found: tuple[Listed[UserLine], list[Impersonation]] | None, asked: dict[str, str]) -> None:
        self.roles = self._choices(asked, "role", (("All", ""), *_ROLES))
        self.refused = "error" in self.router.url.query_parameters
        if found is None:
            self.rows, self.looks = [], []
            return
        listed, looks = found
        now, tz = utcnow(), zone(self.viewer.zone or "UTC")
        self.rows = [_row(each, self.viewer.id, Moment.of(each.last_seen, now, tz)) for each in listed.items]
        self.looks = [
            LookRow(
                each.id,
                f"{each.impersonator} looks through the eyes of {each.email} at {each.organization}",
                each.reason,
                Moment.of(each.created_at, now, tz),
            )
            for each in looks
        ]
        self._turn(listed, asked)

    @rx.event
    async def set_role(self, user_id: str, role: str) -> rx.event.EventSpec | None:
        """Give a person another role in the installation."""
        if role not in UserRole.__members__:
            await self._actor()
            return None
        await self._do("USER_ROLE", lambda s, a: users.set_role(s, a, user_id, UserRole(role)), user_id)
        return toast("The role is changed.")

    @rx.event
    async def sign_out(self, user_id: str) -> rx.event.EventSpec:
        """Sign a person out everywhere."""
        ended = await self._do("USER_SIGN_OUT", lambda s, a: users.sign_out_user(s, a, user_id), user_id)
        return toast(f"{ended} {'session' if ended == 1 else 'sessions'} ended.")

    @rx.event
    async def confirm_again(self, user_id: str) -> rx.event.EventSpec:
        """Mail a person the link that confirms their address."""
        await self._do("USER_CONFIRMATION", lambda s, a: users.resend_confirmation(s, a, user_id), user_id)
        return toast("The link is on its way.")

    @rx.event
    async def stop_look(self, session_id: str) -> rx.event.EventSpec:
        """End an impersonation that runs."""
        await self._do("IMPERSONATION_STOP", lambda s, a: impersonation.end_one(s, a, session_id), session_id)
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

    async def _do(self, action: str, work: Work[T], user_id: str) -> T:
        result = await self._call(audited(action, "user", work, lambda _done: (user_id, {})))
        await self._refresh()
        return result


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
    return area(
        state,
        ROUTE,
        "Everybody who can sign in here",
        rx.cond(state.refused, refused, rx.fragment()),
        rx.cond(state.looks.length() > 0, looks, rx.fragment()),
        bar(state, "Address, name or organization", state.roles, "Role"),
        card(
            "People",
            rx.cond(state.rows.length() > 0, table, rx.el.p("Nobody is found by this.", class_name="muted none")),
            pages(state),
        ),
        look_dialog(state),
    )


def _line(state: Any, row: UserRow) -> rx.Component:
    return rx.el.tr(
        cell(_WHO, row.name, rx.el.div(row.email, class_name="muted small")),
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
