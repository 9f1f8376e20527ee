"""/keys: the vault. Keys are tested before they are stored, and never come back to the browser."""

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, ClassVar, TypeAlias

import reflex as rx
from sqlmodel import Session

from guardian.errors import GuardianError
from guardian.live import JOB_UPDATE
from guardian.periods import utcnow, zone
from guardian.providers import registry
from guardian.services.actor import Actor
from guardian.services.ledger import sync
from guardian.services.ledger.views import SyncRunView
from guardian.services.people import provider_keys
from guardian.services.people.views import KeyView
from guardian.ui.dialogs import Dialogs
from guardian.ui.live_hub import Query, hub
from guardian.ui.pages.keys import changes, rows, words
from guardian.ui.pages.keys.fields import metadata_of, settings_of
from guardian.ui.pages.keys.rows import KeyRow
from guardian.ui.pages.keys.view import keys_view
from guardian.ui.session import NotSignedIn, Said
from guardian.ui.toasts import error_toast, toast

ROUTE = "/keys"
# Each key with its latest pulls: the one that is not over, if any, and the last one that is.
_View: TypeAlias = Sequence[tuple[KeyView, Sequence[SyncRunView]]]


class KeysState(Dialogs, rx.State):
    """The keys as rows, and which one the dialog is about: add, replace, rename or delete.

    A provider's key passes through a handler's argument only. No var ever holds one, and neither does the Redis that
    keeps the vars.
    """

    _live_events: ClassVar[frozenset[str]] = frozenset({JOB_UPDATE})

    keys: list[KeyRow] = []
    can_add: bool = False

    key: KeyRow = rows.NO_KEY
    losses: list[str] = []
    working: bool = False
    testing: list[str] = []

    @classmethod
    def _read(cls, session: Session, actor: Actor, query: Query) -> _View:
        keys = provider_keys.list_keys(session, actor)
        return [(key, sync.list_runs(session, actor, key.id, limit=2)) for key in keys]

    def _show(self, view: _View) -> None:
        now, tz, granted = utcnow(), zone(self.viewer.zone or "UTC"), self.viewer.permissions
        self.can_add = "keys:create" in granted
        self.keys = [
            rows.key_row(
                key,
                runs,
                now,
                tz,
                may_change="keys:update" in granted or (self.can_add and key.user_id == self.viewer.id),
            )
            for key, runs in view
        ]

    # Dialogs

    @rx.event
    async def open_add(self) -> None:
        """Show the form for a new key."""
        (await self._actor()).require("keys:create")
        self._open("add")

    @rx.event
    async def open_replace(self, key_id: str) -> None:
        """Show the form for a new secret of that key."""
        self._open("replace", await self._find(key_id))

    @rx.event
    async def open_rename(self, key_id: str) -> None:
        """Show the form for another label of that key."""
        self._open("rename", await self._find(key_id))

    @rx.event
    async def open_delete(self, key_id: str) -> None:
        """Ask before deleting that key, with what is lost."""
        lost = await self._call(lambda session, actor: provider_keys.what_is_lost(session, actor, key_id))
        self._open("delete", await self._find(key_id))
        self.losses = words.loss(lost)

    @rx.event
    async def close(self) -> None:
        """Close the dialog, unless a provider is being asked right now."""
        await self._actor()
        if not self.working:
            self._open("")

    # What asks a provider runs without the State's lock, which lives 10 s: a provider may take longer.

    @rx.event(background=True)
    async def add(self, form: dict[str, Any]) -> Said:
        """Test the key, then store it; nothing is stored when the test fails. An admin key begins to pull at once."""
        actor = await self._actor()

        async def work() -> str:
            provider = changes.chosen_provider(form)
            secret, label = str(form.get("secret", "")), str(form.get("label", ""))
            metadata = metadata_of(form, provider)
            tested = await changes.ask(actor, partial(provider_keys.test_key, actor, provider, secret, metadata))
            store = changes.storing(provider, secret, label, metadata, tested, form.get("external_id"))
            return words.stored(await self._call(store))

        return await self._in_dialog(work)

    @rx.event(background=True)
    async def replace(self, form: dict[str, Any]) -> Said:
        """Test a new secret, then put it in the place of the old one; the old one stays when the test fails."""
        actor, key_id = await self._actor(), self.key.id

        async def work() -> str:
            secret = str(form.get("secret", ""))
            old = await self._call(lambda session, who: provider_keys.key_to_replace(session, who, key_id))
            new = settings_of(form, old.provider)
            wanted = {**old.metadata, **new}
            tested = await changes.ask(actor, partial(provider_keys.test_key, actor, old.provider, secret, wanted))
            return words.stored(await self._call(changes.replacing(key_id, secret, new, tested)))

        return await self._in_dialog(work)

    @rx.event(background=True)
    async def test(self, key_id: str) -> Said:
        """Try a stored key at its provider, and note what it said."""
        actor = await self._actor()
        under_test = await self._call(lambda session, who: provider_keys.key_under_test(session, who, key_id))
        async with self:
            if key_id in self.testing:
                return None
            self.testing = [*self.testing, key_id]
        try:
            result = await changes.ask(actor, partial(provider_keys.test_stored_key, under_test))
            await self._call(changes.noting(key_id, result, under_test.version))
        finally:
            async with self:
                self.testing = [each for each in self.testing if each != key_id]
        async with self:
            await self._refresh_if_open()
        return toast(result.message) if result.success else error_toast(result.message)

    # What is done at once

    @rx.event
    async def pull(self, key_id: str) -> None:
        """Pull what is missing of that key's reports now; its progress arrives live."""
        await self._call(changes.pulling(key_id))
        await self._refresh()

    @rx.event
    async def switch(self, key_id: str, on: bool) -> Said:
        """Activate or deactivate that key."""
        key = await self._call(changes.changing(key_id, is_active=on))
        await self._refresh()
        return toast(f"{key.name} is {'active again' if on else 'deactivated'}.")

    @rx.event
    async def rename(self, form: dict[str, Any]) -> None:
        """Give the key of the open dialog another label, and the provider's id of it."""
        label, told = str(form.get("label", "")), form.get("external_id")
        await self._or_refuse(changes.changing(self.key.id, label=label, external_id=told), lambda _key: None)

    @rx.event
    async def delete(self) -> Said:
        """Delete the key of the open dialog, once its name is typed."""
        await self._actor()
        name, key_id = self.key.name, self.key.id
        self._confirm(name, "delete this key")
        return await self._or_refuse(changes.deleting(key_id), lambda _key: toast(f"{name} is deleted."))

    def _open(self, dialog: str, key: KeyRow = rows.NO_KEY) -> None:
        super()._open(dialog)
        self.key, self.losses = key, []

    async def _find(self, key_id: str) -> KeyRow:
        found = await self._call(lambda session, actor: provider_keys.get_key(session, actor, key_id))
        return rows.key_row(found, [], utcnow(), zone(self.viewer.zone or "UTC"), may_change=True)

    async def _in_dialog(self, work: Callable[[], Coroutine[Any, Any, str]]) -> Said:
        """What a dialog's form asks of a provider: a refusal is said in the dialog, which stays; a success closes it.

        `work` gives the sentence that tells of the success. A second submit while the first runs does nothing.
        """
        async with self:
            if self.working:
                return None
            self.working, self.refusal = True, ""
        try:
            said = await work()
        except NotSignedIn:
            raise
        except GuardianError as error:
            async with self:
                self._refuse(error)
            return None
        finally:
            async with self:
                self.working = False
        async with self:
            self._open("")
            await self._refresh_if_open()
        return toast(said)

    async def _refresh_if_open(self) -> None:
        """A provider may have taken so long that this tab shows another page by now: that one stays the watched one."""
        if hub.shows(self.router.session.client_token, self.__class__):
            await self._refresh()


def page() -> rx.Component:
    return keys_view(
        KeysState, ROUTE, rows.provider_choices([registry.describe(each) for each in registry.supported()])
    )
