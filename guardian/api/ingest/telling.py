"""Tells the pages whose ledger grew, a few times a second at most, from a thread of its own."""

import threading
import time

import structlog

from guardian import live, queue
from guardian.services.ledger.queries import invalidate_organization

_PAUSE_SECONDS = 0.25
log = structlog.get_logger(__name__)


class Teller:
    """An organization is told once for all that came within the pause: Redis that is away holds nothing else up."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._organizations: set[str] = set()
        self._thread: threading.Thread | None = None

    def tell(self, organization_id: str) -> None:
        with self._change:
            self._organizations.add(organization_id)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ingest-teller", daemon=True)
                self._thread.start()
            self._change.notify()

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._organizations)
                some, self._organizations = self._organizations, set()
            for organization_id in sorted(some):
                try:
                    invalidate_organization(organization_id)  # in this order: pages that are told read anew
                    live.publish("org", organization_id, live.USAGE_UPDATE)
                    queue.check_soon(organization_id)
                except Exception as error:  # noqa: BLE001  # a thread that ends would tell nobody ever again
                    log.warning("ingest.untold", organization=organization_id, error=str(error))
            time.sleep(_PAUSE_SECONDS)
