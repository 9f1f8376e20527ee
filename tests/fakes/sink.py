"""Sink: a real HTTP server on 127.0.0.1 that takes what is posted to it, and answers as a test wants."""

import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Answer:
    """`pause` is the time before each byte of the answer that is sent: of the head when `slow_head`, of the body."""

    status: int = 200
    body: bytes = b"ok"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    pause: float = 0
    slow_head: bool = False


@dataclass(frozen=True)
class Posted:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Sink:
    """Change `answer` at any time; those of `next` are given first, one each. `posted` has every request."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.next: deque[Answer] = deque()
        self.posted: list[Posted] = []
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def url(self, path: str = "/hook/secret-part") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait(self, seconds: float) -> bool:
        """Pause; True when the sink closes meanwhile."""
        return self._closing.wait(seconds)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that left early is what some tests are about."""


def _handler(sink: Sink) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            sink.posted.append(Posted(self.path, headers, body))
            answer = sink.next.popleft() if sink.next else sink.answer
            told = {"Content-Length": str(len(answer.body)), "Connection": "close", **answer.headers}
            lines = [f"HTTP/1.1 {answer.status} X", *(f"{name}: {value}" for name, value in told.items()), "", ""]
            head = "\r\n".join(lines).encode()
            self._write(head, answer.pause if answer.slow_head else 0)
            self._write(answer.body, answer.pause)

        def _write(self, content: bytes, pause: float) -> None:
            pieces = [content] if not pause else [bytes([each]) for each in content]
            for piece in pieces:
                if pause and sink.wait(pause):
                    return
                self.wfile.write(piece)
                self.wfile.flush()

        def log_message(self, format: str, *args: Any) -> None:
            """Silence."""

    return Handler
