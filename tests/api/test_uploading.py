"""Files on their way in: refused at the door by what they declare, on the disk once, and gone when anything fails."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from anyio import run
from hypothesis import given
from hypothesis import strategies as st

from guardian.api.requests import uploading
from guardian.api.requests.form_files import FormReader
from guardian.api.requests.landing import Landing, too_large
from guardian.api.steps import COOKIE
from guardian.config import settings
from guardian.embedded.processes import wait_until
from guardian.errors import ApiError
from guardian.services.ledger.imports.uploads import forget_partials, partial_upload
from tests.api.conftest import Client

MOST = 2_000_000
FORM = "multipart/form-data; boundary=xyzzy"
HEAD = b'--xyzzy\r\nContent-Disposition: form-data; name="file"; filename="usage.csv"\r\n\r\n'
TAIL = b"\r\n--xyzzy--\r\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: object) -> Iterator[Path]:
    """Where uploads wait, of which none may be larger than MOST."""
    monkeypatch.setenv("GUARDIAN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("GUARDIAN_IMPORT_MAX_BYTES", str(MOST))
    settings.cache_clear()
    yield tmp_path / "data" / "imports"
    settings.cache_clear()


def begun(client: Client, kind: str, *headers: str) -> socket.socket:
    """A connection that has sent the head of an upload, and nothing of its body."""
    address = urlsplit(str(client.base_url))
    connection = socket.create_connection((address.hostname, address.port), timeout=30)
    lines = [
        "POST /api/v1/imports HTTP/1.1",
        f"Host: {address.netloc}",
        f"Cookie: {COOKIE}={client.cookies[COOKIE]}",
        f"Content-Type: {kind}",
        *headers,
    ]
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    return connection


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def answer(connection: socket.socket) -> bytes:
    """What comes back, from its first byte until the whole of a JSON answer is there."""
    got = b""
    while b"}" not in got.partition(b"\r\n\r\n")[2]:
        more = connection.recv(65_536)
        if not more:
            break
        got += more
    return got


@pytest.mark.parametrize(("kind", "size"), [("text/csv", MOST + 1), (FORM, MOST + (1 << 20) + 1)])
def test_what_declares_too_much_is_refused_before_a_byte_of_it_is_sent(
    alice: Client, folder: Path, kind: str, size: int
) -> None:
    with closing(begun(alice, kind, f"Content-Length: {size}")) as connection:
        got = answer(connection)
    assert got.startswith(b"HTTP/1.1 413 ")
    assert b"larger than 2,000,000 bytes" in got
    assert b"GUARDIAN_IMPORT_MAX_BYTES" in got
    assert not folder.exists() or list(folder.iterdir()) == []


@pytest.mark.parametrize("kind", ["text/csv", FORM])
def test_what_declares_nothing_is_refused_where_it_passes_the_bound(alice: Client, folder: Path, kind: str) -> None:
    with closing(begun(alice, kind, "Transfer-Encoding: chunked")) as connection:
        connection.sendall(chunk(HEAD) if kind is FORM else chunk(b"id\r\n"))
        # Never ended: the answer comes while the sender still has more to say.
        for _ in range(3):
            connection.sendall(chunk(b"x" * 1_000_000))
        got = answer(connection)
    assert got.startswith(b"HTTP/1.1 413 ")
    assert list(folder.iterdir()) == []


def test_a_file_of_the_bound_itself_is_taken_with_the_form_around_it(alice: Client) -> None:
    sent = alice.data("POST", "/imports", 202, files={"file": ("x.csv", b"x" * MOST)}, data={"format": "codex"})
    assert sent["bytesTotal"] == MOST
    alice.failure("POST", "/imports", 413, files={"file": ("x.csv", b"x" * (MOST + 1))})


def test_a_form_is_written_to_its_place_as_it_comes(alice: Client, folder: Path) -> None:
    with closing(begun(alice, FORM, "Transfer-Encoding: chunked")) as connection:
        connection.sendall(chunk(HEAD) + chunk(b"a,b\r\n" * 300_000))
        assert wait_until(lambda: bool(sizes(folder)) and sizes(folder)[0] >= 1 << 20, 30)
        assert len(sizes(folder)) == 1
        connection.sendall(chunk(TAIL) + b"0\r\n\r\n")
        assert answer(connection).startswith(b"HTTP/1.1 202 ")
    assert sizes(folder) == [1_500_000]


@pytest.mark.parametrize("kind", ["text/csv", FORM])
def test_a_sender_that_leaves_leaves_nothing(
    alice: Client, folder: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(begun(alice, kind, f"Content-Length: {MOST}")) as connection:
        connection.sendall(HEAD + b"x" * 1_200_000)
        assert wait_until(lambda: bool(sizes(folder)) and sizes(folder)[0] > 0, 30)
    assert wait_until(lambda: sizes(folder) == [], 30)
    assert "api.error" not in caplog.text
    assert alice.data("GET", "/imports") == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (HEAD + b"a,b\r\n", "before its end"),
        (HEAD + b"a" + TAIL[:-4] + b"\r\n" + HEAD[9:] + b"b" + TAIL, "one file"),
        (b"id,cost\r\n", "cannot be read"),
        (b'--xyzzy\r\nContent-Disposition: form-data; name="file"\r\n\r\nid' + TAIL, "There is no file"),
        (b'--xyzzy\r\nContent-Disposition: form-data; filename="x"\r\n\r\nid' + TAIL, "has no name"),
        (b'--xyzzy\r\nContent-Disposition: form-data; name="user"\r\n\r\n' + b"x" * 70_000 + TAIL, "too long"),
        (HEAD.replace(b'"file"', b'"other"') + b"id" + TAIL, "There is no file"),
    ],
)
def test_a_form_that_is_none_is_refused_in_words(alice: Client, folder: Path, body: bytes, words: str) -> None:
    got = alice.failure("POST", "/imports", 400, content=body, headers={"content-type": FORM})
    assert words in got["error"]
    assert list(folder.iterdir()) == []


def test_a_form_without_its_boundary_is_refused_in_words(alice: Client) -> None:
    got = alice.failure("POST", "/imports", 400, content=b"x", headers={"content-type": "multipart/form-data"})
    assert "boundary" in got["error"]


@given(
    content=st.lists(st.sampled_from([b"\r\n", b"\r", b"--xyzzy", b"\r\n--xyzz", b"-", b"id,cost", b"\x00\xff"])).map(
        lambda parts: b"".join(parts).replace(b"\r\n--xyzzy", b"\r\n--xyzzz")
    ),
    cuts=st.lists(st.integers(min_value=1, max_value=40), min_size=1),
)
def test_the_file_comes_out_of_the_form_as_it_was_put_in(content: bytes, cuts: list[int]) -> None:
    """However the network cuts it, and whatever in it looks like the form's own marks."""
    got = bytearray()
    reader = FormReader(FORM, got.extend)
    body, at = b'--xyzzy\r\nContent-Disposition: form-data; name="user"\r\n\r\nbob' + TAIL[:-4] + b"\r\n", 0
    body += HEAD[9:] + content + TAIL
    while at < len(body):
        for cut in cuts:
            reader.write(body[at : at + cut])
            at += cut
    reader.finish()
    assert bytes(got) == content
    assert (reader.file_name, reader.fields) == ("usage.csv", {"user": "bob"})


