"""A small HTTP server on a free port of the loopback, in a thread of its own: what the sign-in fakes are made of."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Asked:
    """One request; `form` are the fields of an urlencoded body."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]


@dataclass
class Told:
    """One answer; a dict or a list is sent as JSON, a text as HTML."""

    body: Any = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])


class WebServer:
    """Answers with what `answer` gives; `log` is what it was asked. A failure of the fake itself is raised by stop."""

    def __init__(self) -> None:
        self.log: list[Asked] = []
        self.errors: list[Exception] = []
        self.stopping = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, asked: Asked) -> Told:
        raise NotImplementedError

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        if self.errors:
            raise self.errors[0]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_why: object) -> None:
        self.stop()


def _handler(owner: WebServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            asked = Asked(
                method=self.command,
                path=parts.path,
                query=dict(parse_qsl(parts.query)),
                headers={name.lower(): value for name, value in self.headers.items()},
                form=dict(parse_qsl(body)),
            )
            owner.log.append(asked)
            try:
                self._send(owner.answer(asked))
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client had no patience
            except Exception as error:
                owner.errors.append(error)
                raise

        def _send(self, told: Told) -> None:
            is_text = isinstance(told.body, str)
            content = told.body.encode() if is_text else json.dumps(told.body).encode()
            self.send_response(told.status)
            headers = {"Content-Type": "text/html; charset=utf-8" if is_text else "application/json", **told.headers}
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    return Handler
