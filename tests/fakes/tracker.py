"""An error tracker on loopback: takes Sentry's envelopes as Sentry does, and keeps what is in them."""

import gzip
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import brotli


class Tracker:
    """`dsn` is where to send; `bodies` are the envelopes as they came, `events` the errors in them."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.dsn = ""

    @property
    def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for body in list(self.bodies):
            _, *parts = body.split(b"\n")
            for head, payload in zip(parts[::2], parts[1::2], strict=False):
                if head and json.loads(head).get("type") == "event":
                    found.append(json.loads(payload))
        return found


@contextmanager
def tracking() -> Iterator[Tracker]:
    """A tracker that takes envelopes until the block ends."""
    tracker = Tracker()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            unpack = {"gzip": gzip.decompress, "br": brotli.decompress}.get(self.headers.get("content-encoding", ""))
            tracker.bodies.append(unpack(body) if unpack else body)
            tracker.headers.append(dict(self.headers.items()))
            answer = b'{"id":"fc6d8c0c43fc4630ad850ee518f1b9d0"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    tracker.dsn = f"http://public@127.0.0.1:{server.server_port}/1"
    try:
        yield tracker
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
