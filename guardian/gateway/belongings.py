"""What an organization's calls need, read from PostgreSQL for many organizations at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from guardian import db
from guardian.config import settings
from guardian.gateway.outgoing import Route, routes_of
from guardian.models.enums import Provider
from guardian.periods import utcnow
from guardian.pricing.overrides import Override
from guardian.services.guard.budgets import HardBudget, hard_budgets_of
from guardian.services.ledger.pricebook.overrides import overrides_of
from guardian.services.people.billing.counting import Full, Rooms
from guardian.services.people.provider_keys.outgoing import outgoing_keys

_rooms = Rooms()


@dataclass(frozen=True, slots=True)
class Belongings:
    """What an organization's calls need: its ways out by provider, its agreed prices, and its hard budgets.

    `full` is set while its plan has no requests left this month.
    """

    routes: Mapping[Provider, tuple[Route, ...]]
    overrides: Mapping[Provider, tuple[Override, ...]]
    budgets: Sequence[HardBudget] = ()
    full: Full | None = None


def load_belongings(organizations: list[str]) -> Mapping[str, object]:
    """By organization; for threads. Raises UnavailableError, SQLAlchemyError."""
    found: dict[str, object] = {}
    with db.session() as session:
        for organization_id in organizations:
            routes = routes_of(outgoing_keys(session, organization_id), settings())
            overrides = {each: overrides_of(session, organization_id, each) for each in Provider}
            agreed = {provider: those for provider, those in overrides.items() if those}
            budgets = hard_budgets_of(session, organization_id)
            found[organization_id] = Belongings(
                routes, agreed, budgets, _rooms.full(session, organization_id, utcnow())
            )
    return found
