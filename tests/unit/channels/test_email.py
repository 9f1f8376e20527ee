"""Mail by SMTP: what goes over the wire, encrypted where it can be, and which refusals are final."""

import socket
from pathlib import Path
from typing import Any

import pytest

from guardian.channels import email as channel
from guardian.channels.base import ChannelError
from guardian.channels.email import Letter, compose, deliver
from guardian.config import Settings
from tests.fakes.smtp_server import FakeSmtp, certificate

LETTER = Letter(
    id="cabc", to="ada@example.com", subject="Grüße — 10 %", text="Hello Ada,\n\n€ 5.\n", html="<p>Hello <b>Ada</b></p>"
)


def settings(port: int, **changes: Any) -> Settings:
    facts: dict[str, Any] = {
        "smtp_host": "127.0.0.1",
        "smtp_port": port,
        "smtp_secure": False,
        "smtp_user": None,
        "smtp_password": None,
        "email_from": "Guardian <guardian@acme.test>",
    }
    return Settings(**(facts | changes))


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate that this process believes."""
    made = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made))
    return made


def test_a_mail_arrives_as_text_and_html() -> None:
    with FakeSmtp() as server:
        message_id = deliver(LETTER, settings(server.port))
    [mail] = server.mails
    assert (mail["From"], mail["To"]) == ("Guardian <guardian@acme.test>", "ada@example.com")
    assert mail["Subject"] == "Grüße — 10 %"
    assert mail["Message-ID"] == message_id == "<cabc@acme.test>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"] is not None
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines() == LETTER.text.splitlines()
    assert html.get_content().strip() == LETTER.html


def test_a_line_break_cannot_add_a_header() -> None:
    with FakeSmtp() as server:
        deliver(
            Letter(id="c1", to="ada@example.com", subject="Hi\r\nBcc: eve@example.com", text="x"), settings(server.port)
        )
    assert server.mails[0]["Bcc"] is None
    assert server.mails[0]["Subject"] == "Hi Bcc: eve@example.com"
    with pytest.raises(ChannelError, match="cannot be addressed") as refused:
        compose(Letter(id="c1", to="ada@example.com\r\nBcc: eve@example.com", subject="x", text="x"), "a@b.c")
    assert refused.value.permanent


def test_addresses_of_all_scripts(trusted: Path) -> None:
    with FakeSmtp() as server:
        deliver(Letter(id="c1", to="пётр@example.com", subject="x", text="x"), settings(server.port))
    assert "пётр" in str(server.mails[0]["To"])


def test_encryption_is_used_when_it_is_offered(trusted: Path) -> None:
    users = {"guardian": "s3cret"}
    login: dict[str, Any] = {"smtp_host": "localhost", "smtp_user": "guardian", "smtp_password": "s3cret"}
    with FakeSmtp(users=users, tls=trusted) as server:
        deliver(LETTER, settings(server.port, **login))
    assert server.encrypted == [True]
    with FakeSmtp(users=users, tls=trusted, starttls=False) as server:
        deliver(LETTER, settings(server.port, smtp_secure=True, **login))
    assert server.encrypted == [True]


def test_an_untrusted_certificate_is_not_accepted(tmp_path: Path) -> None:
    with FakeSmtp(tls=certificate(tmp_path)) as server, pytest.raises(ChannelError, match="certificate") as refused:
        deliver(LETTER, settings(server.port, smtp_host="localhost"))
    assert not refused.value.permanent
    assert server.mails == []


def test_the_password_does_not_travel_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeSmtp(users={"guardian": "s3cret"}) as server:
        monkeypatch.setattr(channel, "_is_this_machine", lambda _: False)
        with pytest.raises(ChannelError, match="offers no encryption") as refused:
            deliver(LETTER, settings(server.port, smtp_user="guardian", smtp_password="s3cret"))
    assert not refused.value.permanent
    assert "s3cret" not in refused.value.message


@pytest.mark.parametrize(
    ("host", "ours"), [("localhost", True), ("127.0.0.1", True), ("::1", True), ("10.0.0.5", False)]
)
def test_what_is_this_machine(host: str, ours: bool) -> None:
    assert channel._is_this_machine(host) is ours


@pytest.mark.parametrize(
    ("command", "answer", "permanent", "words"),
    [
        ("RCPT", "550 5.1.1 No such user", True, "does not take mail for ada@example.com (550): “5.1.1 No such user”"),
        ("RCPT", "451 4.7.1 Greylisted, try later", False, "(451)"),
        ("DATA", "554 5.7.1 Looks like spam", True, "(554): “5.7.1 Looks like spam”"),
        ("DATA", "452 4.3.1 Disk full", False, "(452)"),
        ("DATA", "hang up", False, "cannot be reached"),
    ],
)
def test_refusals(command: str, answer: str, permanent: bool, words: str) -> None:
    with FakeSmtp() as server:
        server.answers[command] = answer
        with pytest.raises(ChannelError) as refused:
            deliver(LETTER, settings(server.port))
    assert refused.value.permanent is permanent
    assert words in refused.value.message


def test_a_wrong_password_waits_to_be_mended() -> None:
    with FakeSmtp(users={"guardian": "other"}) as server, pytest.raises(ChannelError, match="SMTP_PASSWORD") as refused:
        deliver(LETTER, settings(server.port, smtp_user="guardian", smtp_password="s3cret"))
    assert not refused.value.permanent
    assert "s3cret" not in refused.value.message


def test_no_server_and_no_settings() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ChannelError, match="cannot be reached") as refused:
            deliver(LETTER, settings(taken.getsockname()[1]))
    assert not refused.value.permanent
    with pytest.raises(ChannelError, match="Set SMTP_HOST") as missing:
        deliver(LETTER, settings(25, smtp_host=None))
    assert missing.value.permanent


def test_a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "TIMEOUT_SECONDS", 0.2)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        with pytest.raises(ChannelError, match="timed out") as refused:
            deliver(LETTER, settings(mute.getsockname()[1]))
    assert not refused.value.permanent
