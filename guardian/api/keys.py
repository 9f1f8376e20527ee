"""keys: the providers' keys in the vault. The key itself goes in and never comes out."""

from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query

from guardian.api.answers.lists import page_of
from guardian.api.jobs import JobOut, job_json
from guardian.api.keys_shapes import ChangedKeyOut, KeyChange, KeyOut, KeyQuery, NewKey, ProviderOut, SyncBody, TestOut
from guardian.api.requests.moments import end_of, start_of
from guardian.api.steps import CallDep, route
from guardian.errors import ValidationError
from guardian.models import ApiKey
from guardian.models.enums import SyncTrigger
from guardian.services.ledger import sync
from guardian.services.people import provider_keys
from guardian.services.people.views import Page

api = APIRouter(prefix="/api/v1/keys", tags=["keys"])

_UTC = ZoneInfo("UTC")


@route(api, "GET", "", permission="keys:read")
def list_keys(call: CallDep, query: Annotated[KeyQuery, Query()]) -> Page[KeyOut]:
    """The organization's keys, newest first."""
    with call.transaction() as session:
        found = [KeyOut.model_validate(view) for view in provider_keys.list_keys(session, call.actor)]
    return page_of(found, query)


@route(api, "GET", "/providers", permission="keys:read")
def list_providers(call: CallDep) -> list[ProviderOut]:
    """The providers whose keys can be stored, what each asks for besides the key, and whether it reports usage."""
    return [ProviderOut.model_validate(provider_keys.describe(each)) for each in provider_keys.supported()]


@route(api, "POST", "", permission="keys:create", action="KEY_CREATE", status=201, fails=(502,))
def add_key(call: CallDep, body: NewKey) -> ChangedKeyOut:
    """Test a key at its provider, store it, and begin to pull the last 90 days if it may read the reports."""
    secret = body.key.get_secret_value()
    tested = provider_keys.test_key(call.actor, body.provider, secret, body.metadata)
    with call.transaction() as session:
        view = provider_keys.add_key(
            session,
            call.actor,
            provider=body.provider,
            secret=secret,
            label=body.label,
            metadata=body.metadata,
            external_id=body.external_key_id,
            tested=tested,
        )
        run = None
        if view.kind == "admin":
            run = sync.request_sync(session, call.actor, view.id, trigger=SyncTrigger.BACKFILL)
        call.note("key", view.id, provider=view.provider, label=view.label, hint=view.hint, kind=view.kind)
        return _changed(KeyOut.model_validate(view), run.id if run else None)


@route(api, "GET", "/{key_id}", permission="keys:read", row=ApiKey)
def get_key(call: CallDep, key_id: str) -> KeyOut:
    """One key, without the key."""
    with call.transaction() as session:
        return KeyOut.model_validate(provider_keys.get_key(session, call.actor, key_id))


# Who stored a key may also change it, whatever their role: the service decides, key by key.
@route(api, "PATCH", "/{key_id}", permission="keys:read", action="KEY_UPDATE", row=ApiKey, fails=(409, 502))
def update_key(call: CallDep, key_id: str, body: KeyChange) -> ChangedKeyOut:
    """Rename, switch off or on, tell its provider's id, or replace it; another account begins with its last 90 days."""
    tested = None
    if body.key is None and body.metadata is not None:
        raise _without_key()
    if body.key is not None:
        with call.transaction(audited=False) as session:
            stored = provider_keys.key_to_replace(session, call.actor, key_id)
        wanted = {**stored.metadata, **(body.metadata or {})}
        tested = provider_keys.test_key(call.actor, stored.provider, body.key.get_secret_value(), wanted)
    with call.transaction() as session:
        label = (body.label or "") if "label" in body.model_fields_set else None
        told = (body.external_key_id or "") if "external_key_id" in body.model_fields_set else None
        view = provider_keys.update_key(session, call.actor, key_id, label=label, is_active=body.is_active)
        run = None
        if body.key is not None and tested is not None:
            before = view.account_id
            secret = body.key.get_secret_value()
            view = provider_keys.replace_secret(session, call.actor, key_id, secret, tested, body.metadata)
            if view.kind == "admin" and view.is_active:
                trigger = SyncTrigger.DEMAND if view.account_id == before else SyncTrigger.BACKFILL
                run = sync.request_sync(session, call.actor, key_id, trigger=trigger)
        if told is not None:
            view = provider_keys.update_key(session, call.actor, key_id, external_id=told)
        call.note(
            "key", key_id, label=view.label, isActive=view.is_active, hint=view.hint, replaced=body.key is not None
        )
        return _changed(KeyOut.model_validate(view), run.id if run else None)


@route(api, "DELETE", "/{key_id}", permission="keys:read", action="KEY_DELETE", row=ApiKey)
def delete_key(call: CallDep, key_id: str) -> None:
    """Delete a key. What it pulled stays in the ledger."""
    with call.transaction() as session:
        view = provider_keys.delete_key(session, call.actor, key_id)
        call.note("key", key_id, provider=view.provider, label=view.label, hint=view.hint)


@route(api, "POST", "/{key_id}/test", permission="keys:read", action="KEY_TEST", fails=(502,))
def test_key(call: CallDep, key_id: str) -> TestOut:
    """Try the stored key at its provider, and note what it said."""
    with call.transaction(audited=False) as session:
        stored = provider_keys.key_under_test(session, call.actor, key_id)
    result = provider_keys.test_stored_key(stored)
    with call.transaction() as session:
        view = provider_keys.record_test(session, call.actor, key_id, result, version=stored.version)
        call.note("key", key_id, success=result.success, status=view.status)
        return TestOut(
            success=result.success, message=result.message, kind=result.kind, key=KeyOut.model_validate(view)
        )


@route(api, "POST", "/{key_id}/sync", permission="keys:sync", action="KEY_SYNC", status=202)
def sync_key(call: CallDep, key_id: str, body: SyncBody | None = None) -> JobOut:
    """Pull the key's reports now. The job's id is to be asked at jobs/{id}."""
    wanted = body or SyncBody()
    start = start_of(wanted.start_date, "startDate", _UTC)
    end = end_of(wanted.end_date, "endDate", _UTC)
    with call.transaction() as session:
        run = sync.request_sync(session, call.actor, key_id, start=start, end=end, trigger=SyncTrigger.DEMAND)
        call.note("key", key_id, job=run.id, start=start, end=end)
        return job_json(run)


def _without_key() -> ValidationError:
    message = "Settings change together with the key: give it again."
    return ValidationError(message, details=[{"field": "key", "message": message}])


def _changed(key: KeyOut, job_id: str | None) -> ChangedKeyOut:
    return ChangedKeyOut(**key.model_dump(), job_id=job_id)
