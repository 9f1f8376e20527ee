"""What the key manager does to the vault, each with its audit row, and in one transaction."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import reflex as rx
from sqlmodel import Session

from guardian import limits
from guardian.errors import ValidationError
from guardian.limits import Limit
from guardian.models.enums import Provider, SyncTrigger
from guardian.providers import registry
from guardian.records import TestResult
from guardian.services.actor import Actor
from guardian.services.ledger import sync
from guardian.services.ledger.views import SyncRunView
from guardian.services.people import provider_keys
from guardian.services.people.views import KeyView
from guardian.ui.audited import Work, audited

# Each test is a call to a provider in our name.
_TESTS = Limit("ui-key-tests", count=30, seconds=60)


def chosen_provider(form: dict[str, Any]) -> Provider:
    """Whose key the form is about. Raises ValidationError."""
    chosen = str(form.get("provider", ""))
    if chosen not in registry.supported():
        raise ValidationError("Choose whose key this is.")
    return Provider(chosen)


async def ask(actor: Actor, question: Callable[[], TestResult]) -> TestResult:
    """Ask a provider, in a thread. Raises RateLimitError for a person who asks without end."""

    def ask() -> TestResult:
        limits.hit(_TESTS, actor.user_id)
        return question()

    answer: TestResult = await rx.run_in_thread(ask)
    return answer


def storing(
    provider: Provider,
    secret: str,
    label: str,
    metadata: Mapping[str, Any],
    tested: TestResult,
    external_id: str | None = None,
) -> Work[KeyView]:
    """Keep a key that was found good; an admin key begins with the back-fill."""

    def store(session: Session, actor: Actor) -> KeyView:
        key = provider_keys.add_key(
            session,
            actor,
            provider=provider,
            secret=secret,
            label=label,
            metadata=metadata,
            external_id=external_id,
            tested=tested,
        )
        if key.kind == "admin":
            sync.request_sync(session, actor, key.id, trigger=SyncTrigger.BACKFILL)
        return key

    return audited("KEY_CREATE", "key", store, _about)


def replacing(key_id: str, secret: str, metadata: Mapping[str, Any], tested: TestResult) -> Work[KeyView]:
    """Put a secret that was found good in the place of the old one, with changed settings, and pull with it."""

    def replace(session: Session, actor: Actor) -> KeyView:
        before = provider_keys.get_key(session, actor, key_id).account_id
        key = provider_keys.replace_secret(session, actor, key_id, secret, tested, metadata)
        if key.kind == "admin" and key.is_active:
            # A key of another account has everything still to be pulled.
            trigger = SyncTrigger.DEMAND if key.account_id == before else SyncTrigger.BACKFILL
            sync.request_sync(session, actor, key_id, trigger=trigger)
        return key

    return audited("KEY_UPDATE", "key", replace, partial(_about, replaced=True))


def noting(key_id: str, result: TestResult, version: str) -> Work[KeyView]:
    """Keep what a test found."""
    note = partial(provider_keys.record_test, key_id=key_id, result=result, version=version)
    return audited("KEY_TEST", "key", note, partial(_about, success=result.success))


def pulling(key_id: str) -> Work[SyncRunView]:
    """Ask for a pull of what is missing."""
    pull = partial(sync.request_sync, key_id=key_id, trigger=SyncTrigger.DEMAND)
    return audited("KEY_SYNC", "key", pull, lambda run: (key_id, {"label": run.key_label, "job": run.id}))


def changing(
    key_id: str, *, label: str | None = None, is_active: bool | None = None, external_id: str | None = None
) -> Work[KeyView]:
    """Rename, tell the provider's id, or switch off and on."""
    change = partial(provider_keys.update_key, key_id=key_id, label=label, is_active=is_active, external_id=external_id)
    return audited("KEY_UPDATE", "key", change, _about)


def deleting(key_id: str) -> Work[KeyView]:
    """Delete the key; what it pulled stays."""
    return audited("KEY_DELETE", "key", partial(provider_keys.delete_key, key_id=key_id), _about)


def _about(key: KeyView, **more: Any) -> tuple[str, dict[str, Any]]:
    facts = {"provider": key.provider, "label": key.label, "hint": key.hint, "kind": key.kind, "status": key.status}
    return key.id, {**facts, "isActive": key.is_active, **more}
