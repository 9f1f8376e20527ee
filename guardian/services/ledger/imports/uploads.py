"""Files that were sent to be imported: where they wait for their worker, and who is called to read them."""

import contextlib
import os
import tempfile
import time
from pathlib import Path

from sqlmodel import Session

from guardian import db, queue
from guardian.config import settings
from guardian.services.actor import Actor
from guardian.services.ledger.imports.running import begin_import
from guardian.services.ledger.imports.views import ImportView

IMPORT_UPLOAD = "guardian.jobs.imports.import_upload"  # by name: services do not know the jobs
_TIMEOUT = 6 * 3600  # seconds
_PARTIAL = "partial-"
_FORGOTTEN = 24 * 3600  # seconds without a byte, after which the process that took a file in is taken to be gone


def uploads_folder() -> Path:
    """Where uploads wait. Web and workers have to share it (GUARDIAN_DATA_DIR)."""
    folder = settings().guardian_data_dir.absolute() / "imports"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def upload_of(run_id: str) -> Path:
    return uploads_folder() / run_id


def partial_upload() -> Path:
    """A new, empty file in the uploads' folder for what is on its way in; its name is ours, never the sender's."""
    handle, name = tempfile.mkstemp(dir=uploads_folder(), prefix=_PARTIAL)
    os.close(handle)
    return Path(name)


def forget_partials() -> None:
    """Take away what a process that was killed has left of the files that it was taking in."""
    long_ago = time.time() - _FORGOTTEN
    for path in uploads_folder().glob(f"{_PARTIAL}*"):
        with contextlib.suppress(FileNotFoundError):  # whoever takes it in may be done with it by now
            if path.stat().st_mtime < long_ago:
                path.unlink()


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
