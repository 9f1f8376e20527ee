"""/metrics of a web process: what it exports, and to whom."""

import pytest

from guardian import telemetry
from guardian.config import settings
from guardian.telemetry import Figures, Reporter
from tests.api.conftest import Client, MakeClient
from tests.conftest import Servers


def test_queues_processes_cache_and_servers(client: Client) -> None:
    reporter = Reporter("gateway", Figures(), metrics="127.0.0.1:8001")
    reporter.write()
    text = client.get("/metrics").text
    for line in (
        'aicg_queue_jobs{queue="usage-processing",state="waiting"} 0.0',
        'aicg_processes{process="gateway"} 1.0',
        'aicg_processes{process="worker"} 0.0',
        "aicg_redis_up 1.0",
        "aicg_database_up 1.0",
        "aicg_cache_hits_total 0.0",
    ):
        assert line in text, line
    assert "aicg_cache_hit_ratio" not in text  # of no look-up there is none
    reporter.close()


def test_prometheus_finds_every_process(client: Client) -> None:
    reporters = [Reporter("gateway", Figures(), metrics="127.0.0.1:8001"), Reporter("worker", Figures(), metrics=None)]
    reporters[1]._name = "elsewhere:1"
    for reporter in reporters:
        reporter.write()
    found = client.get("/metrics/targets").json()
    host = telemetry.processes()[0].host
    assert found == [{"targets": ["127.0.0.1:8001"], "labels": {"process": "gateway", "host": host}}]
    everywhere = Reporter("gateway", Figures(), metrics="0.0.0.0:8001")
    everywhere.write()
    assert client.get("/metrics/targets").json()[0]["targets"] == [f"{host}:8001"]
    for reporter in (*reporters, everywhere):
        reporter.close()


@pytest.mark.parametrize("path", ["/metrics", "/metrics/targets"])
def test_strangers_get_no_figures(path: str, new_client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = new_client(headers={"X-Forwarded-For": "203.0.113.9"})
    answer = stranger.get(path)
    assert (answer.status_code, answer.json()["code"]) == (403, "AUTHZ_ERROR")
    monkeypatch.setenv("METRICS_TOKEN", "a-token-of-prometheus")
    settings.cache_clear()
    assert stranger.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 403
    assert stranger.get(path, headers={"Authorization": "Bearer a-token-of-prometheus"}).status_code == 200


def test_our_own_failures_are_counted(client: Client, environment: Servers) -> None:
    before = telemetry.figures().done
    client.get("/health/live")
    assert telemetry.figures().done == before + 1
