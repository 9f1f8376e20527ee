"""The gateway over real HTTP: alive, ready only with both servers, and a word for who comes without a token."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import httpx
import pytest

from guardian import telemetry
from guardian.config import settings
from guardian.embedded.processes import free_port, wait_until
from guardian.journal import aside
from tests.conftest import ROOT, Servers

Start = Callable[..., str]


@pytest.fixture
def start(environment: Servers) -> Iterator[Start]:
    """Start the gateway with changes to its environment; gives its base URL."""
    started: list[subprocess.Popen[bytes]] = []

    def run(**changes: str) -> str:
        port = free_port()
        variables = {**os.environ, "GUARDIAN_GATEWAY_PORT": str(port), **changes}
        started.append(subprocess.Popen([sys.executable, "-m", "guardian.cli", "gateway"], cwd=ROOT, env=variables))
        url = f"http://127.0.0.1:{port}"
        assert wait_until(lambda: answers(url), 30)
        return url

    yield run
    for process in started:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in (0, -signal.SIGTERM)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/live").status_code == 200
    except httpx.TransportError:
        return False


def test_with_both_servers_it_is_ready(start: Start) -> None:
    answer = httpx.get(f"{start()}/health/ready")
    assert answer.status_code == 200
    assert answer.json()["success"] is True
    checks = {"database": "ok", "redis": "ok", "journal": "ok"}
    assert answer.json()["data"] == {"status": "ok", "checks": checks, "warnings": []}


def test_what_the_ledger_refused_is_warned_of_and_stops_nothing(start: Start) -> None:
    url = start()
    (folder,) = settings().guardian_data_dir.glob("journal/gateway/*")
    aside.keep(folder, [(b"no entry", "it is none")])
    answer = httpx.get(f"{url}/health/ready")
    assert answer.status_code == 200
    assert answer.json()["data"]["warnings"] == [aside.WARNING]


def test_without_a_database_it_is_alive_but_not_ready(start: Start) -> None:
    url = start(DATABASE_URL=f"postgresql://nobody:secret@127.0.0.1:{free_port()}/none")
    answer = httpx.get(f"{url}/health/ready")
    assert answer.status_code == 503
    assert answer.json() == {
        "success": False,
        "error": "Not ready: database.",
        "code": "UNAVAILABLE",
        "details": {"database": "unreachable", "redis": "ok", "journal": "ok"},
        "requestId": answer.headers["x-request-id"],
        "retryAfter": 5,
    }
    assert httpx.get(f"{url}/health/live").status_code == 200


def test_without_redis_it_is_not_ready(start: Start) -> None:
    answer = httpx.get(f"{start(REDIS_URL=f'redis://127.0.0.1:{free_port()}/0')}/health/ready")
    assert answer.status_code == 503
    assert answer.json()["details"] == {"database": "ok", "redis": "unreachable", "journal": "ok"}


def test_any_spelling_of_the_database_address_will_do(start: Start) -> None:
    url = os.environ["DATABASE_URL"]
    for spelling in ("postgres://", "postgresql+psycopg://"):
        other = start(DATABASE_URL=url.replace("postgresql://", spelling, 1))
        assert httpx.get(f"{other}/health/ready").status_code == 200


def test_a_server_that_never_answers_is_told_in_time(start: Start) -> None:
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = start(REDIS_URL=f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        answer = httpx.get(f"{url}/health/ready", timeout=15)
    assert answer.json()["details"]["redis"] in ("timeout", "unreachable")


def test_every_other_path_is_not_found_in_the_dialect_of_its_vendor(start: Start) -> None:
    url = start()
    for method in ("GET", "POST"):
        answer = httpx.request(method, f"{url}/nowhere")
        assert answer.status_code == 404
        assert answer.headers["x-request-id"]
        assert answer.json()["error"]["code"] == "not_found"
        assert "/openai/v1" in answer.json()["error"]["message"]
    assert httpx.get(f"{url}/anthropic/../admin").json()["error"]["code"] == "not_found"


def test_without_a_token_it_says_how_to_get_one(start: Start) -> None:
    answer = httpx.post(f"{start()}/openai/v1/chat/completions", json={"model": "gpt-5.4-mini"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    assert "gdn_" in answer.json()["error"]["message"]


def test_what_it_says_itself_is_kept_by_nobody_and_taken_for_nothing_else(start: Start) -> None:
    url = start()
    address = httpx.URL(url)
    answers = [
        httpx.get(f"{url}/health/live"),
        httpx.get(f"{url}/health/ready"),
        httpx.get(f"{url}/health/nothing"),
        httpx.get(f"{url}/metrics"),
        httpx.get(f"{url}/metrics", headers={"X-Forwarded-For": "203.0.113.9"}),
        httpx.get(f"{url}/nothing"),
        *(
            httpx.post(f"{url}{path}", json={})
            for path in ("/openai/v1/responses", "/anthropic/v1/messages", "/google/v1beta/models/x:generateContent")
        ),
        httpx.post(f"{url}/api/v1/usage", json=[]),
    ]
    for answer in answers:
        said = {name: answer.headers.get(name) for name in ("cache-control", "x-content-type-options")}
        assert said == {"cache-control": "no-store", "x-content-type-options": "nosniff"}, answer.url
    with socket.create_connection((address.host, address.port or 0), timeout=10) as raw:
        raw.sendall(b"no request\r\n\r\n")
        malformed = b"".join(iter(lambda: raw.recv(4096), b"")).lower()
    assert b" 400 " in malformed.partition(b"\r\n")[0]
    assert b"cache-control: no-store" in malformed
    assert b"x-content-type-options: nosniff" in malformed


def test_its_figures_are_for_this_machine(start: Start) -> None:
    url = start()
    answer = httpx.get(f"{url}/metrics")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert 'aicg_process_request_seconds_count{process="gateway"} 0.0' in answer.text
    assert 'aicg_journal_bytes{process="gateway"} 0.0' in answer.text
    refused = httpx.post(f"{url}/openai/v1/chat/completions", json={}, headers={"Authorization": "Bearer gdn_no"})
    assert refused.status_code == 401
    counted = 'aicg_gateway_calls_total{outcome="policy_token_rejected",provider="OPENAI"} 1.0'
    assert counted in httpx.get(f"{url}/metrics").text
    assert httpx.get(f"{url}/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 403


def test_it_tells_of_itself(start: Start) -> None:
    port = start().rpartition(":")[2]
    assert wait_until(lambda: bool(telemetry.processes()), 20)
    (found,) = telemetry.processes()
    assert (found.kind, found.metrics, found.errors) == ("gateway", f"127.0.0.1:{port}", 0)
