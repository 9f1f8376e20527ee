"""Files that were sent to be imported: where they wait for their worker, and who is called to read them."""

import contextlib
from pathlib import Path

from sqlmodel import Session

from guardian import db, queue
from guardian.config import settings
from guardian.services.actor import Actor
from guardian.services.ledger.imports.running import begin_import
from guardian.services.ledger.imports.views import ImportView

IMPORT_UPLOAD = "guardian.jobs.imports.import_upload"  # by name: services do not know the jobs
_TIMEOUT = 6 * 3600  # seconds


def uploads_folder() -> Path:
    """Where uploads wait. Web and workers have to share it (GUARDIAN_DATA_DIR)."""
    folder = settings().guardian_data_dir.absolute() / "imports"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def upload_of(run_id: str) -> Path:
    return uploads_folder() / run_id


def request_import(
    session: Session,
    actor: Actor,
    upload: Path,
    *,
    name: str,
    format: str | None = None,
    email: str | None = None,
    key_label: str | None = None,
) -> ImportView:
    """Have a file in the uploads' folder imported by a worker, after this transaction's commit; it is taken away then.

    Raises as begin_import.
    """
    size = upload.stat().st_size
    view, importing = begin_import(
        session, actor, file_name=name, bytes_total=size, format=format, email=email, key_label=key_label
    )
    ids = (view.id, importing.user_id, importing.api_key_id or "", format or "")

    def send() -> None:
        upload.rename(upload_of(view.id))
        job_id = f"import-upload-{view.id}"
        queue.enqueue(queue.USAGE_QUEUE, IMPORT_UPLOAD, *ids, job_id=job_id, timeout=_TIMEOUT)

    db.after_commit(session, send)
    return view


def forget_upload(upload: Path) -> None:
    """Take a file away that is not needed any more, if it is still there."""
    with contextlib.suppress(FileNotFoundError):
        upload.unlink()
