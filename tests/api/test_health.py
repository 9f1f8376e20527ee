"""Health and metrics, which ask nobody to sign in."""

import re

import pytest

from guardian.config import settings
from guardian.journal import aside
from tests.api.conftest import Client
from tests.conftest import Servers, forget_caches


def metric(client: Client, name: str) -> float | None:
    found = re.search(rf"^{re.escape(name)} (\S+)$", client.get("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else None


def test_alive_and_ready(client: Client) -> None:
    alive = client.get("/health/live").json()
    assert (alive["success"], alive["data"]["status"]) == (True, "ok")
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json()["data"]["checks"]) == (200, {"database": "ok", "redis": "ok"})


def test_events_that_the_ledger_refused_are_warned_of(client: Client) -> None:
    assert client.get("/health/ready").json()["data"]["warnings"] == []
    folder = settings().guardian_data_dir / "journal" / "ingest" / "0001"
    folder.mkdir(parents=True)
    aside.keep(folder, [(b"no entry", "it is none")])
    assert client.get("/health/ready").json()["data"]["warnings"] == [aside.WARNING]


@pytest.mark.parametrize(
    ("variable", "value", "missing"),
    [
        ("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing", "database"),
        ("REDIS_URL", "redis://127.0.0.1:1/0", "redis"),
    ],
)
def test_not_ready_says_what_is_missing(
    client: Client, environment: Servers, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, missing: str
) -> None:
    monkeypatch.setenv(variable, value)
    forget_caches()
    answer = client.get("/health/ready")
    body = answer.json()
    assert (answer.status_code, body["success"], body["code"]) == (503, False, "UNAVAILABLE")
    assert body["error"] == f"Not ready: {missing}."
    assert [name for name, state in body["details"].items() if state != "ok"] == [missing]
    assert "127.0.0.1" not in answer.text
    assert client.get("/health/live").status_code == 200
    assert client.get("/metrics").status_code == 200


def test_requests_are_counted_by_template_and_not_by_id(alice: Client) -> None:
    name = 'aicg_http_requests_total{method="GET",route="/api/v1/keys/{key_id}",status="404"}'
    before = metric(alice, name) or 0
    for id in ("a", "b", "c"):
        alice.failure("GET", f"/keys/{id}", 404)
    assert metric(alice, name) == before + 3
    assert metric(alice, 'aicg_http_request_seconds_count{method="GET",route="/api/v1/keys/{key_id}"}')


def test_paths_that_do_not_exist_make_no_series_of_their_own(client: Client) -> None:
    for n in range(5):
        client.get(f"/api/made-up-{n}")
    assert "made-up" not in client.get("/metrics").text
