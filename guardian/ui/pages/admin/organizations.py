"""/admin/organizations: every organization with its people, keys and spend, and the plan it is given by hand."""

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import reflex as rx
from sqlmodel import Session

from guardian.models.enums import Plan
from guardian.periods import utcnow, zone
from guardian.services.actor import Actor
from guardian.services.guard.installation import organizations
from guardian.services.guard.installation.organizations import OrganizationLine
from guardian.services.people.views import Page as Listed
from guardian.ui import format
from guardian.ui.audited import audited
from guardian.ui.components.basics import link, moment, money
from guardian.ui.components.cards import card
from guardian.ui.components.table import Column, cell, data_table
from guardian.ui.pages.admin.area import Area, area, bar, pages
from guardian.ui.rows import Choice, Moment, Money
from guardian.ui.toasts import toast

ROUTE = "/admin/organizations"
_PLANS = tuple(plan.value for plan in Plan)
_NAME = Column("Organization", narrow="first")
_PLAN = Column("Plan", narrow="always")
_PEOPLE = Column("People", numeric=True)
_KEYS = Column("Keys", numeric=True)
_SPEND = Column("Spend, 30 days", numeric=True, narrow="amount")
_SINCE = Column("Since", narrow="second")


@dataclass(frozen=True)
class OrganizationRow:
    """A customer of this installation; `people_href` finds its people."""

    id: str
    name: str
    domain: str
    plan: str
    people: str
    people_href: str
    stored: str
    spend: Money
    since: Moment


class OrganizationsState(Area, rx.State):
    """Organizations as text."""

    _route: ClassVar[str] = ROUTE
    _names: ClassVar[tuple[str, ...]] = ("plan",)

    rows: list[OrganizationRow] = []
    plans: list[Choice] = []

    @classmethod
    def _find(cls, session: Session, actor: Actor, asked: dict[str, str]) -> Any:
        plan = asked.get("plan", "")
        return organizations.list_organizations(
            session,
            actor,
            search=asked.get("q", ""),
            plan=Plan(plan) if plan in _PLANS else None,
            cursor=asked.get("cursor"),
        )

    def _put(self, found: Listed[OrganizationLine] | None, asked: dict[str, str]) -> None:
        self.rows = [self._row(each) for each in found.items] if found else []
        self.plans = self._choices(asked, "plan", (("All", ""), *((plan.capitalize(), plan) for plan in _PLANS)))
        if found:
            self._turn(found, asked)

    def _row(self, line: OrganizationLine) -> OrganizationRow:
        note = f"{format.tokens(line.unpriced_tokens)} tokens have no price" if line.unpriced_tokens else ""
        return OrganizationRow(
            id=line.id,
            name=line.name,
            domain=line.domain or "",
            plan=line.plan.value,
            people=format.number(line.members),
            people_href=f"/admin/users?q={line.name}",
            stored=format.number(line.keys),
            spend=Money.of(line.spend, note),
            since=Moment.of(line.created_at, utcnow(), zone(self.viewer.zone or "UTC")),
        )

    @rx.event
    async def give_plan(self, organization_id: str, plan: str) -> rx.event.EventSpec | None:
        """Give an organization a plan by hand."""
        if plan not in _PLANS:
            await self._actor()
            return None

        def work(session: Session, actor: Actor) -> OrganizationLine:
            return organizations.give_plan(session, actor, organization_id, Plan(plan))

        line = await self._call(audited("PLAN_ASSIGN", "organization", work, _about))
        await self._refresh()
        return toast(f"{line.name} has the plan {line.plan.value.capitalize()}.")


def _about(line: OrganizationLine) -> tuple[str, dict[str, Any]]:
    return line.id, {"name": line.name, "plan": line.plan.value}


def page() -> rx.Component:
    state: Any = OrganizationsState
    table = data_table(
        "organizations",
        [_NAME, _PLAN, _PEOPLE, _KEYS, _SPEND, _SINCE],
        rx.foreach(state.rows, partial(_line, state)),
        caption="Organizations of this installation",
    )
    nothing = rx.el.p("No organization is found by this.", class_name="muted none")
    return area(
        state,
        ROUTE,
        "Every customer of this installation, what it spends, and its plan",
        bar(state, "Name or domain", state.plans, "Plan"),
        card("Organizations", rx.cond(state.rows.length() > 0, table, nothing), pages(state)),
    )


def _line(state: Any, row: OrganizationRow) -> rx.Component:
    return rx.el.tr(
        cell(
            _NAME, row.name, rx.cond(row.domain != "", rx.el.div(row.domain, class_name="muted small"), rx.fragment())
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
        cell(_PEOPLE, link(row.people, to=row.people_href)),
        cell(_KEYS, row.stored),
        cell(_SPEND, money(row.spend)),
        cell(_SINCE, moment(row.since)),
        key=row.id,
    )
