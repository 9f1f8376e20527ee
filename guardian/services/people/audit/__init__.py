"""Audit: what was done, by whom, from where, and what it changed; chained by hash and sealed: tampering shows."""

from guardian.services.people.audit.chain import Alteration, chains, length, verify
from guardian.services.people.audit.changes import note_change
from guardian.services.people.audit.reading import MAX_PAGE, Filter, actions_of, export_rows, list_activity
from guardian.services.people.audit.uses import note_use
from guardian.services.people.audit.writing import MAX_ALSO, MAX_TEXT, record

__all__ = [
    "MAX_ALSO",
    "MAX_PAGE",
    "MAX_TEXT",
    "Alteration",
    "Filter",
    "actions_of",
    "chains",
    "export_rows",
    "length",
    "list_activity",
    "note_change",
    "note_use",
    "record",
    "verify",
]
