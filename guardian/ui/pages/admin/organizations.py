"""/admin/organizations: every organization with its people, keys and spend; it is given a plan, disabled, enabled."""

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar
from urllib.parse import urlencode

import reflex as rx
from sqlmodel import Session

from guardian.errors import ValidationError
from guardian.models.enums import Plan
from guardian.services.actor import Actor
from guardian.services.guard.installation import organizations
from guardian.services.guard.installation.organizations import OrganizationLine
from guardian.services.people.views import Page as Listed
from guardian.ui import format
from guardian.ui.audited import audited
from guardian.ui.components.basics import badge, button, link, moment, money
from guardian.ui.components.dialog import form_dialog
from guardian.ui.components.forms import field
from guardian.ui.components.table import Column, cell, data_table
from guardian.ui.dialogs import Dialogs
from guardian.ui.pages.admin.area import Listing, listing, under, unit, why_field
from guardian.ui.rows import Moment, Money
from guardian.ui.session import Said
from guardian.ui.toasts import toast

ROUTE = "/admin/organizations"
_PLANS = tuple(plan.value for plan in Plan)
_NAME = Column("Organization", narrow="first")
_PLAN = Column("Plan", narrow="always")
_PEOPLE = Column("People", numeric=True, narrow="second")
_KEYS = Column("Keys", numeric=True)
_SPEND = Column("Spend, 30 days", numeric=True, narrow="amount")
_SINCE = Column("Since", narrow="aside")
_DO = Column("To do", narrow="always")


@dataclass(frozen=True)
class OrganizationRow:
    """A customer of this installation; `people_href` finds its people, `why` it is disabled, `own` who looks is in."""

    id: str
    name: str
    domain: str
    plan: str
    people: str
    people_href: str
    stored: str
    spend: Money
    since: Moment
    disabled: bool
    why: str
    own: bool


class OrganizationsState(Dialogs, Listing, rx.State):
    """Organizations as text, and which one is to be disabled, by the open dialog."""

    _route: ClassVar[str] = ROUTE
    _names: ClassVar[tuple[str, ...]] = ("q", "plan", "cursor")

    rows: list[OrganizationRow] = []
    doomed_id: str = ""
    doomed: str = ""

    @classmethod
    def _find(cls, session: Session, actor: Actor, asked: dict[str, str]) -> Any:
        plan = asked.get("plan", "")
        found = organizations.list_organizations(
            session,
            actor,
            search=asked.get("q", ""),
            plan=Plan(plan) if plan in _PLANS else None,
            cursor=asked.get("cursor"),
        )
        return found, actor.organization_id

    def _put(self, found: tuple[Listed[OrganizationLine], str], asked: dict[str, str]) -> None:
        page, own = found
        self._list(page, asked, "plan", tuple((plan.capitalize(), plan) for plan in _PLANS))
        self.rows = [self._row(each, own) for each in page.items]

    def _row(self, line: OrganizationLine, own: str) -> OrganizationRow:
        note = f"{format.tokens(line.unpriced_tokens)} tokens have no price" if line.unpriced_tokens else ""
        return OrganizationRow(
            id=line.id,
            name=line.name,
            domain=line.domain or "",
            plan=line.plan.value,
            people=format.number(line.members),
            people_href=f"/admin/users?{urlencode({'q': line.name})}",
            stored=format.number(line.keys),
            spend=Money.of(line.spend, note),
            since=Moment.of(line.created_at, *self._clock()),
            disabled=line.disabled_at is not None,
            why=line.disabled_reason or "",
            own=line.id == own,
        )

    @rx.event
    async def give_plan(self, organization_id: str, plan: str) -> rx.event.EventSpec | None:
        """Give an organization a plan by hand."""
        if plan not in _PLANS:
            await self._actor()
            return None

        def work(session: Session, actor: Actor) -> OrganizationLine:
            return organizations.give_plan(session, actor, organization_id, Plan(plan))

        line = await self._do(
            audited(
                "PLAN_ASSIGN", "organization", work, lambda line: (line.id, {**_name(line), "plan": line.plan.value})
            )
        )
        return toast(f"{line.name} has the plan {line.plan.value.capitalize()}.")

    @rx.event
    async def ask(self, organization_id: str) -> None:
        """Ask why, before that organization is disabled."""

        def find(session: Session, actor: Actor) -> OrganizationLine:
            return organizations.find_organization(session, actor, organization_id)

        line = await self._call(find)
        self._open("disable")
        self.doomed_id, self.doomed = line.id, line.name

    @rx.event
    async def disable(self, form: dict[str, Any]) -> Said:
        """Disable the organization of the open dialog, once its name is typed and a reason given."""
        (await self._actor()).require("admin:update")
        doomed_id, reason = self.doomed_id, str(form.get("reason", ""))
        if str(form.get("name", "")).strip() != self.doomed:
            return self._refuse(ValidationError(f"Type {self.doomed} to disable this organization."))

        def work(session: Session, actor: Actor) -> OrganizationLine:
            return organizations.disable(session, actor, doomed_id, reason)

        told = audited(
            "ORGANIZATION_DISABLE",
            "organization",
            work,
            lambda line: (line.id, {**_name(line), "reason": line.disabled_reason}),
        )
        return await self._or_refuse(told, lambda line: toast(f"{line.name} is disabled."))

    @rx.event
    async def enable(self, organization_id: str) -> Said:
        """Undo it."""

        def work(session: Session, actor: Actor) -> OrganizationLine:
            return organizations.enable(session, actor, organization_id)

        told = audited("ORGANIZATION_ENABLE", "organization", work, lambda line: (line.id, _name(line)))
        line = await self._do(told)
        return toast(f"{line.name} is enabled. Sessions and tokens work again.")


