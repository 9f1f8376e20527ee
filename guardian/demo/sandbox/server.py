"""The sandbox's HTTP server on 127.0.0.1: both vendors below one port, and whether the company is set up."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType, TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from guardian.demo.books import Books
from guardian.demo.company import Vendor
from guardian.demo.sandbox import anthropic, openai
from guardian.demo.sandbox.calling import Asked, Reply
from guardian.demo.sandbox.paging import Refused

READY = "/ready"
_MOST_BODY = 16 * 1024**2
_BETWEEN_EVENTS = 0.02  # seconds


class Sandbox:
    """A context: the server runs inside it, on `port`. `ready` is what a GET of READY answers by."""

    def __init__(self, books: Books, port: int = 0) -> None:
        self.books = books
        self.ready = threading.Event()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.sandbox = self
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="sandbox", daemon=True)

    def url(self, vendor: Vendor) -> str:
        """The base URL of a vendor, as its setting has it."""
        root = openai.ROOT if vendor is Vendor.OPENAI else anthropic.ROOT
        return f"http://127.0.0.1:{self.port}{root}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    sandbox: Sandbox


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]  # which is the server that makes it

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a line for each call would be all that this process says."""

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def _serve(self, method: str) -> None:
        parts = urlsplit(self.path)
        if parts.path == READY:
            ready = self.server.sandbox.ready.is_set()
            self._send(200 if ready else 503, {"ready": ready})
            return
        for vendor, api in ((Vendor.OPENAI, openai), (Vendor.ANTHROPIC, anthropic)):
            if parts.path.startswith(f"{api.ROOT}/"):
                self._serve_vendor(method, vendor, api, parts.path.removeprefix(api.ROOT), parts.query)
                return
        self._send(404, {"error": "The sandbox has nothing here."})

    def _serve_vendor(self, method: str, vendor: Vendor, api: ModuleType, path: str, query: str) -> None:
        body = self._body()
        try:
            api.authorize({name.lower(): value for name, value in self.headers.items()}, path)
            if method == "GET":
                self._send(200, api.read(self.server.sandbox.books, path, parse_qsl(query)), api.headers())
            else:
                self._answer(vendor, api, path, body)
        except Refused as refused:
            wait = {"retry-after": "1"} if refused.status == 429 else {}
            self._send(refused.status, api.failure(refused), api.headers() | wait)

    def _answer(self, vendor: Vendor, api: ModuleType, path: str, body: bytes) -> None:
        books = self.server.sandbox.books
        asked = Asked(vendor, path, _object(body), serial=time.time_ns())
        asked.require_room()
        reply: Reply = api.answer(asked)
        time.sleep(asked.latency)
        # Counted before its last byte is sent, as a provider bills it.
        books.serve(asked.usage)
        if reply.body is not None:
            self._send(200, reply.body, api.headers())
        else:
            self._stream(reply, api.headers())

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("transfer-encoding", ""):
            parts: list[bytes] = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(min(int(self.headers.get("content-length") or 0), _MOST_BODY))

    def _send(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, reply: Reply, headers: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in {"content-type": "text/event-stream; charset=utf-8", **headers}.items():
            self.send_header(name, value)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for name, data in reply.events:
            self._chunk((f"event: {name}\n" if name else "") + f"data: {json.dumps(data)}\n\n")
            time.sleep(_BETWEEN_EVENTS)
        if reply.done:
            self._chunk("data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, text: str) -> None:
        content = text.encode()
        self.wfile.write(b"%x\r\n%b\r\n" % (len(content), content))
        self.wfile.flush()


def _object(body: bytes) -> dict[str, Any]:
    try:
        wanted: dict[str, Any] | None = json.loads(body)
    except ValueError:
        wanted = None
    if not isinstance(wanted, dict):
        raise Refused(400, "We could not parse the JSON body of your request.")
    return wanted
