"""/keys: the vault. Keys are tested before they are stored, and never come back to the browser."""

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, ClassVar, TypeAlias

import reflex as rx
from sqlmodel import Session

from guardian import limits
from guardian.errors import GuardianError, ValidationError
from guardian.limits import Limit
from guardian.live import JOB_UPDATE
from guardian.models.enums import Provider, SyncTrigger
from guardian.periods import utcnow, zone
from guardian.providers import registry
from guardian.records import TestResult
from guardian.services.actor import Actor
from guardian.services.ledger import sync
from guardian.services.ledger.views import SyncRunView
from guardian.services.people import provider_keys
from guardian.services.people.views import KeyView
from guardian.ui.audited import Work, audited
from guardian.ui.live_hub import Query, hub
from guardian.ui.pages import keys_rows as rows
from guardian.ui.pages.keys_rows import KeyRow
from guardian.ui.pages.keys_view import keys_view
from guardian.ui.session import NotSignedIn, Page
from guardian.ui.toasts import error_toast, toast

ROUTE = "/keys"
# Each test is a call to a provider in our name.
_TESTS = Limit("ui-key-tests", count=30, seconds=60)

Said: TypeAlias = rx.event.EventSpec | None
# Each key with its latest pulls: the one that is not over, if any, and the last one that is.
_View: TypeAlias = Sequence[tuple[KeyView, Sequence[SyncRunView]]]


class KeysState(Page, rx.State):
    """The keys as rows, and the one dialog that may be open: add, replace, rename or delete.

    A provider's key passes through a handler's argument only. No var ever holds one, and neither does the Redis that
    keeps the vars.
    """

    _live_events: ClassVar[frozenset[str]] = frozenset({JOB_UPDATE})

    keys: list[KeyRow] = []
    can_add: bool = False

    dialog: str = ""
    key: KeyRow = rows.NO_KEY
    losses: list[str] = []
    typed: str = ""
    refusal: str = ""
    working: bool = False
    testing: list[str] = []

    @classmethod
    def _read(cls, session: Session, actor: Actor, query: Query) -> _View:
        keys = provider_keys.list_keys(session, actor)
        return [(key, sync.list_runs(session, actor, key.id, limit=2)) for key in keys]

    def _show(self, view: _View) -> None:
        now, tz, granted = utcnow(), zone(self.viewer.zone), self.viewer.permissions
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
        self._open("add", rows.NO_KEY)

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
        self.losses = rows.loss(lost)

    @rx.event
    async def close(self) -> None:
        """Close the dialog, unless a provider is being asked right now."""
        await self._actor()
        if not self.working:
            self._close()

    @rx.event
    async def type_name(self, text: str) -> None:
        """What is typed to confirm a deletion."""
        await self._actor()
        self.typed = text[:200]

    # What asks a provider runs without the State's lock, which lives 10 s: a provider may take longer.

    @rx.event(background=True)
    async def add(self, form: dict[str, Any]) -> Said:
        """Test the key, then store it; nothing is stored when the test fails. An admin key begins to pull at once."""
        actor = await self._actor()

        async def work() -> str:
            provider, secret, label = _provider(form), str(form.get("secret", "")), str(form.get("label", ""))
            tested = await _ask(actor, partial(provider_keys.test_key, actor, provider, secret))
            stored = await self._call(_storing(provider, secret, label, tested))
            return rows.stored(stored)

        return await self._in_dialog(work)

    @rx.event(background=True)
    async def replace(self, form: dict[str, Any]) -> Said:
        """Test a new secret, then put it in the place of the old one; the old one stays when the test fails."""
        actor, key_id = await self._actor(), self.key.id

        async def work() -> str:
            secret = str(form.get("secret", ""))
            old = await self._call(lambda session, who: provider_keys.key_to_replace(session, who, key_id))
            tested = await _ask(actor, partial(provider_keys.test_key, actor, old.provider, secret, old.metadata))
            return rows.stored(await self._call(_replacing(key_id, secret, tested)))

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
            result = await _ask(actor, partial(provider_keys.test_stored_key, under_test))
            await self._call(_noting(key_id, result, under_test.version))
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
        await self._call(_pulling(key_id))
        await self._refresh()

    @rx.event
    async def switch(self, key_id: str, on: bool) -> Said:
        """Activate or deactivate that key."""
        change = partial(provider_keys.update_key, key_id=key_id, is_active=on)
        key = await self._call(audited("KEY_UPDATE", "key", change, _about))
        await self._refresh()
        return toast(f"{key.name} is {'active again' if on else 'deactivated'}.")

    @rx.event
    async def rename(self, form: dict[str, Any]) -> None:
        """Give the key of the open dialog another label."""
        change = partial(provider_keys.update_key, key_id=self.key.id, label=str(form.get("label", "")))
        await self._or_refuse(audited("KEY_UPDATE", "key", change, _about))

    @rx.event
    async def delete(self) -> Said:
        """Delete the key of the open dialog, once its name is typed."""
        await self._actor()
        name, key_id = self.key.name, self.key.id
        if self.typed != name:
            raise ValidationError(f"Type {name} to delete this key.")
        done = await self._or_refuse(
            audited("KEY_DELETE", "key", partial(provider_keys.delete_key, key_id=key_id), _about)
        )
        return toast(f"{name} is deleted.") if done else None

    # Helpers

    def _open(self, dialog: str, key: KeyRow) -> None:
        self.dialog, self.key, self.losses, self.typed, self.refusal = dialog, key, [], "", ""

    def _close(self) -> None:
        self._open("", rows.NO_KEY)

    async def _find(self, key_id: str) -> KeyRow:
        found = await self._call(lambda session, actor: provider_keys.get_key(session, actor, key_id))
        return rows.key_row(found, [], utcnow(), zone(self.viewer.zone), may_change=True)

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
                self.refusal = error.message
            return None
        finally:
            async with self:
                self.working = False
        async with self:
            self._close()
            await self._refresh_if_open()
        return toast(said)

    async def _refresh_if_open(self) -> None:
        """A provider may have taken so long that this tab shows another page by now: that one stays the watched one."""
        if hub.shows(self.router.session.client_token, self.__class__):
            await self._refresh()

    async def _or_refuse(self, work: Work[KeyView]) -> bool:
        """Do what the open dialog asks for and close it; a refusal is said in it, and it stays."""
        try:
            await self._call(work)
        except NotSignedIn:
            raise
        except GuardianError as error:
            self.refusal = error.message
            return False
        self._close()
        await self._refresh()
        return True


