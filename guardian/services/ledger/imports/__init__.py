"""Files into the ledger: logs of agents, spend logs, console exports and our own CSV, each row once."""

from guardian.services.ledger.imports.batches import Batch, Importing, Reader
from guardian.services.ledger.imports.formats import READERS, detect
from guardian.services.ledger.imports.report import Report
from guardian.services.ledger.imports.running import (
    ImportStopped,
    begin_import,
    end_import,
    get_import,
    list_imports,
    stop_import,
    store_batch,
    take_up,
)
from guardian.services.ledger.imports.source import Source
from guardian.services.ledger.imports.views import ImportView

__all__ = [
    "READERS",
    "Batch",
    "ImportStopped",
    "ImportView",
    "Importing",
    "Reader",
    "Report",
    "Source",
    "begin_import",
    "detect",
    "end_import",
    "get_import",
    "list_imports",
    "stop_import",
    "store_batch",
    "take_up",
]
