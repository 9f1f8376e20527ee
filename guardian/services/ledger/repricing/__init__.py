"""Stored usage priced anew: shown as a dry run, applied chunk by chunk, and undone to the last digit."""

from guardian.services.ledger.repricing.runs import (
    REPRICE,
    apply_run,
    fail_run,
    get_run,
    list_runs,
    request_run,
    resume_runs,
    undo_run,
)

__all__ = [
    "REPRICE",
    "apply_run",
    "fail_run",
    "get_run",
    "list_runs",
    "request_run",
    "resume_runs",
    "undo_run",
]
