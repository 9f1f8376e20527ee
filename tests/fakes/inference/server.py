"""The sockets of the inference fake: an event loop on a thread, keep-alive, every byte and every fault on demand."""

import asyncio
import gzip
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatch
from types import TracebackType
from typing import Any, Self

import uvloop

from tests.fakes.inference.answers import Answer, Served, answer
from tests.fakes.reporting import dumps

_ROOTS = {"openai": "/openai/v1", "xai": "/xai/v1", "custom": "/custom/v1"}
_RATES = {
    "openai": {"x-request-id": "req_fake", "x-ratelimit-remaining-requests": "42"},
    "anthropic": {"request-id": "req_fake", "anthropic-ratelimit-requests-remaining": "42"},
}


@dataclass(slots=True)
class Fault:
    """What goes wrong on a path (a shell pattern below the vendor, as "/openai/v1/chat/*"), `times` times.

    `status` with `body` and `headers` stand in for the answer; `cut` closes after so many bytes of the body; `stall`
    waits so many seconds after `stall_at` bytes (None: before the head); `length` is what Content-Length says; `pause`
    are seconds between events; `gzip` compresses; `reset` sends nothing and closes. `when` picks requests.
    """

    path: str
    times: int | None = None
    status: int | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    cut: int | None = None
    stall: float = 0
    stall_at: int | None = None
    length: int | None = None
    pause: float = 0
    gzip: bool = False
    reset: bool = False
    when: Callable[[Served], bool] | None = None


class FakeInference:
    """All vendors on one port, by the first part of the path. `served` has every request in its order."""

    def __init__(self) -> None:
        self.served: list[Served] = []
        self.faults: list[Fault] = []
        self.latency = 0.0
        self._turn = 0
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def url(self, vendor: str) -> str:
        """The base URL of a vendor, as its setting has it."""
        return f"http://127.0.0.1:{self.port}{_ROOTS.get(vendor, '/' + vendor)}"

    @property
    def environment(self) -> dict[str, str]:
        names = ("openai", "anthropic", "google", "xai", "perplexity")
        return {f"{name.upper()}_BASE_URL": self.url(name) for name in names}

    def fail(self, path: str, **what: Any) -> Fault:
        fault = Fault(path, **what)
        self.faults.append(fault)
        return fault

    def renew(self) -> None:
        """Forget faults and what was served."""
        self.faults.clear()
        self.served.clear()
        self.latency = 0.0

    def begin(self) -> None:
        """Renew, and answer from here on with ids that no answer had: a ledger that outlives a test would know them."""
        self.renew()
        self._turn += 1

    @property
    def billed(self) -> list[Served]:
        """What was answered whole, and costs something."""
        return [each for each in self.served if each.whole and each.status == 200 and each.cost is not None]

    @property
    def total(self) -> Decimal:
        return sum((each.cost for each in self.billed if each.cost is not None), Decimal(0))

    # The loop's thread

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, backlog=2_048)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; False ends the connection."""
        served = _request(await reader.readuntil(b"\r\n\r\n"))
        served.body, served.turn = await _body(served, reader), self._turn
        served.vendor, _, rest = served.path[1:].partition("/")
        whole_path, served.path = served.path, ("/" + rest).removeprefix("/v1" if served.vendor in _ROOTS else "")
        fault = self._fault(whole_path, served)
        self.served.append(served)
        if self.latency:
            await asyncio.sleep(self.latency)
        if fault.reset:
            return False
        found = answer(served) if fault.status is None else _refused(fault)
        served.status = found.status
        if fault.stall and fault.stall_at is None:
            await asyncio.sleep(fault.stall)
        await _send(writer, served, found, fault)
        return served.whole

    def _fault(self, path: str, served: Served) -> Fault:
        for fault in self.faults:
            if fault.times != 0 and fnmatch(path, fault.path) and (fault.when is None or fault.when(served)):
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return Fault("")


async def _send(writer: asyncio.StreamWriter, served: Served, found: Answer, fault: Fault) -> None:
    parts = list(found.parts)
    headers = {"content-type": found.kind, **_RATES.get(served.vendor, {}), **fault.headers}
    if fault.gzip:
        headers["content-encoding"] = "gzip"
        parts = [gzip.compress(b"".join(parts), mtime=0)]
        parts = [parts[0][:20], parts[0][20:]] if found.streamed else parts
    served.sent = b"".join(parts)
    if found.streamed:
        headers["transfer-encoding"] = "chunked"
    else:
        headers["content-length"] = str(len(served.sent) if fault.length is None else fault.length)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {found.status} Fake\r\n{head}\r\n".encode())
    sent = 0
    for part in parts:
        if fault.cut is not None and sent + len(part) > fault.cut:
            part = part[: fault.cut - sent]
        if fault.stall_at is not None and sent >= fault.stall_at:
            await writer.drain()
            await asyncio.sleep(fault.stall)
        sent += len(part)
        writer.write(b"%x\r\n%b\r\n" % (len(part), part) if found.streamed else part)
        if fault.cut is not None and sent >= fault.cut:
            await writer.drain()
            return
        if fault.pause:
            await writer.drain()
            await asyncio.sleep(fault.pause)
    if found.streamed:
        writer.write(b"0\r\n\r\n")
    await writer.drain()
    served.whole = not writer.is_closing() and fault.length is None


def _refused(fault: Fault) -> Answer:
    body = fault.body if isinstance(fault.body, bytes) else dumps(fault.body or {})
    return Answer([body], status=fault.status or 500)


def _request(head: bytes) -> Served:
    line, *rest = head.decode("latin-1").split("\r\n")
    method, target, _ = line.split(" ")
    path, _, query = target.partition("?")
    pairs = [each.split(":", 1) for each in rest if each]
    return Served("", method, path, query, [(name.lower(), value.strip()) for name, value in pairs], b"")


async def _body(served: Served, reader: asyncio.StreamReader) -> bytes:
    if "chunked" in (served.header("transfer-encoding") or ""):
        parts: list[bytes] = []
        while size := int(await reader.readuntil(b"\r\n"), 16):
            parts.append((await reader.readexactly(size + 2))[:-2])
        await reader.readuntil(b"\r\n")
        return b"".join(parts)
    length = int(served.header("content-length") or 0)
    return await reader.readexactly(length) if length else b""
