"""/imports: files into the ledger, live as they are read, and the ledger as files."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import reflex as rx
from sqlmodel import Session

from guardian.config import settings
from guardian.live import JOB_UPDATE
from guardian.periods import utcnow, zone
from guardian.services.actor import Actor
from guardian.services.ledger import imports
from guardian.services.ledger.imports import ImportView
from guardian.services.people import provider_keys
from guardian.services.people.views import KeyView
from guardian.ui.audited import audited
from guardian.ui.live_hub import Query
from guardian.ui.pages.imports import rows
from guardian.ui.pages.imports.rows import ImportRow, LineRow
from guardian.ui.pages.imports.view import imports_view
from guardian.ui.rows import Option
from guardian.ui.session import Page
from guardian.ui.toasts import toast

ROUTE = "/imports"
_SHOWN = 20


@dataclass(frozen=True)
class _Found:
    views: tuple[ImportView, ...]
    open: ImportView | None
    keys: list[KeyView]


class ImportsState(Page, rx.State):
    """The latest imports as text, and the refused lines of the one that the URL names (`?import=`).

    The file itself never comes here: the browser sends it to the API, which keeps it on the disk.
    """

    _live_events: ClassVar[frozenset[str]] = frozenset({JOB_UPDATE})

    runs: list[ImportRow] = []
    lines: list[LineRow] = []
    left: str = ""
    opened: str = ""
    keys: list[Option] = []
    can_import: bool = False
    most: str = ""
    most_bytes: int = 0
    too_large: str = ""

    @classmethod
    def _read(cls, session: Session, actor: Actor, query: Query) -> _Found:
        wanted = dict(query).get("import")
        return _Found(
            views=imports.list_imports(session, actor, limit=_SHOWN).items,
            open=imports.get_import(session, actor, wanted) if wanted else None,
            keys=list(provider_keys.list_keys(session, actor)),
        )

    def _query(self) -> Query:
        return tuple(item for item in super()._query() if item[0] == "import")

    def _show(self, view: _Found) -> None:
        now, tz = utcnow(), zone(self.viewer.zone or "UTC")
        self.most_bytes = settings().guardian_import_max_bytes
        self.most, self.too_large = rows.bound(self.most_bytes)
        self.can_import = "usage:write" in self.viewer.permissions
        current = view.open.id if view.open else ""
        self.runs = [rows.import_row(each, ROUTE, current, now, tz, may_stop=self.can_import) for each in view.views]
        self.keys = rows.key_options(view.keys)
        self.opened = view.open.file_name if view.open else ""
        self.lines = rows.line_rows(view.open) if view.open else []
        self.left = rows.lines_left(view.open) if view.open else ""

    @rx.event
    async def stop(self, run_id: str) -> rx.event.EventSpec:
        """Let that import end after the batch that it is storing."""
        stop = partial(imports.stop_import, run_id=run_id)
        view = await self._call(audited("IMPORT_STOP", "import", stop, lambda run: (run.id, {"file": run.file_name})))
        await self._refresh()
        return toast(f"{view.file_name} is no longer imported. What is stored stays.")


def page() -> rx.Component:
    return imports_view(ImportsState, ROUTE)