def _provider(form: dict[str, Any]) -> Provider:
    chosen = str(form.get("provider", ""))
    if chosen not in registry.supported():
        raise ValidationError("Choose whose key this is.")
    return Provider(chosen)


async def _ask(actor: Actor, question: Callable[[], TestResult]) -> TestResult:
    """Ask a provider, in a thread. Raises RateLimitError for a person who asks without end."""

    def ask() -> TestResult:
        limits.hit(_TESTS, actor.user_id)
        return question()

    answer: TestResult = await rx.run_in_thread(ask)
    return answer


def _storing(provider: Provider, secret: str, label: str, tested: TestResult) -> Work[KeyView]:
    def store(session: Session, actor: Actor) -> KeyView:
        key = provider_keys.add_key(session, actor, provider=provider, secret=secret, label=label, tested=tested)
        if key.kind == "admin":
            sync.request_sync(session, actor, key.id, trigger=SyncTrigger.BACKFILL)
        return key

    return audited("KEY_CREATE", "key", store, _about)


def _replacing(key_id: str, secret: str, tested: TestResult) -> Work[KeyView]:
    def replace(session: Session, actor: Actor) -> KeyView:
        before = provider_keys.get_key(session, actor, key_id).account_id
        key = provider_keys.replace_secret(session, actor, key_id, secret, tested)
        if key.kind == "admin" and key.is_active:
            # A key of another account has everything still to be pulled.
            trigger = SyncTrigger.DEMAND if key.account_id == before else SyncTrigger.BACKFILL
            sync.request_sync(session, actor, key_id, trigger=trigger)
        return key

    return audited("KEY_UPDATE", "key", replace, lambda key: (key.id, {**_about(key)[1], "replaced": True}))


def _noting(key_id: str, result: TestResult, version: str) -> Work[KeyView]:
    note = partial(provider_keys.record_test, key_id=key_id, result=result, version=version)
    return audited("KEY_TEST", "key", note, lambda key: (key.id, {"success": result.success, "status": key.status}))


def _pulling(key_id: str) -> Work[SyncRunView]:
    pull = partial(sync.request_sync, key_id=key_id, trigger=SyncTrigger.DEMAND)
    return audited("KEY_SYNC", "key", pull, lambda run: (key_id, {"job": run.id}))


def _about(key: KeyView) -> tuple[str, dict[str, Any]]:
    return key.id, {
        "provider": key.provider,
        "label": key.label,
        "hint": key.hint,
        "kind": key.kind,
        "isActive": key.is_active,
    }


def page() -> rx.Component:
    return keys_view(KeysState, ROUTE, rows.provider_choices(registry.supported()))
