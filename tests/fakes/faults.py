"""What may go wrong at a provider, on demand: the fault book of the fake server."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any


@dataclass
class Fault:
    """Something that goes wrong on a path (a shell pattern such as "*/costs"), `times` times after `skip` good ones."""

    path: str
    kind: str
    status: int = 500
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0
    alter: Callable[[dict[str, Any]], Any] | None = None
    times: int | None = None
    skip: int = 0


class FaultBook:
    """The faults and scripted answers that are in force. Paths are shell patterns below the vendor's prefix."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._scripts: dict[str, list[Any]] = {}
        self._lock = threading.Lock()

    def fail(
        self,
        path: str,
        *,
        status: int,
        body: Any = None,
        headers: dict[str, str] | None = None,
        times: int | None = None,
        skip: int = 0,
    ) -> None:
        """Answer `status` with a JSON body (or bytes)."""
        body = {"error": {"message": f"fake {status}", "type": "fake"}} if body is None else body
        self._add(Fault(path, "status", status, body, headers or {}, times=times, skip=skip))

    def html(self, path: str, *, status: int = 200, times: int | None = None, skip: int = 0) -> None:
        page = b"<!doctype html><title>Bad gateway</title><h1>Bad gateway</h1>"
        self._add(Fault(path, "status", status, page, {"content-type": "text/html"}, times=times, skip=skip))

    def redirect(self, path: str, target: str, *, times: int | None = None) -> None:
        self._add(Fault(path, "status", 302, {}, {"location": target}, times=times))

    def cut_json(self, path: str, *, times: int | None = None, skip: int = 0) -> None:
        """The first half of the true answer, with a Content-Length that agrees."""
        self._add(Fault(path, "cut", times=times, skip=skip))

    def break_off(self, path: str, *, times: int | None = None, skip: int = 0) -> None:
        """The first half of the true answer under the Content-Length of the whole, then the connection closes."""
        self._add(Fault(path, "break", times=times, skip=skip))

    def reset(self, path: str, *, times: int | None = None, skip: int = 0) -> None:
        """A TCP reset instead of an answer."""
        self._add(Fault(path, "reset", times=times, skip=skip))

    def silence(self, path: str, seconds: float, *, times: int | None = None, skip: int = 0) -> None:
        """Nothing at all for `seconds`, then the connection closes."""
        self._add(Fault(path, "silence", seconds=seconds, times=times, skip=skip))

    def trickle(self, path: str, seconds: float, *, times: int | None = None) -> None:
        """One byte of a header every `seconds`, for ever."""
        self._add(Fault(path, "trickle", seconds=seconds, times=times))

    def endless(self, path: str, *, repeat_token: bool = False) -> None:
        """Every page says that another follows, under a fresh page token each time, or under the same one."""
        self._add(Fault(path, "endless", body=repeat_token))

    def alter(
        self, path: str, change: Callable[[dict[str, Any]], Any], *, times: int | None = None, skip: int = 0
    ) -> None:
        """Pass every good answer through `change`, which edits the body or returns another one."""
        self._add(Fault(path, "alter", alter=change, times=times, skip=skip))

    def serve(self, path: str, *bodies: Any) -> None:
        """Exactly these bodies on this path, one per page: asked for a page, the body after the one that names it.

        A page token that the last body names leads to an empty last page.
        """
        self._scripts[path] = list(bodies)

    def heal(self) -> None:
        """Take back every fault and script."""
        with self._lock:
            self._faults.clear()
            self._scripts.clear()

    def _add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def fault_for(self, path: str) -> Fault | None:
        """The first fault of this path that is not used up; counts it."""
        with self._lock:
            for fault in self._faults:
                if fnmatch(path, fault.path) and fault.times != 0:
                    if fault.skip:
                        fault.skip -= 1
                        continue
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return None

    def script(self, path: str) -> Sequence[Any] | None:
        """The bodies that `serve` fixed for this path, or None where it has no script."""
        return self._scripts.get(path)
