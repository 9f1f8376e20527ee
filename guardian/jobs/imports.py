"""The job that reads a file that was sent to the API or dropped on the page."""

from guardian.jobs.importing import import_file
from guardian.jobs.patience import patiently
from guardian.services.ledger import imports
from guardian.services.ledger.imports import Report
from guardian.services.ledger.imports.uploads import forget_upload, upload_of

_NOT_HERE = (
    "The file is not on the disk of the worker that was to read it. The web process and the workers need the same "
    "GUARDIAN_DATA_DIR; or use `guardian import` where the file is."
)


def import_upload(run_id: str, user_id: str, key_id: str, format: str) -> None:
    """Read the upload of that run into the ledger, and take it away. "" stands for no key, and for no format."""
    upload = upload_of(run_id)
    importing = patiently(lambda session: imports.take_up(session, run_id, user_id, key_id or None))
    if importing is None:
        forget_upload(upload)
        return
    if not upload.exists():
        patiently(lambda session: imports.end_import(session, run_id, Report(), _NOT_HERE))
        return
    try:
        import_file(importing, upload, upload.name, format or None)
    finally:
        forget_upload(upload)
