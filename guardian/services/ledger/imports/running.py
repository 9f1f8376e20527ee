"""ImportRun rows: begun, taken on batch by batch, ended; and read again. What a batch adds and what its run says of it
are one transaction, so that a run that was cut off says what is stored, and the same file, read again, goes on.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import cast

from sqlalchemy import update
from sqlmodel import Session, col, select

from guardian import db, live, queue
from guardian.errors import ConflictError, NotFoundError
from guardian.models import ApiKey, ImportRun, User
from guardian.models.enums import ImportStatus, Provider
from guardian.periods import rfc3339, utcnow
from guardian.services.actor import Actor
from guardian.services.ledger.imports.batches import Batch, Importing
from guardian.services.ledger.imports.formats import READERS
from guardian.services.ledger.imports.report import Report
from guardian.services.ledger.imports.views import ImportView
from guardian.services.ledger.pricebook.overrides import overrides_of
from guardian.services.ledger.queries.caching import invalidate_organization
from guardian.services.ledger.queries.dimensions import refuse
from guardian.services.ledger.sync.coverage import account_id_of
from guardian.services.people.membership import is_member
from guardian.services.people.views import Page

MOST_LISTED = 100
# A run says how far it is at least every few seconds; one that was silent for so long has lost its process. Before its
# first byte it may wait for a worker that reads another file.
_SILENT, _WAITING = timedelta(minutes=2), timedelta(hours=2)
_CUT_OFF = "The import was cut off. What is stored stays; import the file again, and it goes on without doubles."
_STOPPED = "Stopped by hand. What is stored stays; import the file again, and it goes on without doubles."


class ImportStopped(Exception):
    """Somebody has stopped this import, or its organization is gone: nothing more is to be stored."""


def begin_import(
    session: Session,
    actor: Actor,
    *,
    file_name: str,
    bytes_total: int | None,
    format: str | None = None,
    email: str | None = None,
    key_label: str | None = None,
) -> tuple[ImportView, Importing]:
    """A new run, and what its readers have to know.

    The calls are those of the person with that address, else of who imports; `key_label` names the provider's key that
    paid for them. Raises AuthorizationError, and ValidationError for an unknown format, person or key.
    """
    actor.require("usage:write")
    if format is not None and format not in READERS:
        message = f"Unknown format {format!r}. Choose from: {', '.join(READERS)}; or leave it to the file's content."
        raise refuse("format", message)
    person = _person(session, actor, email)
    key = _key(session, actor, key_label)
    run = ImportRun(
        organization_id=actor.organization_id,
        user_id=actor.user_id,
        file_name=file_name.replace("\0", "")[:300] or "file",
        format=format,
        bytes_total=bytes_total,
    )
    session.add(run)
    session.flush()
    _tell(session, run.organization_id)
    return import_view(run), _importing(session, run, person, key)


def take_up(session: Session, run_id: str, user_id: str, key_id: str | None) -> Importing | None:
    """What the readers of a run that was begun elsewhere have to know; None when it is over by now."""
    run = session.get(ImportRun, run_id)
    if run is None or run.status is not ImportStatus.RUNNING:
        return None
    return _importing(session, run, user_id, session.get(ApiKey, key_id) if key_id else None)


def _importing(session: Session, run: ImportRun, user_id: str, key: ApiKey | None) -> Importing:
    return Importing(
        run_id=run.id,
        organization_id=run.organization_id,
        user_id=user_id,
        api_key_id=key.id if key else None,
        account_id=account_id_of(key) if key else None,
        key_provider=key.provider if key else None,
        overrides={provider: overrides_of(session, run.organization_id, provider) for provider in Provider},
    )


def _person(session: Session, actor: Actor, email: str | None) -> str:
    if not email:
        return actor.user_id
    wanted = email.strip().lower()
    found = session.exec(select(User.id).where(col(User.email) == wanted, is_member(actor.organization_id))).first()
    if found is None:
        message = f"Nobody with the address {wanted} belongs to your organization."
        raise refuse("user", message)
    return found


def _key(session: Session, actor: Actor, label: str | None) -> ApiKey | None:
    if not label:
        return None
    found = session.exec(
        select(ApiKey).where(ApiKey.organization_id == actor.organization_id, ApiKey.label == label.strip())
    ).all()
    if len(found) != 1:
        many = "More than one key has" if found else "No key of your organization has"
        message = f"{many} the label {label!r}. Name the key by a label that only it has."
        raise refuse("key", message)
    return found[0]


def store_batch(
    session: Session, importing: Importing, batch: Batch | None, report: Report, *, format: str, bytes_read: int
) -> None:
    """Store a batch, and say in its run how far the import is. Raises ImportStopped."""
    run = session.exec(select(ImportRun).where(ImportRun.id == importing.run_id).with_for_update()).first()
    if run is None or run.status is not ImportStatus.RUNNING:
        raise ImportStopped
    if batch is not None:
        before = report.added, report.grown
        batch.store(session, importing, report)
        if (report.added, report.grown) != before:
            # In this order: pages that are told read anew.
            db.after_commit(session, partial(invalidate_organization, importing.organization_id))
            db.after_commit(session, partial(live.publish, "org", importing.organization_id, live.USAGE_UPDATE, {}))
            db.after_commit(session, partial(queue.check_soon, importing.organization_id))
    run.format = format
    run.bytes_read = bytes_read
    _write(run, report)
    session.flush()
    _tell(session, run.organization_id)


def end_import(session: Session, run_id: str, report: Report, error: str | None = None) -> ImportView | None:
    """Say that it is over: well, or with an error for a person. None where it was ended before."""
    run = session.exec(select(ImportRun).where(ImportRun.id == run_id).with_for_update()).first()
    if run is None or run.status is not ImportStatus.RUNNING:
        return None
    run.status = ImportStatus.FAILED if error else ImportStatus.FINISHED
    run.error, run.finished_at = error, utcnow()
    if error is None:
        run.bytes_read = run.bytes_total or run.bytes_read
    _write(run, report)
    session.flush()
    _tell(session, run.organization_id)
    return import_view(run)


def stop_import(session: Session, actor: Actor, run_id: str) -> ImportView:
    """Let a running import end after the batch that it is storing. Raises NotFoundError, ConflictError."""
    actor.require("usage:write")
    run = _find(session, actor, run_id)
    stopped = session.exec(
        update(ImportRun)
        .where(col(ImportRun.id) == run.id, col(ImportRun.status) == ImportStatus.RUNNING)
        .values(status=ImportStatus.FAILED, error=_STOPPED, finished_at=utcnow())
        .returning(col(ImportRun.id))
    ).first()
    if stopped is None:
        raise ConflictError("This import is over already.")
    session.refresh(run)
    _tell(session, run.organization_id)
    return import_view(run)


def get_import(session: Session, actor: Actor, run_id: str) -> ImportView:
    """One import with its refused lines. Raises NotFoundError, AuthorizationError."""
    actor.require("usage:read")
    return import_view(_find(session, actor, run_id))


def list_imports(session: Session, actor: Actor, cursor: str | None = None, limit: int = 20) -> Page[ImportView]:
    """The organization's imports, newest first; `limit` from 1 to 100. Raises AuthorizationError, ValidationError."""
    actor.require("usage:read")
    if not 1 <= limit <= MOST_LISTED:
        raise refuse("limit", f"The limit is {limit}. Give a number from 1 to {MOST_LISTED}.")
    query = select(ImportRun).where(ImportRun.organization_id == actor.organization_id)
    if cursor is not None:
        query = query.where(col(ImportRun.id) < cursor.replace("\0", ""))
    # Ids sort by their time, to the millisecond.
    found = session.exec(query.order_by(col(ImportRun.id).desc()).limit(limit + 1)).all()
    shown = found[:limit]
    return Page(
        items=tuple(import_view(run) for run in shown),
        next_cursor=shown[-1].id if len(found) > limit else None,
    )


