"""What the palette finds besides pages: models and provider keys of the last 90 days, as ways into the explorer."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote, urlencode

import reflex as rx
from sqlmodel import Session

from guardian.periods import DAY, local_date, local_midnight, utcnow, zone
from guardian.services.actor import Actor
from guardian.services.ledger import queries
from guardian.services.ledger.views import Group, SummaryQuery
from guardian.services.people.organizations import get_organization
from guardian.ui import format
from guardian.ui.colors import provider_name
from guardian.ui.session import Page

_EXPLORER = "/usage"
_DAYS = 90
_MOST = 8  # of each kind; typing finds the others


@dataclass(frozen=True)
class Place:
    """Somewhere to go: what it is called, what it is, and its address."""

    name: str
    detail: str
    href: str
    is_key: bool


class PaletteState(Page, rx.State):
    """The models and keys that match what is typed."""

    places: list[Place] = []

    @rx.event
    async def find(self, text: str) -> None:
        """Look for models and keys whose name or id holds the words; without words the most expensive ones."""
        self.places = await self._call(partial(_find, words=text[:200].lower().split()))


def _find(session: Session, actor: Actor, words: list[str]) -> list[Place]:
    tz = zone(get_organization(session, actor).time_zone)
    today = local_date(utcnow(), tz)
    query = partial(
        SummaryQuery,
        start=local_midnight(today - (_DAYS - 1) * DAY, tz),
        end=local_midnight(today + DAY, tz),
        tz=tz.key,
    )
    models = queries.summary(session, actor, query(group_by=("provider", "model"))).groups
    keys = queries.summary(session, actor, query(group_by=("provider", "providerKey"))).groups
    return [*_matching(map(_model, models), words), *_matching(map(_key, keys), words)]


def _matching(places: Iterable[Place | None], words: list[str]) -> list[Place]:
    found = (place for place in places if place is not None)
    return [p for p in found if all(word in f"{p.name} {p.detail} {p.href}".lower() for word in words)][:_MOST]


def _model(group: Group) -> Place | None:
    model = group.values["model"]
    if not model:
        return None
    where = _into(group, "model", model, "project")
    return Place(model, f"{provider_name(group.values['provider'])} model", where, is_key=False)


def _key(group: Group) -> Place | None:
    key = group.values["providerKey"]
    if not key:
        return None
    name, provider = group.names.get("providerKey"), provider_name(group.values["provider"])
    detail = f"{provider} key {format.short_id(key)}" if name else f"{provider} key"
    return Place(name or key, detail, _into(group, "providerKey", key, "model"), is_key=True)


def _into(group: Group, dimension: str, value: str, then: str) -> str:
    pairs = [("range", "90d"), ("groupBy", then), ("provider", group.values["provider"] or ""), (dimension, value)]
    return f"{_EXPLORER}?{urlencode(pairs, quote_via=quote)}"
