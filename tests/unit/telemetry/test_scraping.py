"""Who may scrape, and what they get."""

import urllib.error
import urllib.request

import pytest

from guardian import telemetry
from guardian.config import settings
from guardian.telemetry import running
from guardian.telemetry.scraping import Exporter, may_scrape
from tests.conftest import Servers, forget_caches


@pytest.mark.parametrize(
    ("client", "headers", "token", "allowed"),
    [
        ("127.0.0.1", {}, None, True),
        ("::1", {}, None, True),
        ("::ffff:127.0.0.1", {}, None, True),
        ("10.0.0.7", {}, None, False),
        (None, {}, None, False),
        ("localhost", {}, None, False),
        # Through a proxy of this machine anybody comes.
        ("127.0.0.1", {"x-forwarded-for": "127.0.0.1"}, None, False),
        ("127.0.0.1", {"forwarded": "for=10.0.0.7"}, None, False),
        ("10.0.0.7", {"authorization": "Bearer right"}, "right", True),
        ("10.0.0.7", {"authorization": "Bearer right", "x-forwarded-for": "10.0.0.7"}, "right", True),
        ("10.0.0.7", {"authorization": "Bearer wrong"}, "right", False),
        ("10.0.0.7", {"authorization": "Bearer "}, "right", False),
        ("10.0.0.7", {"authorization": "Bearer Ünicode"}, "right", False),
        ("10.0.0.7", {"authorization": "Bearer right"}, None, False),
        ("127.0.0.1", {}, "right", True),
    ],
)
def test_figures_are_for_this_machine_or_for_the_token(
    client: str | None, headers: dict[str, str], token: str | None, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if token:
        monkeypatch.setenv("METRICS_TOKEN", token)
    else:
        monkeypatch.delenv("METRICS_TOKEN", raising=False)
    settings.cache_clear()
    assert may_scrape(client, headers) is allowed
    settings.cache_clear()


def _get(address: str, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(f"http://{address}", headers={n.replace("_", "-"): v for n, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_process_without_a_server_gets_one(environment: Servers) -> None:
    running.figures.cache_clear()
    with telemetry.telling("worker") as figures:
        figures.note(0.02, failed=True)
        figures.jobs["usage.make_days", "failed"] = 1
        reported = (
            next(each for each in telemetry.processes() if each.kind == "worker") if telemetry.processes() else None
        )
        address = reported.metrics if reported else None
        second = Exporter.start(settings())
        assert second is not None
        address = address or second.address
        status, text = _get(f"{address}/metrics")
        assert status == 200
        assert 'aicg_process_errors_total{process="worker"} 1.0' in text
        assert 'aicg_process_request_seconds_bucket{le="0.05",process="worker"} 1.0' in text
        assert 'aicg_jobs_total{job="usage.make_days",outcome="failed"} 1.0' in text
        assert "process_resident_memory_bytes" in text
        assert _get(f"{address}/health/live")[0] == 200
        assert _get(f"{address}/")[0] == 404
        assert _get(f"{address}/metrics", X_Forwarded_For="10.0.0.7")[0] == 403
        # Two on one machine have two ports.
        assert second.address != (reported.metrics if reported else "")
        second.close()


def test_no_port_is_wanted(environment: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARDIAN_METRICS_PORT", "0")
    forget_caches()
    assert Exporter.start(settings()) is None
