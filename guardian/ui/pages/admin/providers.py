"""/admin/providers: every provider and key, what it last said and when it was pulled; and models without a price."""

from dataclasses import dataclass
from typing import Any, ClassVar

import reflex as rx
from sqlmodel import Session

from guardian.services.actor import Actor
from guardian.services.guard.installation import providers, unpriced
from guardian.services.guard.installation.providers import TROUBLED, KeyLine, ProviderLine
from guardian.services.guard.installation.unpriced import UnpricedModel
from guardian.services.people.views import Page as Listed
from guardian.ui import format
from guardian.ui.colors import provider_name
from guardian.ui.components.basics import badge, button_link, moment
from guardian.ui.components.choosing import segments
from guardian.ui.components.table import Column, cell, data_table, pages
from guardian.ui.pages.admin.area import Listing, area, listed, under, unit
from guardian.ui.rows import Moment

ROUTE = "/admin/providers"
_PROVIDER = Column("Provider", narrow="first")
_KEYS = Column("Keys", numeric=True, narrow="amount")
_TROUBLED = Column("Need a person", numeric=True, narrow="second")
_REJECTED = Column("Rejected", numeric=True)
_PULLED = Column("Last pull", narrow="aside")
_KEY = Column("Key", narrow="first")
_STATE = Column("State", narrow="amount")
_CAUSE = Column("What it said last", narrow="second")
_FAILURES = Column("Failures in a row", numeric=True)
_NEXT = Column("Tried again")
_MODEL = Column("Model", narrow="first")
_MANY = Column("Organizations", numeric=True, narrow="aside")
_ROWS = Column("Rows", numeric=True)
_TOKENS = Column("Tokens", numeric=True, narrow="amount")


_RESTS = "Calls by this key failed again and again: the gateway leaves it alone for some seconds, then tries one."


@dataclass(frozen=True)
class ProviderRow:
    name: str
    stored: str
    troubled: str
    rejected: str
    pulled: Moment


@dataclass(frozen=True)
class KeyRow:
    """A key; `tone` colours its state, `cause` is the provider's or the last pull's word."""

    id: str
    name: str
    about: str
    state: str
    tone: str
    cause: str
    failures: str
    pulled: Moment
    again: Moment
    rests: str


@dataclass(frozen=True)
class ModelRow:
    key: str
    model: str
    provider: str
    organizations: str
    rows: str
    tokens: str


@dataclass(frozen=True)
class _Found:
    providers: list[ProviderLine]
    keys: Listed[KeyLine]
    unpriced: list[UnpricedModel]


class ProvidersState(Listing, rx.State):
    """Providers, keys and unpriced models as text."""

    _route: ClassVar[str] = ROUTE
    _names: ClassVar[tuple[str, ...]] = ("show", "cursor")

    providers: list[ProviderRow] = []
    keys: list[KeyRow] = []
    models: list[ModelRow] = []

    @classmethod
    def _find(cls, session: Session, actor: Actor, asked: dict[str, str]) -> Any:
        return _Found(
            providers=providers.list_providers(session, actor),
            keys=providers.list_keys(
                session, actor, troubled=asked.get("show") == "troubled", cursor=asked.get("cursor")
            ),
            unpriced=unpriced.unpriced_models(session, actor),
        )

    def _put(self, found: _Found, asked: dict[str, str]) -> None:
        self._list(found.keys, asked, "show", (("Need a person", "troubled"),))
        now, tz = self._clock()
        self.providers = [
            ProviderRow(
                provider_name(each.provider),
                format.number(each.keys),
                format.number(each.troubled),
                format.number(each.rejected),
                Moment.of(each.last_pull, now, tz),
            )
            for each in found.providers
        ]
        self.keys = [
            KeyRow(
                id=each.id,
                name=each.name,
                about=f"{provider_name(each.provider)}, {each.organization}",
                state="off" if not each.is_active else each.status.value.replace("_", " "),
                tone="bad" if each.is_active and each.status in TROUBLED else "",
                cause=each.error or each.status_message or "",
                failures=format.number(each.failures),
                pulled=Moment.of(each.last_pull, now, tz),
                again=Moment.of(each.waits_until, now, tz, never="–"),
                rests="gateway rests" if each.rests_until else "",
            )
            for each in found.keys.items
        ]
        self.models = [
            ModelRow(
                f"{each.provider.value}/{each.model}",
                each.model,
                provider_name(each.provider),
                format.number(each.organizations),
                format.number(each.rows),
                format.tokens(each.tokens),
            )
            for each in found.unpriced
        ]


def page() -> rx.Component:
    state: Any = ProvidersState
    by_provider = data_table(
        "providers",
        [_PROVIDER, _KEYS, _TROUBLED, _REJECTED, _PULLED],
        rx.foreach(state.providers, _provider),
        caption="Providers of this installation",
    )
    keys = data_table(
        "keys",
        [_KEY, _STATE, _CAUSE, _FAILURES, _PULLED, _NEXT],
        rx.foreach(state.keys, _key),
        caption="Keys of this installation",
    )
    models = data_table(
        "unpriced", [_MODEL, _MANY, _ROWS, _TOKENS], rx.foreach(state.models, _model), caption="Models without a price"
    )
    return area(
        state,
        "What the providers last said of every key, and what nobody knows the price of",
        listed("Providers", state.providers, by_provider, "No key is stored yet."),
        listed("Keys", state.keys, keys, "No such key.", pages(state), aside=segments(state.choices, "Which keys")),
        listed(
            "Models without a price",
            state.models,
            models,
            "Everything that was used has a price.",
            aside=button_link("Prices", to="/prices"),
        ),
    )


def _provider(row: ProviderRow) -> rx.Component:
    return rx.el.tr(
        cell(_PROVIDER, row.name),
        cell(_KEYS, row.stored, unit(row.stored, "key")),
        cell(_TROUBLED, row.troubled, rx.el.span(" need a person", class_name="narrow-only")),
        cell(_REJECTED, row.rejected),
        cell(_PULLED, moment(row.pulled)),
        key=row.name,
    )


def _key(row: KeyRow) -> rx.Component:
    return rx.el.tr(
        cell(_KEY, row.name, under(row.about)),
        cell(
            _STATE,
            badge(row.state, row.tone),
            rx.cond(row.rests != "", rx.el.div(badge(row.rests, "warn"), title=_RESTS), rx.fragment()),
        ),
        cell(_CAUSE, row.cause),
        cell(_FAILURES, row.failures),
        cell(_PULLED, moment(row.pulled)),
        cell(_NEXT, moment(row.again)),
        key=row.id,
    )


def _model(row: ModelRow) -> rx.Component:
    return rx.el.tr(
        cell(_MODEL, row.model, under(row.provider)),
        cell(_MANY, row.organizations, unit(row.organizations, "organization")),
        cell(_ROWS, row.rows),
        cell(_TOKENS, row.tokens, rx.el.span(" tokens", class_name="narrow-only")),
        key=row.key,
    )
