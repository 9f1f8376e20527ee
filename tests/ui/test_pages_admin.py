"""The installation's page: its mailbox and queues for who runs it, and no page at all for everybody else."""

from pathlib import Path

import pytest
from rq import SimpleWorker
from sqlmodel import Session

from guardian import queue
from guardian.config import settings
from guardian.errors import AuthorizationError
from guardian.models.enums import UserRole
from guardian.ui.pages.admin.page import AdminState
from tests.fakes import seed
from tests.ui.conftest import StatePage
from tests.ui.pages import work

MAIL = "01795408341947012604-9b48f4e3"
_LOST = "guardian.jobs.nowhere.send_nothing"
_HEAD = "From: Guardian <g@localhost>\nDelivered-To: mia@acme.example\nSubject: Hello\nMIME-Version: 1.0\n"


@pytest.fixture
def folder(tmp_path: Path, environment: object, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GUARDIAN_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    made = tmp_path / "mailbox"
    made.mkdir()
    return made


def _write(folder: Path, body: str, name: str = MAIL) -> None:
    (folder / f"{name}.eml").write_text(_HEAD + body, encoding="utf-8")


def _open(page_of: StatePage, session: Session, address: str, role: UserRole = UserRole.SUPER_ADMIN) -> AdminState:
    company = seed.company(session, "Acme", role=role)
    session.commit()
    state = page_of(AdminState, company.token, address)
    work(state, "load")
    return state


def test_who_runs_it_sees_the_mails(page_of: StatePage, session: Session, folder: Path) -> None:
    _write(folder, "Content-Type: text/plain\n\nPlain words.\n")
    state = _open(page_of, session, "/admin")
    assert state.allowed
    assert [(row.subject, row.recipients, row.href, row.current) for row in state.mails] == [
        ("Hello", "mia@acme.example", f"/admin?mail={MAIL}", False)
    ]
    assert state.mail.id == ""


def test_a_plain_mail_is_text(page_of: StatePage, session: Session, folder: Path) -> None:
    _write(folder, "Content-Type: text/plain; charset=utf-8\n\nPlain <b>words</b>.\n")
    state = _open(page_of, session, f"/admin?mail={MAIL}")
    assert (state.mail.text, state.mail.document) == ("Plain <b>words</b>.\n", "")
    assert state.mails[0].current


def test_an_html_mail_goes_into_the_frame(page_of: StatePage, session: Session, folder: Path) -> None:
    _write(folder, "Content-Type: text/html; charset=utf-8\n\n<p>Words<script>alert(1)</script></p>\n")
    state = _open(page_of, session, f"/admin?mail={MAIL}")
    assert state.mail.document.startswith('<base target="_blank"><p>Words')
    assert state.mail.text == ""


@pytest.mark.parametrize("wanted", ["../../etc/passwd", "01795408341947012604-00000000", ""])
def test_an_unknown_mail(page_of: StatePage, session: Session, folder: Path, wanted: str) -> None:
    state = _open(page_of, session, f"/admin?mail={wanted}")
    assert state.mail.id == ""
    assert state.problem == ("Mail not found" if wanted else "")


@pytest.mark.parametrize("role", [UserRole.USER, UserRole.ADMIN])
def test_for_everybody_else_there_is_nothing(
    page_of: StatePage, session: Session, folder: Path, role: UserRole
) -> None:
    _write(folder, "Content-Type: text/plain\n\nPlain words.\n")
    state = _open(page_of, session, f"/admin?mail={MAIL}", role)
    assert (state.loaded, state.allowed, state.problem) == (True, False, "")
    assert (state.mails, state.mail.id) == ([], "")
    assert (state.queues, state.failed) == ([], [])
    queue.enqueue(queue.EMAIL_QUEUE, _LOST, "mail-1", job_id="broken")
    _run_all()
    for handler in ("retry", "drop"):
        with pytest.raises(AuthorizationError):
            work(state, handler, "broken")


def test_a_failed_job_is_shown_tried_again_and_forgotten(page_of: StatePage, session: Session, folder: Path) -> None:
    queue.enqueue(queue.EMAIL_QUEUE, _LOST, "mail-1", job_id="broken")
    _run_all()
    state = _open(page_of, session, "/admin")
    assert [(row.name, row.failed, row.idle) for row in state.queues if row.failed != "0"] == [
        ("Email sending", "1", True)
    ]
    [row] = state.failed
    assert (row.what, row.about) == ("Send nothing", "mail-1")
    assert row.cause == "ValueError: Invalid attribute name: send_nothing"
    work(state, "retry", "broken")
    assert state.failed == []
    _run_all()
    work(state, "load")
    assert [row.id for row in state.failed] == ["broken"]
    work(state, "drop", "broken")
    assert state.failed == []


def _run_all() -> None:
    target = queue.Queue(queue.EMAIL_QUEUE, connection=queue.connection())
    SimpleWorker([target], connection=queue.connection()).work(burst=True, logging_level="ERROR")
