"""imports: files into the ledger, how far they are, and which of their lines were refused."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from guardian.api.answers.envelope import Body, Out, Time
from guardian.api.steps import CallDep, route
from guardian.models.enums import ImportStatus
from guardian.services.ledger import imports
from guardian.services.ledger.imports import ImportView
from guardian.services.ledger.imports.uploads import request_import
from guardian.services.people.views import Page

api = APIRouter(prefix="/api/v1/imports", tags=["imports"])


class ImportQuery(Body):
    """`format` is told by the file's content without it; `user` is an address, `key` the label of a provider's key."""

    format: str | None = None
    user: str | None = None
    key: str | None = None
    file_name: str | None = None


class ListQuery(Body):
    cursor: str | None = None
    limit: int = 20


class ImportOut(Out):
    """`progress` from 0 to 1. `rowsRead` = added + duplicate + skipped + refused; `errors` are the first 1,000."""

    id: str
    file_name: str
    format: str | None
    status: ImportStatus
    progress: float
    bytes_total: int | None
    bytes_read: int
    rows_read: int
    rows_added: int
    rows_duplicate: int
    rows_skipped: int
    rows_refused: int
    notes: list[str]
    error: str | None
    user_id: str | None
    created_at: Time
    finished_at: Time | None


class ImportWithErrorsOut(ImportOut):
    errors: list[dict[str, Any]]


@route(api, "GET", "", permission="usage:read")
def list_imports(call: CallDep, query: Annotated[ListQuery, Query()]) -> Page[ImportOut]:
    """Imports, newest first."""
    with call.transaction() as session:
        page = imports.list_imports(session, call.actor, query.cursor, query.limit)
    return Page(items=tuple(ImportOut.model_validate(view) for view in page.items), next_cursor=page.next_cursor)


@route(api, "POST", "", permission="usage:write", action="IMPORT_CREATE", status=202, upload=True)
def create_import(call: CallDep, query: Annotated[ImportQuery, Query()]) -> ImportWithErrorsOut:
    """Send a file, as the field `file` of multipart/form-data or as the body itself; a worker reads it.

    Formats: OpenAI and Anthropic usage and cost CSV, session logs of Claude Code and Codex (JSONL, also zipped), spend
    logs of LiteLLM, and our own usage CSV. Nothing is imported twice.
    """
    upload = call.upload
    assert upload is not None
    fields = upload.fields
    with call.transaction() as session:
        view = request_import(
            session,
            call.actor,
            upload.path,
            name=upload.name,
            format=query.format or fields.get("format") or None,
            email=query.user or fields.get("user") or None,
            key_label=query.key or fields.get("key") or None,
        )
        call.note("import", view.id, file=view.file_name)
    return import_json(view)


@route(api, "GET", "/{import_id}", permission="usage:read")
def get_import(call: CallDep, import_id: str) -> ImportWithErrorsOut:
    """One import with its refused lines."""
    with call.transaction() as session:
        return import_json(imports.get_import(session, call.actor, import_id))


@route(api, "POST", "/{import_id}/stop", permission="usage:write", action="IMPORT_STOP")
def stop_import(call: CallDep, import_id: str) -> ImportWithErrorsOut:
    """Let it end after the batch that is being stored. What is stored stays."""
    with call.transaction() as session:
        view = imports.stop_import(session, call.actor, import_id)
        call.note("import", view.id, file=view.file_name)
    return import_json(view)


def import_json(view: ImportView) -> ImportWithErrorsOut:
    return ImportWithErrorsOut.model_validate(view)
