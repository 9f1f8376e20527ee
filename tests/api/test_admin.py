"""The installation over REST: its organizations and queues, and a failed job that is tried again or forgotten."""

from collections.abc import Callable

import pytest
from rq import SimpleWorker
from sqlmodel import Session, select

from guardian import queue
from guardian.models import ActivityLog
from guardian.queue import EMAIL_QUEUE
from tests.api.conftest import Client, MakeClient

# There is no such function, so the job fails.
_LOST = "guardian.jobs.nowhere.send_nothing"


@pytest.fixture
def admin(client: Client) -> Client:
    """Who signed up first runs the installation."""
    client.sign_up("admin@acme.test", company="Acme")
    return client


@pytest.fixture
def failed() -> Callable[[str], str]:
    """A job that failed, with that id."""

    def fail(job_id: str) -> str:
        queue.enqueue(EMAIL_QUEUE, _LOST, "mail-1", job_id=job_id)
        target = queue.Queue(EMAIL_QUEUE, connection=queue.connection())
        SimpleWorker([target], connection=queue.connection()).work(burst=True, logging_level="ERROR")
        return job_id

    return fail


def waiting() -> list[str]:
    return queue.Queue(EMAIL_QUEUE, connection=queue.connection()).get_job_ids()


def test_who_runs_it_sees_every_organization(admin: Client, new_client: MakeClient) -> None:
    new_client().sign_up("other@globex.test", company="Globex")
    assert [each["name"] for each in admin.data("GET", "/admin/organizations")] == ["Globex", "Acme"]


def test_queues_in_numbers(admin: Client, failed: Callable[[str], str]) -> None:
    queue.connection().flushall()
    failed("broken")
    queue.enqueue(EMAIL_QUEUE, _LOST, "mail-2", job_id="waits")
    found = admin.data("GET", "/admin/queues")
    numbers = {each["name"]: (each["waiting"], each["running"], each["failed"]) for each in found["queues"]}
    assert numbers == {
        "usage-processing": (0, 0, 0),
        "alert-checking": (0, 0, 0),
        "email-sending": (1, 0, 1),
        "report-generation": (0, 0, 0),
    }
    [job] = found["failed"]
    assert (job["id"], job["queue"], job["function"], job["about"]) == (
        "broken",
        "email-sending",
        "nowhere.send_nothing",
        ["mail-1"],
    )
    assert job["cause"] == "ValueError: Invalid attribute name: send_nothing"
    assert job["failedAt"].endswith("Z")


def test_a_failed_job_is_tried_again(admin: Client, failed: Callable[[str], str], session: Session) -> None:
    queue.connection().flushall()
    failed("broken")
    assert admin.data("POST", "/admin/queues/jobs/broken/retry")["id"] == "broken"
    assert waiting() == ["broken"]
    assert admin.data("GET", "/admin/queues")["failed"] == []
    admin.failure("POST", "/admin/queues/jobs/broken/retry", 409)
    admin.failure("DELETE", "/admin/queues/jobs/broken", 409)
    [row] = session.exec(select(ActivityLog).where(ActivityLog.action == "JOB_RETRY")).all()
    assert row.resource_id == "broken"


def test_a_failed_job_is_forgotten(admin: Client, failed: Callable[[str], str]) -> None:
    queue.connection().flushall()
    failed("broken")
    admin.data("DELETE", "/admin/queues/jobs/broken")
    assert admin.data("GET", "/admin/queues")["failed"] == []
    assert waiting() == []
    admin.failure("DELETE", "/admin/queues/jobs/broken", 404)


def test_for_others_there_is_nothing(admin: Client, new_client: MakeClient, failed: Callable[[str], str]) -> None:
    queue.connection().flushall()
    failed("broken")
    other = new_client()
    other.sign_up("other@globex.test", company="Globex")
    other.failure("GET", "/admin/queues", 403)
    other.failure("GET", "/admin/organizations", 403)
    other.failure("POST", "/admin/queues/jobs/broken/retry", 403)
    other.failure("DELETE", "/admin/queues/jobs/broken", 403)
    assert "broken" not in waiting()
