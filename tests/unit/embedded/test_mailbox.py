"""The embedded mailbox: what is sent by SMTP can be read by administrators, and by nobody else."""

import smtplib
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.smtp import Envelope

from guardian.embedded.mailbox import Keeper
from guardian.embedded.processes import free_port, wait_until
from guardian.errors import AuthorizationError, NotFoundError
from guardian.models.enums import TeamRole, UserRole
from guardian.services.actor import Actor
from guardian.services.people.mailbox import list_mails, mail_names, mailbox_folder, read_mail

ROOT = Path(__file__).parents[3]
ADMIN = Actor(user_id="u", organization_id="o", role=UserRole.SUPER_ADMIN, team_role=TeamRole.OWNER)
OWNER = Actor(user_id="u", organization_id="o", role=UserRole.ADMIN, team_role=TeamRole.OWNER)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return mailbox_folder(tmp_path)


@pytest.fixture
def port(folder: Path) -> Iterator[int]:
    """A mailbox in a process of its own, as `guardian up` starts it."""
    number = free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "guardian.cli", "mailbox", str(folder), str(number)], cwd=ROOT
    ) as process:
        try:
            assert wait_until(lambda: _listens(number), 30)
            yield number
        finally:
            process.terminate()
            assert process.wait(20) == 0


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def mail(subject: str = "Budget reached", to: str = "bob@example.com") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "AI Cost Guardian <guardian@localhost>"
    message["To"] = to
    message["Subject"] = subject
    message.set_content("You spent $12.50 – more than planned.\n")
    message.add_alternative("<p>You spent <b>$12.50</b></p>", subtype="html")
    message.add_attachment(b"a,b\n1,2\n", maintype="text", subtype="csv", filename="spend.csv")
    return message


def test_a_sent_mail_is_listed_and_read_back_whole(port: int, folder: Path) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.send_message(mail(), to_addrs=["bob@example.com", "hidden@example.com"])
    (found,) = list_mails(ADMIN, folder)
    assert found.sender == "AI Cost Guardian <guardian@localhost>"
    assert found.recipients == ("bob@example.com", "hidden@example.com")
    assert found.subject == "Budget reached"
    opened = read_mail(ADMIN, folder, found.id)
    assert opened.summary == found
    assert opened.text == "You spent $12.50 – more than planned.\n"
    assert opened.html is not None
    assert "<b>$12.50</b>" in opened.html
    assert opened.attachments == ("spend.csv",)


def test_mails_are_listed_newest_first_and_are_private_files(port: int, folder: Path) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        for number in range(3):
            client.send_message(mail(f"number {number}"))
    assert [found.subject for found in list_mails(ADMIN, folder)] == ["number 2", "number 1", "number 0"]
    assert [found.subject for found in list_mails(ADMIN, folder, limit=1)] == ["number 2"]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_mail_larger_than_the_limit_is_refused(port: int, folder: Path) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client, pytest.raises(smtplib.SMTPResponseException) as refused:
        client.sendmail("a@example.com", ["b@example.com"], b"x" * 21_000_000)
    assert refused.value.smtp_code == 552
    assert list_mails(ADMIN, folder) == []


def envelope(content: bytes) -> Envelope:
    found = Envelope()
    found.mail_from, found.rcpt_tos, found.content = "a@example.com", ["b@example.com"], content
    return found


def test_only_the_newest_are_kept(folder: Path) -> None:
    keeper = Keeper(folder, keep=3)
    ids = [keeper.store(envelope(f"Subject: {number}\r\n\r\nbody".encode())) for number in range(5)]
    assert mail_names(folder) == ids[2:]
    assert [path.stem for path in sorted(folder.iterdir())] == ids[2:]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no headers at all",
        b"Content-Type: text/plain; charset=klingon\r\n\r\nqapla\xff",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>\xff",
        b"Subject: =?utf-8?b?!!!?=\r\nDate: yesterday\r\nFrom: <<>>@@\r\n\r\nbody",
    ],
)
def test_broken_mails_are_shown_as_well_as_they_can_be(folder: Path, content: bytes) -> None:
    name = Keeper(folder).store(envelope(content))
    assert list_mails(ADMIN, folder)[0].recipients == ("b@example.com",)
    opened = read_mail(ADMIN, folder, name)
    assert opened.text is not None or opened.html is not None


def test_nobody_but_the_installations_administrator_reads_the_mailbox(folder: Path) -> None:
    name = Keeper(folder).store(envelope(b"Subject: reset link\r\n\r\nsecret"))
    with pytest.raises(AuthorizationError):
        list_mails(OWNER, folder)
    with pytest.raises(AuthorizationError):
        read_mail(OWNER, folder, name)


@pytest.mark.parametrize("name", ["../encryption", "", "0", "00000000000000000000-00000000", "a" * 29, "x.eml"])
def test_an_id_that_is_none_of_ours_finds_nothing(folder: Path, name: str) -> None:
    folder.mkdir()
    (folder.parent / "encryption.eml").write_text("secret")
    with pytest.raises(NotFoundError):
        read_mail(ADMIN, folder, name)


def test_an_installation_without_mail_has_an_empty_mailbox(folder: Path) -> None:
    assert list_mails(ADMIN, folder) == []
