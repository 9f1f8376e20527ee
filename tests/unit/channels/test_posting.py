"""What becomes of one POST: every answer has one meaning, no wait is without an end, and no secret is repeated."""

import socket
import threading
from collections.abc import Generator
from typing import Any

import pytest

from guardian.channels import posting
from guardian.channels.base import ChannelError, Sent
from guardian.channels.posting import post_json, wish
from guardian.config import settings
from tests.fakes.sink import Answer, Sink


def post(url: str, **options: Any) -> Sent:
    return post_json(url, {"a": 1}, who="The webhook", reference="m1", **options)


def refusal(url: str, **options: Any) -> ChannelError:
    with pytest.raises(ChannelError) as refused:
        post(url, **options)
    assert "secret-part" not in refused.value.message
    return refused.value


def test_what_is_taken(sink: Sink) -> None:
    assert post(sink.url()) == Sent(200, "m1")
    [one] = sink.posted
    assert (one.path, one.json) == ("/hook/secret-part", {"a": 1})
    assert one.headers["content-type"] == "application/json"
    assert one.headers["user-agent"].startswith("AI-Cost-Guardian/")


@pytest.mark.parametrize(
    ("status", "permanent", "gone"),
    [
        (202, None, None),
        (400, True, False),
        (403, True, False),
        (404, True, False),
        (408, False, False),
        (410, True, True),
        (413, True, False),
        (429, False, False),
        (500, False, False),
        (503, False, False),
    ],
)
def test_each_status_has_one_meaning(sink: Sink, status: int, permanent: bool | None, gone: bool | None) -> None:
    sink.answer = Answer(status, b"why: /hook/secret-part is odd")
    if permanent is None:
        assert post(sink.url()).status == status
        return
    refused = refusal(sink.url())
    assert (refused.permanent, refused.gone, refused.status) == (permanent, gone, status)
    assert "“why: … is odd”" in refused.message


def test_words_by_which_a_receiver_says_that_it_is_closed(sink: Sink) -> None:
    sink.answer = Answer(404, b"no_service")
    assert refusal(sink.url(), closed=("no_service",)).gone
    assert not refusal(sink.url(), closed=("other",)).gone


def test_retry_after(sink: Sink) -> None:
    sink.answer = Answer(429, b"", {"Retry-After": "7"})
    assert refusal(sink.url()).retry_after == 7
    sink.answer = Answer(503, b"")
    assert refusal(sink.url()).retry_after is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("0.5", 0.5),
        ("-3", 0),
        ("inf", 86_400),
        ("nan", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Wed, 21 Oct 2099 07:28:00 GMT", 86_400),
        ("Wed, 21 Oct 1999 07:28:00 GMT", 0),
        ("Wed, 21 Oct 1999 07:28:00 -0000", 0),
    ],
)
def test_wishes(header: str | None, seconds: float | None) -> None:
    assert wish(header) == seconds


def test_no_redirect_is_followed(sink: Sink) -> None:
    with Sink() as inner:
        sink.answer = Answer(307, b"", {"Location": inner.url()})
        refused = refusal(sink.url())
        assert refused.permanent
        assert "redirect (307)" in refused.message
        assert inner.posted == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f000001"])
def test_a_private_address_is_not_even_connected_to(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.delenv("OUTBOUND_ALLOWLIST", raising=False)
    settings.cache_clear()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        refused = refusal(f"http://{host}:{server.getsockname()[1]}/hook/secret-part")
        assert refused.permanent
        assert "OUTBOUND_ALLOWLIST" in refused.message
        with pytest.raises(BlockingIOError):
            server.accept()
    settings.cache_clear()


def test_an_answer_that_comes_by_the_byte_is_not_waited_for(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "WHOLE_SECONDS", 0.5)
    sink.answer = Answer(200, b"", pause=0.1, slow_head=True)
    refused = refusal(sink.url())
    assert not refused.permanent
    assert "did not answer in time" in refused.message


def test_what_is_taken_is_taken_however_slowly_the_rest_comes(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "WHOLE_SECONDS", 5)
    sink.answer = Answer(200, b"x" * 1000, pause=60)
    assert post(sink.url()).status == 200


def test_words_are_read_as_far_as_they_come_in_time(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "WHOLE_SECONDS", 1)
    sink.answer = Answer(500, b"w" * 1000, pause=0.2)
    refused = refusal(sink.url())
    assert (refused.status, refused.permanent) == (500, False)
    assert "“w" in refused.message


def test_an_endless_refusal_is_read_to_its_bound(sink: Sink) -> None:
    sink.answer = Answer(500, b"long " * 10**6)
    refused = refusal(sink.url())
    assert refused.status == 500
    assert len(refused.message) < 400


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OUTBOUND_ALLOWLIST", "127.0.0.1")
        settings.cache_clear()
        refused = refusal(f"http://127.0.0.1:{port}/hook/secret-part")
    settings.cache_clear()
    assert not refused.permanent
    assert "cannot be reached" in refused.message


@pytest.fixture
def rude() -> Generator[int]:
    """A server that hangs up as soon as it is spoken to."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            try:
                while True:
                    server.accept()[0].close()
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_a_server_that_hangs_up(sink: Sink, rude: int) -> None:
    assert not refusal(f"http://127.0.0.1:{rude}/hook/secret-part").permanent
