"""The page of imports: runs with what became of their rows, the refused lines of one, stopping; and in a browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session, select

from guardian import db
from guardian.config import settings
from guardian.errors import ConflictError, NotFoundError
from guardian.jobs.imports import import_upload
from guardian.models import ActivityLog, ImportRun
from guardian.models.enums import ImportStatus
from guardian.services.ledger.imports import begin_import
from guardian.ui.pages.imports.page import ImportsState
from tests.fakes import seed
from tests.ui.conftest import StatePage, Web
from tests.ui.pages import work
from tests.unit.imports.making import claude, jsonl, run


def _file(tmp_path: Path, *rows: object) -> Path:
    path = tmp_path / "session.jsonl"
    path.write_bytes(jsonl(*rows))
    return path


def test_runs_and_the_refused_lines_of_one(page_of: StatePage, session: Session, tmp_path: Path) -> None:
    company = seed.company(session, "Acme")
    session.commit()
    view = run(company.actor, _file(tmp_path, claude(), claude(), *["cut {"] * 60))
    state = page_of(ImportsState, company.token, "/imports")
    work(state, "load")
    (row,) = state.runs
    assert (row.name, row.kind, row.state) == (
        "session.jsonl",
        "Claude Code session logs",
        "Finished, with refused lines",
    )
    assert row.facts == "1 added, 1 already there, 60 refused"
    assert (row.running, row.refused, state.lines) == (False, 60, [])
    state = page_of(ImportsState, company.token, row.href)
    work(state, "load")
    assert (state.opened, len(state.lines), state.left) == ("session.jsonl", 50, "10 more were refused.")
    assert state.lines[0].where == "Line 3"
    assert "no JSON object" in state.lines[0].message
    assert view.rows_refused == 60


def test_a_running_one_can_be_stopped_and_only_once(page_of: StatePage, session: Session) -> None:
    company, stranger = seed.company(session, "Acme"), seed.company(session, "Globex")
    view, _ = begin_import(session, company.actor, file_name="big.csv", bytes_total=2_000_000)
    session.get_one(ImportRun, view.id).bytes_read = 1_000_000
    session.commit()
    state = page_of(ImportsState, company.token, "/imports")
    work(state, "load")
    assert (state.runs[0].running, state.runs[0].percent, state.runs[0].may_stop) == (True, 50, True)
    assert state.runs[0].note.startswith("1.0 of 2.0")
    with pytest.raises(NotFoundError):
        work(page_of(ImportsState, stranger.token, "/imports"), "stop", view.id)
    work(state, "stop", view.id)
    assert (state.runs[0].running, state.runs[0].state) == (False, "Not finished")
    assert "What is stored stays" in state.runs[0].problem
    with pytest.raises(ConflictError):
        work(state, "stop", view.id)
    assert session.exec(select(ActivityLog.action).where(ActivityLog.resource_id == view.id)).all() == ["IMPORT_STOP"]


def test_a_file_is_dropped_and_its_rows_arrive(
    web: Web, tab: Page, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = seed.company(session, "Acme")
    session.commit()
    web.sign_in(tab.context, company.token)
    tab.goto(f"{web.url}/imports")
    expect(tab.get_by_text("No file was imported yet")).to_be_visible()
    tab.set_input_files("#import-files", _file(tmp_path, claude(), claude(id="m2"), "cut {"))
    row = tab.get_by_test_id("import")
    expect(row).to_contain_text("session.jsonl")
    expect(tab.locator("#import-sending")).to_be_empty()
    # There is no worker here: this is what one would do.
    monkeypatch.setenv("GUARDIAN_DATA_DIR", str(web.folder / "data"))
    settings.cache_clear()
    with db.session() as opened:
        waiting = opened.exec(select(ImportRun)).one()
    import_upload(waiting.id, company.owner.id, "", "")
    expect(row).to_contain_text("2 added, 1 refused")
    row.get_by_role("link", name="Show refused lines").click()
    expect(tab.get_by_text("The line is no JSON object")).to_be_visible()
    assert not list((web.folder / "data" / "imports").iterdir())
    with db.session() as opened:
        assert opened.get_one(ImportRun, waiting.id).status is ImportStatus.FINISHED
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Usage, CSV").click()
    assert download.value.suggested_filename.endswith(".csv")
    assert download.value.path().read_text().count("\n") == 3


def test_what_the_server_refuses_is_said_beside_the_file(web: Web, tab: Page, session: Session, tmp_path: Path) -> None:
    company = seed.company(session, "Acme")
    session.commit()
    web.sign_in(tab.context, company.token)
    tab.goto(f"{web.url}/imports")
    tab.get_by_label("Used by").fill("nobody@else.example")
    tab.set_input_files("#import-files", _file(tmp_path, claude()))
    expect(tab.locator("#import-sending")).to_contain_text("Nobody with the address nobody@else.example belongs to")
    expect(tab.get_by_test_id("import")).to_have_count(0)


def test_a_file_that_is_too_large_is_not_sent(web: Web, tab: Page, session: Session, tmp_path: Path) -> None:
    company = seed.company(session, "Acme")
    session.commit()
    web.sign_in(tab.context, company.token)
    tab.goto(f"{web.url}/imports")
    expect(tab.get_by_text("up to 2.15\u00a0GB each")).to_be_visible()
    sent: list[str] = []
    tab.on("request", lambda request: sent.append(request.url) if "/api/v1/imports" in request.url else None)
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(2 * 1024**3 + 1)
    tab.set_input_files("#import-files", path)
    expect(tab.locator("#import-sending")).to_contain_text("Larger than 2.15\u00a0GB, so it was not sent.")
    # One that is not is sent after it, as ever.
    tab.set_input_files("#import-files", _file(tmp_path, claude()))
    expect(tab.get_by_test_id("import")).to_have_count(1)
    assert len(sent) == 1
