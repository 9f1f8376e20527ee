"""Files over REST: sent as a form or as they are, within a bound, read by a worker; and the ledger as files."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlmodel import select

from guardian import db, queue
from guardian.config import settings
from guardian.jobs.imports import import_upload
from guardian.models import ActivityLog, ImportRun
from guardian.models.enums import TeamRole
from guardian.services.ledger.imports.running import _SILENT
from tests.api.conftest import Client, SignIn, execute
from tests.conftest import People
from tests.unit.imports.making import claude, jsonl

LOG = jsonl(claude(), claude(id="m2"), "cut {")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: object) -> Iterator[Path]:
    """Where uploads wait."""
    monkeypatch.setenv("GUARDIAN_DATA_DIR", str(tmp_path / "data"))
    settings.cache_clear()
    yield tmp_path / "data" / "imports"
    settings.cache_clear()


def work() -> None:
    """What a worker does with the jobs that wait."""
    found = queue.Queue(queue.USAGE_QUEUE, connection=queue.connection())
    for job in found.jobs:
        assert job.func_name == "guardian.jobs.imports.import_upload"
        import_upload(*job.args)
        found.remove(job)


@pytest.mark.parametrize("form", [True, False])
def test_a_file_is_sent_read_and_forgotten(alice: Client, folder: Path, form: bool) -> None:
    if form:
        sent = alice.data("POST", "/imports", 202, files={"file": ("session.jsonl", LOG, "application/jsonl")})
    else:
        sent = alice.data("POST", "/imports?fileName=session.jsonl", 202, content=LOG)
    assert (sent["fileName"], sent["status"], sent["progress"]) == ("session.jsonl", "running", 0)
    assert [path.name for path in folder.iterdir()] == [sent["id"]]
    work()
    got = alice.data("GET", f"/imports/{sent['id']}")
    assert (got["status"], got["format"], got["progress"]) == ("finished", "claude-code", 1)
    assert (got["rowsRead"], got["rowsAdded"], got["rowsRefused"], got["bytesRead"]) == (3, 2, 1, len(LOG))
    assert got["errors"] == [{"line": 3, "message": "The line is no JSON object. It may be cut off."}]
    assert list(folder.iterdir()) == []
    (listed,) = alice.data("GET", "/imports")
    assert listed["id"] == sent["id"]
    assert "errors" not in listed
    with db.session() as session:
        (row,) = session.exec(select(ActivityLog).where(ActivityLog.action == "IMPORT_CREATE")).all()
        assert row.resource_id == sent["id"]


def test_a_colleague_and_a_format_may_be_named(alice: Client, people: People) -> None:
    fields = {"user": people.bob.email, "format": "claude-code"}
    sent = alice.data("POST", "/imports", 202, files={"file": ("x", LOG)}, data=fields)
    work()
    assert alice.data("GET", f"/imports/{sent['id']}")["rowsAdded"] == 2
    assert {row["userId"] for row in alice.data("GET", "/usage")} == {people.bob.user_id}


@pytest.mark.parametrize(
    ("query", "field"), [("format=cobol", "format"), ("user=eve@globex.test", "user"), ("key=nothing", "key")]
)
def test_what_there_is_none_of_is_refused_and_nothing_stays(
    alice: Client, folder: Path, query: str, field: str
) -> None:
    body = alice.failure("POST", f"/imports?{query}", 400, content=LOG)
    assert [problem["field"] for problem in body["details"]] == [field]
    assert list(folder.iterdir()) == []
    assert alice.data("GET", "/imports") == []


def test_no_file_and_too_large_a_file(alice: Client, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alice.failure("POST", "/imports", 400)
    alice.failure("POST", "/imports", 400, files={"other": ("x", LOG)})
    monkeypatch.setenv("GUARDIAN_IMPORT_MAX_BYTES", "2000000")
    settings.cache_clear()
    for options in ({"content": b"x" * 2_500_000}, {"files": {"file": ("x", b"x" * 2_500_000)}}):
        body = alice.failure("POST", "/imports", 413, **options)
        assert "GUARDIAN_IMPORT_MAX_BYTES" in body["error"]
    assert list(folder.iterdir()) == []
    # Larger than the bound of other bodies is no matter.
    assert alice.data("POST", "/imports", 202, content=b"x" * 1_900_000)["bytesTotal"] == 1_900_000


def test_a_viewer_may_not_and_is_told_before_the_file_is_taken(
    sign_in: SignIn, colleague: object, folder: Path
) -> None:
    viewer = sign_in(colleague(TeamRole.VIEWER))  # type: ignore[operator]
    viewer.failure("POST", "/imports", 403, content=LOG)
    assert not folder.exists()


def test_one_that_lost_its_process_says_so(alice: Client) -> None:
    sent = alice.data("POST", "/imports", 202, content=LOG)
    execute("UPDATE import_runs SET updated_at = now() - make_interval(secs => :s)", s=_SILENT.total_seconds() + 1)
    # It waits for its worker, which may be busy.
    assert alice.data("GET", f"/imports/{sent['id']}")["status"] == "running"
    execute("UPDATE import_runs SET bytes_read = 1")
    got = alice.data("GET", f"/imports/{sent['id']}")
    assert (got["status"], got["error"][:23]) == ("failed", "The import was cut off.")


def test_a_stopped_one_is_not_begun(alice: Client, folder: Path) -> None:
    sent = alice.data("POST", "/imports", 202, content=LOG)
    assert alice.data("POST", f"/imports/{sent['id']}/stop")["status"] == "failed"
    alice.failure("POST", f"/imports/{sent['id']}/stop", 409)
    work()
    assert alice.data("GET", "/usage") == []
    assert list(folder.iterdir()) == []


def test_an_upload_that_is_on_another_disk(alice: Client, folder: Path) -> None:
    sent = alice.data("POST", "/imports", 202, content=LOG)
    (folder / sent["id"]).unlink()
    work()
    assert "same GUARDIAN_DATA_DIR" in alice.data("GET", f"/imports/{sent['id']}")["error"]


def test_exports_are_files(alice: Client, charlie: Client) -> None:
    alice.data("POST", "/imports", 202, content=LOG)
    work()
    answer = alice.get("/api/v1/exports/usage.csv?session=s-1&from=2026-11-02&to=2026-11-02")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="usage-')
    assert answer.headers["content-disposition"].endswith('.csv"')
    assert len(list(csv.DictReader(io.StringIO(answer.text)))) == 2
    assert len(list(csv.DictReader(io.StringIO(alice.get("/api/v1/exports/usage.csv?session=other").text)))) == 0
    focus = list(csv.DictReader(io.StringIO(alice.get("/api/v1/exports/focus.csv").text)))
    assert {row["PricingUnit"] for row in focus} == {"tokens"}
    assert {row["x_CostBasis"] for row in focus} == {"imputed"}
    for name, count in (("usage", 2), ("focus", len(focus))):
        answer = alice.get(f"/api/v1/exports/{name}.parquet")
        assert answer.headers["content-disposition"].endswith('.parquet"')
        assert pq.read_table(io.BytesIO(answer.content)).num_rows == count
    assert len(charlie.get("/api/v1/exports/usage.csv").text.splitlines()) == 1
    with db.session() as session:
        assert session.exec(select(ImportRun)).one().organization_id