def import_view(run: ImportRun, now: datetime | None = None) -> ImportView:
    """The run as it is now: one that has been silent for too long was cut off."""
    patience = _SILENT if run.bytes_read or run.rows_read else _WAITING
    silent = run.status is ImportStatus.RUNNING and (now or utcnow()) - run.updated_at > patience
    errors = cast("list[dict[str, object]]", run.errors or [])
    return ImportView(
        id=run.id,
        file_name=run.file_name,
        format=run.format,
        status=ImportStatus.FAILED if silent else run.status,
        progress=1.0 if run.status is ImportStatus.FINISHED else _share(run.bytes_read, run.bytes_total),
        bytes_total=run.bytes_total,
        bytes_read=run.bytes_read,
        rows_read=run.rows_read,
        rows_added=run.rows_added,
        rows_duplicate=run.rows_duplicate,
        rows_skipped=run.rows_skipped,
        rows_refused=run.rows_refused,
        errors=tuple(each for each in errors if "line" in each),
        notes=tuple(str(each["note"]) for each in errors if "note" in each),
        error=_CUT_OFF if silent else run.error,
        user_id=run.user_id,
        created_at=run.created_at,
        updated_at=run.updated_at,
        finished_at=run.finished_at,
    )


def _find(session: Session, actor: Actor, run_id: str) -> ImportRun:
    run = session.get(ImportRun, run_id)
    if run is None or run.organization_id != actor.organization_id:
        raise NotFoundError("Import")
    return run


def _write(run: ImportRun, report: Report) -> None:
    run.rows_read, run.rows_added, run.rows_duplicate = report.read, report.added, report.duplicate
    run.rows_skipped, run.rows_refused = report.skipped, report.refused
    run.errors = [*({"note": note} for note in report.sentences()), *report.errors]
    run.updated_at = utcnow()


def _share(part: int, whole: int | None) -> float:
    return min(part / whole, 1.0) if whole else 0.0


def _tell(session: Session, organization_id: str) -> None:
    facts = {"at": rfc3339(utcnow())}
    db.after_commit(session, partial(live.publish, "org", organization_id, live.JOB_UPDATE, facts))