def _name(line: OrganizationLine) -> dict[str, Any]:
    return {"name": line.name}


def page() -> rx.Component:
    state: Any = OrganizationsState
    table = data_table(
        "organizations",
        [_NAME, _PLAN, _PEOPLE, _KEYS, _SPEND, _SINCE, _DO],
        rx.foreach(state.rows, partial(_line, state)),
        caption="Organizations of this installation",
    )
    return listing(
        state,
        "Every customer of this installation, what it spends, and its plan",
        "Organizations",
        table,
        _disable_dialog(state),
        placeholder="Name or domain",
        narrowed_by="Plan",
        nothing="No organization is found by this.",
    )


def _disable_dialog(state: Any) -> rx.Component:
    return form_dialog(
        state,
        "disable",
        rx.fragment("Disable ", state.doomed, "?"),
        why_field(),
        field(
            rx.fragment("Type ", rx.el.strong(state.doomed), " to confirm"),
            "name",
            required=True,
            custom_attrs={"autoComplete": "off"},
        ),
        before=rx.el.ul(
            rx.el.li("Nobody works in it any more: its people are signed out, or go on in another organization."),
            rx.el.li("None of its tokens works: the gateway refuses its calls within five seconds."),
            rx.el.li("Nothing is deleted. Providers are pulled as before, and it can be enabled again."),
            class_name="losses",
        ),
        on_submit=state.disable,
        verb="Disable",
        kept="It works as before.",
        kind="danger",
        name="disable-organization",
    )


def _line(state: Any, row: OrganizationRow) -> rx.Component:
    return rx.el.tr(
        cell(
            _NAME,
            rx.el.span(row.name, " ", rx.cond(row.disabled, badge("Disabled", "bad"), rx.fragment())),
            under(row.domain),
            under(row.why),
        ),
        cell(
            _PLAN,
            rx.el.select(
                *(rx.el.option(plan.capitalize(), value=plan) for plan in _PLANS),
                value=row.plan,
                on_change=state.give_plan(row.id),
                class_name="input",
                custom_attrs={"aria-label": f"Plan of {row.name}"},
            ),
        ),
        cell(_PEOPLE, link(row.people, unit(row.people, "person", "people"), to=row.people_href)),
        cell(_KEYS, row.stored),
        cell(_SPEND, money(row.spend)),
        cell(_SINCE, moment(row.since)),
        cell(
            _DO,
            rx.cond(
                row.disabled,
                button("Enable", on_click=state.enable(row.id)),
                rx.cond(row.own, rx.fragment(), button("Disable", on_click=state.ask(row.id))),
            ),
        ),
        key=row.id,
    )
