"""The sockets of the fake server: reads requests, asks the fake for answers, and misbehaves where a fault says so."""

import contextlib
import copy
import json
import socket
import struct
import sys
import threading
import uuid
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.faults import Fault
from tests.fakes.reporting import Api, Reply, dumps

_BODY_MAX = 1 << 20


@dataclass(frozen=True)
class Logged:
    """One request as it came in, from port `peer`; header names are lower-case.

    `path` is what the API knows `target` as, the path below its prefix.
    """

    vendor: str
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: dict[str, Any] | None
    status: int
    peer: int = 0
    target: str = ""


class Fake(Protocol):
    """What the sockets need of FakeProvider."""

    apis: dict[str, Api]
    log: list[Logged]
    errors: list[BaseException]
    latency: float

    def wait(self, seconds: float) -> bool: ...

    def fault_for(self, path: str) -> Fault | None: ...

    def answer(
        self,
        vendor: str,
        method: str,
        path: str,
        query: list[tuple[str, str]],
        headers: dict[str, str],
        body: dict[str, Any] | None,
    ) -> Reply: ...


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], fake: Fake) -> None:
        self.fake = fake
        self._open: dict[threading.Thread, socket.socket] = {}
        super().__init__(address, _Handler)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        self._open[threading.current_thread()] = request
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._open.pop(threading.current_thread(), None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of ours; anything else is, and `stop` raises it."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, OSError):
            self.fake.errors.append(error)

    def close_all(self) -> None:
        self.server_close()
        for thread, connection in list(self._open.items()):
            with contextlib.suppress(OSError):  # closed by its own thread in this moment
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def _serve(self, method: str) -> None:
        fake = self.server.fake
        parts = urlsplit(self.path)
        vendor = parts.path.split("/")[1]
        api = fake.apis.get(vendor)
        if api is None:
            self.send_error(404)
            return
        path = parts.path.removeprefix(f"/{vendor}{api.root}")
        query = parse_qsl(parts.query, keep_blank_values=True)
        headers = {name.lower(): value for name, value in self.headers.items()}
        length = min(int(headers.get("content-length") or 0), _BODY_MAX)
        body = _read(headers, self.rfile.read(length)) if length else None
        if fake.latency:
            fake.wait(fake.latency)
        known_as = api.known_as(path, query)
        fault = fake.fault_for(known_as)
        if fault and fault.kind == "status":
            reply = Reply(fault.body, fault.status, dict(fault.headers))
        else:
            endless = fault is not None and fault.kind == "endless"
            asked = [(n, v) for n, v in query if n != api.page_param] if endless else query
            reply = fake.answer(vendor, method, path, asked, headers, body)
        fake.log.append(
            Logged(vendor, method, known_as, query, headers, body, reply.status, self.client_address[1], path)
        )
        if fault and fault.kind in ("silence", "reset", "trickle"):
            self._misbehave(fault)
            return
        self._send(_altered(api, reply, fault), fault)

    def _misbehave(self, fault: Fault) -> None:
        self.close_connection = True
        if fault.kind == "silence":
            self.server.fake.wait(fault.seconds)
        elif fault.kind == "reset":
            # Linger 0 turns the close into a reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
            while not self.server.fake.wait(fault.seconds):
                self.wfile.write(b"a")
                self.wfile.flush()

    def _send(self, reply: Reply, fault: Fault | None) -> None:
        content = reply.body if isinstance(reply.body, bytes) else dumps(reply.body)
        whole = len(content)
        if fault and fault.kind in ("cut", "break"):
            content = content[: whole // 2]
            reply.headers["connection"] = "close"
        self.send_response(reply.status)
        headers = {"content-type": "application/json"} | reply.headers
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(whole if fault and fault.kind == "break" else len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()


def _read(headers: dict[str, str], content: bytes) -> dict[str, Any]:
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(content.decode()))
    return json.loads(content)


def _altered(api: Api, reply: Reply, fault: Fault | None) -> Reply:
    if fault is None or reply.status != 200:
        return reply
    reply.body = copy.deepcopy(reply.body)
    if fault.kind == "endless":
        api.lead_on(reply.body, "page_again" if fault.body else f"page_{uuid.uuid4().hex}")
    elif fault.kind == "alter" and fault.alter:
        changed = fault.alter(reply.body)
        reply.body = reply.body if changed is None else changed
    return reply
