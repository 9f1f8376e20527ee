"""/requests/{id}: all about one call: its bill, how long it took, whose it was, and what happened on the way."""

from dataclasses import dataclass

import reflex as rx
from sqlmodel import Session

from guardian.errors import NotFoundError
from guardian.periods import zone
from guardian.services.actor import Actor
from guardian.services.ledger import queries
from guardian.services.ledger.queries.names import Names, read_names
from guardian.services.ledger.views import UsageView
from guardian.services.people.organizations import get_organization
from guardian.ui.live_hub import Query
from guardian.ui.pages.call import rows
from guardian.ui.pages.call.rows import NO_FACTS, CallFacts
from guardian.ui.pages.call.view import call_view
from guardian.ui.pages.usage import bill
from guardian.ui.pages.usage.bill import Panel
from guardian.ui.session import Page

ROUTE = "/requests/[call_id]"


@dataclass(frozen=True)
class _View:
    call: UsageView | None
    keys: Names
    zone: str


class CallState(Page, rx.State):
    """One call as text; `missing` where there is none of that id in the organization of who looks."""

    missing: bool = False
    zone: str = ""
    when: str = ""
    panel: Panel = Panel()
    facts: CallFacts = NO_FACTS

    @classmethod
    def _read(cls, session: Session, actor: Actor, query: Query) -> _View:
        try:
            call = queries.get_usage(session, actor, dict(query).get("id", ""))
        except NotFoundError:
            call = None
        keys = {"apiKey": rows.attempted_keys(call) if call else []}
        return _View(
            call=call,
            keys=read_names(session, actor.organization_id, keys),
            zone=get_organization(session, actor).time_zone,
        )

    def _query(self) -> Query:
        return (("id", self.router.url.path.rstrip("/").rpartition("/")[2]),)

    def _show(self, view: _View) -> None:
        tz = zone(view.zone)
        self.missing, self.zone = view.call is None, view.zone
        if view.call is None:
            self.when, self.panel, self.facts = "", Panel(), NO_FACTS
            return
        self.when = rows.when(view.call, tz)
        self.panel, self.facts = bill.panel(view.call, tz), rows.call_facts(view.call, view.keys)


def page() -> rx.Component:
    return call_view(CallState, "/requests")
