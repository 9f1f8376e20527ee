"""The demonstration's own process beside the product: the sandbox provider, and the company that uses the product."""

import signal
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import structlog

from guardian.demo.books import Books
from guardian.demo.client import NotReached
from guardian.demo.furnishing import EVENTS, Furnishing
from guardian.demo.place import Place, read_place
from guardian.demo.sandbox.server import Sandbox
from guardian.demo.traffic import keep_calling

_AGAIN_SECONDS = 2.0
# The reports are pulled anew so often: by day only, as the schedule does, nobody would see the books meet.
_PULL_SECONDS = 1_800.0

log = structlog.get_logger(__name__)


def run(folder: Path, port: int, web: str, gateway: str) -> None:
    """Serve the sandbox on that port and use the product until SIGTERM or SIGINT."""
    stop = threading.Event()

    def leave(_number: int, _frame: object) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    place = read_place(folder)
    with closing(Books(place.seed, place.born, folder)) as books, Sandbox(books, port) as sandbox:
        company = threading.Thread(target=_company, args=(place, sandbox, web, gateway, stop), name="company")
        company.start()
        stop.wait()
        company.join(10)


def _company(place: Place, sandbox: Sandbox, web: str, gateway: str, stop: threading.Event) -> None:
    furnishing = Furnishing(place, sandbox.books, web, stop)
    found = _furnished(furnishing, stop)
    if found is None:
        return
    tokens, told = found
    sandbox.ready.set()
    calls = threading.Thread(
        target=keep_calling, args=(gateway, tokens, place.seed, datetime.now(UTC), stop), name="calls", daemon=True
    )
    calls.start()
    while not stop.wait(_PULL_SECONDS):
        try:
            furnishing.sign_in()
            told = furnishing.tell_past(tokens[EVENTS], told)
            furnishing.pull()
        except NotReached as error:
            log.warning("demo.not_reached", error=str(error))


def _furnished(furnishing: Furnishing, stop: threading.Event) -> tuple[dict[str, str], datetime] | None:
    """Set up what is missing, again and again until the product answers; None when it is over before."""
    while not stop.is_set():
        try:
            furnishing.sign_in()
            tokens = furnishing.furnish()
            told = furnishing.tell_past(tokens[EVENTS])
            furnishing.pull()
        except NotReached as error:
            log.info("demo.waiting", reason=str(error))
            stop.wait(_AGAIN_SECONDS)
        else:
            return tokens, told
    return None