def test_a_full_disk_is_said_in_words(alice: Client, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fill() -> None:
        async with Landing(Path("/dev/full"), MOST) as landing:
            landing.add(b"x" * MOST)

    with pytest.raises(ApiError, match="no room") as raised:
        run(fill)
    assert raised.value.status_code == 507
    monkeypatch.setattr(uploading, "free_bytes", lambda _folder: MOST - 1)
    with closing(begun(alice, "text/csv", f"Content-Length: {MOST}")) as connection:
        assert answer(connection).startswith(b"HTTP/1.1 507 ")
    assert sizes(folder) == []


def test_what_a_killed_process_left_is_taken_away_by_the_next_upload(alice: Client, folder: Path) -> None:
    left, going_on = partial_upload(), partial_upload()
    waiting = folder / "waits-for-its-worker"
    waiting.touch()
    long_ago = time.time() - 2 * 24 * 3600
    for path in (left, waiting):
        os.utime(path, (long_ago, long_ago))
    forget_partials()
    assert {path.name for path in folder.iterdir()} == {going_on.name, waiting.name}


def test_the_bound_is_said_in_bytes() -> None:
    assert "larger than 2,147,483,648 bytes" in too_large(2 * 1024**3).message


def sizes(folder: Path) -> list[int]:
    found: list[int] = []
    for path in folder.iterdir() if folder.exists() else ():
        with suppress(FileNotFoundError):  # gone since it was listed
            found.append(path.stat().st_size)
    return found
