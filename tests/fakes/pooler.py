"""A transaction pooler as harsh as can be: each transaction of a client is on another connection than the one before.

It lets everybody in, speaks PostgreSQL's protocol 3.0, and forwards messages until the server says that it is
idle; then the client's next message goes to the next of its connections. A startup parameter that PgBouncer would not
know is refused.
"""

import os
import select
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import psycopg

_KNOWN = {b"user", b"database", b"application_name", b"client_encoding", b"timezone", b"datestyle"}
_PARAMETERS = (
    (b"server_version", b"18.0"),
    (b"client_encoding", b"UTF8"),
    (b"standard_conforming_strings", b"on"),
    (b"integer_datetimes", b"on"),
    (b"DateStyle", b"ISO, MDY"),
)
_BACKENDS = 2
_ANSWERED = (b"Q", b"S")  # with ReadyForQuery
_SSL, _GSS, _CANCEL = 80877103, 80877104, 80877102


class Pooler:
    """`switched` counts how often a client's transaction was on another connection than its one before."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._url = url
        self._kept: list[psycopg.Connection[Any]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = parts._replace(netloc=f"{parts.username}@127.0.0.1:{self._listener.getsockname()[1]}").geturl()
        self._turn = count()
        self.switched = 0
        self._open: list[socket.socket] = []

    def serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(client)
            threading.Thread(target=self._client, args=(client,), daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for connection in self._kept:
            connection.close()

    def _client(self, client: socket.socket) -> None:
        with suppress(OSError, EOFError):
            zone = self._greeted(client)
            if zone is None:
                return
            backends = [self._backend(zone) for _ in range(_BACKENDS)]
            last = 0
            for turn in self._turn:
                chosen = turn % _BACKENDS
                first = _message(client)
                if first[:1] == b"X":
                    break
                self.switched += chosen != last
                last = chosen
                self._transaction(client, backends[chosen], first)
            for backend in backends:
                backend.close()

    def _greeted(self, client: socket.socket) -> str | None:
        """The client's time zone, once it has been told that it is let in; None for one that is not."""
        while True:
            size = struct.unpack("!I", _exactly(client, 4))[0]
            body = _exactly(client, size - 4)
            code = struct.unpack("!I", body[:4])[0]
            if code in (_SSL, _GSS):
                client.sendall(b"N")
                continue
            if code == _CANCEL:
                return None
            words = body[4:].rstrip(b"\0").split(b"\0")
            told = dict(zip((name.lower() for name in words[::2]), words[1::2], strict=False))
            if unknown := told.keys() - _KNOWN:
                text = b"unsupported startup parameter: " + b", ".join(sorted(unknown))
                client.sendall(_framed(b"E", b"SFATAL\0C08P01\0M" + text + b"\0\0"))
                return None
            zone = told.get(b"timezone", b"Asia/Tokyo")
            client.sendall(_framed(b"R", struct.pack("!I", 0)))
            for name, value in (*_PARAMETERS, (b"TimeZone", zone)):
                client.sendall(_framed(b"S", name + b"\0" + value + b"\0"))
            client.sendall(_framed(b"K", bytes(8)) + _framed(b"Z", b"I"))
            return zone.decode()

    def _backend(self, zone: str) -> socket.socket:
        """The socket of a connection that is let in and idle."""
        connection = psycopg.connect(self._url, autocommit=True, prepare_threshold=None)
        connection.execute(f"SET timezone = '{zone}'".encode())
        self._kept.append(connection)  # else it would be closed
        return socket.socket(fileno=os.dup(connection.fileno()))

    def _transaction(self, client: socket.socket, backend: socket.socket, first: bytes) -> None:
        """Both ways until the server is idle outside of a transaction and has answered all Syncs and queries."""
        backend.sendall(first)
        owed = int(first[:1] in _ANSWERED)
        while True:
            if backend in select.select([client, backend], [], [])[0]:
                message = _message(backend)
                client.sendall(message)
                if message[:1] == b"Z":
                    owed -= 1
                    if message[5:6] == b"I" and not owed:
                        return
            else:
                message = _message(client)
                owed += message[:1] in _ANSWERED
                backend.sendall(message)


def _framed(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def _message(of: socket.socket) -> bytes:
    head = _exactly(of, 5)
    return head + _exactly(of, struct.unpack("!I", head[1:])[0] - 4)


def _exactly(of: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        some = of.recv(size - len(found))
        if not some:
            raise EOFError
        found += some
    return found


@contextmanager
def pooling(url: str) -> Iterator[Pooler]:
    """A pooler in front of that server until the block ends."""
    pooler = Pooler(url)
    thread = threading.Thread(target=pooler.serve, daemon=True)
    thread.start()
    try:
        yield pooler
    finally:
        pooler.close()
        thread.join(5)
